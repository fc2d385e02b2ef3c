using System.Buffers.Binary;
using System.Text;
using CcwFs.CommandSets;

namespace CcwFs.Trace.Views;

/// <summary>A pcapng file or stream that is none, or none of ours. The message is one line for a person.</summary>
public sealed class PcapngException(string message, bool isTooLarge = false) : IOException(message)
{
    /// <summary>It is good so far, and has more bytes than may be read.</summary>
    public bool IsTooLarge => isTooLarge;
}

/// <summary>
/// Reads what <see cref="PcapngView"/> writes, also when another program has stored it since, in either byte order. Every length is checked; blocks
/// and options that mean nothing here are passed over. No more than one block is kept.
/// </summary>
/// <param name="source">The stream. It is the caller's.</param>
public sealed class PcapngReader(Stream source)
{
    private const uint SectionHeader = 0x0A0D0D0A, InterfaceDescription = 1, EnhancedPacket = 6, ByteOrderMagic = 0x1A2B3C4D;
    private const ushort InterfaceText = 3, TimeResolution = 9;
    private const byte Nanoseconds = 9;
    private const int SmallestBlock = 12, LargestBlock = 2 << 20; // the largest: arbitrary, more than any event needs
    private const int MaxInterfaces = 65_536;                     // the subchannels of a set

    private readonly List<CommandSet?> _interfaces = []; // null: not one of ours
    private byte[] _block = new byte[4 << 10];
    private bool _isBigEndian;
    private long _bytes; // of the blocks read
    private bool _hasSection;

    /// <summary>Most bytes that may be read; more is a <see cref="PcapngException"/>.</summary>
    public long MaxBytes { get; init; } = long.MaxValue;

    /// <summary>The commands of the device that the event read last is of.</summary>
    public CommandSet Commands { get; private set; } = Families.Basic;

    /// <summary>The next event, void at the next call; false at the end of the stream.</summary>
    /// <exception cref="PcapngException">It is no pcapng, is damaged, or ends inside a block.</exception>
    public bool TryRead(out TraceRecord record)
    {
        record = default;
        while (TryReadBlock(out uint type, out ReadOnlySpan<byte> body))
        {
            switch (type)
            {
                case SectionHeader:
                    _interfaces.Clear();
                    break;
                case InterfaceDescription:
                    AddInterface(body);
                    break;
                case EnhancedPacket when TryTakePacket(body, out record):
                    return true;
            }
        }
        return false;
    }

    private bool TryTakePacket(ReadOnlySpan<byte> body, out TraceRecord record)
    {
        record = default;
        const int Head = 20;
        if (body.Length < Head)
            throw new PcapngException("a packet is shorter than its head");
        uint number = Word(body), length = Word(body[12..]);
        if (number >= (uint)_interfaces.Count)
            throw new PcapngException($"a packet names interface {number}, of which nothing was said");
        if (length > (uint)(body.Length - Head))
            throw new PcapngException("a packet says that it is longer than its block");
        if (_interfaces[(int)number] is not { } commands)
            return false;
        ReadOnlySpan<byte> packet = body.Slice(Head, (int)length);
        if (!TraceHeader.TryRead(packet, out TraceHeader header))
            throw new PcapngException("a packet is no event of ccwfs");
        Commands = commands;
        record = new TraceRecord((long)(((ulong)Word(body[4..]) << 32) | Word(body[8..])), header, packet[TraceHeader.Size..]);
        return true;
    }

    private void AddInterface(ReadOnlySpan<byte> body)
    {
        const int Head = 8, OptionHead = 4;
        if (body.Length < Head)
            throw new PcapngException("an interface is shorter than its head");
        if (_interfaces.Count == MaxInterfaces)
            throw new PcapngException($"it has more than {MaxInterfaces} interfaces");
        CommandSet? commands = Half(body) == PcapngView.LinkType ? Families.Basic : null;
        bool isNanoseconds = false;
        ReadOnlySpan<byte> options = body[Head..];
        while (options.Length >= OptionHead)
        {
            ushort code = Half(options), length = Half(options[2..]);
            int padded = OptionHead + ((length + 3) & ~3);
            if (padded > options.Length)
                throw new PcapngException("an option says that it is longer than its block");
            ReadOnlySpan<byte> value = options.Slice(OptionHead, length);
            if (code == InterfaceText && commands is not null)
                commands = FamilyIn(value);
            isNanoseconds |= code == TimeResolution && value is [Nanoseconds];
            options = options[padded..];
        }
        _interfaces.Add(isNanoseconds ? commands : null);
    }

    private static CommandSet FamilyIn(ReadOnlySpan<byte> text)
    {
        const string Key = "commands=";
        string said = Encoding.UTF8.GetString(text);
        return said.StartsWith(Key, StringComparison.Ordinal) ? Families.Find(said[Key.Length..]) ?? Families.Basic : Families.Basic;
    }

    /// <summary>False at the end of the stream.</summary>
    private bool TryReadBlock(out uint type, out ReadOnlySpan<byte> body)
    {
        type = 0;
        body = default;
        int got = source.ReadAtLeast(_block.AsSpan(0, SmallestBlock), SmallestBlock, throwOnEndOfStream: false);
        if (got == 0)
            return false;
        if (got < SmallestBlock)
            throw new PcapngException("it ends inside a block");
        if (BinaryPrimitives.ReadUInt32LittleEndian(_block) == SectionHeader) // the same in both byte orders
        {
            uint magic = BinaryPrimitives.ReadUInt32LittleEndian(_block.AsSpan(8));
            _isBigEndian = magic == BinaryPrimitives.ReverseEndianness(ByteOrderMagic);
            _hasSection = _isBigEndian || magic == ByteOrderMagic;
        }
        if (!_hasSection)
            throw new PcapngException("it is no pcapng file");
        type = Word(_block);
        uint length = Word(_block.AsSpan(4));
        if (length is < SmallestBlock or > LargestBlock || length % 4 != 0)
            throw new PcapngException($"a block says that it has {length} bytes");
        _bytes += length;
        if (_bytes > MaxBytes)
            throw new PcapngException($"it has over {MaxBytes >> 20} MiB", isTooLarge: true);
        if (_block.Length < length)
            Array.Resize(ref _block, (int)length);
        int left = (int)length - SmallestBlock;
        if (source.ReadAtLeast(_block.AsSpan(SmallestBlock, left), left, throwOnEndOfStream: false) < left)
            throw new PcapngException("it ends inside a block");
        if (Word(_block.AsSpan((int)length - 4)) != length)
            throw new PcapngException("a block ends with another length than it begins with");
        body = _block.AsSpan(8, (int)length - SmallestBlock);
        return true;
    }

    private uint Word(ReadOnlySpan<byte> at) =>
        _isBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);

    private ushort Half(ReadOnlySpan<byte> at) =>
        _isBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(at) : BinaryPrimitives.ReadUInt16LittleEndian(at);
}
