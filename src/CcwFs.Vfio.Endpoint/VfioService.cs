using System.Globalization;
using System.Security.Cryptography;
using CcwFs.Linux;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>What the VFIO clients of one mount share. Thread-safe.</summary>
public sealed class VfioService : IDisposable
{
    /// <summary>
    /// The ioctl by which we ask one of our own open files which one it is; its argument is a number that only we know. No driver of Linux has it
    /// (Documentation/userspace-api/ioctl/ioctl-number.rst).
    /// </summary>
    internal const uint IntroduceCommand = 0xFCC5;

    private const long FuseFiles = 0x6573_5546; // FUSE_SUPER_MAGIC

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, IommuFile?> _asked = []; // guarded by _gate: by the number in the question
    private EventSignals? _signals; // guarded by _gate
    private readonly Func<FileDescriptor, IommuFile?>? _recognise;
    private readonly LogLimit _failureLines, _signalLines;

    /// <summary>
    /// A service that logs to <paramref name="logger"/>, for clients who have what <paramref name="limits"/> leave them (null: what the system gives). Threads
    /// and descriptors are made when the first client needs them.
    /// </summary>
    public VfioService(ILogger logger, ClientLimits? limits = null, uint? owner = null)
    {
        _failureLines = new LogLimit(TimeProvider.System, count => EndpointLog.LeftOut(logger, count, "requests of clients"));
        _signalLines = new LogLimit(TimeProvider.System, count => EndpointLog.LeftOut(logger, count, "signals to clients"));
        Logger = new LimitedLogger(logger, _failureLines);
        SignalLogger = new LimitedLogger(logger, _signalLines);
        Accounts = NewAccounts(limits, owner);
        CallerLog = new CallerLog(logger);
    }

    /// <summary>For tests without a mount: <paramref name="recognise"/> tells which open file a descriptor is.</summary>
    internal VfioService(ILogger logger, Func<FileDescriptor, IommuFile?> recognise)
        : this(logger) => _recognise = recognise;

    /// <summary>For what clients cause as often as they ask; limited.</summary>
    internal ILogger Logger { get; }

    /// <summary>For signals that a client does not take; limited.</summary>
    internal ILogger SignalLogger { get; }

    internal CallerLog CallerLog { get; }

    /// <summary>Who has how much of what clients can use up.</summary>
    public ClientAccounts Accounts { get; }

    internal static ClientAccounts NewAccounts(ClientLimits? limits = null, uint? owner = null) =>
        new(limits ?? new ClientLimits(SystemLimits.Read()), owner ?? Descriptors.EffectiveUser);

    /// <summary>
    /// A new open of a <c>device</c> file, for writing too or not; what is kept for it is counted on <paramref name="account"/> (null: this process's user's).
    /// </summary>
    public DeviceClient OpenDevice(VfioCcwDevice device, bool writable = true, ClientAccount? account = null) =>
        new(this, device, account ?? Accounts.Of(Descriptors.EffectiveUser), writable);

    /// <summary>A new open of the <c>iommu</c> file.</summary>
    public IommuFile OpenIommu(bool writable = true, ClientAccount? account = null) => new(this, account ?? Accounts.Of(Descriptors.EffectiveUser), writable);

    /// <summary>
    /// What signals eventfds, made when it is first asked for: 0, or what the kernel says when it has none to give now (aio-max-nr is one for all users).
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
        _failureLines.Dispose();
        _signalLines.Dispose();
    }

    /// <summary>
    /// Which open of <c>iommu</c> a descriptor is: the descriptor itself is asked, and the answer comes to our own session, which knows the open file.
    /// 0, or -EBADFD for anything else. On the client's thread: the descriptor may be one of another file system, which answers when it likes.
    /// </summary>
    internal int Recognise(FileDescriptor descriptor, out IommuFile? file)
    {
        file = _recognise?.Invoke(descriptor);
        if (file is not null)
            return 0;
        if (descriptor.FileSystemType(out long magic) < 0 || magic != FuseFiles)
            return -(int)Errno.EBADFD;
        ulong number = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        lock (_gate)
            _asked[number] = null;
        Descriptors.Control(descriptor, IntroduceCommand, number);
        lock (_gate)
            _asked.Remove(number, out file);
        return file is null ? -(int)Errno.EBADFD : 0;
    }

    /// <summary>The question has come in on <paramref name="file"/>: true when it is one of ours.</summary>
    internal bool Introduce(uint threadId, ulong number, IommuFile file)
    {
        if (!Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/self/task/{threadId}")))
            return false;
        lock (_gate)
        {
            if (!_asked.ContainsKey(number))
                return false;
            _asked[number] = file;
            return true;
        }
    }
}
