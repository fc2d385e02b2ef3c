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
    private readonly Dictionary<int, int> _calls = [];          // guarded by _gate: ioctls that have begun and not ended, by process
    private readonly Lazy<EventSignals> _signals = new(() => new EventSignals());
    private readonly Func<FileDescriptor, IommuFile?>? _recognise;
    private readonly Lazy<ProcessWatch> _processes = new(() => new ProcessWatch());

    /// <summary>A service that logs to <paramref name="logger"/>. Threads and descriptors are made when the first client needs them.</summary>
    public VfioService(ILogger logger)
    {
        Logger = logger;
        CallerLog = new CallerLog(logger);
    }

    /// <summary>For tests without a mount: <paramref name="recognise"/> tells which open file a descriptor is.</summary>
    internal VfioService(ILogger logger, Func<FileDescriptor, IommuFile?> recognise)
        : this(logger) => _recognise = recognise;

    internal ILogger Logger { get; }

    internal CallerLog CallerLog { get; }

    internal EventSignals Signals => _signals.Value;

    internal ProcessWatch Processes => _processes.Value;

    /// <summary>A new open of a <c>device</c> file.</summary>
    public DeviceClient OpenDevice(VfioCcwDevice device) => new(this, device);

    /// <summary>A new open of the <c>iommu</c> file.</summary>
    public IommuFile OpenIommu() => new(this);

    /// <summary>Most ioctls of one process at once: each can hold a thread as long as the process likes (arbitrary); then EBUSY.</summary>
    internal const int MaxCalls = 64;

    /// <summary>An ioctl begins; false over <see cref="MaxCalls"/>.</summary>
    internal bool TryEnter(int process)
    {
        lock (_gate)
        {
            int calls = _calls.GetValueOrDefault(process);
            if (calls < MaxCalls)
                _calls[process] = calls + 1;
            return calls < MaxCalls;
        }
    }

    /// <summary>An ioctl that <see cref="TryEnter"/> let in has ended.</summary>
    internal void Leave(int process)
    {
        lock (_gate)
        {
            if (--_calls[process] == 0)
                _calls.Remove(process);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_processes.IsValueCreated)
            _processes.Value.Dispose();
        if (_signals.IsValueCreated)
            _signals.Value.Dispose();
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
