using System.Buffers.Binary;

namespace CcwFs.ChannelIo;

/// <summary>The flags of a channel-command word (SA22-7832, chapter 15, "Channel-Command Word").</summary>
[Flags]
public enum CcwFlags : byte
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>CD: chain data; the next CCW gives more storage for this command.</summary>
    ChainData = 0x80,

    /// <summary>CC: chain command; the next CCW gives the next command.</summary>
    ChainCommand = 0x40,

    /// <summary>SLI: suppress the incorrect-length indication.</summary>
    SuppressLength = 0x20,

    /// <summary>SKIP: do not store what a read, read-backward or sense command transfers.</summary>
    Skip = 0x10,

    /// <summary>PCI: program-controlled interruption when this CCW takes effect.</summary>
    ProgramControlledInterruption = 0x08,

    /// <summary>IDA: the data address designates a list of indirect-data-address words.</summary>
    IndirectData = 0x04,

    /// <summary>S: suspend before this CCW's command is executed.</summary>
    Suspend = 0x02,

    /// <summary>MIDA: the data address designates modified indirect-data-address words (refused here).</summary>
    ModifiedIndirectData = 0x01,
}

/// <summary>
/// A channel-command word, 8 bytes, big-endian, in one of two formats (SA22-7832, chapter 15).
/// Format 0: command 1, data address 3, flags 1, (ignored) 1, count 2. Format 1: command 1, flags 1, count 2, data address 4.
/// </summary>
/// <param name="Command">Command code.</param>
/// <param name="Flags">Flag byte.</param>
/// <param name="Count">Byte count.</param>
/// <param name="DataAddress">Data address (31 bits in format 1, 24 in format 0; not checked here).</param>
public readonly record struct Ccw(byte Command, CcwFlags Flags, ushort Count, uint DataAddress)
{
    /// <summary>Bytes of a CCW.</summary>
    public const int Size = 8;

    /// <summary>Reads a format-1 CCW; every bit is kept.</summary>
    public static Ccw ReadFormat1(ReadOnlySpan<byte> source)
    {
        ulong word = BinaryPrimitives.ReadUInt64BigEndian(source);
        return new Ccw((byte)(word >> 56), (CcwFlags)(byte)(word >> 48), (ushort)(word >> 32), (uint)word);
    }

    /// <summary>
    /// Reads a format-0 CCW as the equivalent format-1 CCW. A transfer in channel has any high nibble in format 0 and
    /// neither flags nor count; it becomes exactly 08, as the kernel's translator has it.
    /// </summary>
    public static Ccw ReadFormat0(ReadOnlySpan<byte> source)
    {
        ulong word = BinaryPrimitives.ReadUInt64BigEndian(source);
        byte command = (byte)(word >> 56);
        uint address = (uint)(word >> 32) & 0x00FF_FFFF;
        return (command & 0x0F) == CommandCode.TransferInChannel
            ? new Ccw(CommandCode.TransferInChannel, CcwFlags.None, 0, address)
            : new Ccw(command, (CcwFlags)(byte)(word >> 24), (ushort)word, address);
    }

    /// <summary>Writes this CCW in format 1.</summary>
    public void WriteFormat1(Span<byte> destination) => BinaryPrimitives.WriteUInt64BigEndian(
        destination, ((ulong)Command << 56) | ((ulong)Flags << 48) | ((ulong)Count << 32) | DataAddress);

    /// <summary>True for a transfer in channel: exactly 08, format 1.</summary>
    public bool IsTransferInChannel => Command == CommandCode.TransferInChannel;

    /// <summary>True when any of <paramref name="flags"/> is on.</summary>
    public bool Has(CcwFlags flags) => (Flags & flags) != 0;
}
