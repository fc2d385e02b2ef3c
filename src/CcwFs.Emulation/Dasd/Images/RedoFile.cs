using System.Buffers.Binary;
using System.Runtime.InteropServices;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>A run of sectors of a track that a change writes; the last sector may be the part of one that the track uses.</summary>
internal readonly record struct SectorRun(ushort First, ushort Count);

/// <summary>
/// The redo file beside an image: <see cref="RedoHead"/>, then the last change as a whole, before it goes in place. A change holds the sectors of the
/// slots that differ and the checksum of what each of them replaces, so that a later open can tell what has become of it (<see cref="RedoChange"/>).
/// Guarded by the image's write lock.
/// </summary>
/// <remarks>
/// Numbers are little-endian. The sector at 512 is the change's head:
/// <code>
/// offset  field
///      0  tracks u32; 0: nothing is pending
///      4  flags u32 (RedoFlags)
///      8  session u64, the file head's
///     16  generation u64
///     24  bytes of the table u32
///     28  checksum of the table u32
///     32  latest ctime of the image files in ns i64 (with Stuck)
///     40  tracks again u32: the checksum leaves out the ones at 0, which are made 0 alone when the change is in place, and this proves them
///     44  0 (16 bytes)
///     60  checksum of bytes 4 to 59 u32
/// </code>
/// The table is at 576, and its parts follow each other:
/// <code>
/// bytes         field
/// 16 a track    number i32, used bytes i32 (0: released), runs u32, checksum of the old first sector u32 (released, without runs; else 0)
///  4 a run      first sector u16, sectors u16
///  8 a sector   checksum of the old bytes u32, of the new ones u32
/// </code>
/// From 2 MiB on are the new bytes of the sectors, in order: they may be those of a later change already, whose table never came.
/// </remarks>
internal sealed class RedoFile : IDisposable
{
    /// <summary>Most tracks of one change (arbitrary: 68 cylinders).</summary>
    public const int MaxTracks = 1_024;

    /// <summary>
    /// Tracks whose entries lie in the file's first 4,096 bytes: where the file is there, a change of so many tracks without bytes needs no space.
    /// </summary>
    public const int TracksInFirstPage = (4_096 - TableAt) / EntrySize;

    /// <summary>Bytes of a sector: what a disk writes whole.</summary>
    public const int SectorSize = 512;

    internal const int ChangeAt = RedoHead.Size;
    internal const int ChangeSize = 64;
    internal const int TableAt = ChangeAt + ChangeSize;
    internal const int EntrySize = 16;
    internal const int RunSize = 4;
    internal const int SumSize = 8;
    internal const long DataAt = 2 << 20; // after the longest table: 1,024 tracks of 111 sectors
    internal static readonly long MostLength = DataAt + (long)MaxTracks * CkdGeometry.Model3390(1).TrackSize; // whole tracks
    private readonly IRedoPlace _place;
    private readonly List<Entry> _entries = [];
    private readonly List<SectorRun> _runs = [];
    private readonly List<(uint Old, uint New)> _sums = [];
    private readonly byte[] _sector = new byte[RedoHead.Size];
    private byte[] _table = new byte[TableAt];
    private IImageFile? _file;
    private RedoHead _head;
    private bool _headIsWritten; // _sector is what the head is
    private bool _nameIsSynced;
    private bool _wasLost;
    private ulong _generation;
    private long _dataEnd;

    /// <summary>A redo file of <paramref name="place"/>, which it owns from now on; it is made when it is first needed.</summary>
    public RedoFile(IRedoPlace place, RedoHead head) => (_place, _head) = (place, head);

    /// <summary>Where it is, for a person.</summary>
    public string Path => _place.Path;

    /// <summary>It was made by this object.</summary>
    public bool Exists => _file is not null;

    /// <summary>It is there as it was written: not removed, replaced or emptied.</summary>
    public bool Holds => IsNamed && CompareHead() == 0;

    private bool IsNamed => _file is not null && _place.Holds();

    /// <summary>
    /// 0: the head is what we wrote, as far as we know what that is; 1: it is not, for the file was cut off or written over; or a negative errno.
    /// </summary>
    private int CompareHead()
    {
        if (!_headIsWritten)
            return 0;
        Span<byte> head = stackalloc byte[RedoHead.Size];
        int read = _file!.ReadAt(0, head);
        return read < 0 ? read : read == head.Length && head.SequenceEqual(_sector) ? 0 : 1;
    }

    /// <summary>What its head says now.</summary>
    public RedoState State => _head.State;

    /// <summary>The change that is being put together holds nothing.</summary>
    public bool IsEmpty => _entries.Count == 0;

    /// <summary>
    /// The head on the disk says <see cref="State"/>: it does not after a failed <see cref="Mark"/>, nor, on stable storage, in a file that was made
    /// anew.
    /// </summary>
    public bool HeadIsKnown { get; private set; }

    /// <summary>Makes the file where it is not there. Throws <see cref="ImageException"/>; then what was there before stays.</summary>
    public void Make(bool sync)
    {
        bool lost = _file is not null && !IsNamed;
        if (_file is not null && !lost)
        {
            int head = CompareHead();
            ImageException.Check(head);
            if (head > 0)
                WriteHeadAgain(sync);
            if (sync && !_nameIsSynced)
                SyncName();
            return;
        }
        IImageFile made = _place.Create();
        try
        {
            _head.Format(_sector);
            ImageException.Check(made.WriteAt(0, _sector));
            if (sync)
            {
                ImageException.Check(made.Sync());
                ImageException.Check(_place.SyncName());
            }
        }
        catch
        {
            _place.Remove();
            made.Dispose();
            throw;
        }
        _file?.Dispose();
        (_file, _nameIsSynced, HeadIsKnown, _headIsWritten) = (made, sync, sync, true);
        _wasLost |= lost;
    }

    private void WriteHeadAgain(bool sync)
    {
        HeadIsKnown = false;
        _wasLost = true;
        ImageException.Check(_file!.WriteAt(0, _sector));
        if (sync)
            ImageException.Check(_file.Sync());
        HeadIsKnown = sync;
    }

    /// <summary>
    /// The file was removed, replaced or emptied since this was asked last, and it was made again: meanwhile writes were not safe against a kill.
    /// </summary>
    public bool TakeLost()
    {
        bool lost = _wasLost;
        _wasLost = false;
        return lost;
    }

    /// <summary>
    /// Says the state in the head, on stable storage when this returns, as is the file's name. Throws <see cref="ImageException"/>.
    /// </summary>
    public void Mark(RedoState state, int errno = 0)
    {
        RedoHead before = _head;
        HeadIsKnown = _headIsWritten = false;
        try
        {
            _head = _head with { State = state, Errno = errno };
            _head.Format(_sector);
            ImageException.Check(_file!.WriteAt(0, _sector));
            _headIsWritten = true;
            ImageException.Check(_file.Sync());
            if (!_nameIsSynced)
                SyncName();
            HeadIsKnown = true;
        }
        catch
        {
            _head = before;
            throw;
        }
    }

    /// <summary>Begins a change.</summary>
    public void Begin()
    {
        _entries.Clear();
        _runs.Clear();
        _sums.Clear();
        _dataEnd = DataAt;
    }

    /// <summary>
    /// Adds the sectors of a track in which <paramref name="now"/> differs from <paramref name="old"/>, which may be longer. Throws
    /// <see cref="ImageException"/>.
    /// </summary>
    public void Add(int track, ReadOnlySpan<byte> old, ReadOnlySpan<byte> now)
    {
        int first = _runs.Count;
        for (int at = 0, start = -1; at < now.Length || start >= 0; at += SectorSize)
        {
            int length = Math.Min(SectorSize, now.Length - at);
            bool differs = length > 0 && !old.Slice(at, length).SequenceEqual(now.Slice(at, length));
            if (differs)
                _sums.Add((Crc32C.Of(old.Slice(at, length)), Crc32C.Of(now.Slice(at, length))));
            if (differs == start >= 0)
                continue;
            if (start >= 0)
                _runs.Add(new SectorRun((ushort)(start / SectorSize), (ushort)((at - start + SectorSize - 1) / SectorSize)));
            start = differs ? at : -1;
        }
        if (_runs.Count == first)
            return;
        for (int index = first; index < _runs.Count; index++)
        {
            ReadOnlySpan<byte> bytes = Bytes(_runs[index], now);
            ImageException.Check(_file!.WriteAt(_dataEnd, bytes));
            _dataEnd += bytes.Length;
        }
        _entries.Add(new Entry(track, now.Length, first, _runs.Count - first, ReleasedSum: 0));
    }

    /// <summary>Adds a track that becomes empty; <paramref name="old"/>: its first sector.</summary>
    public void AddReleased(int track, ReadOnlySpan<byte> old) => _entries.Add(new Entry(track, 0, _runs.Count, 0, Crc32C.Of(old[..SectorSize])));

    /// <summary>
    /// The change is in the file, whole, under the head: from here on it can be finished by a later open. With <paramref name="sync"/> on stable
    /// storage. Throws <see cref="ImageException"/>.
    /// </summary>
    public void Put(bool sync)
    {
        int bytes = _entries.Count * EntrySize + _runs.Count * RunSize + _sums.Count * SumSize;
        if (_table.Length < ChangeSize + bytes)
            _table = new byte[ChangeSize + bytes];
        Span<byte> table = _table.AsSpan(ChangeSize, bytes);
        for (int index = 0; index < _entries.Count; index++)
            _entries[index].Format(table[(index * EntrySize)..]);
        Span<byte> runs = table[(_entries.Count * EntrySize)..];
        for (int index = 0; index < _runs.Count; index++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(runs[(index * RunSize)..], _runs[index].First);
            BinaryPrimitives.WriteUInt16LittleEndian(runs[(index * RunSize + 2)..], _runs[index].Count);
        }
        Span<byte> sums = runs[(_runs.Count * RunSize)..];
        for (int index = 0; index < _sums.Count; index++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(sums[(index * SumSize)..], _sums[index].Old);
            BinaryPrimitives.WriteUInt32LittleEndian(sums[(index * SumSize + 4)..], _sums[index].New);
        }
        _generation++;
        FormatChange(sync ? RedoFlags.Ordered : RedoFlags.None, bytes, Crc32C.Of(table), changedAt: 0);
        ImageException.Check(_file!.WriteAt(ChangeAt, _table.AsSpan(0, ChangeSize + bytes)));
        int head = CompareHead();
        ImageException.Check(head);
        if (head > 0)
            throw new ImageException("somebody emptied it meanwhile; try again");
        if (sync)
            ImageException.Check(_file.Sync());
    }

    /// <summary>
    /// Writes the sectors of a track that the change holds into its slot at <paramref name="offset"/>; <paramref name="entry"/> goes from 0 on over
    /// the tracks in the order in which they were added. 0 or a negative errno.
    /// </summary>
    public int WriteInPlace(ref int entry, in TrackImage track, IImageFile file, long offset)
    {
        if (entry >= _entries.Count || _entries[entry].Track != track.Track)
            return 0;
        Entry found = _entries[entry++];
        for (int index = found.FirstRun; index < found.FirstRun + found.Runs; index++)
        {
            int result = file.WriteAt(offset + _runs[index].First * SectorSize, Bytes(_runs[index], track.Slot.Span));
            if (result < 0)
                return result;
        }
        return 0;
    }

    /// <summary>
    /// The change could not be put in place, and readers are given it out of the redo file's copy: the next open puts it in place also where nothing
    /// of it is there yet, if the image files were not changed after <paramref name="changedAt"/> (ctime in ns).
    /// </summary>
    public int NoteStuck(long changedAt)
    {
        Span<byte> change = _table.AsSpan(0, ChangeSize);
        var flags = (RedoFlags)BinaryPrimitives.ReadUInt32LittleEndian(change[4..]) | RedoFlags.Stuck;
        FormatChange(flags, BinaryPrimitives.ReadInt32LittleEndian(change[24..]), BinaryPrimitives.ReadUInt32LittleEndian(change[28..]), changedAt);
        return _file!.WriteAt(ChangeAt, change);
    }

    /// <summary>
    /// The change is in place: nothing is pending. Where this fails the file holds a change whose sectors are all in place, which the next open sees:
    /// no harm is done, and the next <see cref="Put"/> meets the error.
    /// </summary>
    public void Void() => _file?.WriteAt(ChangeAt, [0, 0, 0, 0]);

    /// <summary>Removes the file, if it is still ours, when everything was synced and nothing is pending; null, or what went wrong.</summary>
    public ImageException? Remove()
    {
        bool isOurs = IsNamed, saysSo = State == RedoState.Ordered && Holds;
        _file?.Dispose();
        _file = null;
        return !isOurs ? null
            : Remove(_place, saysSo ? "; it does no harm: nothing is pending in it, and all that was written is on the disk" : "");
    }

    /// <summary>Removes the redo file of a place for good; null, or what went wrong, with <paramref name="stays"/> where it stays.</summary>
    public static ImageException? Remove(IRedoPlace place, string stays = "")
    {
        int result = place.Remove();
        if (result is < 0 and not -(int)Errno.ENOENT)
            return new ImageException($"{place.Path}: cannot be removed: {Problem.Of(result)}; remove it{stays}", -result);
        result = place.SyncName();
        return result == 0 ? null : new ImageException(
            $"{place.Path}: it is removed, but its directory cannot be synced: {Problem.Of(result)}; if it is there again after a power cut, remove it",
            -result);
    }

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
        _place.Dispose();
    }

    /// <summary>The bytes of a run in a track's used bytes.</summary>
    internal static ReadOnlySpan<byte> Bytes(SectorRun run, ReadOnlySpan<byte> track)
    {
        int start = run.First * SectorSize;
        return track[start..Math.Min(start + run.Count * SectorSize, track.Length)];
    }

    private void FormatChange(RedoFlags flags, int tableBytes, uint tableSum, long changedAt)
    {
        Span<byte> change = _table.AsSpan(0, ChangeSize);
        change.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(change, _entries.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(change[4..], (uint)flags);
        BinaryPrimitives.WriteUInt64LittleEndian(change[8..], _head.Session);
        BinaryPrimitives.WriteUInt64LittleEndian(change[16..], _generation);
        BinaryPrimitives.WriteInt32LittleEndian(change[24..], tableBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(change[28..], tableSum);
        BinaryPrimitives.WriteInt64LittleEndian(change[32..], changedAt);
        BinaryPrimitives.WriteInt32LittleEndian(change[40..], _entries.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(change[60..], Crc32C.Of(change[4..60]));
    }

    private void SyncName()
    {
        ImageException.Check(_place.SyncName());
        _nameIsSynced = true;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(int Track, int Length, int FirstRun, int Runs, uint ReleasedSum)
    {
        internal void Format(Span<byte> bytes)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes, Track);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], Length);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], Runs);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], ReleasedSum);
        }
    }
}

/// <summary>What a change in a redo file was written for.</summary>
[Flags]
internal enum RedoFlags : uint
{
    /// <summary>Against a kill of ccwfs: it counts while the kernel runs on.</summary>
    None = 0,

    /// <summary>Against a power cut: it was on stable storage before anything went in place.</summary>
    Ordered = 1,

    /// <summary>It could not be put in place, and readers have seen it.</summary>
    Stuck = 2,
}
