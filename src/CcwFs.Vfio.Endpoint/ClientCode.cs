using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Vfio;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// What a client's emulator has made of its guest's code, and how it drops that. It is told once (<see cref="GuestCodeChannel"/>), before or after
/// memory is mapped; until then nothing is known and nothing dropped. Thread-safe.
/// </summary>
internal sealed class ClientCode(CallerLog? log, ClientAccount account) : IGuestCode, IDisposable
{
    /// <summary>It was not told.</summary>
    internal const string Unknown = "unknown";

    private readonly Lock _gate = new();
    private QtestChannel? _channel; // changed under _gate
    private CodeMarks? _marks;      // changed under _gate, before _channel
    private bool _isHardware;       // changed under _gate
    private bool _disposed;         // guarded by _gate
    private int _descriptors;       // guarded by _gate: those counted
    private long _mapped;           // guarded by _gate: bytes counted

    /// <summary>An emulator translates the guest's code, and can be told to drop translations.</summary>
    internal bool IsTranslated => Volatile.Read(ref _channel) is not null;

    /// <summary>What it has translated; null: it may be anything.</summary>
    internal CodeMarks? Marks => Volatile.Read(ref _marks);

    /// <summary>As <c>info</c> says it: kvm, plugin, all; unknown where nobody has told.</summary>
    internal string Kind => Volatile.Read(ref _isHardware) ? "kvm" : !IsTranslated ? Unknown : Marks is not null ? "plugin" : "all";

    /// <summary>
    /// Sets it, once. Takes the descriptors over, on failure too; none where <paramref name="marks"/> is null. 0, -EBUSY the second time, -EINVAL for
    /// descriptors of another kind (and for marks where a page that is not there could kill who reads it), -EPERM for marks that can shrink, -ENOMEM
    /// over a limit.
    /// </summary>
    internal int Set(FileDescriptor channel, FileDescriptor otherEnd, FileDescriptor? marks)
    {
        SharedMemory? memory = null;
        bool fits = Sockets.IsLocalStream(channel) && Sockets.IsLocalStream(otherEnd) && (marks is null || ClientMemory.IsSafeToMap(marks));
        int result = fits ? 0 : -(int)Errno.EINVAL;
        int descriptors = marks is null ? 2 : 3;
        bool counted = result == 0 && (result = account.TryTake(Resource.Descriptors, descriptors)) == 0;
        long mapped = counted && marks is not null && (result = account.TryTakeMapping(GuestCodeMarks.Size)) == 0 ? GuestCodeMarks.Size : 0;
        if (result == 0 && marks is not null)
        {
            result = SharedMemory.Map(marks, out memory);
            marks = null; // it was taken over
            if (result == 0 && memory!.Length < GuestCodeMarks.Size)
                result = -(int)Errno.EINVAL;
        }
        if (result == 0)
        {
            lock (_gate)
            {
                result = _disposed ? -(int)Errno.ENODEV : _channel is not null || _isHardware ? -(int)Errno.EBUSY : 0;
                if (result == 0)
                {
                    (_descriptors, _mapped) = (descriptors, mapped);
                    Volatile.Write(ref _marks, memory is null ? null : new CodeMarks(memory));
                    Volatile.Write(ref _channel, new QtestChannel(channel, otherEnd));
                    return 0;
                }
            }
        }
        memory?.Dispose();
        marks?.Dispose();
        channel.Dispose();
        otherEnd.Dispose();
        if (counted)
            account.Give(Resource.Descriptors, descriptors);
        account.GiveMapping(mapped);
        return result;
    }

    /// <summary>The processor runs the code itself: 0, or -EBUSY the second time.</summary>
    internal int SetHardware()
    {
        lock (_gate)
        {
            if (_channel is not null || _isHardware)
                return -(int)Errno.EBUSY;
            Volatile.Write(ref _isHardware, true);
            return 0;
        }
    }

    /// <inheritdoc/>
    public bool Drop(ReadOnlySpan<CodeRange> ranges, ICodeUser user) => Said(Volatile.Read(ref _channel)?.Drop(ranges, user) ?? false, user);

    /// <inheritdoc/>
    public bool Write(ulong address, ReadOnlySpan<byte> bytes, ICodeUser user) =>
        Said(Volatile.Read(ref _channel)?.Write(address, bytes, user) ?? false, user);

    /// <summary>At the client's end, when nothing uses its memory any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            _channel?.Dispose();
            _marks?.Dispose();
        }
        if (_descriptors > 0)
            account.Give(Resource.Descriptors, _descriptors);
        account.GiveMapping(_mapped);
    }

    private bool Said(bool good, ICodeUser user)
    {
        if (!good && !user.IsOver)
            log?.Deaf();
        return good;
    }
}
