using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>What all workers of a session's rings share.</summary>
/// <param name="Device">The session's device, which is open as long as there are workers.</param>
/// <param name="Session">The session.</param>
/// <param name="Handlers">The file system.</param>
/// <param name="Early">INTERRUPTs that were too early.</param>
/// <param name="Broke">Called when a queue works no more, with why.</param>
internal sealed record RingContext(
    FileDescriptor Device, IFuseSession Session, FuseHandlers Handlers, EarlyInterrupts Early, Action<string> Broke);

/// <summary>The workers that serve the same queues, as each of them sees them.</summary>
internal interface IRingQueues
{
    /// <summary>The queues, by the numbers of their processors.</summary>
    IReadOnlyList<ushort> Numbers { get; }

    /// <summary>The processor that they are served on; null: any.</summary>
    int? Processor { get; }

    /// <summary>Workers that wait for a request now.</summary>
    int Idle { get; }

    /// <summary>The node of a file that the last request of those that may take long was for.</summary>
    ulong File { get; }

    /// <summary>A worker waits.</summary>
    void Waits();

    /// <summary>A worker waits no more.</summary>
    void Woke();

    /// <summary>It has a request, of a file that may hold it up, or 0: should no other worker wait, there is to be one more.</summary>
    void Works(ulong file);
}
