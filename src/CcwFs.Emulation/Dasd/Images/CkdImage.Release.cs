using Microsoft.Win32.SafeHandles;

namespace CcwFs.Emulation.Dasd.Images;

/// <content>Tracks that are made empty: in a redo file, tracks of no bytes.</content>
public sealed partial class CkdImage
{
    /// <inheritdoc/>
    public long AllocatedBytes => _series.Parts.Sum(part => _files.AllocatedBytes(part.Handle));

    /// <inheritdoc/>
    /// <remarks>As <see cref="Write"/>, in pieces of 336 tracks: it must work on a full disk. Between the pieces a page may stay allocated.</remarks>
    public void Release(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (IsReadOnly)
            throw new ImageException($"{Name}: opened read-only");
        if (count == 0)
            return;
        _ = Checked(first);
        _ = Checked(first + count - 1);
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var piece = new TrackImage[Math.Min(count, RedoFile.TracksInFirstPage)];
            for (int done = 0; done < count; done += piece.Length)
            {
                int length = Math.Min(piece.Length, count - done);
                for (int index = 0; index < length; index++)
                    piece[index] = new TrackImage(first + done + index, ReadOnlyMemory<byte>.Empty);
                WriteWhole(piece.AsSpan(0, length));
            }
        }
    }

    /// <summary>Makes a hole of the run of released tracks that the change goes on with; gives their number. Under _writing.</summary>
    private int Discard(ReadOnlySpan<TrackImage> tracks)
    {
        SafeFileHandle handle = _series.Locate(tracks[0].Track, out long offset).Handle;
        int run = 1;
        while (run < tracks.Length && tracks[run].Slot.IsEmpty
            && _series.Locate(tracks[run].Track, out long next).Handle == handle && next == offset + (long)run * Geometry.TrackSize)
            run++;
        foreach (Lock stripe in _stripes)
            stripe.Enter();
        try
        {
            if (!_files.Discard(handle, offset, (long)run * Geometry.TrackSize))
                Clear(handle, offset, run);
        }
        finally
        {
            foreach (Lock stripe in _stripes)
                stripe.Exit();
        }
        foreach (TrackImage track in tracks[..run])
        {
            if (_allocated is not null)
                _allocated[track.Track] = 0;
            if (track.Track == 0)
                _label.AsSpan().Clear();
        }
        return run;
    }

    private void Clear(SafeFileHandle handle, long offset, int tracks)
    {
        byte[] zeros = new byte[Geometry.TrackSize];
        for (int index = 0; index < tracks; index++)
            RandomAccess.Write(handle, zeros, offset + (long)index * zeros.Length);
    }
}
