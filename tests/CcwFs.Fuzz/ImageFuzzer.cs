using System.Diagnostics;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Fuzz;

/// <summary>
/// Images and redo files, damaged at random, as files of this machine: each is refused in one line or opened; what check says of it is what the open
/// does; tracks that were whole stay old or new; what is written is read again. One round is one pair of files. The files of a round that fails are
/// kept.
/// </summary>
public sealed class ImageFuzzer : IDisposable
{
    private const int ChangeAt = 512, TracksAgain = 40, TableAt = 576, DataAt = 2 << 20, RedoSector = 512; // of a redo file
    private const int HeaderSize = 512, TrackStart = 400; // of an image: its header, and the part of a slot where the structure is
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ccwfs-fuzz-");
    private readonly CkdGeometry _geometry = CkdGeometry.Model3390(1);
    private readonly List<(byte[] Before, byte[] After, byte[] Redo)> _changes = [];
    private readonly Random _random;
    private readonly string _path;
    private bool _failed;
    private string _case = "";

    /// <summary>A fuzzer whose files follow from <paramref name="seed"/>.</summary>
    public ImageFuzzer(int seed)
    {
        _random = new Random(seed);
        _path = Path.Combine(_directory.FullName, "v.ckd");
        CkdImageCreator.Create(_path, _geometry, VolumeLayout.Create(_geometry, VolumeFormat.Ldl, volser: "FUZZ01"));
        Record(image => image.Write([Filled(2, 1), Filled(5, 1), Filled(6, 1)]));
        Record(image => image.Write([Filled(2, 2), Filled(5, 2), Filled(9, 2)]));
        Record(image => image.Release(5, 2));
        Record(image => image.Write([Filled(5, 3)]));
    }

    /// <summary>Pairs of files made.</summary>
    public int Rounds { get; private set; }

    /// <summary>Pairs that were opened to write.</summary>
    public int Opened { get; private set; }

    /// <summary>Runs for so long; throws <see cref="FuzzException"/>.</summary>
    public void Run(TimeSpan time)
    {
        for (long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end; Rounds++)
        {
            try
            {
                RunOne();
            }
            catch (Exception error)
            {
                _failed = true;
                string what = error is FuzzException ? error.Message : error.ToString();
                throw new FuzzException(what, $"round {Rounds}: {_case}; the files are in {_directory.FullName}");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_failed)
            _directory.Delete(recursive: true);
    }

    private void RunOne()
    {
        (byte[] before, byte[] after, byte[] redo) = _changes[_random.Next(_changes.Count)];
        byte[] image = (byte[])(_random.Next(4) == 0 ? after : before).Clone();
        bool isTorn = _random.Next(3) == 0, isDamaged = _random.Next(3) == 0, hasRedo = _random.Next(8) != 0, isForged = hasRedo
            && _random.Next(2) == 0;
        if (isTorn)
            Tear(image, after);
        bool isBegun = !image.AsSpan().SequenceEqual(before);
        if (isDamaged)
            image = Mutate(image, ImagePlace);
        byte[] other = isForged ? Mutate(redo, RedoPlace) : redo;
        _case = $"torn {isTorn}, image damaged {isDamaged}, redo file {(hasRedo ? isForged ? "damaged" : "whole" : "none")}";
        Put(_path, image);
        File.Delete(_path + IRedoPlace.Suffix);
        if (hasRedo)
            Put(_path + IRedoPlace.Suffix, other);
        string? checkSays = Check(), readerMeets = Open(readOnly: true, out CkdImage? reader);
        reader?.Dispose();
        string? writerMeets = Open(readOnly: false, out CkdImage? opened);
        Expect((checkSays is null) == (writerMeets is null), $"check says {checkSays ?? "nothing"}, the open {writerMeets ?? "nothing"}");
        Expect((readerMeets is null) == (writerMeets is null), $"a reader meets {readerMeets ?? "nothing"}, a writer {writerMeets ?? "nothing"}");
        if (opened is null)
            return;
        Opened++;
        using (opened)
        {
            if (!isDamaged && !(isTorn && isForged))
                ExpectWhole(opened, before, after, isTorn, isBegun && hasRedo && !isForged);
            Use(opened);
        }
        Expect(opened.CloseFault is null && !File.Exists(_path + IRedoPlace.Suffix), $"the close says {opened.CloseFault ?? "nothing"}");
    }

    private string? Check()
    {
        try
        {
            using CkdImage image = CkdImage.OpenAsIs(HostImageFiles.Instance, _path);
            foreach (ImageFinding finding in ImageChecker.Check(image))
                Expect(!finding.ToString().Contains('\n', StringComparison.Ordinal), "a finding of two lines");
            return image.RedoProblem;
        }
        catch (ImageException error)
        {
            return error.Message;
        }
    }

    private string? Open(bool readOnly, out CkdImage? image)
    {
        image = null;
        try
        {
            image = CkdImage.Open(_path, readOnly);
            return null;
        }
        catch (ImageException error)
        {
            bool isLine = !error.Message.Contains('\n', StringComparison.Ordinal) && error.Message.StartsWith(_path, StringComparison.Ordinal);
            Expect(isLine, $"no line of ours: {error.Message}");
            return error.Message;
        }
    }

    /// <summary>Tracks that were not torn are all old or all new; torn ones with a whole redo file are new.</summary>
    private void ExpectWhole(CkdImage image, byte[] before, byte[] after, bool isTorn, bool mustBeNew)
    {
        byte[] slot = new byte[_geometry.TrackSize];
        bool isOld = true, isNew = true;
        for (int track = 0; track < _geometry.Tracks; track++)
        {
            image.Read(track, slot);
            isOld &= slot.AsSpan().SequenceEqual(Slot(before, track));
            isNew &= slot.AsSpan().SequenceEqual(Slot(after, track));
        }
        Expect(isNew || (!mustBeNew && (isOld || isTorn)), "a mixture was opened");
    }

    /// <summary>Reads every track, changes what can be read, and reads it again.</summary>
    private void Use(CkdImage image)
    {
        var track = new CkdTrack(_geometry);
        byte[] again = new byte[_geometry.TrackSize];
        for (int number = 0; number < _geometry.Tracks; number++)
        {
            if (track.Load(image, number) is not null)
                continue;
            byte[] bytes = track.Image.ToArray();
            if (track.RecordCount > 1 && track.Data(1).Length > 0)
                track.Data(1)[0] ^= 1;
            image.Write([new TrackImage(number, track.Image, track.WasUnformatted ? default : bytes)]);
            image.Read(number, again);
            Expect(again.AsSpan(0, track.Image.Length).SequenceEqual(track.Image.Span), $"track {number} is not what was written");
        }
    }

    private void Record(Action<CkdImage> change)
    {
        byte[] before = File.ReadAllBytes(_path), redo;
        using (CkdImage image = CkdImage.Open(_path))
        {
            change(image);
            redo = File.ReadAllBytes(_path + IRedoPlace.Suffix);
        }
        redo.AsSpan(ChangeAt + TracksAgain, sizeof(int)).CopyTo(redo.AsSpan(ChangeAt)); // it is pending again
        _changes.Add((before, File.ReadAllBytes(_path), redo));
    }

    private TrackImage Filled(int number, byte value)
    {
        var track = new CkdTrack(_geometry);
        VolumeLayout.Create(_geometry, VolumeFormat.Ldl, volser: "FUZZ01").Format(number, track);
        for (int record = 1; record < track.RecordCount; record++)
            track.Data(record).Fill(value);
        return new TrackImage(number, track.Image);
    }

    /// <summary>Some sectors of the slots are as they are after the change.</summary>
    private void Tear(byte[] image, byte[] after)
    {
        for (int track = 0; track < _geometry.Tracks; track++)
        {
            int sectors = _random.Next(1 + _geometry.TrackSize / RedoSector);
            Slot(after, track)[..(sectors * RedoSector)].CopyTo(Slot(image, track));
        }
    }

    private Span<byte> Slot(byte[] image, int track) => image.AsSpan(HeaderSize + track * _geometry.TrackSize, _geometry.TrackSize);

    private int ImagePlace() => _random.Next(3) switch
    {
        0 => _random.Next(32),
        1 => HeaderSize + _random.Next(_geometry.Tracks) * _geometry.TrackSize + _random.Next(TrackStart),
        _ => HeaderSize + _random.Next(_geometry.Tracks * _geometry.TrackSize),
    };

    private int RedoPlace() => _random.Next(4) switch
    {
        0 => _random.Next(80),
        1 => ChangeAt + _random.Next(TableAt - ChangeAt),
        2 => TableAt + _random.Next(600),
        _ => DataAt + _random.Next(100_000),
    };

    private byte[] Mutate(byte[] bytes, Func<int> place)
    {
        byte[] bad = bytes[..(_random.Next(10) == 0 ? _random.Next(bytes.Length) : bytes.Length)];
        for (int change = _random.Next(1, 4); change > 0; change--)
        {
            int at = place();
            if (at < bad.Length)
                bad[at] = _random.Next(3) switch { 0 => 0xFF, 1 => (byte)(bad[at] ^ (1 << _random.Next(8))), _ => (byte)_random.Next(256) };
        }
        return bad;
    }

    /// <summary>The file stays the same one: a redo file is bound to its inode.</summary>
    private static void Put(string path, byte[] bytes)
    {
        using FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.Write);
        file.Write(bytes);
        file.SetLength(bytes.Length);
    }

    private void Expect(bool holds, string what)
    {
        if (!holds)
            throw new FuzzException(what, _case);
    }
}
