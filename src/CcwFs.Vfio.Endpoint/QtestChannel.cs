using System.Buffers.Text;
using System.Globalization;
using CcwFs.Linux;
using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// Commands of QEMU's qtest protocol (system/qtest.c) on a socket: a line each, answered by "OK". QEMU writes guest memory by them, and drops the
/// translations that overlap the bytes written. It carries them out in its main loop, under its big lock, which a guest's processor holds while it
/// waits in a system call: so no thread that QEMU waits for may be in here. One user at a time; thread-safe. Owns the descriptors.
/// </summary>
/// <remarks>
/// A command that is no longer wanted must not be carried out later, when its bytes are the guest's again. So we have the other end of the socket
/// too, and take back what QEMU has not read. It reads pieces of at most <see cref="Piece"/> bytes, which no line of ours crosses, and carries out
/// whatever it has read.
/// </remarks>
internal sealed class QtestChannel(FileDescriptor channel, FileDescriptor otherEnd) : IDisposable
{
    /// <summary>How long QEMU may be silent (arbitrary: as for memory that waits; it may be stopped, or swapped out).</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Most bytes that QEMU reads at once (qtest_can_read).</summary>
    internal const int Piece = 1024;

    /// <summary>Bytes of a command that sets memory: a divisor of <see cref="Piece"/>.</summary>
    internal const int ShortLine = 64;

    /// <summary>Commands on the way at once (arbitrary: the pages of a megabyte; a socket takes more).</summary>
    internal const int MostOnTheWay = 256;

    /// <summary>Bytes that one command writes: a line of <see cref="Piece"/> with their base64 text.</summary>
    internal const int MostWritten = 600;

    private const int Look = 20; // milliseconds between two looks at whether it is still wanted, arbitrary

    private readonly object _gate = new(); // a monitor, to be tried with a time
    private readonly byte[] _lines = new byte[Math.Max(MostOnTheWay * ShortLine, Piece)]; // guarded by _gate, as the rest
    private readonly byte[] _answers = new byte[256]; // arbitrary
    private int _owed;  // commands that QEMU has, or may still read, and has not answered
    private int _match; // bytes of the present answer that have come
    private bool _ended;

    private static ReadOnlySpan<byte> Answer => "OK\n"u8;

    /// <summary>Sets the ranges to zeros. False: not all of it is certain to be done, or to be left undone for good.</summary>
    internal bool Drop(ReadOnlySpan<CodeRange> ranges, ICodeUser user)
    {
        long until = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        if (!Enter(user, until))
            return false;
        try
        {
            while (!ranges.IsEmpty)
            {
                int count = Math.Min(ranges.Length, MostOnTheWay);
                for (int i = 0; i < count; i++)
                    Zero(ranges[i], _lines.AsSpan(i * ShortLine, ShortLine));
                if (!Send(count, ShortLine, user, until))
                    return false;
                ranges = ranges[count..];
            }
            return true;
        }
        finally
        {
            Monitor.Exit(_gate);
        }
    }

    /// <summary>Writes bytes. False as for <see cref="Drop"/>.</summary>
    internal bool Write(ulong address, ReadOnlySpan<byte> bytes, ICodeUser user)
    {
        long until = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        if (!Enter(user, until))
            return false;
        try
        {
            while (!bytes.IsEmpty)
            {
                int count = Math.Min(bytes.Length, MostWritten);
                Put(address, bytes[..count], _lines.AsSpan(0, Piece));
                if (!Send(1, Piece, user, until))
                    return false;
                address += (ulong)count;
                bytes = bytes[count..];
            }
            return true;
        }
        finally
        {
            Monitor.Exit(_gate);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_ended)
                TakeBack(ShortLine);
            _ended = true;
            channel.Dispose();
            otherEnd.Dispose();
        }
    }

    // The size has zeros before it, up to the line's length; QEMU reads numbers with strtoull(3).
    private static void Zero(CodeRange range, Span<byte> line)
    {
        line.Fill((byte)'0');
        "memset 0x"u8.CopyTo(line);
        Hex(range.Address, line.Slice(9, 16));
        " 0x"u8.CopyTo(line[25..]);
        Hex((ulong)range.Length, line[^(16 + 5)..^5]);
        " 0x0\n"u8.CopyTo(line[^5..]);
    }

    private static void Put(ulong address, ReadOnlySpan<byte> bytes, Span<byte> line)
    {
        line.Fill((byte)'0');
        "b64write 0x"u8.CopyTo(line);
        Hex(address, line.Slice(11, 16));
        " 0x"u8.CopyTo(line[27..]);
        line[^1] = (byte)'\n';
        int text = Base64.GetMaxEncodedToUtf8Length(bytes.Length);
        Base64.EncodeToUtf8(bytes, line[^(text + 1)..^1], out _, out _);
        line[^(text + 2)] = (byte)' ';
        Hex((ulong)bytes.Length, line[^(text + 2 + 16)..^(text + 2)]);
    }

    private static void Hex(ulong value, Span<byte> digits) => value.TryFormat(digits, out _, "x16", CultureInfo.InvariantCulture);

    private bool Enter(ICodeUser user, long until)
    {
        while (!Monitor.TryEnter(_gate, Look))
        {
            if (IsOver(user, until))
                return false;
        }
        if (!_ended && Wait(user, until)) // for answers that an earlier user has not waited for
            return true;
        Monitor.Exit(_gate);
        return false;
    }

    private static bool IsOver(ICodeUser user, long until) => user.IsOver || Environment.TickCount64 >= until;

    private bool Send(int lines, int length, ICodeUser user, long until)
    {
        if (IsOver(user, until))
            return false;
        int sent = Sockets.Send(channel, _lines.AsSpan(0, lines * length));
        _owed += lines;
        bool good = sent == lines * length && Wait(user, until);
        if (good)
            return true;
        TakeBack(length);
        _ended |= sent != lines * length; // it is not a channel of which nothing is on the way
        return false;
    }

    // Until every answer is there. It is asked in every round whether that is still wanted: answers may come in pieces, for ever.
    private bool Wait(ICodeUser user, long until)
    {
        while (_owed > 0 && !_ended)
        {
            int ready = Descriptors.Poll(channel, Descriptors.PollIn, Look);
            if (ready > 0)
                Take();
            else if (ready < 0 && ready != -(int)Errno.EINTR)
                _ended = true;
            if (_owed > 0 && IsOver(user, until))
                return false;
        }
        return !_ended;
    }

    private void Take()
    {
        int count = Sockets.Receive(channel, _answers);
        if (count == -(int)Errno.EAGAIN)
            return;
        _ended |= count <= 0;
        foreach (byte value in _answers.AsSpan(0, Math.Max(count, 0)))
        {
            if (value != Answer[_match] || _owed == 0)
            {
                _ended = true; // no answer of QEMU's: whatever it is, it is not to be believed
                return;
            }
            _match = (_match + 1) % Answer.Length;
            if (_match == 0)
                _owed--;
        }
    }

    // What was sent in lines of a length and QEMU has not read. No more than was sent: the socket may be another one, which its owner fills.
    private void TakeBack(int length)
    {
        int most = _owed * length, back = 0, count = 1;
        while (back < most && count > 0)
        {
            count = Sockets.Receive(otherEnd, _lines.AsSpan(0, Math.Min(_lines.Length, most - back)));
            back += Math.Max(count, 0);
        }
        _ended |= back % length != 0;
        _owed -= back / length;
    }
}
