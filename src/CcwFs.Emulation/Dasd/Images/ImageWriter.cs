using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The writer of an image that is open to write. A write goes to the redo file (<see cref="RedoFile"/>), then in place; the space of every slot is
/// allocated before, so that a full disk cannot stop halfway. Only the sectors that change are written. Thread-safe. Locks: _writing (redo file,
/// buffers, bitmap) before a stripe (one track's bytes). Faults are <see cref="ImageException"/>.
/// </summary>
internal sealed partial class ImageWriter(ImageSlots slots, RedoFile redo, ImageLines lines, ImageSync sync)
{
    private readonly Lock _writing = new();
    private readonly SlotSpace _space = new(slots);
    private string? _fault;
    private bool _disposed;
    private TrackImage[]? _stuck; // a change that could not be put in place; it is in the redo file, and the slots have it for readers
    private bool _stuckIsKept;    // the redo file that was there when this was asked last has it

    /// <summary>When writes go to stable storage.</summary>
    internal ImageSync SyncPolicy { get; private set; } = sync; // set under _writing

    /// <summary>Writes tracks of the volume: up to 1,024 are applied whole or not at all, more in pieces of as many.</summary>
    internal void Write(ReadOnlySpan<TrackImage> tracks)
    {
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            for (; tracks.Length > RedoFile.MaxTracks; tracks = tracks[RedoFile.MaxTracks..])
                WriteWhole(tracks[..RedoFile.MaxTracks]);
            WriteWhole(tracks);
        }
    }

    /// <summary>
    /// Brings everything to stable storage, and removes the redo file unless a change in it is still pending: what went wrong, one line, or null.
    /// Nothing is written any more then. The slots stay open.
    /// </summary>
    internal string? Close()
    {
        StopTimer();
        lock (_writing)
        {
            _disposed = true;
            string? fault = Finish();
            redo.Dispose();
            return fault;
        }
    }

    private void WriteWhole(ReadOnlySpan<TrackImage> tracks)
    {
        if (tracks.IsEmpty)
            return;
        MakeReady(tracks[0].Track);
        string path = slots.Name;
        try
        {
            redo.Begin();
            foreach (TrackImage track in tracks)
            {
                path = slots.Name;
                ReadOnlySpan<byte> old = _space.Allocate(track);
                path = redo.Path;
                redo.Add(track.Track, old, track.Slot.Span);
            }
            if (redo.IsEmpty)
                return;
            redo.Put(SyncPolicy.EveryProgram);
        }
        catch (Exception error) when (error is ImageException or OutOfMemoryException)
        {
            redo.Void(); // what is there of it may be the half of a sector
            throw NotWritten(path, tracks[0].Track, error);
        }
        PutInPlace(tracks);
        redo.Void();
    }

    /// <summary>
    /// Everything that must be so before a change begins: no fault, no change that is stuck, a redo file, and its word that writes come.
    /// </summary>
    private void MakeReady(int track)
    {
        if (_fault is not null && _stuck is null)
            throw new ImageException(_fault);
        if (_stuck is not null)
            FinishStuck();
        try
        {
            redo.Make(SyncPolicy.EveryProgram);
            if (redo.TakeLost())
                lines.SayRemoved($"{redo.Path}: somebody removed it or emptied it while {slots.Name} was written; it has been made again");
            MarkUnsynced();
        }
        catch (ImageException error)
        {
            throw NotWritten(redo.Path, track, error);
        }
    }

    private ImageException NotWritten(string path, int track, Exception error) =>
        new($"{path}: {slots.At(track)} is not written: {(error is OutOfMemoryException ? ImageException.NoMemory : error.Message)}", error);

    /// <summary>
    /// From here on the change is in the redo file: a fault leaves it there, readers get it from here, and the next write or open puts it in place.
    /// </summary>
    private void PutInPlace(ReadOnlySpan<TrackImage> tracks)
    {
        int result = 0, entry = 0;
        foreach (TrackImage track in tracks)
        {
            IImageFile file = slots.Locate(track.Track, out long offset).File;
            lock (slots.StripeOf(track.Track))
                result = redo.WriteInPlace(ref entry, track, file, offset);
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
        slots.EnterStripes();
        try
        {
            for (int index = 0; index < tracks.Length; index++)
            {
                byte[] slot = tracks[index].Slot.IsEmpty ? empty ??= new byte[slots.SlotSize] : new byte[slots.SlotSize];
                tracks[index].Slot.Span.CopyTo(slot);
                _stuck[index] = new TrackImage(tracks[index].Track, slot.AsMemory(0, tracks[index].Slot.Length));
                slots.Show(tracks[index].Track, slot);
            }
        }
        finally
        {
            slots.ExitStripes();
        }
        NoteStuck(result);
    }

    /// <summary>The redo file has the change, and what is in place now is as writing it left it.</summary>
    private void NoteStuck(int result)
    {
        _stuckIsKept = true;
        _fault = $"{HalfWritten(Problem.Of(result))}; it is whole in {redo.Path}, which the next write or open puts in place";
        int noted = redo.NoteStuck(slots.LatestChange() ?? long.MinValue);
        if (noted < 0)
            lines.SayStuck($"{redo.Path}: {Problem.Of(noted)}");
    }

    private string HalfWritten(string reason) => $"{slots.Name}: {slots.At(_stuck![0].Track)} may be half written ({reason})";

    private void FinishStuck()
    {
        PutStuckAgain();
        foreach (TrackImage track in _stuck!)
        {
            IImageFile file = slots.Locate(track.Track, out long offset).File;
            if (track.Slot.IsEmpty)
                _space.Forget(track.Track, 1);
            int result = track.Slot.IsEmpty ? ImageSlots.Empty(file, offset, slots.SlotSize) : file.WriteAt(offset, track.Slot.Span);
            if (result < 0)
            {
                NoteStuck(result);
                throw new ImageException(_fault!, -result);
            }
        }
        if (SyncPolicy.EveryProgram)
            SyncFiles();
        slots.EnterStripes();
        slots.ShowFiles();
        slots.ExitStripes();
        (_stuck, _fault) = (null, null);
        redo.Void();
        lines.SayStuck($"{slots.Name}: what could not be put in place before is in place now");
    }

    /// <summary>
    /// The redo file may have been removed, and with it the only whole copy outside of this process: then first another one is made.
    /// </summary>
    private void PutStuckAgain()
    {
        if (_stuckIsKept && redo.Holds)
            return;
        _stuckIsKept = false;
        try
        {
            redo.Make(SyncPolicy.EveryProgram);
            redo.TakeLost();
            MarkUnsynced();
            redo.Begin();
            foreach (TrackImage track in _stuck!)
            {
                byte[] there = _space.ReadOld(track.Track);
                if (track.Slot.IsEmpty)
                    redo.AddReleased(track.Track, there);
                else
                    redo.Add(track.Track, there, track.Slot.Span);
            }
            if (!redo.IsEmpty)
                redo.Put(SyncPolicy.EveryProgram);
            _stuckIsKept = true;
        }
        catch (ImageException error)
        {
            _fault = $"{HalfWritten("writing it in place failed")}; somebody removed or emptied {redo.Path}, where it was whole, "
                + $"and it cannot be made again: {error.Message}";
            throw new ImageException(_fault, error);
        }
        lines.SayRemoved($"{redo.Path}: somebody removed it or emptied it while it held what could not be put in place; it has been made again");
    }

    /// <summary>
    /// Formats an empty slot with a track that lies within the slot's first sector: it is written whole or not at all, and needs no redo file and no
    /// space but its own block.
    /// </summary>
    internal void WriteEmpty(TrackImage track)
    {
        SlotPart part = slots.Locate(track.Track, out long offset);
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            MakeReady(track.Track);
            int result;
            lock (slots.StripeOf(track.Track))
                result = part.File.WriteAt(offset, track.Slot.Span);
            if (result < 0)
                throw new ImageException($"{part.Path}: offset {offset}: {slots.At(track.Track)} is not written: {Problem.Of(result)}", -result);
        }
    }
}
