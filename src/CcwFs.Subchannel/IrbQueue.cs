using CcwFs.ChannelIo;

namespace CcwFs.Subchannel;

/// <summary>
/// Interruption-response blocks that a client has not read yet, oldest first; the head is the one its region shows. Not thread-safe.
/// Bounded by nature: an intermediate status that is not read yet is replaced by the next one, as a subchannel holds only one; a program gives one
/// final status; what is left is unsolicited status, and the limit is for that.
/// </summary>
internal sealed class IrbQueue
{
    /// <summary>Most interrupts waiting (arbitrary; unsolicited ones beyond it replace the newest, logged).</summary>
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
        if (_hasNewest)
        {
            bool coalesce = IsIntermediate(_newest);
            dropped = !coalesce && _waiting.Count + 1 >= Limit;
            if (!coalesce && !dropped)
                _waiting.Enqueue(_newest);
        }
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

    private static bool IsIntermediate(in Irb irb) =>
        (irb.Scsw.StatusControl & ~StatusControl.Pending) == StatusControl.Intermediate;
}
