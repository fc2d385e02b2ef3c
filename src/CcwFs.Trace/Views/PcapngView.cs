using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Trace.Views;

/// <summary>
/// Events as a pcapng file (draft-ietf-opsawg-pcapng, little-endian): a section, an interface per subchannel that carries its id and the family of
/// its commands, a packet per event with times in nanoseconds. A packet is the event's header and payload.
/// </summary>
public sealed class PcapngView(CommandSet commands) : TraceView(commands)
{
    /// <summary>The link type of the packets: LINKTYPE_USER0, which is for private use.</summary>
    public const ushort LinkType = 147;

    private const uint SectionHeader = 0x0A0D0D0A, InterfaceDescription = 1, EnhancedPacket = 6, ByteOrderMagic = 0x1A2B3C4D;
    private const ushort InterfaceName = 2, InterfaceText = 3, TimeResolution = 9;
    private const byte Nanoseconds = 9;

    private readonly Dictionary<SubchannelId, uint> _interfaces = [];
    private bool _hasSection;

    /// <inheritdoc/>
    public override void Begin(SubchannelId id, IBufferWriter<byte> output) => AddInterface(id, Commands, output);

    /// <summary>One more subchannel, whose device has these commands.</summary>
    public void AddInterface(SubchannelId id, CommandSet commands, IBufferWriter<byte> output)
    {
        if (!_interfaces.TryAdd(id, (uint)_interfaces.Count))
            return;
        if (!_hasSection)
            WriteSection(output);
        var options = new ArrayBufferWriter<byte>();
        WriteOption(options, InterfaceName, Encoding.ASCII.GetBytes(id.ToString()));
        WriteOption(options, InterfaceText, Encoding.ASCII.GetBytes($"commands={commands.Name}"));
        WriteOption(options, TimeResolution, [Nanoseconds]);
        WriteOption(options, 0, []);
        Span<byte> head = stackalloc byte[8];
        BinaryPrimitives.WriteUInt16LittleEndian(head, LinkType);
        BinaryPrimitives.WriteUInt16LittleEndian(head[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], TraceRing.MaxRecord);
        WriteBlock(output, InterfaceDescription, head, options.WrittenSpan);
    }

    /// <inheritdoc/>
    public override void Write(in TraceRecord record, IBufferWriter<byte> output)
    {
        const int Head = 20;
        AddInterface(record.Header.Id, Commands, output);
        int length = TraceHeader.Size + record.Payload.Length;
        int total = BlockSize(Head + Padded(length));
        Span<byte> packet = output.GetSpan(total)[..total];
        packet.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(packet, EnhancedPacket);
        BinaryPrimitives.WriteInt32LittleEndian(packet[4..], total);
        BinaryPrimitives.WriteUInt32LittleEndian(packet[8..], _interfaces[record.Header.Id]);
        BinaryPrimitives.WriteUInt32LittleEndian(packet[12..], (uint)(record.Time >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(packet[16..], (uint)record.Time);
        BinaryPrimitives.WriteInt32LittleEndian(packet[20..], length);
        BinaryPrimitives.WriteInt32LittleEndian(packet[24..], length);
        record.Header.Write(packet[28..]);
        record.Payload.CopyTo(packet[(28 + TraceHeader.Size)..]);
        BinaryPrimitives.WriteInt32LittleEndian(packet[(total - 4)..], total);
        output.Advance(total);
    }

    private void WriteSection(IBufferWriter<byte> output)
    {
        Span<byte> section = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(section, ByteOrderMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(section[4..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(section[6..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(section[8..], -1);
        WriteBlock(output, SectionHeader, section, []);
        _hasSection = true;
    }

    private static int Padded(int length) => (length + 3) & ~3;

    private static int BlockSize(int body) => body + 12;

    private static void WriteOption(ArrayBufferWriter<byte> output, ushort code, ReadOnlySpan<byte> value)
    {
        int total = 4 + Padded(value.Length);
        Span<byte> option = output.GetSpan(total)[..total];
        option.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(option, code);
        BinaryPrimitives.WriteUInt16LittleEndian(option[2..], (ushort)value.Length);
        value.CopyTo(option[4..]);
        output.Advance(total);
    }

    private static void WriteBlock(IBufferWriter<byte> output, uint type, ReadOnlySpan<byte> head, ReadOnlySpan<byte> options)
    {
        int total = BlockSize(head.Length + options.Length);
        Span<byte> block = output.GetSpan(total)[..total];
        BinaryPrimitives.WriteUInt32LittleEndian(block, type);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], total);
        head.CopyTo(block[8..]);
        options.CopyTo(block[(8 + head.Length)..]);
        BinaryPrimitives.WriteInt32LittleEndian(block[(total - 4)..], total);
        output.Advance(total);
    }
}
