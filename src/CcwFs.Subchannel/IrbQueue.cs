using CcwFs.ChannelIo;

namespace CcwFs.Subchannel;

/// <summary>
/// Interruption-response blocks that a client has not read yet, oldest first; the head is the one its region shows. Not thread-safe.
/// Bounded by nature: an intermediate status that waits after the head is merged into the program's next one, as a subchannel holds only one; a
/// program gives one final status, and an accepted start takes away what earlier programs gave. What is left (unsolicited status, halts and clears of
/// an idle device) is limited.
/// </summary>
internal sealed class IrbQueue
{
    /// <summary>Most interrupts waiting (arbitrary; beyond it all but a program's are dropped, logged).</summary>
    internal const int Limit = 32;

    private readonly List<Irb> _waiting = []; // after the head

    /// <summary>The head is shown and not read.</summary>
    internal bool HeadUnread { get; private set; }

    /// <summary>The head's signal was taken, its bytes not yet read.</summary>
    internal bool HeadSignalled { get; set; }

    /// <summary>Interrupts that wait after the head.</summary>
    internal bool HasMore => _waiting.Count > 0;

    /// <summary>Adds one after all others. False: it was dropped.</summary>
    internal bool Add(in Irb irb)
    {
        bool program = IsProgram(irb);
        if (program && HasMore && IsIntermediate(_waiting[^1].Scsw))
            _waiting[^1] = Merge(_waiting[^1], irb);
        else if (program || _waiting.Count < Limit)
            _waiting.Add(irb);
        else
            return false;
        return true;
    }

    /// <summary>
    /// Adds the answer to a HALT of a VFIO client, which waits for the signal of it and not for that of <paramref name="head"/>, the head that it may
    /// not have read: it is the next to be shown. Unread status of earlier functions becomes one with it, as a subchannel holds only one; status of
    /// the device's own waits after it.
    /// </summary>
    internal void AddAnswer(in Irb answer, in Irb head)
    {
        if (HeadUnread)
            _waiting.Insert(0, head);
        DropHead();
        Irb joined = answer;
        for (int i = _waiting.Count - 1; i >= 0; i--)
        {
            if (_waiting[i].Scsw.Function == FunctionControl.None)
                continue;
            joined = Join(_waiting[i], joined);
            _waiting.RemoveAt(i);
        }
        _waiting.Insert(0, joined);
    }

    /// <summary>The head is done with.</summary>
    internal void DropHead() => (HeadUnread, HeadSignalled) = (false, false);

    /// <summary>What programs gave and waits after the head is done with.</summary>
    internal void DropPrograms() => _waiting.RemoveAll(static irb => IsProgram(irb));

    /// <summary>What answers a function and waits after the head is done with.</summary>
    internal void DropAnswers() => _waiting.RemoveAll(static irb => irb.Scsw.Function != FunctionControl.None);

    /// <summary>The one that is to be the head next; false when there is none, or the head is still unread.</summary>
    internal bool TryPeek(out Irb next)
    {
        bool found = !HeadUnread && HasMore;
        next = found ? _waiting[0] : default;
        return found;
    }

    /// <summary>Makes that one the head.</summary>
    internal void Advance()
    {
        _waiting.RemoveAt(0);
        (HeadUnread, HeadSignalled) = (true, false);
    }

    /// <summary>Forgets everything; what the region shows is no longer unread.</summary>
    internal void Clear()
    {
        _waiting.Clear();
        DropHead();
    }

    /// <summary>
    /// The program's newer status takes the place of its unread intermediate one, and keeps what that said of PCI (SA22-7832, chapter 16).
    /// </summary>
    private static Irb Merge(in Irb older, in Irb newer)
    {
        uint interruption = older.Scsw.Status & ((uint)SubchannelStatus.ProgramControlledInterruption << 16);
        Irb merged = newer;
        Scsw scsw = newer.Scsw;
        if (interruption != 0)
            merged.Scsw = scsw with { Control = scsw.Control | (uint)StatusControl.Intermediate, Status = scsw.Status | interruption };
        return merged;
    }

    /// <summary>
    /// As <see cref="Merge"/>; but a program that had ended before the halt keeps its end, with the halt function and what its status adds.
    /// </summary>
    private static Irb Join(in Irb older, in Irb newer)
    {
        if (!IsProgram(older) || IsProgram(newer))
            return Merge(older, newer);
        const uint Functions = 0x7000, StatusBytes = 0xFFFF_0000; // in words 0 and 2
        Irb joined = older;
        Scsw scsw = older.Scsw;
        joined.Scsw = scsw with
        {
            Control = scsw.Control | (newer.Scsw.Control & Functions),
            Status = scsw.Status | (newer.Scsw.Status & StatusBytes),
        };
        return joined;
    }

    private static bool IsProgram(in Irb irb) => (irb.Scsw.Function & FunctionControl.Start) != 0;

    private static bool IsIntermediate(in Scsw scsw) => (scsw.StatusControl & ~StatusControl.Pending) == StatusControl.Intermediate;
}
