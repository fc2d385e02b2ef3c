using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Policy;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Policy;

/// <summary>How a program names the bytes that a command takes.</summary>
public enum Shape
{
    Direct,
    DataChained,
    DataChainedOverTransfer,
    Format1Idaws,
    Format2Idaws2K,
    Format2Idaws4K,
}

/// <summary>A 3390 of ten cylinders under a policy, and programs for it in 1 MiB of guest memory.</summary>
internal sealed class PolicyRig : IDisposable
{
    public const uint Program = 0x1000;
    private const uint Elsewhere = 0x4000;  // CCWs behind transfers
    private const int Data = 0x2_0000;      // 8 KiB a step
    private const int PerStep = 0x2000;
    private const uint Lists = 0x8000;

    public PolicyRig(DevicePolicy policy, bool spaceEfficient = false)
    {
        Rig = new Rig(spaceEfficient: spaceEfficient);
        Rig.Formatted(0, 12, 4096).Formatted(15, 12, 4096).Formatted(16, 12, 4096);
        Machine = new Machine(Rig.Device, logger: Log);
        Machine.Device.SetPolicy(policy);
    }

    public Rig Rig { get; }

    public Machine Machine { get; }

    public LogLines Log { get; } = new();

    /// <summary>ORB word 1 without the shape's bits.</summary>
    public uint Control { get; set; } = OrbControl.Format1 | OrbControl.Prefetch | 0x8000;

    public static ExtentRanges Tracks(string text)
    {
        Assert.Null(ExtentRanges.TryParse(text, Families.Eckd, out ExtentRanges? tracks));
        return tracks!;
    }

    public static CommandList Commands(string text, CommandSet? commands = null)
    {
        Assert.Null(CommandList.TryParse(text, commands ?? Families.Eckd, out CommandList? list));
        return list!;
    }

    /// <summary>Where a step's bytes lie in guest memory when they lie together.</summary>
    public static int DataOf(int step) => Data + (step * PerStep);

    public static byte[] Bytes(Ccw ccw)
    {
        byte[] bytes = new byte[Ccw.Size];
        ccw.WriteFormat1(bytes);
        return bytes;
    }

    public Irb Run(Step[] steps, Shape shape = Shape.Direct) => Machine.Run(Program, Put(steps, shape));

    /// <summary>Puts the program into guest memory; gives the ORB's control word.</summary>
    public uint Put(Step[] steps, Shape shape = Shape.Direct)
    {
        uint at = Program, remote = Elsewhere, list = Lists;
        uint[] places = new uint[steps.Length];
        for (int i = 0, to = (int)Program; i < steps.Length; i++)
        {
            places[i] = (uint)to;
            to += IsSplit(steps[i]) && shape is Shape.DataChained or Shape.DataChainedOverTransfer ? 2 * Ccw.Size : Ccw.Size;
        }
        for (int i = 0; i < steps.Length; i++)
        {
            Step step = steps[i];
            CcwFlags chain = (i + 1 < steps.Length ? CcwFlags.ChainCommand : 0) | (step.Sli ? CcwFlags.SuppressLength : 0);
            if (step.Target >= 0)
                Place(ref at, new Ccw(0x08, 0, 0, places[step.Target]));
            else if (IsSplit(step))
                PlaceOut(i, step, chain, shape, ref at, ref remote, ref list);
            else
                PlaceWhole(i, step, chain, ref at);
        }
        return Control | shape switch
        {
            Shape.Format2Idaws4K => OrbControl.Format2Idaws,
            Shape.Format2Idaws2K => OrbControl.Format2Idaws | OrbControl.TwoKIdaws,
            _ => 0,
        };
    }

    public void Place(ref uint at, Ccw ccw)
    {
        ccw.WriteFormat1(Machine.Memory.AsSpan((int)at));
        at += Ccw.Size;
    }

    public byte[] Track(int track) => Rig.Records(track, 12, 4096);

    public void Dispose()
    {
        Machine.Dispose();
        Rig.Volume.Dispose();
    }

    /// <summary>An argument: of searches and writes the shape makes no difference.</summary>
    private static bool IsSplit(Step step) => step.Target < 0 && step.Out.Length > 3 && (step.Code & 0x03) == 0x03;

    private void PlaceWhole(int i, Step step, CcwFlags chain, ref uint at)
    {
        step.Out.CopyTo(Machine.Memory, DataOf(i));
        Place(ref at, new Ccw(step.Code, chain, (ushort)Math.Max(step.Out.Length, step.Read), (uint)DataOf(i)));
    }

    private void PlaceOut(int i, Step step, CcwFlags chain, Shape shape, ref uint at, ref uint remote, ref uint list)
    {
        const int Cut = 3;
        uint data = (uint)DataOf(i);
        var rest = new Ccw(step.Code, chain, (ushort)(step.Out.Length - Cut), data + Cut);
        switch (shape)
        {
            case Shape.Direct:
                PlaceWhole(i, step, chain, ref at);
                break;
            case Shape.DataChained:
                step.Out.CopyTo(Machine.Memory, (int)data);
                Place(ref at, new Ccw(step.Code, CcwFlags.ChainData, Cut, data));
                Place(ref at, rest with { Command = 0x03 }); // its own code does not count
                break;
            case Shape.DataChainedOverTransfer:
                step.Out.CopyTo(Machine.Memory, (int)data);
                Place(ref at, new Ccw(step.Code, CcwFlags.ChainData, Cut, data));
                Place(ref at, new Ccw(0x08, 0, 0, remote));
                Place(ref remote, rest);
                Place(ref remote, new Ccw(0x08, 0, 0, at));
                break;
            default:
                int block = shape == Shape.Format2Idaws4K ? 4096 : 2048, size = shape == Shape.Format1Idaws ? 4 : 8;
                uint end = (uint)(data + block);
                step.Out.AsSpan(0, Cut).CopyTo(Machine.Memory.AsSpan((int)end - Cut));
                step.Out.AsSpan(Cut).CopyTo(Machine.Memory.AsSpan((int)data)); // the next block of the list, not of memory
                Idaw(list, size, end - Cut);
                Idaw(list + (uint)size, size, data);
                Place(ref at, new Ccw(step.Code, chain | CcwFlags.IndirectData, (ushort)step.Out.Length, list));
                list += 0x40;
                break;
        }
    }

    private void Idaw(uint at, int size, uint address)
    {
        if (size == 4)
            BinaryPrimitives.WriteUInt32BigEndian(Machine.Memory.AsSpan((int)at), address);
        else
            BinaryPrimitives.WriteUInt64BigEndian(Machine.Memory.AsSpan((int)at), address);
    }
}

internal static class IrbAssertions
{
    private const DeviceStatus Ended = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;

    public static Irb Good(this Irb irb)
    {
        Assert.Equal((Ended, SubchannelStatus.None), (irb.Scsw.Device, irb.Scsw.Subchannel));
        return irb;
    }

    /// <summary>Unit check with concurrent sense: bytes 0, 1 and 7.</summary>
    public static Irb Refused(this Irb irb, byte sense0, byte sense1, byte sense7)
    {
        Assert.Equal((Ended | DeviceStatus.UnitCheck, SubchannelStatus.None), (irb.Scsw.Device, irb.Scsw.Subchannel));
        Assert.Equal(Irb.ErwConcurrentSense | (32u << 16), BinaryPrimitives.ReadUInt32BigEndian(irb[(Irb.EswOffset + 4)..]));
        Assert.NotEqual(0u, irb.Scsw.Control & Scsw.ExtendedControl);
        ReadOnlySpan<byte> sense = irb[Irb.EcwOffset..];
        Assert.Equal((sense0, sense1, sense7, (byte)0x80), (sense[0], sense[1], sense[7], sense[27]));
        return irb;
    }

    public static Irb WriteInhibited(this Irb irb) => irb.Refused(0x80, 0x02, 0);
}
