using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;

namespace CcwFs.Tests.Eckd;

/// <summary>One CCW of a test: what it writes, or how many bytes it reads; <see cref="Target"/> is where a TIC goes.</summary>
internal sealed record Step(byte Code, byte[] Out, int Read, bool Sli = false, int Target = -1)
{
    public static Step W(byte code, params byte[] bytes) => new(code, bytes, 0);

    public static Step Sized(byte code, int length, byte fill = 0) => new(code, Enumerable.Repeat(fill, length).ToArray(), 0);

    public static Step R(byte code, int count) => new(code, [], count);

    public static Step Nop => new(0x03, [], 0);

    public static Step Tic(int target) => new(0x08, [], 0, Target: target);

    public Step WithSli() => this with { Sli = true };

    public static Step Seek(int cylinder, int head) => W(0x07, [0, 0, .. Cchhr(cylinder, head, 0)[..4]]);

    public static Step SearchId(int cylinder, int head, int record) => W(0x31, Cchhr(cylinder, head, record));

    /// <summary>The cylinder's low 16 bits, its high 12, the head's 4, the record's 8.</summary>
    public static byte[] Cchhr(int cylinder, int head, int record) =>
        [(byte)(cylinder >> 8), (byte)cylinder, (byte)(cylinder >> 20), (byte)((cylinder >> 16 << 4) | head), (byte)record];

    public static byte[] Count(int cylinder, int head, int record, int key, int data) =>
        [.. Cchhr(cylinder, head, record), (byte)key, (byte)(data >> 8), (byte)data];

    public static byte[] DefineExtentBytes(byte mask, int first, int last, byte attributes = 0xC4, byte extended = 0)
    {
        byte[] bytes = new byte[16];
        (bytes[0], bytes[1], bytes[7]) = (mask, attributes, extended);
        Track(bytes.AsSpan(8), first);
        Track(bytes.AsSpan(12), last);
        return bytes;
    }

    public static Step Extent(byte mask, int first, int last, byte attributes = 0xC4, byte extended = 0) =>
        W(0x63, DefineExtentBytes(mask, first, last, attributes, extended));

    public static Step Locate(
        byte operation, int count, int track, int record, int length = 0, byte sector = 0xFF, byte auxiliary = 0)
    {
        byte[] bytes = new byte[16];
        bytes[0] = operation;
        bytes[1] = (byte)(auxiliary | (length > 0 ? 0x80 : 0));
        bytes[3] = (byte)count;
        Track(bytes.AsSpan(4), track);
        Track(bytes.AsSpan(8), track);
        (bytes[12], bytes[13]) = ((byte)record, sector);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), (ushort)length);
        return W(0x47, bytes);
    }

    private static void Track(Span<byte> address, int track) => Cchhr(track / 15, track % 15, 0).AsSpan(0, 4).CopyTo(address);
}

/// <summary>What a chain came to: ending status, the step that ended it, data read by each executed read, sense.</summary>
internal sealed record Outcome(DeviceStatus Status, bool IncorrectLength, int Last, List<byte[]> Data, byte[] Sense)
{
    public static readonly DeviceStatus Good = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;

    public Outcome Ok()
    {
        Assert.True(Status == Good && !IncorrectLength,
            $"step {Last}: {Status}, incorrect length {IncorrectLength}, sense {Convert.ToHexString(Sense)}");
        return this;
    }

    public Outcome Fails(byte sense0, byte sense1, byte sense7, int atStep = -1)
    {
        Assert.True(Status == (Good | DeviceStatus.UnitCheck), $"step {Last}: {Status}");
        Assert.Equal($"{sense0:X2} {sense1:X2} {sense7:X2}", $"{Sense[0]:X2} {Sense[1]:X2} {Sense[7]:X2}");
        Assert.Equal(32, Sense.Length);
        Assert.Equal(0x80, Sense[27] & ~0x30); // an ESE volume adds that the address is valid, a large one that it is CCHH
        if (atStep >= 0)
            Assert.Equal(atStep, Last);
        return this;
    }
}

/// <summary>The least of a channel: one chain, status modifier, TIC, incorrect length; ends the chain as a channel does.</summary>
internal static class Channel
{
    private const int Patience = 20_000;

    public static Outcome Run(this IChannelDevice device, params Step[] steps) => RunOn(device, 0, steps);

    public static Outcome RunOn(this IChannelDevice device, int path, params Step[] steps)
    {
        var data = new List<byte[]>();
        DeviceStatus status = Outcome.Good;
        bool incorrect = false;
        int at = 0, last = 0;
        device.BeginProgram(path);
        for (int executed = 0; at < steps.Length; executed++)
        {
            Assert.True(executed < Patience, "the chain does not end");
            if (steps[at].Target >= 0)
            {
                at = steps[at].Target;
                continue;
            }
            last = at;
            var transfer = new FakeTransfer(steps[at]);
            status = device.Execute(steps[at].Code, transfer);
            if (steps[at].Read > 0)
                data.Add(transfer.Taken);
            incorrect = transfer.IsIncorrect && !steps[at].Sli;
            bool skip = (status & DeviceStatus.StatusModifier) != 0;
            if ((status & ~DeviceStatus.StatusModifier) != Outcome.Good || incorrect)
                break;
            status = Outcome.Good;
            at += skip ? 2 : 1;
        }
        status = device.EndProgram(status);
        byte[] sense = new byte[32];
        int length = (status & DeviceStatus.UnitCheck) != 0 ? device.TakeSense(sense) : 0;
        return new Outcome(status, incorrect, last, data, sense[..length]);
    }
}

/// <summary>The data phase over an array. <see cref="BreakAfter"/>: bytes after which the channel meets an error.</summary>
internal sealed class FakeTransfer(Step step) : IDataTransfer
{
    private readonly byte[] _in = new byte[step.Read];
    private int _position;
    private bool _short;

    public int BreakAfter { get; init; } = int.MaxValue;

    public bool IsGood => _position < BreakAfter;

    public byte[] Taken => _in[.._position];

    public bool IsIncorrect => _short || (step.Read > 0 ? _position < step.Read : _position < step.Out.Length);

    public int Receive(Span<byte> buffer)
    {
        int length = ReceiveAvailable(buffer);
        _short |= length < buffer.Length;
        return length;
    }

    public int ReceiveAvailable(Span<byte> buffer)
    {
        int length = Math.Min(buffer.Length, Math.Min(step.Out.Length, BreakAfter) - _position);
        step.Out.AsSpan(_position, length).CopyTo(buffer);
        _position += length;
        return length;
    }

    public int Send(ReadOnlySpan<byte> bytes)
    {
        int length = Math.Min(bytes.Length, Math.Min(_in.Length, BreakAfter) - _position);
        bytes[..length].CopyTo(_in.AsSpan(_position));
        _position += length;
        _short |= length < bytes.Length;
        return length;
    }
}
