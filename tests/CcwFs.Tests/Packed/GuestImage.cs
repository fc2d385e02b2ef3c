using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Packed;

namespace CcwFs.Tests.Packed;

/// <summary>Guest memory from address 0 on, and what packs programs in it.</summary>
internal sealed class GuestImage(int size = 0x4_0000)
{
    /// <summary>Format 1, prefetch, format-2 IDAWs of 4K.</summary>
    public const uint Usual = OrbControl.Format1 | OrbControl.Prefetch | OrbControl.Format2Idaws;

    public byte[] Bytes { get; } = new byte[size];

    public GuestImage Ccws(uint address, params ulong[] ccws) => Words(address, ccws);

    public GuestImage Words(uint address, params ulong[] words)
    {
        foreach (ulong word in words)
        {
            BinaryPrimitives.WriteUInt64BigEndian(Bytes.AsSpan((int)address), word);
            address += sizeof(ulong);
        }
        return this;
    }

    public GuestImage Put(uint address, params byte[] bytes)
    {
        bytes.CopyTo(Bytes, address);
        return this;
    }

    public bool Read(ulong address, Span<byte> destination)
    {
        if (address > (ulong)Bytes.Length || (ulong)destination.Length > (ulong)Bytes.Length - address)
            return false;
        Bytes.AsSpan((int)address, destination.Length).CopyTo(destination);
        return true;
    }

    public PackedProgram Pack(uint head, uint control = Usual)
    {
        Assert.True(ProgramPacker.TryPack(new Orb(0, control, head), Read, out PackedProgram program, out _, out string error), error);
        return program;
    }

    public string Refused(uint head, uint control = Usual)
    {
        Assert.False(ProgramPacker.TryPack(new Orb(0, control, head), Read, out _, out _, out string error));
        Assert.DoesNotContain('\n', error);
        return error;
    }

    public static PackedProgram Read(byte[] file)
    {
        Assert.True(PackedReader.TryRead(file, out PackedProgram program, out string error), error);
        return program;
    }

    public static void AssertSame(PackedProgram expected, PackedProgram actual)
    {
        Assert.Equal(expected.Orb, actual.Orb);
        Assert.Equal(expected.Ccws, actual.Ccws);
        Assert.Equal(expected.Segments.Select(Text), actual.Segments.Select(Text));
    }

    public static string Text(PackedSegment segment) => $"{segment.Address:X}: {Convert.ToHexString(segment.Bytes.Span)}";
}
