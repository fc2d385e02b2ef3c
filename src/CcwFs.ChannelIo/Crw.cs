using System.Buffers.Binary;

namespace CcwFs.ChannelIo;

/// <summary>
/// A channel-report word, 4 bytes, big-endian (SA22-7832, chapter 17): -, S, R, C, RSC 4; A, -, ERC 6; RSID 16.
/// </summary>
/// <param name="Word">The whole word; 0 = none.</param>
public readonly record struct Crw(uint Word)
{
    /// <summary>Reporting-source code of a channel path.</summary>
    public const byte ChannelPathSource = 4;

    /// <summary>Reporting-source code of a subchannel.</summary>
    public const byte SubchannelSource = 3;

    /// <summary>Error-recovery code: available.</summary>
    public const byte Available = 1;

    /// <summary>Error-recovery code: initialized (a path is there again).</summary>
    public const byte Initialized = 2;

    /// <summary>Error-recovery code: permanent error, facility not initialized (a path has gone).</summary>
    public const byte PermanentError = 6;

    /// <summary>R: overflow, CRWs before this one were lost.</summary>
    public const uint Overflow = 0x2000_0000;

    /// <summary>A channel path's report: the path id is the reporting-source id.</summary>
    public static Crw ChannelPath(byte chpid, byte recoveryCode) =>
        new(((uint)ChannelPathSource << 24) | ((uint)recoveryCode << 16) | chpid);

    /// <summary>Reporting-source code.</summary>
    public byte Source => (byte)((Word >> 24) & 0x0F);

    /// <summary>Reporting-source id.</summary>
    public ushort SourceId => (ushort)Word;

    /// <summary>Reads 4 bytes.</summary>
    public static Crw Read(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt32BigEndian(source));

    /// <summary>Writes 4 bytes.</summary>
    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt32BigEndian(destination, Word);
}
