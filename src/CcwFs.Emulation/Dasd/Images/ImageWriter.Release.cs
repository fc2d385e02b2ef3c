using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <content>Tracks that are made empty: in a redo file, tracks of no bytes.</content>
internal sealed partial class ImageWriter
{
    private static readonly byte[] s_zeros = new byte[RedoFile.SectorSize];

    /// <summary>
    /// Makes tracks of the volume empty, as <see cref="Write"/>, in pieces of 220 tracks: it must work on a full disk. Between the pieces a page may
    /// stay allocated.
    /// </summary>
    internal void Release(int first, int count)
    {
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int[] piece = new int[RedoFile.TracksInFirstPage];
            for (int track = first, end = first + count, length; track < end; ReleaseWhole(piece.AsSpan(0, length)))
            {
                // What is a hole already is empty: a new volume is released in no time.
                for (length = 0; length < piece.Length && (track = slots.NextWithData(track)) < end; length++)
                    piece[length] = track++;
            }
        }
    }

    /// <summary>
    /// Makes a slot that holds zeros a hole. What is there stays the same whether it works or not, so that nobody need be told.
    /// </summary>
    internal void GiveBack(int track)
    {
        lock (_writing)
        {
            if (_disposed || _fault is not null)
                return;
            SlotPart part = slots.Locate(track, out long offset);
            _space.Forget(track, 1);
            _ = part.File.Discard(offset, slots.SlotSize);
        }
    }

    private void ReleaseWhole(ReadOnlySpan<int> released)
    {
        if (released.IsEmpty)
            return;
        MakeReady(released[0]);
        Span<byte> sector = stackalloc byte[RedoFile.SectorSize];
        try
        {
            redo.Begin();
            foreach (int track in released)
            {
                ImageException.Check(slots.TryReadInPlace(track, sector));
                redo.AddReleased(track, sector);
            }
            redo.Put(SyncPolicy.EveryProgram);
        }
        catch (ImageException error)
        {
            redo.Void();
            throw NotWritten(redo.Path, released[0], error);
        }
        slots.EnterStripes();
        int result;
        try
        {
            result = EmptyAll(released);
        }
        finally
        {
            slots.ExitStripes();
        }
        if (result < 0)
        {
            var tracks = new TrackImage[released.Length];
            for (int index = 0; index < tracks.Length; index++)
                tracks[index] = new TrackImage(released[index], default);
            KeepStuck(tracks, result);
            throw new ImageException(_fault!, -result);
        }
        if (SyncPolicy.EveryProgram)
            SyncFiles();
        redo.Void();
    }

    /// <summary>
    /// First every track begins with zeros, which makes it an empty one to the next open whatever follows, then the space goes. Under _writing and
    /// all stripes.
    /// </summary>
    private int EmptyAll(ReadOnlySpan<int> released)
    {
        Span<byte> sector = stackalloc byte[RedoFile.SectorSize];
        foreach (int track in released)
        {
            SlotPart part = slots.Locate(track, out long offset);
            int result = slots.TryReadInPlace(track, sector);
            if (result == 0 && sector.IndexOfAnyExcept((byte)0) >= 0)
                result = part.File.WriteAt(offset, s_zeros);
            if (result < 0)
                return result;
        }
        if (SyncPolicy.EveryProgram)
            slots.SyncParts(out _); // a failure stays and is told at the end: readers must not find tracks that are emptied in part
        for (int index = 0, run; index < released.Length; index += run)
        {
            SlotPart part = slots.Locate(released[index], out long offset);
            int last = part.FirstTrack + part.Tracks;
            for (run = 1; index + run < released.Length && released[index + run] == released[index] + run && released[index + run] < last; run++)
                ;
            _space.Forget(released[index], run);
            int result = ImageSlots.Empty(part.File, offset, (long)run * slots.SlotSize);
            if (result < 0)
                return result;
        }
        return 0;
    }
}
