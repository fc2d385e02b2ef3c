using CcwFs.Linux;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Vfio.Endpoint;

/// <summary>What the open files of one mount share. Threads and descriptors are made when the first client needs them. Thread-safe.</summary>
internal sealed class EndpointServices : IDisposable
{
    private readonly Lock _gate = new();
    private EventSignals? _signals; // guarded by _gate

    /// <summary>Services that log to <paramref name="logger"/>; <paramref name="recognise"/> as for <see cref="Endpoint.Introductions"/>.</summary>
    internal EndpointServices(ILogger logger, Func<FileDescriptor, EndpointFile?>? recognise)
    {
        Logger = new LimitedLogger(logger, "requests of clients");
        SignalLogger = new LimitedLogger(logger, "signals to clients");
        CallerLog = new CallerLog(logger);
        Introductions = new Introductions(recognise);
    }

    /// <summary>For what clients cause as often as they ask; limited.</summary>
    internal LimitedLogger Logger { get; }

    /// <summary>For signals that a client does not take; limited.</summary>
    internal LimitedLogger SignalLogger { get; }

    internal CallerLog CallerLog { get; }

    /// <summary>Which open file a descriptor is.</summary>
    internal Introductions Introductions { get; }

    /// <summary>
    /// What signals eventfds, made when it is first asked for: 0, or what the kernel says when it has none to give now (aio-max-nr is one for all
    /// users).
    /// </summary>
    internal int TrySignals(out EventSignals? signals)
    {
        lock (_gate)
        {
            int result = _signals is null ? EventSignals.Create(out _signals) : 0;
            signals = _signals;
            return result;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signals?.Dispose();
        Logger.Dispose();
        SignalLogger.Dispose();
    }
}
