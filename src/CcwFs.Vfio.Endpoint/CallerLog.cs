using CcwFs.Linux;
using Microsoft.Extensions.Logging;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// Says why clients are refused, for the person who can change it. Clients choose how often they try, so each reason is said once in a while only.
/// One object serves all clients.
/// </summary>
public sealed partial class CallerLog
{
    private const long Pause = 10_000; // milliseconds between two lines of one kind; arbitrary

    private readonly ILogger _logger;
    private long _foreignAt = -Pause, _rightsAt = -Pause, _privateAt = -Pause, _deafAt = -Pause, _unknownAt = -Pause; // Interlocked

    /// <summary>Writes to <paramref name="logger"/>.</summary>
    public CallerLog(ILogger logger) => _logger = logger;

    /// <summary>A caller without a process id.</summary>
    internal void Foreign() => Say(ref _foreignAt, ForeignNamespace);

    /// <summary>A caller whose memory or descriptors may not be reached.</summary>
    internal void NoRights(uint thread, int error) => Say(ref _rightsAt, log => NoPtraceRights(log, thread, Problem.Of(error)));

    /// <summary>A caller whose memory a real device cannot reach.</summary>
    internal void PrivateMemory(uint thread) => Say(ref _privateAt, log => NoAddress(log, thread));

    /// <summary>A client's emulator that does not drop its translations.</summary>
    internal void Deaf() => Say(ref _deafAt, log => NoAnswer(log, QtestChannel.Patience.TotalSeconds));

    /// <summary>A QEMU that translates its guest's code and cannot be told what is read.</summary>
    internal void UnknownCode(uint thread) => Say(ref _unknownAt, log => MayBeStale(log, thread));

    private void Say(ref long last, Action<ILogger> line)
    {
        long now = Environment.TickCount64, before = Interlocked.Read(ref last);
        if (now - before >= Pause && Interlocked.CompareExchange(ref last, now, before) == before)
            line(_logger);
    }

    [LoggerMessage(1, LogLevel.Warning,
        "a VFIO client in another pid namespace was refused: run it in the namespace of ccwfs, or ccwfs in the client's")]
    private static partial void ForeignNamespace(ILogger logger);

    [LoggerMessage(3, LogLevel.Warning,
        "VFIO client {Thread} was refused, a real device cannot reach its private memory: start it with ccwfs qemu, or give QEMU -object memory-backend-memfd,id=m,size=…,share=on "
        + "-machine memory-backend=m")]
    private static partial void NoAddress(ILogger logger, uint thread);

    [LoggerMessage(4, LogLevel.Warning,
        "a guest's QEMU has not dropped its translations of code within {Seconds} s: the program that read over them ended with a channel-control check; was QEMU stopped?")]
    private static partial void NoAnswer(ILogger logger, double seconds);

    [LoggerMessage(5, LogLevel.Warning,
        "the guest of QEMU (thread {Thread}) may run code that is no longer in its memory: start QEMU with ccwfs qemu, which tells it what is read")]
    private static partial void MayBeStale(ILogger logger, uint thread);

    [LoggerMessage(2, LogLevel.Warning,
        "VFIO client {Thread} was refused, ccwfs may not reach its memory ({Problem}): run ccwfs as root or as the client's user; where Yama restricts "
        + "ptrace, start the client with ccwfs qemu, or give ccwfs CAP_SYS_PTRACE")]
    private static partial void NoPtraceRights(ILogger logger, uint thread, string problem);
}
