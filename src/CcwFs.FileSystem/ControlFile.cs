using System.Text.Json;
using CcwFs.Fuse;
using Mono.Unix.Native;

namespace CcwFs.FileSystem;

/// <summary>Who speaks through a control file.</summary>
/// <param name="Pid">Process (or thread) id; 0 when the caller is in a foreign pid namespace.</param>
/// <param name="Uid">User.</param>
/// <param name="Gid">Group.</param>
public readonly record struct ControlCaller(uint Pid, uint Uid, uint Gid);

/// <summary>Carries out one request of the control file; gives the JSON reply. Cancelled when the caller goes away.</summary>
public delegate Task<byte[]> ControlHandler(ReadOnlyMemory<byte> request, ControlCaller caller, CancellationToken cancelled);

/// <summary>
/// One open control file: JSON is written, in one or several writes, until it is a whole request; reads are held until it has been carried out
/// and then give the reply, once. Writes are never held: the kernel's inode lock would make every other client of the file wait. Thread-safe.
/// </summary>
internal sealed class ControlFile(ControlHandler handler) : IDisposable
{
    /// <summary>Longest request (arbitrary: a channel program with 64 MiB of data in base64).</summary>
    internal const int MaxRequest = 96 << 20;

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly MemoryStream _request = new();
    private readonly LinkedList<(DeferredReply Reply, int Length)> _waiting = []; // reads of a reply to come; guarded by _gate
    private byte[] _reply = [];
    private int _taken;
    private bool _busy;

    internal int Write(in FuseRequest request, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            if (_busy)
                return -(int)Errno.EBUSY;
            if (_request.Length + data.Length > MaxRequest)
                return -(int)Errno.EFBIG;
            _request.Write(data);
            if (!IsWhole(out bool malformed) && !malformed)
                return data.Length;
            byte[] whole = _request.ToArray();
            _request.SetLength(0);
            _busy = true;
            var caller = new ControlCaller(request.Pid, request.Uid, request.Gid);
            _ = Task.Run(() => CarryOut(whole, caller));
            return data.Length;
        }
    }

    internal int Read(in FuseRequest request, Span<byte> buffer)
    {
        lock (_gate)
        {
            if (_busy)
            {
                _waiting.AddLast((request.Defer(Forget), buffer.Length));
                return FuseHandlers.Later;
            }
            int length = Math.Min(buffer.Length, _reply.Length - _taken);
            _reply.AsSpan(_taken, length).CopyTo(buffer);
            _taken += length;
            return length;
        }
    }

    /// <summary>The file is closed: what is being carried out for it is cancelled. The token source lives as long as that needs it.</summary>
    public void Dispose() => _closed.Cancel();

    private void Forget(DeferredReply reply)
    {
        lock (_gate)
        {
            for (LinkedListNode<(DeferredReply Reply, int Length)>? at = _waiting.First; at is not null; at = at.Next)
            {
                if (at.Value.Reply == reply)
                {
                    _waiting.Remove(at);
                    return;
                }
            }
        }
    }

    private async Task CarryOut(byte[] request, ControlCaller caller)
    {
        byte[]? reply;
        try
        {
            reply = await handler(request, caller, _closed.Token).ConfigureAwait(false);
        }
        catch
        {
            reply = null; // cancelled with its client, or a fault that the handler has no words for: whoever waits must not wait for ever
        }
        lock (_gate)
        {
            (_reply, _taken, _busy) = (reply ?? [], 0, false);
            foreach ((DeferredReply read, int length) in _waiting)
            {
                if (reply is null)
                {
                    read.TryFail(Errno.EIO);
                    continue;
                }
                int given = Math.Min(length, _reply.Length - _taken);
                if (read.TryData(_reply.AsSpan(_taken, given)))
                    _taken += given;
            }
            _waiting.Clear();
        }
    }

    /// <summary>True when the bytes so far are a whole JSON value; malformed ones are a request too, for an error in words.</summary>
    private bool IsWhole(out bool malformed)
    {
        // A request is an object; the reader would wait for more digits of a number for ever.
        ReadOnlySpan<byte> text = _request.GetBuffer().AsSpan(0, (int)_request.Length).TrimStart(" \t\r\n"u8);
        malformed = text is [not (byte)'{', ..];
        if (malformed || text.IsEmpty)
            return false;
        var reader = new Utf8JsonReader(text, isFinalBlock: false, state: default);
        try
        {
            return reader.Read() && reader.TrySkip();
        }
        catch (JsonException)
        {
            malformed = true;
            return false;
        }
    }
}
