using System.Buffers.Binary;

namespace CcwFs.ChannelIo;

/// <summary>The format-1 extended-status word: last-path-used mask and extended-report word (SA22-7832, chapter 16).</summary>
public static class Esw
{
    private const int PathShift = 16;  // byte 1 of word 0
    private const int SenseShift = 16; // bits 10-15 of the ERW

    /// <summary>Writes words 0 and 1; the others stay zero.</summary>
    public static void Write(Span<byte> esw, byte lastPathUsed, int senseLength)
    {
        BinaryPrimitives.WriteUInt32BigEndian(esw, (uint)lastPathUsed << PathShift);
        uint erw = senseLength > 0 ? Irb.ErwConcurrentSense | ((uint)senseLength << SenseShift) : 0;
        BinaryPrimitives.WriteUInt32BigEndian(esw[4..], erw);
    }
}
