using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>What an open does with a redo file that it finds: by the file's state and by what is in place. Before the image is handed out.</summary>
internal sealed class ImageRecovery(IImageFiles files, ImageSlots slots, ImageOptions options, bool asIs, ImageLines lines)
{
    private const int PieceSize = 65_536;   // of a redo file without a head, to look at (arbitrary)
    private const int UnlockedAttempts = 3; // to look at a redo file that is being written (arbitrary: it is seen half written for a moment only)

    /// <summary>What becomes of a change in a redo file.</summary>
    private enum Fate
    {
        /// <summary>Nothing is pending: it is in place, or of before a power cut and synced since.</summary>
        Nothing,

        /// <summary>It was never begun, and never acknowledged.</summary>
        Dropped,

        /// <summary>It is put in place.</summary>
        Finished,

        /// <summary>The image cannot be used.</summary>
        Refused,
    }

    /// <summary>A fate, and the line that says it (null: there is nothing to say).</summary>
    private readonly record struct Verdict(Fate Fate, RedoChange? Change, string? Line);

    /// <summary>Tracks of the change that a redo file held: see <see cref="SlotStore.PendingTracks"/>.</summary>
    internal IReadOnlyList<int> PendingTracks { get; private set; } = [];

    /// <summary>Why an open to write would be refused, for a check; null when it would not.</summary>
    internal string? Fault { get; private set; }

    /// <summary>What an open to write would do or say, for a check; null when nothing.</summary>
    internal string? Note { get; private set; }

    /// <summary>Puts a change that was cut short in place, or shows it. Throws <see cref="ImageException"/> where the image cannot be used.</summary>
    internal void Run(IRedoPlace place)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                RecoverOnce(place);
                return;
            }
            catch (ImageException) when (!files.Locks && attempt < UnlockedAttempts)
            {
                // The process that has it open was writing the redo file just then.
            }
            catch (ImageException error) when (asIs)
            {
                Fault = error.Message;
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
        if (options.Redo is not null)
            RefuseForeign(file, head, place.Path);
        Verdict verdict = head is { } known ? Judge(file, known, place.Path) : default;
        if (verdict.Fate == Fate.Refused)
            throw new ImageException(verdict.Line!);
        if (asIs)
            Note = verdict.Line;
        else
            Act(verdict, place.Path);
        if (options.ReadOnly)
            return;
        // What a killed ccwfs wrote may be in the kernel's cache alone, and only this file says so.
        if (head is not null)
            SyncBefore(place.Path);
        if (RedoFile.Remove(place) is { } fault) // it has said what it had to say: the next one is made anew
            throw fault;
    }

    /// <summary>
    /// A path that was asked for may be the redo file of another image, of the same size, or no redo file at all: nothing of it is dropped or
    /// removed.
    /// </summary>
    private void RefuseForeign(IImageFile file, in RedoHead? head, string path)
    {
        ImageException.Check(file.Status(out FileStatus status), $"{path}: ");
        if (head is null && status.Size > RedoHead.Size)
            throw new ImageException($"{path}: it is no redo file; give another path, or move it away");
        if (head is { } known && known.Binding.Inode != slots.Binding.Inode)
            throw new ImageException($"{path}: it belongs to another image; give each volume a redo file of its own");
    }

    /// <summary>A redo file lies beside the name by which the image was opened when it was made: another one now may have left it behind.</summary>
    private void LookElsewhere(IRedoPlace place)
    {
        if (!files.Locks || options.Redo is not null)
            return;
        if (place.FindOther(redo => ReadHead(redo, isOurs: false) is { } head && head.Binding == slots.Binding) is { } other)
        {
            throw new ImageException(
                $"{other}: the redo file of this image under another name of it, and a change may be pending there; "
                + $"rename it to {place.Path}, or open the image by that name");
        }
        SlotPart first = slots.Parts[0];
        if (first.File.Status(out FileStatus status) < 0 || status.Links < 2)
            return;
        Note = $"{first.Path}: the file has {status.Links} names; what is pending is in the redo file beside the one that was used: "
            + "open it by the same name always";
        lines.Say(Note);
    }

    /// <summary>The head of the image's own redo file, or of one that may be its own: of that the head alone is read.</summary>
    private static RedoHead? ReadHead(IImageFile file, bool isOurs = true)
    {
        byte[] sector = new byte[RedoHead.Size];
        int read = ImageException.Check(file.ReadAt(0, sector), $"{file.Path}: ");
        bool isEmpty = sector.AsSpan(0, read).IndexOfAnyExcept((byte)0) < 0;
        return RedoHead.Parse(sector.AsSpan(0, read), isOurs && isEmpty && read == sector.Length && HasMore(file), file.Path);
    }

    /// <summary>Whether anything but zeros follows the head, or more than we ever write.</summary>
    private static bool HasMore(IImageFile file)
    {
        ImageException.Check(file.Status(out FileStatus status), $"{file.Path}: ");
        if (status.Size > RedoFile.MostLength)
            return true;
        byte[] block = new byte[PieceSize];
        for (long offset = RedoHead.Size; (offset = file.NextData(offset)) >= 0;)
        {
            int read = ImageException.Check(file.ReadAt(offset, block), $"{file.Path}: offset {offset}: ");
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
        if (head.Binding.TotalLength != slots.Binding.TotalLength || head.Binding.HeaderSum != slots.Binding.HeaderSum)
            return new Verdict(Fate.Refused, null, $"{path}: it belongs to another image; move it away or put that image back");
        RedoChange? change = RedoChange.Read(file, head, slots.Geometry.Tracks, slots.SlotSize);
        if (asIs)
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
            RedoState.Unsynced when head.BootId != files.BootId =>
                $"{path}: {slots.Name} was in use when ccwfs stopped, not every program was synced (sync=none or SECONDS), and the system has been restarted since: "
                + $"if it went down without a shutdown, tracks may be half written or old{last}; look with ccwfs dasd check {slots.Name}, then remove {path}",
            RedoState.SyncFailed =>
                $"{path}: {slots.Name} could not be brought to the disk ({Problem.Of(-head.Errno)}): tracks that were written may be lost or half written{last}; "
                + $"look with ccwfs dasd check {slots.Name}, then remove {path}",
            RedoState.Ordered or RedoState.Unsynced => null,
            _ => $"{path}: offset 12: state {(uint)head.State}; this program knows 0 to 2",
        };
    }

    private Verdict JudgeChange(RedoChange change, in RedoHead head, string path)
    {
        if (!change.Flags.HasFlag(RedoFlags.Ordered) && head.BootId != files.BootId)
            return default; // of before a power cut, and everything was synced since
        string tracks = Named(change);
        if (!files.Locks)
            return new Verdict(Fate.Finished, change, null); // the process that has it open goes on writing: it cannot be compared
        byte[] slot = new byte[slots.SlotSize];
        ChangeProgress progress = change.Judge(track =>
        {
            slots.ReadInPlace(track, slot);
            return slot;
        });
        // What is there is what was left when writing in place was given up, be it the half of a sector.
        bool isAsLeft = change.Flags.HasFlag(RedoFlags.Stuck) && change.IsWhole && slots.LatestChange() is { } changed && changed <= change.ChangedAt;
        if (progress == ChangeProgress.Done)
            return default;
        if (progress == ChangeProgress.Foreign && !isAsLeft)
        {
            return new Verdict(Fate.Refused, change,
                $"{path}: a change of {tracks} is pending, but what is there is neither what it replaces nor what it writes: "
                + $"something else has written to {slots.Name} since; look with ccwfs dasd check {slots.Name}, then remove {path}");
        }
        if (progress == ChangeProgress.NotBegun && !isAsLeft)
        {
            return new Verdict(Fate.Dropped, change,
                $"{path}: a change of {tracks} was never begun in {slots.Name} and nobody was told that it was written: it is dropped");
        }
        return head.Binding.Inode != slots.Binding.Inode
            ? new Verdict(Fate.Refused, change,
                $"{path}: a change of {tracks} was left half written in the file that {slots.Name} was copied from; open that one, and copy it again")
            : new Verdict(Fate.Finished, change,
                $"{path}: these were being written when ccwfs stopped, and the next open to write puts them in place: {tracks}");
    }

    private void Act(in Verdict verdict, string path)
    {
        if (verdict.Fate == Fate.Dropped)
            lines.Say(verdict.Line!);
        if (verdict.Fate != Fate.Finished)
            return;
        PendingTracks = Numbers(verdict.Change);
        if (options.ReadOnly)
            Show(verdict.Change!);
        else
            Replay(verdict.Change!, path);
    }

    private static int[] Numbers(RedoChange? change) => change is null ? [] : [.. change.Tracks.Select(static track => track.Number)];

    private void Show(RedoChange change)
    {
        files.TakeMemory((long)change.Tracks.Count * slots.SlotSize);
        foreach (PendingTrack track in change.Tracks)
        {
            byte[] slot = new byte[slots.SlotSize];
            slots.ReadInPlace(track.Number, slot);
            track.Apply(slot, change.BytesOf(track));
            slots.Show(track.Number, slot);
        }
    }

    private void Replay(RedoChange change, string path)
    {
        foreach (PendingTrack track in change.Tracks)
        {
            IImageFile file = slots.Locate(track.Number, out long offset).File;
            ReadOnlySpan<byte> bytes = change.BytesOf(track);
            int result = track.IsReleased ? ImageSlots.Empty(file, offset, slots.SlotSize) : 0;
            foreach ((int start, int length, int from) in track.Spans)
                result = result < 0 ? result : file.WriteAt(offset + start, bytes.Slice(from, length));
            if (result < 0)
                throw new ImageException($"{slots.Name}: {slots.At(track.Number)} cannot be put in place out of {path}: {Problem.Of(result)}",
                    -result);
        }
        lines.Say($"{path}: {Named(change)} of {slots.Name} were half written and have been put in place (change {change.Generation})");
    }

    private void SyncBefore(string redo)
    {
        int result = slots.SyncParts(out string path);
        if (result < 0)
        {
            throw new ImageException(
                $"{path}: cannot be brought to the disk: {Problem.Of(result)}; {redo} stays, and tracks that were written may be lost", -result);
        }
    }

    private string Named(RedoChange change) => slots.Named(Numbers(change));
}
