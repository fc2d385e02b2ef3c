using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <content>What an open makes of a redo file that was left behind: the state x what is in place. Before the image is anybody's.</content>
public sealed partial class CkdImage
{
    private const int MostNamed = 8; // tracks in a line (arbitrary)

    private void Recover(IRedoPlace place)
    {
        try
        {
            using IImageFile? file = place.Open();
            if (file is null)
                return;
            RedoHead? head = ReadHead(file);
            RedoChange? change = head is { } known && Refusal(known, place.Path) is { } reason ? throw new ImageException(reason)
                : head is { } found ? RedoChange.Read(file, found, Geometry) : null;
            if (_options.IgnoreRedo)
                PendingTracks = change is null ? [] : [.. change.Tracks.Select(static track => track.Number)];
            else if (change is not null)
                Resolve(change, head!.Value, place.Path);
            if (_options.ReadOnly)
                return;
            // What a killed ccwfs wrote may be in the kernel's cache alone, and only this file says so.
            if (head is not null)
                SyncBefore(place.Path);
            Forget(place);
        }
        catch (ImageException error) when (_options.IgnoreRedo)
        {
            RedoProblem = error.Message;
        }
    }

    private static RedoHead? ReadHead(IImageFile file)
    {
        byte[] sector = new byte[RedoHead.Size];
        int read = file.ReadAt(0, sector);
        return read >= 0 ? RedoHead.Parse(sector.AsSpan(0, read), file.Path) : throw new ImageException($"{file.Path}: {Problem.Of(read)}", -read);
    }

    /// <summary>Why the image cannot be used with such a redo file beside it; null when it can.</summary>
    private string? Refusal(in RedoHead head, string path)
    {
        if (head.Binding.TotalLength != _series.TotalLength || head.Binding.HeaderSum != _series.HeaderSum)
            return $"{path}: it belongs to another image; move it away or put that image back";
        return head.State switch
        {
            RedoState.Unsynced when head.BootId != _files.BootId =>
                $"{path}: the system stopped while {Name} was written, and not every program was synced (sync=none or SECONDS): tracks may be half written; "
                + $"look with ccwfs dasd check {Name}, then remove {path}",
            RedoState.SyncFailed =>
                $"{path}: {Name} could not be brought to the disk ({Problem.Of(-head.Errno)}): tracks that were written may be lost or half written; "
                + $"look with ccwfs dasd check {Name}, then remove {path}",
            RedoState.Ordered or RedoState.Unsynced => null,
            _ => $"{path}: offset 12: state {(uint)head.State}; this program knows 0 to 2",
        };
    }

    private void Resolve(RedoChange change, in RedoHead head, string path)
    {
        if (!change.Flags.HasFlag(RedoFlags.Ordered) && head.BootId != _files.BootId)
            return; // of before a power cut, and everything was synced since
        byte[] slot = new byte[Geometry.TrackSize];
        ChangeProgress progress = change.Judge(track =>
        {
            ReadInPlace(track, slot);
            return slot;
        });
        string tracks = Named(change);
        bool finish = progress == ChangeProgress.Begun
            || (progress == ChangeProgress.NotBegun && change.IsWhole && change.Flags.HasFlag(RedoFlags.Stuck) && LatestChange() <= change.ChangedAt);
        if (progress == ChangeProgress.Foreign)
        {
            throw new ImageException(
                $"{path}: a change of {tracks} is pending, but what is there is neither what it replaces nor what it writes: something else has written to {Name} since; "
                + $"look with ccwfs dasd check {Name}, then remove {path}");
        }
        if (finish && head.Binding.Inode != _series.Inode)
            throw new ImageException($"{path}: a change of {tracks} was left half written in the file that {Name} was copied from; open that one, and copy it again");
        if (progress == ChangeProgress.NotBegun && !finish)
            _options.Say?.Invoke($"{path}: a change of {tracks} was never begun in {Name} and nobody was told that it was written: it is dropped");
        if (!finish)
            return;
        PendingTracks = [.. change.Tracks.Select(static track => track.Number)];
        if (_options.ReadOnly)
            Show(change);
        else
            Replay(change, path, tracks);
    }

    private void Show(RedoChange change)
    {
        foreach (PendingTrack track in change.Tracks)
        {
            byte[] slot = new byte[Geometry.TrackSize];
            ReadInPlace(track.Number, slot);
            track.Apply(slot);
            _pending[track.Number] = slot;
        }
    }

    private void Replay(RedoChange change, string path, string tracks)
    {
        foreach (PendingTrack track in change.Tracks)
        {
            IImageFile file = _series.Locate(track.Number, out long offset).File;
            int result = track.IsReleased ? Empty(file, offset, Geometry.TrackSize) : 0, from = 0;
            foreach (SectorRun run in track.Runs)
            {
                int start = run.First * RedoFile.SectorSize, length = Math.Min(run.Count * RedoFile.SectorSize, track.Length - start);
                result = result < 0 ? result : file.WriteAt(offset + start, track.Bytes!.AsSpan(from, length));
                from += length;
            }
            if (result < 0)
                throw new ImageException($"{Name}: {At(track.Number)} cannot be put in place out of {path}: {Problem.Of(result)}", -result);
        }
        _options.Say?.Invoke($"{path}: {tracks} of {Name} were half written and have been put in place (change {change.Generation})");
    }

    private void SyncBefore(string redo)
    {
        int result = SyncParts(out string path);
        if (result < 0)
            throw new ImageException($"{path}: cannot be brought to the disk: {Problem.Of(result)}; {redo} stays, and tracks that were written may be lost", -result);
    }

    /// <summary>The file has said what it had to say: the next one is made anew.</summary>
    private static void Forget(IRedoPlace place)
    {
        int result = place.Remove();
        if (result == 0)
            result = place.SyncName();
        if (result < 0)
            throw new ImageException($"{place.Path}: cannot be removed: {Problem.Of(result)}", -result);
    }

    private long LatestChange()
    {
        long latest = long.MinValue;
        foreach (ImageSeries.Part part in _series.Parts)
            latest = Math.Max(latest, part.File.Status(out FileStatus status) == 0 ? status.ChangedAt : long.MaxValue);
        return latest;
    }

    private string Named(RedoChange change)
    {
        IEnumerable<string> first = change.Tracks.Take(MostNamed).Select(track => $"{track.Number / Geometry.Heads}/{track.Number % Geometry.Heads}");
        int more = change.Tracks.Count - MostNamed;
        return $"track{(change.Tracks.Count == 1 ? "" : "s")} {string.Join(" ", first)}{(more > 0 ? $" and {more} more" : "")}";
    }
}
