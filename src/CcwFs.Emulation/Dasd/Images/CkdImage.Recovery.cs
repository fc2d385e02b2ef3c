using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <content>What an open makes of a redo file that was left behind: the state x what is in place. Before the image is anybody's.</content>
public sealed partial class CkdImage
{
    private const int MostNamed = 8;        // tracks in a line (arbitrary)
    private const int PieceSize = 65_536;   // of a redo file without a head, to look at (arbitrary)
    private const int UnlockedAttempts = 3; // to look at a redo file that is being written (arbitrary: it is seen half written for a moment only)

    /// <summary>What becomes of a change in a redo file.</summary>
    private enum Fate
    {
        /// <summary>Nothing is pending: it is in place, or of before a power cut and synced since.</summary>
        Nothing,

        /// <summary>It was never begun, and nobody was told that it was written.</summary>
        Dropped,

        /// <summary>It is put in place.</summary>
        Finished,

        /// <summary>The image cannot be used.</summary>
        Refused,
    }

    /// <summary>A fate, and the line that says it (null: there is nothing to say).</summary>
    private readonly record struct Verdict(Fate Fate, RedoChange? Change, string? Line);

    private void Recover(IRedoPlace place)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                RecoverOnce(place);
                return;
            }
            catch (ImageException) when (!_files.Locks && attempt < UnlockedAttempts)
            {
                // Whoever has it open was writing the redo file just then.
            }
            catch (ImageException error) when (_options.IgnoreRedo)
            {
                RedoProblem = error.Message;
                return;
            }
        }
    }

    private void RecoverOnce(IRedoPlace place)
    {
        using IImageFile? file = place.Open();
        if (file is null)
        {
            LookElsewhere(place);
            return;
        }
        RedoHead? head = ReadHead(file);
        Verdict verdict = head is { } known ? Judge(file, known, place.Path) : default;
        if (verdict.Fate == Fate.Refused)
            throw new ImageException(verdict.Line!);
        if (_options.IgnoreRedo)
            RedoNote = verdict.Line;
        else
            Act(verdict, place.Path);
        if (_options.ReadOnly)
            return;
        // What a killed ccwfs wrote may be in the kernel's cache alone, and only this file says so.
        if (head is not null)
            SyncBefore(place.Path);
        if (RedoFile.Remove(place) is { } fault) // it has said what it had to say: the next one is made anew
            throw fault;
    }

    /// <summary>A redo file lies beside the name by which the image was opened when it was made: another one now may have left it behind.</summary>
    private void LookElsewhere(IRedoPlace place)
    {
        if (!_files.Locks)
            return;
        if (place.FindOther(redo => ReadHead(redo, isOurs: false) is { } head && head.Binding == Binding) is { } other)
        {
            throw new ImageException(
                $"{other}: the redo file of this image under another name of it, and a change may be pending there; "
                + $"rename it to {place.Path}, or open the image by that name");
        }
        ImageSeries.Part first = _series.Parts[0];
        if (first.File.Status(out FileStatus status) < 0 || status.Links < 2)
            return;
        RedoNote = $"{first.Path}: the file has {status.Links} names; what is pending is in the redo file beside the one that was used: "
            + "open it by the same name always";
        _lines.Say(RedoNote);
    }

    /// <summary>The head of the image's own redo file, or of one that may be its own: of that the head alone is read.</summary>
    private static RedoHead? ReadHead(IImageFile file, bool isOurs = true)
    {
        byte[] sector = new byte[RedoHead.Size];
        int read = file.ReadAt(0, sector);
        if (read < 0)
            throw new ImageException($"{file.Path}: {Problem.Of(read)}", -read);
        bool isEmpty = sector.AsSpan(0, read).IndexOfAnyExcept((byte)0) < 0;
        return RedoHead.Parse(sector.AsSpan(0, read), isOurs && isEmpty && read == sector.Length && HasMore(file), file.Path);
    }

    /// <summary>Whether anything but zeros is behind the head, or more than we ever write.</summary>
    private static bool HasMore(IImageFile file)
    {
        if (file.Status(out FileStatus status) is < 0 and var fault)
            throw new ImageException($"{file.Path}: {Problem.Of(fault)}", -fault);
        if (status.Size > RedoFile.MostLength)
            return true;
        byte[] block = new byte[PieceSize];
        for (long offset = RedoHead.Size; (offset = file.NextData(offset)) >= 0;)
        {
            int read = file.ReadAt(offset, block);
            if (read < 0)
                throw new ImageException($"{file.Path}: offset {offset}: {Problem.Of(read)}", -read);
            if (read == 0)
                return false;
            if (block.AsSpan(0, read).IndexOfAnyExcept((byte)0) >= 0)
                return true;
            offset += read;
        }
        return false;
    }

    /// <summary>What becomes of a redo file with such a head: the one judgement, of an open as of a check.</summary>
    private Verdict Judge(IImageFile file, in RedoHead head, string path)
    {
        if (head.Binding.TotalLength != _series.TotalLength || head.Binding.HeaderSum != _series.HeaderSum)
            return new Verdict(Fate.Refused, null, $"{path}: it belongs to another image; move it away or put that image back");
        RedoChange? change = RedoChange.Read(file, head, Geometry);
        if (_options.IgnoreRedo)
            PendingTracks = Numbers(change);
        if (Refusal(head, change, path) is { } reason)
            return new Verdict(Fate.Refused, change, reason);
        Verdict verdict = change is null ? default : JudgeChange(change, head, path);
        if (verdict.Fate is Fate.Nothing or Fate.Dropped)
            PendingTracks = [];
        return verdict;
    }

    /// <summary>Why the image cannot be used whatever is pending; null when it can.</summary>
    private string? Refusal(in RedoHead head, RedoChange? change, string path)
    {
        string last = change is null ? "" : $" (the last to be written: {Named(change)})";
        return head.State switch
        {
            RedoState.Unsynced when head.BootId != _files.BootId =>
                $"{path}: {Name} was in use when ccwfs stopped, not every program was synced (sync=none or SECONDS), and the system has been restarted since: "
                + $"if it went down without a shutdown, tracks may be half written or old{last}; look with ccwfs dasd check {Name}, then remove {path}",
            RedoState.SyncFailed =>
                $"{path}: {Name} could not be brought to the disk ({Problem.Of(-head.Errno)}): tracks that were written may be lost or half written{last}; "
                + $"look with ccwfs dasd check {Name}, then remove {path}",
            RedoState.Ordered or RedoState.Unsynced => null,
            _ => $"{path}: offset 12: state {(uint)head.State}; this program knows 0 to 2",
        };
    }

    private Verdict JudgeChange(RedoChange change, in RedoHead head, string path)
    {
        if (!change.Flags.HasFlag(RedoFlags.Ordered) && head.BootId != _files.BootId)
            return default; // of before a power cut, and everything was synced since
        string tracks = Named(change);
        if (!_files.Locks)
            return new Verdict(Fate.Finished, change, null); // whoever has it open goes on writing: it cannot be compared
        byte[] slot = new byte[Geometry.TrackSize];
        ChangeProgress progress = change.Judge(track =>
        {
            ReadInPlace(track, slot);
            return slot;
        });
        // What is there is what was left when writing in place was given up, be it the half of a sector.
        bool isAsLeft = change.Flags.HasFlag(RedoFlags.Stuck) && change.IsWhole && LatestChange() is { } changed && changed <= change.ChangedAt;
        if (progress == ChangeProgress.Done)
            return default;
        if (progress == ChangeProgress.Foreign && !isAsLeft)
        {
            return new Verdict(Fate.Refused, change,
                $"{path}: a change of {tracks} is pending, but what is there is neither what it replaces nor what it writes: "
                + $"something else has written to {Name} since; look with ccwfs dasd check {Name}, then remove {path}");
        }
        if (progress == ChangeProgress.NotBegun && !isAsLeft)
        {
            return new Verdict(Fate.Dropped, change,
                $"{path}: a change of {tracks} was never begun in {Name} and nobody was told that it was written: it is dropped");
        }
        return head.Binding.Inode != _series.Inode
            ? new Verdict(Fate.Refused, change,
                $"{path}: a change of {tracks} was left half written in the file that {Name} was copied from; open that one, and copy it again")
            : new Verdict(Fate.Finished, change,
                $"{path}: these were being written when ccwfs stopped, and the next open to write puts them in place: {tracks}");
    }

    private void Act(in Verdict verdict, string path)
    {
        if (verdict.Fate == Fate.Dropped)
            _lines.Say(verdict.Line!);
        if (verdict.Fate != Fate.Finished)
            return;
        PendingTracks = Numbers(verdict.Change);
        if (_options.ReadOnly)
            Show(verdict.Change!);
        else
            Replay(verdict.Change!, path);
    }

    private static int[] Numbers(RedoChange? change) => change is null ? [] : [.. change.Tracks.Select(static track => track.Number)];

    private void Show(RedoChange change)
    {
        _files.TakeMemory((long)change.Tracks.Count * Geometry.TrackSize);
        foreach (PendingTrack track in change.Tracks)
        {
            byte[] slot = new byte[Geometry.TrackSize];
            ReadInPlace(track.Number, slot);
            track.Apply(slot, change.BytesOf(track));
            _pending[track.Number] = slot;
        }
    }

    private void Replay(RedoChange change, string path)
    {
        foreach (PendingTrack track in change.Tracks)
        {
            IImageFile file = _series.Locate(track.Number, out long offset).File;
            ReadOnlySpan<byte> bytes = change.BytesOf(track);
            int result = track.IsReleased ? Empty(file, offset, Geometry.TrackSize) : 0;
            foreach ((int start, int length, int from) in track.Spans)
                result = result < 0 ? result : file.WriteAt(offset + start, bytes.Slice(from, length));
            if (result < 0)
                throw new ImageException($"{Name}: {At(track.Number)} cannot be put in place out of {path}: {Problem.Of(result)}", -result);
        }
        _lines.Say($"{path}: {Named(change)} of {Name} were half written and have been put in place (change {change.Generation})");
    }

    private void SyncBefore(string redo)
    {
        int result = SyncParts(out string path);
        if (result < 0)
        {
            throw new ImageException(
                $"{path}: cannot be brought to the disk: {Problem.Of(result)}; {redo} stays, and tracks that were written may be lost", -result);
        }
    }

    /// <summary>Time of the last change of the image files (ctime in ns); null where it cannot be told.</summary>
    private long? LatestChange()
    {
        long latest = long.MinValue;
        foreach (ImageSeries.Part part in _series.Parts)
        {
            if (part.File.Status(out FileStatus status) < 0)
                return null;
            latest = Math.Max(latest, status.ChangedAt);
        }
        return latest;
    }

    private string Named(RedoChange change) => Named(Numbers(change));

    private string Named(int[] tracks)
    {
        IEnumerable<string> first = tracks.Take(MostNamed).Select(track => $"{track / Geometry.Heads}/{track % Geometry.Heads}");
        int more = tracks.Length - MostNamed;
        return $"track{(tracks.Length == 1 ? "" : "s")} {string.Join(" ", first)}{(more > 0 ? $" and {more} more" : "")}";
    }
}
