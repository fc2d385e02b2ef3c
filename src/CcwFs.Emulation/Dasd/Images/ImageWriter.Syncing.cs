using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <content>When what was written is brought to stable storage, and what the redo file says meanwhile.</content>
internal sealed partial class ImageWriter
{
    private SyncTimer? _timer;    // guarded by _writing
    private long _unsyncedWrites; // changes since the image was opened that only a sync brings to the disk; guarded by _writing

    /// <summary>As <see cref="ISharedVolume.SetSync"/>.</summary>
    internal void SetSync(ImageSync sync)
    {
        lock (_writing)
        {
            if (redo is { State: RedoState.Unsynced } && sync.IsStricterThan(SyncPolicy))
                SyncAll();
            SyncPolicy = sync;
        }
    }

    /// <summary>
    /// Without a sync after every program: says so in the redo file, on stable storage, before the first track is written that a power cut may leave
    /// half written. Under _writing. Throws <see cref="ImageException"/>.
    /// </summary>
    private void MarkUnsynced()
    {
        if (SyncPolicy.EveryProgram)
            return;
        _unsyncedWrites++;
        if (redo is { State: RedoState.Unsynced, HeadIsKnown: true })
            return;
        redo.Mark(RedoState.Unsynced);
        SyncTimer.Start(SyncPolicy.Seconds);
    }

    /// <summary>A sync has failed: nothing more is written.</summary>
    private bool IsLost => _fault is not null && _stuck is null;

    /// <summary>Under _writing.</summary>
    private SyncTimer SyncTimer => _timer ??= new SyncTimer(SyncNow);

    /// <summary>No sync of the timer runs any more when this returns. Without _writing, which such a sync takes.</summary>
    private void StopTimer()
    {
        SyncTimer timer;
        lock (_writing)
            timer = SyncTimer;
        timer.Stop();
    }

    /// <summary>The timer's turn. The disk is waited for without a lock: who reads and writes goes on.</summary>
    private void SyncNow()
    {
        long before;
        lock (_writing)
        {
            if (_disposed || IsLost)
                return;
            before = _unsyncedWrites;
        }
        int result = slots.SyncParts(out string path);
        lock (_writing)
        {
            if (_disposed || IsLost)
                return;
            if (result < 0)
            {
                lines.Say(LoseSync(path, result).Message); // once: nothing is synced any more
                return;
            }
            try
            {
                if (before == _unsyncedWrites && _stuck is null)
                    redo.Mark(RedoState.Ordered);
                else
                    SyncTimer.Start(SyncPolicy.Seconds);
            }
            catch (ImageException error)
            {
                lines.SayUnmarked($"{redo.Path}: {error.Message}");
                SyncTimer.Start(SyncPolicy.Seconds);
            }
        }
    }

    /// <summary>Everything that was written is on stable storage when this returns. Under _writing. Throws <see cref="ImageException"/>.</summary>
    private void SyncAll()
    {
        if (_fault is not null)
            throw new ImageException(_fault);
        SyncFiles();
        if (redo is { State: RedoState.Unsynced })
            redo.Mark(RedoState.Ordered);
    }

    private void SyncFiles()
    {
        int result = slots.SyncParts(out string path);
        if (result < 0)
            throw LoseSync(path, result);
    }

    /// <summary>
    /// The kernel tells of a failed write-back once and then forgets the bytes: no later sync can be believed. The redo file says so to the next
    /// open.
    /// </summary>
    private ImageException LoseSync(string path, int result)
    {
        string stuck = _stuck is null ? "" : $", and {slots.Named([.. _stuck.Select(static track => track.Track)])} may be half written";
        _fault = $"{path}: cannot be brought to the disk ({Problem.Of(result)}): tracks that were written may be lost{stuck}; "
            + "nothing more is written until the image is opened again";
        _stuck = null;
        try
        {
            redo.Make(sync: false);
            redo.Mark(RedoState.SyncFailed, -result);
        }
        catch (ImageException error)
        {
            _fault += $"; {redo.Path}, which is to say so, cannot be written either: {error.Message}";
        }
        return new ImageException(_fault, -result);
    }

    /// <summary>The image is closed: gives what is not as it should be, one line, or null. Under _writing.</summary>
    private string? Finish()
    {
        if (!redo.Exists)
            return null; // nothing was written
        if (_stuck is null && _fault is not null)
            return _fault;
        try
        {
            if (_stuck is not null)
                FinishStuck();
            SyncFiles();
            if (redo is { State: RedoState.Unsynced, Holds: true })
                redo.Mark(RedoState.Ordered); // who closes may not be allowed to remove it; what is left says that all is there
        }
        catch (ImageException error)
        {
            return error.Message;
        }
        return redo.Remove()?.Message;
    }
}
