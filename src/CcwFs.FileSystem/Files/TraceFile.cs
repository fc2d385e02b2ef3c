using System.Buffers;
using System.Globalization;
using System.Text;
using CcwFs.Fuse;
using CcwFs.Trace;
using CcwFs.Trace.Views;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem.Files;

/// <summary>
/// An open trace: a stream of the events from its open on, in one form. Each open has its own place; what it is too slow for it loses, and is told.
/// Reads that find nothing are held, and answered by the next event. It ends when the device goes. What is written are wishes, a line each:
/// <c>data=N</c>, the first N bytes of each command's data, or <c>data=all</c>. Lock order: ours, then those of the ring.
/// </summary>
internal sealed class TraceFile : OpenFile
{
    private const int Keeps = 256 << 10;        // bytes, arbitrary: buffers of a reader, and its part of the ring
    private const int Piece = 32 << 10;         // bytes of events that are made at a time (arbitrary)
    private const int MaxWaiting = 16;          // reads of one open that wait (arbitrary: it has one place)
    private const int LongestWish = 64;         // characters (arbitrary)
    private const uint NonBlocking = 0x800;     // O_NONBLOCK, as for interrupts
    private const uint PollIn = 0x001, PollOut = 0x004, PollHangUp = 0x010;

    private readonly Lock _gate = new();
    private readonly TraceReader _reader;
    private readonly TraceView _view;
    private readonly Action<ulong> _notifyPoll;
    private readonly ArrayBufferWriter<byte> _made = new();
    private readonly List<(DeferredReply Reply, int Length)> _waiting = []; // guarded by _gate, the first has waited longest
    private readonly HashSet<ulong> _polls = [];                            // guarded by _gate
    private int _taken; // of what was made
    private long _keepsMore; // bytes, once much data was wanted
    private bool _isClosed;

    private TraceFile(TraceReader reader, TraceView view, in Opening opening)
        : base(opening.Account)
    {
        (_reader, _view, _notifyPoll) = (reader, view, opening.Services.NotifyPoll);
        view.Begin(reader.Id, _made);
        reader.Ready += OnReady;
    }

    /// <summary>Opens one in the form that <paramref name="view"/> makes.</summary>
    internal static int Open(in Opening opening, Func<CommandSets.CommandSet, TraceView> view, out OpenFile? file)
    {
        file = null;
        if (opening.Entry!.Trace is not { } layer)
            return -(int)Errno.ENODEV;
        file = new TraceFile(layer.Read(), view(layer.Identity.Commands), opening);
        return 0;
    }

    /// <summary>The flight recorder as it is now, in the form that <paramref name="view"/> makes.</summary>
    internal static byte[] Flight(TraceLayer? layer, Func<CommandSets.CommandSet, TraceView> view)
    {
        var made = new ArrayBufferWriter<byte>();
        if (layer is null)
            return [];
        using TraceReader reader = layer.Read(layer.Flight);
        TraceView form = view(layer.Identity.Commands);
        form.Begin(layer.Id, made);
        while (reader.TryRead(out TraceRecord record))
            form.Write(record, made);
        return made.WrittenSpan.ToArray();
    }

    /// <inheritdoc/>
    internal override uint Flags => base.Flags | Streamed;

    /// <inheritdoc/>
    internal override long Size => Keeps + _keepsMore;

    /// <inheritdoc/>
    internal override int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer)
    {
        lock (_gate)
        {
            int length = _waiting.Count > 0 ? 0 : Take(buffer);
            if (length > 0)
                return length;
            if (_reader.IsClosed && !_reader.IsReadable)
                return 0;
            if ((flags & NonBlocking) != 0)
                return -(int)Errno.EAGAIN;
            if (_waiting.Count >= MaxWaiting)
                return -(int)Errno.EBUSY;
            int refusal = Account.TryTake(Resource.Waiting);
            if (refusal < 0)
                return refusal;
            _waiting.Add((request.Defer(Forget), buffer.Length));
        }
        if (!_reader.Wait())
            OnReady();
        return FuseHandlers.Later;
    }

    /// <inheritdoc/>
    internal override int Write(in FuseRequest request, long offset, ReadOnlySpan<byte> data)
    {
        if (data.Length > LongestWish)
            return -(int)Errno.EINVAL;
        string wish = Encoding.ASCII.GetString(data).Trim();
        if (!wish.StartsWith("data=", StringComparison.Ordinal))
            return -(int)Errno.EINVAL;
        ReadOnlySpan<char> value = wish.AsSpan("data=".Length);
        int bytes = TraceLayer.MaxData;
        if (value is not "all" && !int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out bytes))
            return -(int)Errno.EINVAL;
        lock (_gate)
        {
            long more = bytes > TraceLayer.LittleData && _keepsMore == 0 ? TraceLayer.MuchMemory : 0;
            int refusal = more == 0 ? 0 : Account.TryTake(Resource.Memory, more);
            if (refusal < 0)
                return refusal;
            _keepsMore += more;
        }
        _reader.DataWanted = bytes;
        return data.Length;
    }

    /// <inheritdoc/>
    internal override int Poll(ulong pollHandle, bool notify, out uint events)
    {
        lock (_gate)
        {
            if (notify)
                _polls.Add(pollHandle);
            bool isReady = _taken < _made.WrittenCount || (notify ? !_reader.Wait() : _reader.IsReady);
            events = PollOut | (isReady ? PollIn : 0) | (_reader.IsClosed ? PollHangUp : 0);
        }
        return 0;
    }

    /// <inheritdoc/>
    internal override void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _polls.Clear();
        }
        _reader.Dispose();
    }

    private void OnReady()
    {
        ulong[] polls;
        lock (_gate)
        {
            if (_isClosed)
                return;
            Answer();
            polls = [.. _polls];
            _polls.Clear();
        }
        foreach (ulong poll in polls)
            _notifyPoll(poll);
    }

    /// <summary>Answers those who wait, as far as there is something. Under the gate.</summary>
    private void Answer()
    {
        while (_waiting is [(DeferredReply reply, int wanted), ..])
        {
            int length = Make(wanted);
            if (length == 0 && !_reader.IsClosed && _reader.Wait())
                return;
            if (length == 0 && !_reader.IsClosed)
                continue;
            _waiting.RemoveAt(0);
            Account.Give(Resource.Waiting);
            if (reply.TryData(_made.WrittenSpan.Slice(_taken, length)))
                _taken += length; // else it was interrupted: the bytes are for the next one
        }
    }

    /// <summary>Takes what was made. Under the gate.</summary>
    private int Take(Span<byte> destination)
    {
        int length = Make(destination.Length);
        _made.WrittenSpan.Slice(_taken, length).CopyTo(destination);
        _taken += length;
        return length;
    }

    /// <summary>How many of so many bytes are made, of more events where all was taken. Under the gate.</summary>
    private int Make(int wanted)
    {
        if (_taken == _made.WrittenCount)
        {
            _made.ResetWrittenCount();
            _taken = 0;
            while (_made.WrittenCount < Piece && _reader.TryRead(out TraceRecord record))
                _view.Write(record, _made);
        }
        return Math.Min(wanted, _made.WrittenCount - _taken);
    }

    private void Forget(DeferredReply reply)
    {
        lock (_gate)
        {
            if (_waiting.RemoveAll(waiting => waiting.Reply == reply) > 0)
                Account.Give(Resource.Waiting);
        }
    }
}
