namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>What an out-of-space message says (code of message format 06: dasd_eckd.h).</summary>
internal enum SpaceMessage : byte
{
    /// <summary>The extent pool is nearly used up. Linux goes on with what waits for space when it hears this, and only then.</summary>
    Warning = 0x03,

    /// <summary>The extent pool is used up.</summary>
    Exhausted = 0x04,

    /// <summary>There is space in the extent pool.</summary>
    Relieved = 0x06,
}

/// <summary>Messages to the drivers of this device: attention says that there are some, the message buffer gives one at a time. Under the volume's gate.</summary>
public sealed partial class EckdDevice
{
    /// <summary>Most messages kept; the oldest go first (arbitrary).</summary>
    private const int MaxMessages = 8;

    private readonly Queue<SpaceMessage> _messages = [];

    /// <summary>The volume has no space. Nothing for a device that is not space-efficient.</summary>
    internal void AnnounceNoSpace() => Announce(SpaceMessage.Exhausted);

    /// <summary>The volume has space again.</summary>
    internal void AnnounceSpace()
    {
        Announce(SpaceMessage.Warning);
        Announce(SpaceMessage.Relieved);
    }

    /// <summary>The oldest message, which is forgotten then; false when there is none.</summary>
    internal bool TakeMessage(out SpaceMessage message) => _messages.TryDequeue(out message);

    private void Announce(SpaceMessage message)
    {
        if (!IsSpaceEfficient)
            return;
        if (_messages.Count == MaxMessages)
            _messages.Dequeue();
        _messages.Enqueue(message);
        RaiseAttention();
    }
}
