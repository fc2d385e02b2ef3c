using CcwFs.CommandSets.Eckd;
using static CcwFs.CommandSets.FieldPart;

namespace CcwFs.CommandSets.Fba;

/// <summary>
/// DEFINE EXTENT of a 9336, 16 bytes. The extent is a piece of the device; LOCATE names blocks in the numbering of a data set, of which the extent is
/// a piece too: the data set's block <see cref="First"/> is the device's block <see cref="Locator"/>.
/// </summary>
public static class FbaExtentLayout
{
    /// <summary>Write control in bits 0-1 (00 all but format, 40 none, 80 update, C0 all), 08 CE area, 04 diagnose; the rest is zero.</summary>
    public static readonly ParameterField Mask = new("mask", 0, 1,
        Word(null, "mask", FileMaskLayout.Writes), Word("writes: {0}", null, FileMaskLayout.Writes, bits: WriteControl),
        Flags(("CE area", 0x08), ("diagnose", 0x04)));

    /// <summary>Zero.</summary>
    public static readonly ParameterField Reserved = new("reserved", 1, 1, Zero);

    /// <summary>Bytes of a block.</summary>
    public static readonly ParameterField BlockSize = new("block size", 2, 2, Number("{0} bytes", "block", UsualBlock));

    /// <summary>The extent's first block on the device.</summary>
    public static readonly ParameterField Locator = new("extent locator", 4, 4, Number("block {0} of the device", "begin"));

    /// <summary>The number of that block in the data set.</summary>
    public static readonly ParameterField First = new("first block", 8, 4, Number("block {0} of the data set", "first"));

    /// <summary>The number of the extent's last block in the data set.</summary>
    public static readonly ParameterField Last = new("last block", 12, 4, Number("block {0} of the data set", "last"));

    /// <summary>Bits of <see cref="Mask"/> that say what may be written, and leave the extent where it is.</summary>
    public const byte WriteControl = 0xC0;

    /// <summary>Bytes of a block where nothing else is said.</summary>
    internal const int UsualBlock = 512;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(16, [Mask, Reserved, BlockSize, Locator, First, Last])
    {
        Brief = [Locator, First, Last, Mask, BlockSize],
    };
}

/// <summary>LOCATE of a 9336, 8 bytes.</summary>
public static class FbaLocateLayout
{
    /// <summary>Operations: write, read of replicated data, format of a defective block, write and verify, read.</summary>
    public const byte Write = 1, ReadReplicated = 2, FormatDefective = 4, WriteAndVerify = 5, Read = 6;

    /// <summary>Words of the operation.</summary>
    internal static readonly (string Word, byte Value)[] Operations =
    [
        ("write", Write), ("read-replicated", ReadReplicated), ("format-defective", FormatDefective), ("write-verify", WriteAndVerify), ("read", Read),
    ];

    /// <summary>The operation.</summary>
    public static readonly ParameterField Operation = new("operation", 0, 1, Word("{0}", "op", Operations));

    /// <summary>How often a replicated read finds its data.</summary>
    public static readonly ParameterField Replication = new("replication count", 1, 1, Number("{0} copies", "repeat", 0));

    /// <summary>Number of blocks.</summary>
    public static readonly ParameterField Count = new("count", 2, 2, Number("{0} blocks", "count"));

    /// <summary>The first block, in the numbering of the data set (<see cref="FbaExtentLayout"/>).</summary>
    public static readonly ParameterField Block = new("block", 4, 4, Number("block {0} of the data set", "at"));

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(8, [Operation, Replication, Count, Block]) { Brief = [Operation, Block, Count, Replication] };
}
