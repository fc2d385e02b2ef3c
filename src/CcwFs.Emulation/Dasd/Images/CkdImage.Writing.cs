using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <content>How a change reaches the files: space for it, the redo file, then in place. Under _writing.</content>
public sealed partial class CkdImage
{
    // Pages that hold a byte other than zero are no holes; file-system blocks are of this size or more.
    private const int PageSize = 4_096;
    private TrackImage[]? _stuck; // a change that could not be put in place; it is in the redo file, and _pending has it for readers
    private bool _stuckIsKept;    // the redo file that was there when this was asked last has it

    private void WriteWhole(ReadOnlySpan<TrackImage> tracks)
    {
        if (tracks.IsEmpty)
            return;
        MakeReady(tracks[0].Track);
        string path = Name;
        try
        {
            _redo!.Begin();
            foreach (TrackImage track in tracks)
            {
                path = Name;
                ReadOnlySpan<byte> old = Allocate(track);
                path = _redo.Path;
                _redo.Add(track.Track, old, track.Slot.Span);
            }
            if (_redo.IsEmpty)
                return;
            _redo.Put(SyncPolicy.EveryProgram);
        }
        catch (Exception error) when (error is ImageException or OutOfMemoryException)
        {
            _redo!.Void(); // what is there of it may be the half of a sector
            throw NotWritten(path, tracks[0].Track, error);
        }
        PutInPlace(tracks);
        _redo.Void();
    }

    /// <summary>Everything that must be so before a change begins: no fault, no change that is stuck, a redo file, and its word that writes come.</summary>
    private void MakeReady(int track)
    {
        if (_fault is not null && _stuck is null)
            throw new ImageException(_fault);
        if (_stuck is not null)
            FinishStuck();
        try
        {
            _redo!.Make(SyncPolicy.EveryProgram);
            if (_redo.TakeLost())
                _lines.SayRemoved($"{_redo.Path}: somebody removed it or emptied it while {Name} was written; it has been made again");
            MarkUnsynced();
        }
        catch (ImageException error)
        {
            throw NotWritten(_redo!.Path, track, error);
        }
    }

    private ImageException NotWritten(string path, int track, Exception error) =>
        new($"{path}: {At(track)} is not written: {(error is OutOfMemoryException ? ImageException.NoMemory : error.Message)}", error);

    /// <summary>
    /// From here on the change is in the redo file: a fault leaves it there, readers get it from here, and the next write or open puts it in place.
    /// </summary>
    private void PutInPlace(ReadOnlySpan<TrackImage> tracks)
    {
        int result = 0, entry = 0;
        foreach (TrackImage track in tracks)
        {
            IImageFile file = _series.Locate(track.Track, out long offset).File;
            lock (_stripes[track.Track % StripeCount])
                result = _redo!.WriteInPlace(ref entry, track, file, offset);
            if (result < 0)
                break;
        }
        if (result < 0)
        {
            KeepStuck(tracks, result);
            throw new ImageException(_fault!, -result);
        }
        if (SyncPolicy.EveryProgram)
            SyncFiles();
    }

    private void KeepStuck(ReadOnlySpan<TrackImage> tracks, int result)
    {
        _stuck = new TrackImage[tracks.Length];
        byte[]? empty = null; // one for all tracks that become empty: of a release there are many
        EnterStripes();
        try
        {
            for (int index = 0; index < tracks.Length; index++)
            {
                byte[] slot = tracks[index].Slot.IsEmpty ? empty ??= new byte[Geometry.TrackSize] : new byte[Geometry.TrackSize];
                tracks[index].Slot.Span.CopyTo(slot);
                _stuck[index] = new TrackImage(tracks[index].Track, slot.AsMemory(0, tracks[index].Slot.Length));
                _pending[tracks[index].Track] = slot;
            }
        }
        finally
        {
            ExitStripes();
        }
        NoteStuck(result);
    }

    /// <summary>The redo file has the change, and what is in place now is as writing it left it.</summary>
    private void NoteStuck(int result)
    {
        _stuckIsKept = true;
        _fault = $"{HalfWritten(Problem.Of(result))}; it is whole in {_redo!.Path}, which the next write or open puts in place";
        int noted = _redo.NoteStuck(LatestChange() ?? long.MinValue);
        if (noted < 0)
            _lines.SayStuck($"{_redo.Path}: {Problem.Of(noted)}");
    }

    private string HalfWritten(string reason) => $"{Name}: {At(_stuck![0].Track)} may be half written ({reason})";

    private void FinishStuck()
    {
        PutStuckAgain();
        foreach (TrackImage track in _stuck!)
        {
            IImageFile file = _series.Locate(track.Track, out long offset).File;
            if (track.Slot.IsEmpty)
                _allocated?.Forget(track.Track, 1);
            int result = track.Slot.IsEmpty ? Empty(file, offset, Geometry.TrackSize) : file.WriteAt(offset, track.Slot.Span);
            if (result < 0)
            {
                NoteStuck(result);
                throw new ImageException(_fault!, -result);
            }
        }
        if (SyncPolicy.EveryProgram)
            SyncFiles();
        EnterStripes();
        _pending.Clear();
        ExitStripes();
        (_stuck, _fault) = (null, null);
        _redo!.Void();
        _lines.SayStuck($"{Name}: what could not be put in place before is in place now");
    }

    /// <summary>Somebody may have removed the redo file, and with it the only whole copy outside of this process: then first another one is made.</summary>
    private void PutStuckAgain()
    {
        if (_stuckIsKept && _redo!.Holds)
            return;
        _stuckIsKept = false;
        try
        {
            _redo!.Make(SyncPolicy.EveryProgram);
            _redo.TakeLost();
            MarkUnsynced();
            _redo.Begin();
            foreach (TrackImage track in _stuck!)
            {
                byte[] there = ReadOld(track.Track);
                if (track.Slot.IsEmpty)
                    _redo.AddReleased(track.Track, there);
                else
                    _redo.Add(track.Track, there, track.Slot.Span);
            }
            if (!_redo.IsEmpty)
                _redo.Put(SyncPolicy.EveryProgram);
            _stuckIsKept = true;
        }
        catch (ImageException error)
        {
            _fault = $"{HalfWritten("writing it in place failed")}; somebody removed or emptied {_redo!.Path}, where it was whole, "
                + $"and it cannot be made again: {error.Message}";
            throw new ImageException(_fault, error);
        }
        _lines.SayRemoved($"{_redo.Path}: somebody removed it or emptied it while it held what could not be put in place; it has been made again");
    }

    /// <summary>
    /// Makes sure the blocks under the new bytes exist, by writing the slot's old bytes over themselves where a page might be a hole; that changes nothing, at
    /// whatever byte it fails. The length known to be there is kept (<see cref="AllocatedTracks"/>), so it is once a track and open. Gives the slot's bytes as
    /// far as they are replaced, valid until the next call.
    /// </summary>
    private ReadOnlySpan<byte> Allocate(in TrackImage image)
    {
        _allocated ??= new AllocatedTracks(Geometry.Tracks);
        ref ushort known = ref _allocated.Of(image.Track);
        if (image.Slot.Length <= known)
            return image.Old.Length >= image.Slot.Length ? image.Old.Span : ReadOld(image.Track, image.Slot.Length);
        byte[] old = ReadOld(image.Track);
        known = (ushort)image.Slot.Length;
        ImageSeries.Part part = _series.Locate(image.Track, out long offset);
        if (!MayHaveHoles(old.AsSpan(0, known), offset))
            return old;
        known = 0;
        int result = part.File.WriteAt(offset, old);
        if (result < 0)
            throw new ImageException(Problem.Of(result), -result);
        known = (ushort)old.Length;
        return old;
    }

    /// <summary>A slot as it is in place, or its first bytes; valid until the next call.</summary>
    private byte[] ReadOld(int track, int? length = null)
    {
        _old ??= new byte[Geometry.TrackSize];
        int result = TryReadInPlace(track, _old.AsSpan(0, length ?? _old.Length));
        return result == 0 ? _old : throw new ImageException(Problem.Of(result), -result);
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

    /// <summary>
    /// Formats an empty slot. A track within the slot's first sector is written whole or not at all: it needs no redo
    /// file and no space but its own block. Others go the usual way.
    /// </summary>
    internal void WriteEmpty(TrackImage track)
    {
        if (IsReadOnly || track.Slot.Length > RedoFile.SectorSize)
        {
            Write([track]);
            return;
        }
        ImageSeries.Part part = _series.Locate(Checked(track.Track), out long offset);
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            MakeReady(track.Track);
            int result;
            lock (_stripes[track.Track % StripeCount])
                result = part.File.WriteAt(offset, track.Slot.Span);
            if (result < 0)
                throw new ImageException($"{part.Path}: offset {offset}: {At(track.Track)} is not written: {Problem.Of(result)}", -result);
        }
    }

    private void EnterStripes()
    {
        foreach (Lock stripe in _stripes)
            stripe.Enter();
    }

    private void ExitStripes()
    {
        foreach (Lock stripe in _stripes)
            stripe.Exit();
    }
}
