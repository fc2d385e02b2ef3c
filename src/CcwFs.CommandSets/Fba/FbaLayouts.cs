namespace CcwFs.CommandSets.Fba;

/// <summary>
/// DEFINE EXTENT of a 9336, 16 bytes. The extent is a piece of the device; LOCATE names blocks in the numbering of a data set, of which the extent is
/// a piece too: the data set's block <see cref="First"/> is the device's block <see cref="Locator"/>.
/// </summary>
public static class FbaExtentLayout
{
    /// <summary>Write control in bits 0-1 (00 all but format, 40 none, 80 update, C0 all), 08 CE area, 04 diagnose; the rest is zero.</summary>
    public static readonly ParameterField Mask = new("mask", 0, 1);

    /// <summary>Bytes of a block.</summary>
    public static readonly ParameterField BlockSize = new("block size", 2, 2);

    /// <summary>The extent's first block on the device.</summary>
    public static readonly ParameterField Locator = new("extent locator", 4, 4);

    /// <summary>The number of that block in the data set.</summary>
    public static readonly ParameterField First = new("first block", 8, 4);

    /// <summary>The number of the extent's last block in the data set.</summary>
    public static readonly ParameterField Last = new("last block", 12, 4);

    /// <summary>Bits of <see cref="Mask"/> that say what may be written, and leave the extent where it is.</summary>
    public const byte WriteControl = 0xC0;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(16, [Mask, BlockSize, Locator, First, Last]);
}

/// <summary>LOCATE of a 9336, 8 bytes.</summary>
public static class FbaLocateLayout
{
    /// <summary>The operation.</summary>
    public static readonly ParameterField Operation = new("operation", 0, 1);

    /// <summary>How often a replicated read finds its data.</summary>
    public static readonly ParameterField Replication = new("replication count", 1, 1);

    /// <summary>Number of blocks.</summary>
    public static readonly ParameterField Count = new("count", 2, 2);

    /// <summary>The first block, in the numbering of the data set (<see cref="FbaExtentLayout"/>).</summary>
    public static readonly ParameterField Block = new("block", 4, 4);

    /// <summary>Operations: write, read of replicated data, format of a defective block, write and verify, read.</summary>
    public const byte Write = 1, ReadReplicated = 2, FormatDefective = 4, WriteAndVerify = 5, Read = 6;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(8, [Operation, Replication, Count, Block]);
}
