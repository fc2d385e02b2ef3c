namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// What a message about space says (code of message format 06: dasd_eckd.h). There is one for an exhausted pool too (04), and it is not sent: the
/// worker of Linux that gets it then waits for the device, which is stopped, and no later message comes through to it. Sense has said so anyway.
/// </summary>
internal enum SpaceMessage : byte
{
    /// <summary>The extent pool is nearly used up. Linux goes on with what waits for space when it hears this, and only then.</summary>
    Warning = 0x03,

    /// <summary>There is space in the extent pool.</summary>
    Relieved = 0x06,
}

/// <summary>
/// Messages to the drivers of one device: attention says that there are some, the message buffer gives one at a time. Under the volume's gate.
/// </summary>
internal sealed class SpaceMessages
{
    /// <summary>Most messages kept; the oldest go first (arbitrary).</summary>
    private const int MaxMessages = 8;

    private Queue<SpaceMessage>? _messages; // made by the first: most devices have none

    /// <summary>The oldest message, which is forgotten then; false when there is none.</summary>
    public bool TryTake(out SpaceMessage message)
    {
        message = default;
        return _messages?.TryDequeue(out message) ?? false;
    }

    /// <summary>There is space again: Linux wants both messages.</summary>
    public void Announce()
    {
        _messages ??= new Queue<SpaceMessage>(MaxMessages);
        foreach (SpaceMessage message in (ReadOnlySpan<SpaceMessage>)[SpaceMessage.Warning, SpaceMessage.Relieved])
        {
            if (_messages.Count == MaxMessages)
                _messages.Dequeue();
            _messages.Enqueue(message);
        }
    }

    /// <summary>Nobody is to be told.</summary>
    public void Clear() => _messages = null;
}
