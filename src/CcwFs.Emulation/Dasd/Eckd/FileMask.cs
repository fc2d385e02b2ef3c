namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>What kind of write a command is, for the file mask and for a read-only volume.</summary>
internal enum WriteClass
{
    /// <summary>The command changes nothing on the volume.</summary>
    None,

    /// <summary>Key or data of a record that exists.</summary>
    Update,

    /// <summary>Makes or erases records after record 0.</summary>
    Format,

    /// <summary>Writes record 0.</summary>
    RecordZero,
}

/// <summary>
/// The file mask of DEFINE EXTENT or SET FILE MASK: bits 0-1 writes, 3-4 seeks, 5-6 authorization, 7 PCI fetch. A chain
/// that sets none runs under 00: all writes but home address and record 0, all seeks.
/// </summary>
internal readonly record struct FileMask(byte Value)
{
    private const byte Reserved = 0x20;
    private const byte WriteBits = 0xC0;
    private const byte SeekBits = 0x18;

    public bool IsValid => (Value & Reserved) == 0;

    /// <summary>SEEK and RECALIBRATE.</summary>
    public bool AllowsSeek => (Value & SeekBits) == 0;

    /// <summary>SEEK CYLINDER.</summary>
    public bool AllowsSeekCylinder => (Value & SeekBits) is 0 or 0x08;

    /// <summary>SEEK HEAD and multitrack operations outside a locate-record domain.</summary>
    public bool AllowsHeadChange => (Value & SeekBits) != SeekBits;

    public bool Allows(WriteClass write) => (write, Value & WriteBits) switch
    {
        (WriteClass.None, _) => true,
        (_, 0x40) => false,
        (WriteClass.Update, _) => true,
        (WriteClass.Format, 0x80) => false,
        (WriteClass.Format, _) => true,
        (_, var bits) => bits == 0xC0,
    };
}
