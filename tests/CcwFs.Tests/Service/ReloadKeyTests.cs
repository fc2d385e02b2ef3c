using CcwFs.FileSystem;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Service.Reload;
using CcwFs.Tests.Replay;

namespace CcwFs.Tests.Service;

/// <summary>Every key of every kind, changed by a reload: the plan names the change, and what is carried out has it.</summary>
public sealed class ReloadKeyTests : ConfiguredTest
{
    // A key, the kind where it is one's own affair, how it is changed, and what `info` shows then and not before.
    private static readonly (string Key, string? Kind, string Before, string After, string Shown)[] s_changes =
    [
        ("image", "dasd", "image=v.ckd", "image=w.ckd", "w.ckd"),
        ("image", "fba", "image=d.raw", "image=e.raw", "e.raw"),
        ("id", null, "id=0.0.0001", "id=0.0.0002", "0.0.0002"),
        ("devno", null, "devno=0.0.0300", "devno=0.0.0301", "0.0.0301"),
        ("css", null, "css=1", "css=2", "2.0.0000"),
        ("chpids", null, "chpids=40", "chpids=41", "4100000000000000"),
        ("readonly", null, "", "readonly", "policy=readonly"),
        ("allow", null, "", "allow=SENSE_ID", "allow=SENSE_ID"),
        ("deny", null, "deny=SENSE", "deny=SENSE_ID", "deny=SENSE_ID"),
        ("extents", "dasd", "", "extents=0/1-0/2", "extents="),
        ("extents", null, "extents=1-2", "extents=1-3", "extents=1-3"),
        ("max-ccws", null, "", "max-ccws=5", "max-ccws=5"),
        ("max-bytes", null, "max-bytes=6", "max-bytes=7", "max-bytes=7"),
        ("profile", null, "", "profile=full", "full"),
        ("ese", null, "", "ese", "on demand"),
        ("blocks", null, "", "blocks=60", "60 of 512"),
        ("block-size", "dasd", "format=raw,block-size=1024", "format=raw,block-size=512", "blocks of 512 bytes"),
        ("block-size", null, "", "block-size=1024", "50 of 1024"),
        ("format", null, "", "format=raw", "raw, blocks of 4096 bytes"),
        ("cylinders", null, "format=raw,block-size=512,cylinders=2", "format=raw,block-size=512,cylinders=1", "1 of 15 tracks"),
        ("overlay", null, "", "overlay=v.overlay", "v.overlay"),
        ("redo", null, "", "redo=kept", "kept"),
        ("sync", null, "sync=program", "sync=5", "every 5 s"),
        ("fault", null, "fault=any -> lose", "fault=any nth=9 -> lose,fault=data_check", "2 rules"),
        ("hostile", null, "hostile=5", "hostile=6", "hostile=6"),
        ("flight", null, "", "flight=7", "the last 7 programs"),
        ("flight-data", null, "", "flight-data=all", "programs, with data"),
        ("file", null, "file=a.recording", "file=b.recording", "b.recording"),
        ("loose", null, "", "loose", "loose: "),
        ("count", null, "", "count=2", "0.0.0001"),
        ("device", null, "device=/dev/vfio/0", "device=/dev/vfio/1", ""),
        ("iommu", null, "", "iommu=/dev/iommu", ""),
        ("uuid", null, "", "uuid=12345678-1234-1234-1234-123456789abc", ""),
        ("timeout", null, "timeout=5", "timeout=6", ""),
    ];

    public ReloadKeyTests()
    {
        Files.Create("v.ckd", 1);
        Files.Create("w.ckd", 1);
        File.WriteAllBytes(Files["d.raw"], new byte[100 * 512]);
        File.WriteAllBytes(Files["e.raw"], new byte[100 * 512]);
        new RecordingFile().Store(Files["a.recording"]);
        new RecordingFile().Store(Files["b.recording"]);
    }

    /// <summary>Every key of every kind.</summary>
    public static TheoryData<string, string> Keys
    {
        get
        {
            var keys = new TheoryData<string, string>();
            foreach (DeviceKind kind in DeviceKinds.All)
            {
                foreach (SpecKey key in kind.Keys)
                    keys.Add(kind.Name, key.Key);
            }
            return keys;
        }
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_key_that_changes_is_named_by_the_plan_and_the_device_has_it(string kind, string key)
    {
        (string before, string after, string shown) = Change(kind, key);
        Configured.Add(DeviceKinds.Parse(kind == "vfio" ? "dasd" : before));
        if (kind == "vfio") // there is none here: a plan asks no more of its devices than of others
        {
            var entry = new ConfiguredDevice(DeviceKinds.Parse(before), [.. Table.All.Cast<OpenDevice>()], MadeReadOnly: false);
            Assert.Contains(ReloadPlan.Of([entry], [DeviceKinds.Parse(after)], (_, _) => []).Lines, line => Names(line, key));
            return;
        }
        Assert.DoesNotContain(shown, Facts(), StringComparison.Ordinal);
        Assert.Contains(Reload(after), line => Names(line, key));
        Assert.Contains(shown, Facts(), StringComparison.Ordinal);
        Assert.NotEmpty(Reload(before));
        Assert.DoesNotContain(shown, Facts(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dasd,image=v.ckd")]
    [InlineData("fba,image=d.raw")]
    public void Sync_changes_under_a_device_that_stays(string spec)
    {
        Configured.Add(DeviceKinds.Parse(spec));
        MountedSubchannel before = Assert.Single(Table.All);
        foreach ((string sync, string shown) in ((string, string)[])[("program", "program"), ("3600", "every 3600 s"), ("1", "every 1 s"), ("none", "none")])
        {
            Assert.Equal([$"0.0.0000: sync {shown}"], Reload($"{spec},sync={sync}"));
            Assert.Contains($"sync={shown}\n", Facts(), StringComparison.Ordinal);
        }
        Assert.Same(before, Assert.Single(Table.All));
    }

    [Fact]
    public void The_strictest_sync_of_an_image_counts_as_long_as_its_device_is_there()
    {
        Assert.Empty(Configured.CarryOut(Plan("fba,image=d.raw,sync=program", "fba,image=d.raw,sync=program"), _ => { }));
        List<string> changed = [];
        Assert.Empty(Configured.CarryOut(Plan("fba,image=d.raw,sync=program", "fba,image=d.raw"), changed.Add));
        Assert.Equal(["0.0.0001: sync none", "0.0.0001: sync stays program as long as another device on its image wants that"], changed);
        Assert.Empty(Configured.CarryOut(Plan("fba,image=d.raw"), _ => { }));
        Assert.Contains("sync=none\n", Facts(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_that_a_device_which_stays_has_otherwise_is_refused()
    {
        Assert.Empty(Configured.CarryOut(Plan("fba,image=d.raw", "fba,image=d.raw,chpids=41"), _ => { }));
        ReloadPlan plan = Plan("fba,image=d.raw", "fba,image=d.raw,chpids=41,blocks=60");
        Assert.EndsWith(
            "has it open: there it has 100 blocks of 512 bytes; give the same block-size and blocks, or remove that first",
            Assert.Single(plan.Coming).Problem, StringComparison.Ordinal);
        Assert.Single(Configured.CarryOut(plan, _ => { }));
        Assert.Equal(2, Table.Count);
    }

    [Fact]
    public void An_image_becomes_one_of_another_kind()
    {
        Configured.Add(DeviceKinds.Parse("dasd,image=v.ckd"));
        Assert.Equal(["remove 0.0.0000: dasd,image=v.ckd", "add fba,image=v.ckd after closing 0.0.0000"], Reload("fba,image=v.ckd"));
        Assert.Contains("devtype=9336", Facts(), StringComparison.Ordinal);
    }

    private static bool Names(string line, string key) =>
        line.Contains("," + key, StringComparison.Ordinal) || line.Contains(" " + key, StringComparison.Ordinal);

    private static (string Before, string After, string Shown) Change(string kind, string key)
    {
        (_, _, string before, string after, string shown) = Assert.Single(
            s_changes.Where(change => change.Key == key).OrderBy(change => change.Kind is null)
                .Where(change => change.Kind is null || change.Kind == kind).Take(1));
        string start = key is "image" or "device" or "file" ? kind : kind + kind switch
        {
            "dasd" => ",image=v.ckd",
            "fba" => ",image=d.raw",
            "replay" => ",file=a.recording",
            _ => ",device=/dev/vfio/0",
        };
        return (before.Length > 0 ? $"{start},{before}" : start, $"{start},{after}", shown);
    }

    /// <summary>Carries a plan out; gives its lines.</summary>
    private string[] Reload(string wanted)
    {
        ReloadPlan plan = Plan(wanted);
        string[] lines = [.. plan.Lines];
        Assert.Empty(Configured.CarryOut(plan, _ => { }));
        Assert.Empty(Plan(wanted).Lines);
        return lines;
    }

    private string Facts() => string.Concat(
        Table.All.SelectMany(subchannel => DeviceInfo.Facts(subchannel.Device)).Select(fact => $"{fact.Key}={fact.Value}\n"));
}
