namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// What a message about space says (code of message format 06: dasd_eckd.h). There is one for an exhausted pool too (04), and it is not sent: the worker of
/// Linux that gets it then waits for the device, which is stopped, and no later message comes through to it. Sense has said so anyway.
/// </summary>
internal enum SpaceMessage : byte
{
    /// <summary>The extent pool is nearly used up. Linux goes on with what waits for space when it hears this, and only then.</summary>
    Warning = 0x03,

    /// <summary>There is space in the extent pool.</summary>
    Relieved = 0x06,
}

/// <summary>Messages to the drivers of this device: attention says that there are some, the message buffer gives one at a time. Under the volume's gate.</summary>
public sealed partial class EckdDevice
{
    /// <summary>Most messages kept; the oldest go first (arbitrary).</summary>
    private const int MaxMessages = 8;

    private readonly Queue<SpaceMessage> _messages = [];

    /// <summary>The oldest message, which is forgotten then; false when there is none.</summary>
    internal bool TakeMessage(out SpaceMessage message) => _messages.TryDequeue(out message);

    /// <summary>There is space again: leaves the messages and raises attention. Nothing for a device that is not space-efficient.</summary>
    internal void AnnounceSpace()
    {
        if (!IsSpaceEfficient)
            return;
        LogSpaceAgain();
        foreach (SpaceMessage message in (ReadOnlySpan<SpaceMessage>)[SpaceMessage.Warning, SpaceMessage.Relieved])
        {
            if (_messages.Count == MaxMessages)
                _messages.Dequeue();
            _messages.Enqueue(message);
        }
        RaiseAttention();
    }
}
