using Microsoft.Win32.SafeHandles;

namespace CcwFs.Emulation.Dasd.Images;

/// <content>How a change reaches the files: space for it, the redo file, then in place. Under _writing, or before the image is anybody's.</content>
public sealed partial class CkdImage
{
    // Pages that hold a byte other than zero are no holes; file-system blocks are of this size or more.
    private const int PageSize = 4_096;

    private void WriteWhole(ReadOnlySpan<TrackImage> tracks)
    {
        if (_fault is not null)
            throw new ImageException(_fault);
        if (tracks.IsEmpty)
            return;
        string path = Name;
        try
        {
            foreach (TrackImage track in tracks)
                Allocate(track);
            path = _redo.Path;
            _redoExists = true;
            _redo.Put(tracks, Binding, _options.Sync == ImageSync.EndOfWrite);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ImageException($"{path}: {At(tracks[0].Track)} is not written: {ImageSeries.Reason(error)}", error);
        }
        PutInPlace(tracks);
        Forget();
    }

    /// <summary>From here on the change is in the redo file: a fault leaves it pending, for the next open to put in place.</summary>
    private void PutInPlace(ReadOnlySpan<TrackImage> tracks)
    {
        try
        {
            for (int index = 0; index < tracks.Length; index++)
            {
                TrackImage track = tracks[index];
                if (track.Slot.IsEmpty)
                {
                    index += Discard(tracks[index..]) - 1;
                    continue;
                }
                SafeFileHandle handle = _series.Locate(track.Track, out long offset).Handle;
                lock (_stripes[track.Track % StripeCount])
                    RandomAccess.Write(handle, track.Slot.Span, offset);
                NoteLabel(track);
            }
            if (_options.Sync == ImageSync.EndOfWrite)
                Sync();
        }
        catch (IOException error)
        {
            _fault = $"{Name}: {At(tracks[0].Track)} may be half written ({ImageSeries.Reason(error)}); "
                + $"it is whole in {_redo.Path}, which the next open puts in place; no more writes until then";
            throw new ImageException(_fault, error);
        }
    }

    private void NoteLabel(TrackImage track)
    {
        if (track.Track == 0)
            track.Slot.Span[..Math.Min(LabelBytes, track.Slot.Length)].CopyTo(_label);
    }

    /// <summary>The change is in place. A redo file that cannot be told so repeats the same change: harmless, but the last one.</summary>
    private void Forget()
    {
        try
        {
            _redo.Void();
        }
        catch (IOException error)
        {
            _fault = $"{_redo.Path}: cannot be written: {ImageSeries.Reason(error)}; no more writes until the image is opened again";
        }
    }

    /// <summary>
    /// Makes sure the blocks under the new bytes exist, by writing the slot's old bytes over themselves where a page might be a hole; that
    /// changes nothing, at whatever byte it fails. The length known to be there is kept, so it is once a track and open.
    /// </summary>
    private void Allocate(TrackImage image)
    {
        _allocated ??= new ushort[Geometry.Tracks];
        _old ??= new byte[Geometry.TrackSize];
        ref ushort known = ref _allocated[image.Track];
        if (image.Slot.Length <= known)
            return;
        ImageSeries.Part part = _series.Locate(image.Track, out long offset);
        ReadSlot(image.Track, _old);
        known = (ushort)image.Slot.Length;
        if (!MayHaveHoles(_old.AsSpan(0, known), offset))
            return;
        known = 0;
        RandomAccess.Write(part.Handle, _old, offset);
        known = (ushort)_old.Length;
    }

    private static bool MayHaveHoles(ReadOnlySpan<byte> bytes, long offset)
    {
        while (!bytes.IsEmpty)
        {
            int length = Math.Min(bytes.Length, PageSize - (int)(offset % PageSize));
            if (bytes[..length].IndexOfAnyExcept((byte)0) < 0)
                return true;
            bytes = bytes[length..];
            offset += length;
        }
        return false;
    }

    private void Replay(List<TrackImage> pending)
    {
        try
        {
            foreach (TrackImage track in pending)
                Allocate(track);
            PutInPlace(pending.ToArray());
            Sync();
            _redo.Void();
        }
        catch
        {
            _redo.Dispose();
            throw;
        }
    }
}
