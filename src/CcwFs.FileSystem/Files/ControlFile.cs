using CcwFs.Fuse;
using CcwFs.Linux;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem.Files;

/// <summary>
/// One open control file: JSON is written, in one or several writes, until it is a whole request; reads are held until it has been carried out
/// and then give the reply, once. Writes are never held: the kernel's inode lock would make every other client of the file wait. Thread-safe.
/// Requests have the identity of the opener, taken while the open was not answered; a writer must be the same user and group, so that neither a
/// set-uid program that inherits the file nor who gets it from root adds its rights to the other's.
/// </summary>
internal sealed class ControlFile : OpenFile, IDisposable
{
    /// <summary>Longest request (arbitrary: a program of some pages fits; a longer one comes in pieces).</summary>
    internal const int MaxRequest = 256 << 10;

    private const int OpenCost = 4 << 10; // bytes, arbitrary: more than the objects of an open file take
    private const int DescriptorCost = 1 << 20; // bytes, arbitrary: we have few descriptors
    private const int WorkCost = 1 << 20; // bytes, arbitrary: a thread's stack, and what a request and a reply of bounded length become
    private const int FirstRoom = 4 << 10; // bytes, arbitrary

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly List<(DeferredReply Reply, int Length)> _waiting = []; // reads of a reply to come; guarded by _gate
    private readonly CallerIdentity _opener;
    private readonly ControlAccount _account;
    private readonly IControlSession _session;
    private JsonEnd _end;
    private byte[] _request = []; // the pieces so far
    private int _length;          // of them
    private byte[] _reply = [];
    private int _taken;
    private Errno _fault;         // why there is no reply; 0: there is
    private bool _busy;
    private bool _isClosed;

    private ControlFile(CallerIdentity opener, ControlAccount account, IControlSession session, ClientAccount files)
        : base(files) => (_opener, _account, _session) = (opener, account, session);

    /// <summary>Opens one for the caller of an OPEN that is not answered yet: 0, or a negative errno.</summary>
    internal static int Open(in Opening opening, out OpenFile? file)
    {
        file = null;
        FuseRequest request = opening.Request;
        int result = CallerIdentity.OfRequest(request.Pid, request.Uid, request.Gid, out CallerIdentity opener);
        if (result < 0)
            return result;
        ControlAccount account = opening.Services.Budget.Open(request.Uid);
        if (!account.TryTake(OpenCost + (sizeof(uint) * opener.Groups.Count) + (opener.Root is null ? 0 : DescriptorCost)))
        {
            opener.Root?.Dispose();
            return -(int)Errno.ENFILE;
        }
        try
        {
            file = new ControlFile(opener, account, opening.Services.Control(opener, account), opening.Account);
            return 0;
        }
        catch
        {
            opener.Root?.Dispose();
            account.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    internal override uint Flags => base.Flags | Streamed;

    /// <inheritdoc/>
    internal override int Write(in FuseRequest request, long offset, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            if (request.Uid != _opener.Uid || request.Gid != _opener.Gid)
                return -(int)Errno.EPERM;
            if (_busy)
                return -(int)Errno.EBUSY;
            if (_length + data.Length > MaxRequest)
            {
                ForgetRequest(); // what is written next is another one
                return -(int)Errno.EFBIG;
            }
            JsonEnd end = _end;
            if (!end.IsIn(data))
            {
                if (!TryKeep(data))
                    return -(int)Errno.EAGAIN;
                _end = end;
                return data.Length;
            }
            if (!_account.TryTakeForRequest(WorkCost))
                return -(int)Errno.EAGAIN;
            byte[] whole = [.. _request.AsSpan(0, _length), .. data];
            ForgetRequest();
            ForgetReply();
            _busy = true;
            string? directory = CallerIdentity.DirectoryOf(request.Pid);
            _ = Task.Run(() => CarryOut(whole, directory));
            return data.Length;
        }
    }

    /// <inheritdoc/>
    internal override int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer)
    {
        lock (_gate)
        {
            if (_busy)
            {
                _waiting.Add((request.Defer(Forget), buffer.Length));
                return FuseHandlers.Later;
            }
            if (_fault != 0)
                return -(int)_fault;
            int length = Math.Min(buffer.Length, _reply.Length - _taken);
            _reply.AsSpan(_taken, length).CopyTo(buffer);
            Took(length);
            return length;
        }
    }

    /// <inheritdoc/>
    /// <remarks>What is being carried out for it is cancelled, and the session ends after it.</remarks>
    internal override void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            if (!_busy)
                End();
        }
        _closed.Cancel(); // the source lives as long as what is carried out needs it
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    private void Forget(DeferredReply reply)
    {
        lock (_gate)
            _waiting.RemoveAll(waiting => waiting.Reply == reply);
    }

    private async Task CarryOut(byte[] request, string? directory)
    {
        byte[]? reply;
        try
        {
            reply = await _session.HandleAsync(request, directory, _closed.Token).ConfigureAwait(false);
        }
        catch
        {
            reply = null; // cancelled with its client, or a fault that the session has no words for: a waiting reader must not wait for ever
        }
        lock (_gate)
        {
            _fault = reply is null ? Errno.EIO : _account.TryTake(reply.Length) ? 0 : Errno.ENOMEM;
            _reply = _fault == 0 ? reply! : [];
            _account.ReturnRequest(garbage: request.Length); // after the reply: its bytes are counted all the time
            _busy = false;
            foreach ((DeferredReply read, int length) in _waiting)
            {
                int given = Math.Min(length, _reply.Length - _taken);
                if (_fault != 0)
                    read.TryFail(_fault);
                else if (read.TryData(_reply.AsSpan(_taken, given)))
                    Took(given);
            }
            _waiting.Clear();
            if (_isClosed)
                End();
        }
    }

    /// <summary>Under the gate, as all below. The room for the pieces grows with them, and is charged.</summary>
    private bool TryKeep(ReadOnlySpan<byte> data)
    {
        int length = _length + data.Length;
        if (length > _request.Length)
        {
            int room = Math.Clamp(2 * _request.Length, Math.Max(FirstRoom, length), MaxRequest);
            if (!_account.TryTake(room - _request.Length))
                return false;
            Array.Resize(ref _request, room);
        }
        data.CopyTo(_request.AsSpan(_length));
        _length = length;
        return true;
    }

    private void ForgetRequest()
    {
        _account.Return(_request.Length, garbage: _request.Length);
        (_request, _length, _end) = ([], 0, default);
    }

    private void ForgetReply()
    {
        _account.Return(_reply.Length, garbage: _reply.Length);
        (_reply, _taken, _fault) = ([], 0, 0);
    }

    private void Took(int length)
    {
        _taken += length;
        if (_taken == _reply.Length)
            ForgetReply();
    }

    private void End()
    {
        ForgetRequest();
        ForgetReply();
        _opener.Root?.Dispose();
        _session.Dispose();
        _account.Dispose();
    }
}
