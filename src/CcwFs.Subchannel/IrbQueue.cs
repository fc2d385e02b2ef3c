using CcwFs.ChannelIo;

namespace CcwFs.Subchannel;

/// <summary>
/// Interruption-response blocks that a client has not read yet, oldest first; the head is the one its region shows. Not thread-safe.
/// Bounded by nature: an intermediate status behind the head is merged into the program's next one, as a subchannel holds only one; a program gives
/// one final status, and an accepted start takes the head away. What is left (unsolicited status, halts and clears of an idle device) is limited.
/// </summary>
internal sealed class IrbQueue
{
    /// <summary>Most interrupts waiting (arbitrary; beyond it all but a program's are dropped, logged).</summary>
    internal const int Limit = 32;

    private readonly Queue<Irb> _waiting = new();
    private Irb _newest; // the last one, if any; it may still be replaced
    private bool _hasNewest;

    /// <summary>The head is shown and not read.</summary>
    internal bool HeadUnread { get; private set; }

    /// <summary>The head's signal was taken, its bytes not yet read.</summary>
    internal bool HeadSignalled { get; set; }

    /// <summary>Interrupts behind the head.</summary>
    internal bool HasMore => _hasNewest;

    /// <summary>Adds one. True: it is the head now, show it.</summary>
    internal bool Add(in Irb irb, out bool dropped)
    {
        dropped = false;
        if (!HeadUnread)
        {
            (HeadUnread, HeadSignalled) = (true, false);
            return true;
        }
        bool program = (irb.Scsw.Function & FunctionControl.Start) != 0;
        bool merge = program && _hasNewest && IsIntermediate(_newest.Scsw);
        if (!merge && !program && _waiting.Count + 1 >= Limit)
        {
            dropped = true;
            return false;
        }
        if (merge)
        {
            Merge(irb);
            return false;
        }
        if (_hasNewest)
            _waiting.Enqueue(_newest);
        _newest = irb;
        _hasNewest = true;
        return false;
    }

    /// <summary>The head is done with. True: there is a next one, which is the head now.</summary>
    internal bool TryAdvance(out Irb next)
    {
        (HeadUnread, HeadSignalled) = (false, false);
        next = default;
        if (!_hasNewest)
            return false;
        if (!_waiting.TryDequeue(out next))
            (next, _hasNewest) = (_newest, false);
        HeadUnread = true;
        return true;
    }

    /// <summary>Forgets everything; what the region shows is no longer unread.</summary>
    internal void Clear()
    {
        _waiting.Clear();
        (_hasNewest, HeadUnread, HeadSignalled) = (false, false, false);
    }

    /// <summary>The program's newer status takes the place of its unread intermediate one, and keeps what that said of PCI (SA22-7832, chapter 16).</summary>
    private void Merge(in Irb newer)
    {
        uint interruption = _newest.Scsw.Status & ((uint)SubchannelStatus.ProgramControlledInterruption << 16);
        Scsw scsw = newer.Scsw;
        _newest = newer;
        if (interruption != 0)
            _newest.Scsw = scsw with { Control = scsw.Control | (uint)StatusControl.Intermediate, Status = scsw.Status | interruption };
    }

    private static bool IsIntermediate(in Scsw scsw) => (scsw.StatusControl & ~StatusControl.Pending) == StatusControl.Intermediate;
}
