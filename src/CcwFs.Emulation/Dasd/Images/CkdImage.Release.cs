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
            for (int done = 0; done < count; done += RedoFile.TracksInFirstPage)
                ReleaseWhole(first + done, Math.Min(count - done, RedoFile.TracksInFirstPage));
        }
    }

    private void ReleaseWhole(int first, int count)
    {
        MakeReady(first);
        Span<byte> sector = stackalloc byte[RedoFile.SectorSize];
        try
        {
            _redo!.Begin();
            for (int track = first; track < first + count; track++)
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
            throw NotWritten(_redo!.Path, first, error);
        }
        EnterStripes();
        int result;
        try
        {
            result = EmptyAll(first, count);
        }
        finally
        {
            ExitStripes();
        }
        if (result < 0)
        {
            var tracks = new TrackImage[count];
            for (int index = 0; index < count; index++)
                tracks[index] = new TrackImage(first + index, default);
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
    private int EmptyAll(int first, int count)
    {
        Span<byte> sector = stackalloc byte[RedoFile.SectorSize];
        for (int track = first; track < first + count; track++)
        {
            ImageSeries.Part part = _series.Locate(track, out long offset);
            int result = TryReadInPlace(track, sector);
            if (result == 0 && sector.IndexOfAnyExcept((byte)0) >= 0)
                result = part.File.WriteAt(offset, s_zeros);
            if (result < 0)
                return result;
        }
        if (SyncPolicy.EveryProgram)
            SyncFiles();
        for (int track = first; track < first + count;)
        {
            ImageSeries.Part part = _series.Locate(track, out long offset);
            int run = Math.Min(first + count, part.FirstTrack + part.Tracks) - track;
            int result = Empty(part.File, offset, (long)run * Geometry.TrackSize);
            if (result < 0)
                return result;
            _allocated?.AsSpan(track, run).Clear();
            track += run;
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
