using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

/// <summary>
/// Every state that a run may leave on the medium is opened: after a power cut, with pages torn and reordered, and after a kill of the process.
/// CCWFS_POWER_CUTS=N opens N states a test.
/// </summary>
public abstract class PowerCutTests(StoreForm form) : IDisposable
{
    private const int Changes = 60, FewChanges = 15;
    private static readonly int s_states =
        int.TryParse(Environment.GetEnvironmentVariable("CCWFS_POWER_CUTS"), out int states) ? states : 10_000;

    private readonly ImageDirectory _files = new();

    public void Dispose()
    {
        _files.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void With_sync_program_a_power_cut_leaves_every_acknowledged_change_and_the_one_under_way_whole_or_not_there()
    {
        Run run = Record(ImageSync.Program, seed: 1);
        var random = new Random(2);
        (int old, int now) = (0, 0);
        for (int state = 0; state < s_states; state++)
        {
            int cut = run.Cut(state, s_states);
            RecordedDisk disk = run.States.AfterPowerCut(cut, random);
            using SlotStore image = disk.OpenImage(ImageSync.Program); // is never refused
            _ = run.Judge(image, cut) ? now++ : old++;
        }
        Assert.True(old > s_states / 20 && now > s_states / 20, $"{old} old, {now} new: not every kind of state was tried");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3_600)]
    public void Without_it_a_power_cut_is_told_and_nothing_that_may_be_a_mixture_is_shown(int seconds)
    {
        Run run = Record(new ImageSync(EveryProgram: false, seconds), seed: 3, FewChanges);
        var random = new Random(4);
        (int refused, int opened, int states) = (0, 0, s_states / 10);
        for (int state = 0; state < states; state++)
        {
            int cut = run.Cut(state, states);
            RecordedDisk disk = run.States.AfterPowerCut(cut, random);
            try
            {
                using SlotStore image = disk.OpenImage(ImageSync.None);
                run.Judge(image, cut);
                opened++;
            }
            catch (ImageException refusal)
            {
                Assert.Contains("disk.ckd was in use when ccwfs stopped, not every program was synced", refusal.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', refusal.Message);
                refused++;
            }
        }
        Assert.True(refused > states / 2 && opened > 0, $"{refused} refused, {opened} opened");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_kill_at_any_step_leaves_every_acknowledged_change_and_the_one_under_way_whole_or_not_there(bool program)
    {
        Run run = Record(program ? ImageSync.Program : ImageSync.None, seed: 5);
        var random = new Random(6);
        (int old, int now) = (0, 0);
        for (int state = 0; state < s_states / 4; state++)
        {
            int cut = run.Cut(state, s_states / 4);
            RecordedDisk disk = run.States.AfterKill(cut, random, run.Boot);
            using (SlotStore reader = disk.OpenImage(ImageSync.None, readOnly: true))
                run.Judge(reader, cut);
            using SlotStore image = disk.OpenImage(ImageSync.None);
            _ = run.Judge(image, cut) ? now++ : old++;
        }
        Assert.True(old > s_states / 80 && now > s_states / 80, $"{old} old, {now} new: not every kind of state was tried");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_killed_one_wrote_is_synced_before_its_redo_file_goes(bool program)
    {
        Run run = Record(program ? ImageSync.Program : ImageSync.None, seed: 7);
        RecordedDisk killed = run.States.AfterKill(run.LastStep, new Random(8), run.Boot);
        Assert.NotNull(killed.Redo);
        byte[] image = killed.Image.Bytes.ToArray();
        killed.Fail = what => what == "image sync" ? -5 : 0;
        Assert.Contains("input/output error", Assert.Throws<ImageException>(() => killed.OpenImage(ImageSync.None)).Message,
            StringComparison.Ordinal);
        Assert.NotNull(killed.Redo); // as long as nothing was synced it says so
        killed.Fail = null;
        killed.OpenImage(ImageSync.None).Dispose();
        Assert.Null(killed.Redo);
        Assert.Contains(killed.Steps, step => step.Act == DiskAct.Sync && step.File == killed.Image);
        Assert.Equal(image, killed.Image.Bytes);
    }

    private Run Record(ImageSync sync, int seed, int changes = Changes)
    {
        byte[] image = form.Make(_files, $"POWER{seed}");
        var boot = Guid.NewGuid();
        var disk = new RecordedDisk(new DiskFile(1, (byte[])image.Clone()), null, boot) { Form = form };
        var run = new Run(form, disk.Steps, image, boot);
        var random = new Random(seed);
        using SlotStore volume = disk.OpenImage(sync);
        run.Begin(volume);
        for (int change = 0; change < changes; change++)
            run.Do(volume, random);
        run.LastStep = disk.Steps.Count;
        return run;
    }

    /// <summary>A recorded run: what each change was to do, and between which steps.</summary>
    private sealed class Run(StoreForm form, List<DiskStep> steps, byte[] image, Guid boot)
    {
        private readonly List<(int From, int To, Dictionary<int, byte[]> Tracks)> _changes = [];
        private readonly List<Dictionary<int, byte[]>> _after = [];
        private readonly List<CkdTrack> _tracks = [];

        public DiskStates States { get; } = new(image, steps) { Form = form };

        public Guid Boot => boot;

        public int LastStep { get; set; }

        public void Begin(SlotStore volume)
        {
            Dictionary<int, byte[]> all = [];
            for (int number = 0; number < volume.Geometry.Tracks; number++)
            {
                var track = new CkdTrack(volume.Geometry);
                Assert.Null(track.Load(volume, number));
                _tracks.Add(track);
                all.Add(number, track.Image.ToArray());
            }
            _after.Add(all);
        }

        public void Do(SlotStore volume, Random random)
        {
            Dictionary<int, byte[]> change = [];
            int from = steps.Count;
            if (random.Next(6) == 0)
            {
                int first = random.Next(3, 12), count = random.Next(1, 3);
                for (int number = first; number < first + count; number++)
                {
                    form.Release(_tracks[number]);
                    change[number] = _tracks[number].Image.ToArray();
                }
                volume.Release(first, count);
            }
            else
            {
                for (int more = random.Next(1, 5); more > 0; more--)
                    Alter(change, random.Next(volume.Geometry.Tracks), random);
                volume.Write([.. change.Select(each => new TrackImage(each.Key, each.Value))]);
            }
            _changes.Add((from, steps.Count, change));
            var after = new Dictionary<int, byte[]>(_after[^1]);
            foreach ((int number, byte[] bytes) in change)
                after[number] = bytes;
            _after.Add(after);
        }

        /// <summary>Steps spread evenly over all states.</summary>
        public int Cut(int state, int states) => 1 + (int)((long)state * (LastStep - 1) / states);

        /// <summary>Asserts that every track is what was acknowledged, and those of the change under way all old or all new; true: new.</summary>
        public bool Judge(SlotStore volume, int cut)
        {
            int done = _changes.FindLastIndex(change => change.To <= cut) + 1;
            Dictionary<int, byte[]> before = _after[done], after = done < _changes.Count && _changes[done].From < cut ? _after[done + 1] : before;
            bool old = true, now = true;
            var track = new CkdTrack(volume.Geometry);
            for (int number = 0; number < volume.Geometry.Tracks; number++)
            {
                string? torn = track.Load(volume, number);
                Assert.True(torn is null, $"step {cut}: track {number} is torn: {torn}");
                ReadOnlySpan<byte> bytes = track.Image.Span;
                (bool isOld, bool isNew) = (bytes.SequenceEqual(before[number]), bytes.SequenceEqual(after[number]));
                Assert.True(isOld || isNew, $"step {cut}: track {number} is a mixture or older than what was acknowledged");
                (old, now) = (old && isOld, now && isNew);
            }
            Assert.True(old || now, $"step {cut}: some tracks of one change are old and some new");
            return now && after != before;
        }

        private void Alter(Dictionary<int, byte[]> change, int number, Random random)
        {
            form.Alter(_tracks[number], random);
            change[number] = _tracks[number].Image.ToArray();
        }
    }
}

public sealed class CkdPowerCutTests() : PowerCutTests(StoreForm.Ckd);

public sealed class RawPowerCutTests() : PowerCutTests(StoreForm.Raw);

public sealed class OverlayPowerCutTests() : PowerCutTests(StoreForm.Overlay);
