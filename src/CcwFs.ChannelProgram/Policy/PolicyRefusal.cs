using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Decode;

namespace CcwFs.ChannelProgram.Policy;

/// <summary>How a refused program ends: byte 1 and byte 7 of the 3990's sense, in 24-byte format.</summary>
public enum RefusalKind
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>Sense 80 02, as of a volume that is read-only.</summary>
    WriteInhibited,

    /// <summary>Sense 80 00, message 0: a limit.</summary>
    OverLimit,

    /// <summary>Sense 80 00, message 1: invalid command.</summary>
    Command,

    /// <summary>Sense 80 00, message 2: invalid sequence.</summary>
    Sequence,

    /// <summary>Sense 80 00, message 3: the count is too small.</summary>
    CountTooSmall,

    /// <summary>Sense 80 00, message 4: invalid parameter.</summary>
    Parameter,
}

/// <summary>Why a program was refused.</summary>
/// <param name="Kind">How it ends.</param>
/// <param name="Rule">The rule, for a person.</param>
/// <param name="CcwAddress">Address of the CCW, in the backend's terms.</param>
/// <param name="Ccw">The CCW, with the guest's data address (of its first IDAW, where it had a list).</param>
public sealed record PolicyRefusal(RefusalKind Kind, string Rule, uint CcwAddress, Ccw Ccw)
{
    /// <summary>Bytes of sense.</summary>
    public const int SenseSize = 32;

    private const byte CommandReject = 0x80;
    private const byte WriteInhibited = 0x02;
    private const byte CompatibilityFormat = 0x80; // byte 27: a 24-byte format without action code

    /// <summary>The CCW, where it is and the rule, for a person.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{StructureDecoder.CcwText(Ccw)} at {CcwAddress:X8}: {Rule}");

    /// <summary>Writes <see cref="SenseSize"/> bytes of sense; gives how many these are.</summary>
    public int WriteSense(Span<byte> sense)
    {
        sense[..SenseSize].Clear();
        (sense[0], sense[27]) = (CommandReject, CompatibilityFormat);
        (sense[1], sense[7]) = Kind switch
        {
            RefusalKind.WriteInhibited => (WriteInhibited, (byte)0),
            RefusalKind.Command => ((byte)0, (byte)1),
            RefusalKind.Sequence => ((byte)0, (byte)2),
            RefusalKind.CountTooSmall => ((byte)0, (byte)3),
            RefusalKind.Parameter => ((byte)0, (byte)4),
            RefusalKind.OverLimit or RefusalKind.None => ((byte)0, (byte)0),
            _ => throw new InvalidOperationException($"refusal {Kind}"),
        };
        return SenseSize;
    }
}
