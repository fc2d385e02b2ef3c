using System.Runtime.CompilerServices;

namespace CcwFs.ChannelIo;

/// <summary>
/// The interruption-response block, 96 bytes, big-endian: SCSW 12, ESW 20, ECW 32, EMW 32 (SA22-7832, chapter 16).
/// Concurrent sense lies in the ECW; its length is in the ESW's extended-report word (bits 10-15 of word 1), flagged by its bit 7.
/// </summary>
[InlineArray(Size)]
public struct Irb
{
    private byte _first;

    /// <summary>Bytes of an IRB.</summary>
    public const int Size = 96;

    /// <summary>Where the extended-status word begins.</summary>
    public const int EswOffset = 12;

    /// <summary>Where the extended-control word (concurrent sense) begins.</summary>
    public const int EcwOffset = 32;

    /// <summary>Bytes of the ECW: the most concurrent sense there can be.</summary>
    public const int EcwSize = 32;

    /// <summary>ERW bit 7 (word 1 of the ESW): concurrent sense is in the ECW.</summary>
    public const uint ErwConcurrentSense = 0x0100_0000;

    /// <summary>The SCSW in the first 12 bytes.</summary>
    public Scsw Scsw
    {
        readonly get => Scsw.Read(this[..Scsw.Size]);
        set => value.Write(this[..Scsw.Size]);
    }
}

/// <summary>The condition code of an I/O instruction (SA22-7832, chapter 14); the meaning depends on the instruction.</summary>
public enum ConditionCode : byte
{
    /// <summary>The function was initiated.</summary>
    Initiated = 0,

    /// <summary>Status pending.</summary>
    StatusPending = 1,

    /// <summary>Busy, or not applicable.</summary>
    Busy = 2,

    /// <summary>Not operational.</summary>
    NotOperational = 3,
}
