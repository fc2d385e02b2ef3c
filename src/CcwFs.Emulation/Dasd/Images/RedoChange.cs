using System.Buffers.Binary;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>What an image shows of a change in its redo file.</summary>
internal enum ChangeProgress
{
    /// <summary>Nothing of it is in place: it was never acknowledged, and the old tracks are whole.</summary>
    NotBegun,

    /// <summary>Some of it is in place: tracks are half written until the rest is, too.</summary>
    Begun,

    /// <summary>All of it is in place.</summary>
    Done,

    /// <summary>
    /// Sectors are neither as they were nor as they were to be, or some of them are as they were to be and the file does not hold the rest: another
    /// program has written since.
    /// </summary>
    Foreign,
}

/// <summary>A track of a change: where it is to be written and what was there.</summary>
/// <param name="Number">Track.</param>
/// <param name="Length">Used bytes of the slot; 0: it becomes empty.</param>
/// <param name="Runs">Sectors that are written.</param>
/// <param name="Sums">Checksums of what each sector was and becomes; of a released track, of its first sector.</param>
/// <param name="BytesAt">Where in the file what they become begins, in order.</param>
/// <param name="BytesLength">Its bytes, all together; no more than a slot has.</param>
internal sealed record PendingTrack(int Number, int Length, SectorRun[] Runs, (uint Old, uint New)[] Sums, long BytesAt, int BytesLength)
{
    public bool IsReleased => Length == 0;

    /// <summary>
    /// The file holds what the sectors become. It does not where their writing was cut short, or a later change has begun to take their place.
    /// </summary>
    public bool IsWhole { get; init; } = true;

    /// <summary>The sectors that are written, in order: where in the slot, and where in what they become.</summary>
    public IEnumerable<(int Start, int Length, int From)> Sectors => Pieces(Runs, Length, RedoFile.SectorSize);

    /// <summary>The same as runs, each to be written in one go.</summary>
    public IEnumerable<(int Start, int Length, int From)> Spans => Pieces(Runs, Length, int.MaxValue);

    /// <summary>Puts what the sectors become over those of a slot.</summary>
    public void Apply(Span<byte> slot, ReadOnlySpan<byte> bytes)
    {
        if (IsReleased)
            slot.Clear();
        foreach ((int start, int length, int from) in Spans)
            bytes.Slice(from, length).CopyTo(slot[start..]);
    }

    /// <summary>Whether bytes for all of the sectors are what they are to become.</summary>
    public bool IsMadeOf(ReadOnlySpan<byte> bytes)
    {
        int index = 0;
        foreach ((_, int length, int from) in Sectors)
        {
            if (Crc32C.Of(bytes.Slice(from, length)) != Sums[index++].New)
                return false;
        }
        return true;
    }

    private static IEnumerable<(int Start, int Length, int From)> Pieces(SectorRun[] runs, int used, int most)
    {
        int from = 0;
        foreach (SectorRun run in runs)
        {
            int start = run.First * RedoFile.SectorSize, end = Math.Min(start + run.Count * RedoFile.SectorSize, used);
            for (int length; start < end; start += length, from += length)
            {
                length = Math.Min(most, end - start);
                yield return (start, length, from);
            }
        }
    }
}

/// <summary>
/// The last change that a redo file holds, as <see cref="RedoFile"/> writes it. What its sectors become stays in the file, which must be open as long
/// as it is asked for: how much that is the file says, and a user who may add an image may have written it.
/// </summary>
internal sealed class RedoChange
{
    private readonly IImageFile _file;
    private readonly byte[] _slot; // what one track becomes

    private RedoChange(IImageFile file, byte[] slot, ReadOnlySpan<byte> head, List<PendingTrack> tracks)
    {
        (_file, _slot, Tracks) = (file, slot, tracks);
        Flags = (RedoFlags)BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        Generation = BinaryPrimitives.ReadUInt64LittleEndian(head[16..]);
        ChangedAt = BinaryPrimitives.ReadInt64LittleEndian(head[32..]);
    }

    public RedoFlags Flags { get; }

    /// <summary>Number of the change in its session.</summary>
    public ulong Generation { get; }

    /// <summary>With <see cref="RedoFlags.Stuck"/>: ctime of the image files when writing in place was given up, in ns.</summary>
    public long ChangedAt { get; }

    public IReadOnlyList<PendingTrack> Tracks { get; }

    /// <summary>All of what is to be written is there.</summary>
    public bool IsWhole => Tracks.All(static track => track.IsWhole);

    /// <summary>
    /// Reads what is pending under a head; null when nothing is, or when its writing was cut short: then nothing of it is in place. Every number of
    /// the file is checked. An error of the file, or damage, is an <see cref="ImageException"/>.
    /// </summary>
    public static RedoChange? Read(IImageFile file, in RedoHead head, int volumeTracks, int slotSize)
    {
        byte[] change = new byte[RedoFile.ChangeSize];
        if (!Fill(file, RedoFile.ChangeAt, change))
            return null;
        int count = BinaryPrimitives.ReadInt32LittleEndian(change);
        int tableBytes = BinaryPrimitives.ReadInt32LittleEndian(change.AsSpan(24));
        if (count == 0)
            return null;
        // The change's head, these 64 bytes, lies in one sector, which a disk writes whole: where it does not fit itself it was damaged later.
        if (count is < 0 or > RedoFile.MaxTracks || count != BinaryPrimitives.ReadInt32LittleEndian(change.AsSpan(40))
            || BinaryPrimitives.ReadUInt32LittleEndian(change.AsSpan(60)) != Crc32C.Of(change.AsSpan(4, 56)))
            throw RedoHead.Damaged(file.Path, RedoFile.ChangeAt);
        if (BinaryPrimitives.ReadUInt64LittleEndian(change.AsSpan(8)) != head.Session
            || tableBytes < count * RedoFile.EntrySize || tableBytes > RedoFile.DataAt - RedoFile.TableAt)
            return null;
        byte[] table = new byte[tableBytes];
        if (!Fill(file, RedoFile.TableAt, table) || BinaryPrimitives.ReadUInt32LittleEndian(change.AsSpan(28)) != Crc32C.Of(table))
            return null;
        byte[] slot = new byte[slotSize];
        return ReadTracks(file, table, count, volumeTracks, slot) is { } tracks ? new RedoChange(file, slot, change, tracks) : null;
    }

    /// <summary>
    /// What the sectors of a track become, in order, read out of the file: valid until the next call. Throws <see cref="ImageException"/>.
    /// </summary>
    public ReadOnlySpan<byte> BytesOf(PendingTrack track) => ReadBytes(_file, track, _slot) ? _slot.AsSpan(0, track.BytesLength)
        : throw new ImageException($"{_file.Path}: offset {track.BytesAt}: it was changed while the image was opened; try again");

    /// <summary>
    /// Compares the change with the slots; <paramref name="read"/> gives a track's as it is in the file, valid until the next call.
    /// </summary>
    public ChangeProgress Judge(Func<int, ReadOnlySpan<byte>> read)
    {
        bool isOld = false, isNew = false, releases = false, isWhole = true;
        foreach (PendingTrack track in Tracks)
        {
            ReadOnlySpan<byte> slot = read(track.Number);
            releases |= track.IsReleased;
            isWhole &= track.IsWhole;
            if (!(track.IsReleased ? JudgeReleased(track, slot, ref isOld, ref isNew) : JudgeSectors(track, slot, ref isOld, ref isNew)))
                return ChangeProgress.Foreign;
        }
        // A released track begins with zeros before the rest of it goes.
        return !isNew ? ChangeProgress.NotBegun
            : !isOld && !releases ? ChangeProgress.Done
            : isWhole ? ChangeProgress.Begun : ChangeProgress.Foreign;
    }

    private static bool JudgeReleased(PendingTrack track, ReadOnlySpan<byte> slot, ref bool isOld, ref bool isNew)
    {
        bool empty = slot[..RedoFile.SectorSize].IndexOfAnyExcept((byte)0) < 0;
        bool unchanged = Crc32C.Of(slot[..RedoFile.SectorSize]) == track.Sums[0].Old;
        isNew |= empty && !unchanged;
        isOld |= unchanged && !empty;
        return empty || unchanged;
    }

    private static bool JudgeSectors(PendingTrack track, ReadOnlySpan<byte> slot, ref bool isOld, ref bool isNew)
    {
        int index = 0;
        foreach ((int start, int length, _) in track.Sectors)
        {
            uint there = Crc32C.Of(slot.Slice(start, length));
            (uint old, uint now) = track.Sums[index++];
            if (there != old && there != now)
                return false;
            isNew |= there == now;
            isOld |= there == old;
        }
        return true;
    }

    private static List<PendingTrack>? ReadTracks(IImageFile file, ReadOnlySpan<byte> table, int count, int volumeTracks, byte[] slot)
    {
        ReadOnlySpan<byte> rest = table[(count * RedoFile.EntrySize)..];
        int runs = 0, mostRuns = rest.Length / RedoFile.RunSize;
        for (int index = 0; index < count; index++)
        {
            int more = BinaryPrimitives.ReadInt32LittleEndian(table[(index * RedoFile.EntrySize + 8)..]);
            if (more < 0 || more > mostRuns - runs)
                return null;
            runs += more;
        }
        ReadOnlySpan<byte> sums = rest[(runs * RedoFile.RunSize)..];
        var tracks = new List<PendingTrack>(count);
        HashSet<int> numbers = [];
        long offset = RedoFile.DataAt;
        for (int index = 0; index < count; index++)
        {
            if (ReadTrack(table[(index * RedoFile.EntrySize)..], ref rest, ref sums, offset, volumeTracks, slot.Length) is not { } track)
                return null;
            if (!numbers.Add(track.Number)) // we write each once
                throw RedoHead.Damaged(file.Path, RedoFile.TableAt);
            offset += track.BytesLength;
            tracks.Add(ReadBytes(file, track, slot) ? track : track with { IsWhole = false });
        }
        return sums.IsEmpty ? tracks : null;
    }

    private static PendingTrack? ReadTrack(
        ReadOnlySpan<byte> entry, ref ReadOnlySpan<byte> runs, ref ReadOnlySpan<byte> sums, long offset, int volumeTracks,
        int slotSize)
    {
        int number = BinaryPrimitives.ReadInt32LittleEndian(entry), length = BinaryPrimitives.ReadInt32LittleEndian(entry[4..]);
        var list = new SectorRun[BinaryPrimitives.ReadInt32LittleEndian(entry[8..])];
        if ((uint)number >= (uint)volumeTracks || (uint)length > (uint)slotSize || (length == 0) != (list.Length == 0))
            return null;
        if (length == 0)
            return new PendingTrack(number, 0, list, [(BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]), 0)], offset, 0);
        int next = 0, sectors = 0, bytes = 0;
        foreach (ref SectorRun run in list.AsSpan())
        {
            run = new SectorRun(BinaryPrimitives.ReadUInt16LittleEndian(runs), BinaryPrimitives.ReadUInt16LittleEndian(runs[2..]));
            runs = runs[RedoFile.RunSize..];
            if (run.Count == 0 || run.First < next || (run.First + run.Count - 1) * RedoFile.SectorSize >= length)
                return null;
            next = run.First + run.Count;
            sectors += run.Count;
            bytes += Math.Min(run.Count * RedoFile.SectorSize, length - run.First * RedoFile.SectorSize);
        }
        if (sums.Length < sectors * RedoFile.SumSize)
            return null;
        var each = new (uint Old, uint New)[sectors];
        foreach (ref (uint Old, uint New) sum in each.AsSpan())
        {
            sum = (BinaryPrimitives.ReadUInt32LittleEndian(sums), BinaryPrimitives.ReadUInt32LittleEndian(sums[4..]));
            sums = sums[RedoFile.SumSize..];
        }
        return new PendingTrack(number, length, list, each, offset, bytes);
    }

    /// <summary>Reads what the sectors of a track become; false when the file does not hold it.</summary>
    private static bool ReadBytes(IImageFile file, PendingTrack track, byte[] slot)
    {
        Span<byte> bytes = slot.AsSpan(0, track.BytesLength);
        return Fill(file, track.BytesAt, bytes) && (track.IsReleased || track.IsMadeOf(bytes));
    }

    private static bool Fill(IImageFile file, long offset, Span<byte> bytes)
    {
        int read = file.ReadAt(offset, bytes);
        return read >= 0 ? read == bytes.Length : throw new ImageException($"{file.Path}: offset {offset}: {Linux.Problem.Of(read)}", -read);
    }
}
