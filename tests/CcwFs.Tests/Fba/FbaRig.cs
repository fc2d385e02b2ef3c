using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Fba;
using CcwFs.Tests.Eckd;

namespace CcwFs.Tests.Fba;

/// <summary>A disk of blocks with one device; more may be added. In memory, unless a store is given.</summary>
internal sealed class FbaRig : IDisposable
{
    public const byte Write = 1, Replicated = 2, Format = 4, Verify = 5, Read = 6;

    public FbaRig(uint blocks = 1000, int blockSize = 512, IBlockStore? store = null, bool readOnly = false)
    {
        Store = store ?? new MemoryBlockStore(new BlockGeometry(blockSize, blocks));
        Volume = new FbaVolume(Store);
        Device = Add(0x0150, readOnly);
    }

    public IBlockStore Store { get; }

    public FbaVolume Volume { get; }

    public FbaDevice Device { get; }

    public LogLines Log { get; } = new();

    public FbaDevice Add(ushort number, bool readOnly = false) => new(Volume, new FbaOptions(new DeviceId(0, 0, number), readOnly), Log);

    public static Step Extent(byte mask, uint locator, uint first, uint last, ushort blockSize = 512)
    {
        byte[] bytes = new byte[16];
        bytes[0] = mask;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), blockSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), locator);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), first);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), last);
        return Step.W(0x63, bytes);
    }

    public static Step Locate(byte operation, int count, uint block, byte replication = 0)
    {
        byte[] bytes = [operation, replication, (byte)(count >> 8), (byte)count, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), block);
        return Step.W(0x43, bytes);
    }

    /// <summary>Writes whole blocks as Linux does, by the whole disk's numbers.</summary>
    public FbaRig Put(uint block, byte[] bytes, FbaDevice? by = null)
    {
        int size = Volume.Geometry.BlockSize;
        uint last = block + (uint)(bytes.Length / size) - 1;
        (by ?? Device).Run(Extent(0xC0, block, block, last, (ushort)size), Locate(Verify, bytes.Length / size, block), Step.W(0x41, bytes)).Ok();
        return this;
    }

    public byte[] Get(uint block, int count = 1, FbaDevice? by = null)
    {
        int size = Volume.Geometry.BlockSize;
        return (by ?? Device).Run(
            Extent(0x40, block, block, block + (uint)count - 1, (ushort)size), Locate(Read, count, block), Step.R(0x42, count * size)).Ok().Data[0];
    }

    public static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public void Dispose()
    {
        Device.Dispose();
        Volume.Dispose();
    }
}

internal static class FbaOutcome
{
    /// <summary>Unit check with 24 bytes of sense that begin with these two, at this step.</summary>
    public static Outcome Refused(this Outcome outcome, byte sense0, byte sense1, int atStep)
    {
        Assert.Equal((Outcome.Good | DeviceStatus.UnitCheck, atStep), (outcome.Status, outcome.Last));
        Assert.Equal(24, outcome.Sense.Length);
        Assert.Equal($"{sense0:X2} {sense1:X2}", $"{outcome.Sense[0]:X2} {outcome.Sense[1]:X2}");
        Assert.Equal(-1, outcome.Sense.AsSpan(2).IndexOfAnyExcept((byte)0));
        return outcome;
    }
}
