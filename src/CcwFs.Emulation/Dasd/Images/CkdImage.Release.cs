using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Dasd.Images;

/// <content>Tracks that are made empty: in a redo file, tracks of no bytes.</content>
public sealed partial class CkdImage
{
    private static readonly byte[] s_zeros = new byte[RedoFile.SectorSize];

    /// <inheritdoc/>
    /// <remarks>As <see cref="Write"/>, in pieces of 220 tracks: it must work on a full disk. Between the pieces a page may stay allocated.</remarks>
    public void Release(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        RefuseReadOnly();
        if (count == 0)
            return;
        _ = Checked(first);
        _ = Checked(first + count - 1);
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int[] piece = new int[RedoFile.TracksInFirstPage];
            for (int track = first, end = first + count, length; track < end; ReleaseWhole(piece.AsSpan(0, length)))
            {
                // What is a hole already is empty: a new volume is released in no time.
                for (length = 0; length < piece.Length && (track = NextWithData(track)) < end; length++)
                    piece[length] = track++;
            }
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
            _redo!.Begin();
            foreach (int track in released)
            {
                int read = TryReadInPlace(track, sector);
                if (read < 0)
                    throw new ImageException(Problem.Of(read), -read);
                _redo.AddReleased(track, sector);
            }
            _redo.Put(SyncPolicy.EveryProgram);
        }
        catch (ImageException error)
        {
            _redo!.Void();
            throw NotWritten(_redo.Path, released[0], error);
        }
        EnterStripes();
        int result;
        try
        {
            result = EmptyAll(released);
        }
        finally
        {
            ExitStripes();
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
        _redo.Void();
    }

    /// <summary>
    /// First every track begins with zeros, which makes it an empty one to the next open whatever follows, then the space goes. Under _writing and all stripes.
    /// </summary>
    private int EmptyAll(ReadOnlySpan<int> released)
    {
        Span<byte> sector = stackalloc byte[RedoFile.SectorSize];
        foreach (int track in released)
        {
            ImageSeries.Part part = _series.Locate(track, out long offset);
            int result = TryReadInPlace(track, sector);
            if (result == 0 && sector.IndexOfAnyExcept((byte)0) >= 0)
                result = part.File.WriteAt(offset, s_zeros);
            if (result < 0)
                return result;
        }
        if (SyncPolicy.EveryProgram)
            SyncParts(out _); // a failure stays and is told at the end: readers must not find tracks that are emptied in part
        for (int index = 0, run; index < released.Length; index += run)
        {
            ImageSeries.Part part = _series.Locate(released[index], out long offset);
            int last = part.FirstTrack + part.Tracks;
            for (run = 1; index + run < released.Length && released[index + run] == released[index] + run && released[index + run] < last; run++)
                ;
            _allocated?.Forget(released[index], run);
            int result = Empty(part.File, offset, (long)run * Geometry.TrackSize);
            if (result < 0)
                return result;
        }
        return 0;
    }

    /// <summary>Makes a range a hole, or where the file system has none, zeros; 0 or a negative errno.</summary>
    private static int Empty(IImageFile file, long offset, long length)
    {
        int result = file.Discard(offset, length);
        if (result is not (-(int)Errno.EOPNOTSUPP or -(int)Errno.ENOSYS))
            return result;
        byte[] zeros = new byte[Math.Min(length, 1 << 20)];
        for (result = 0; result == 0 && length > 0; length -= zeros.Length, offset += zeros.Length)
            result = file.WriteAt(offset, zeros.AsSpan(0, (int)Math.Min(length, zeros.Length)));
        return result;
    }
}
