using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.Trace.Views;

/// <summary>The payload of <see cref="TraceEvent.Ccw"/>, with its lengths checked.</summary>
public readonly ref struct CcwPayload
{
    /// <summary>Bytes before the areas, and of an area.</summary>
    internal const int HeadSize = 16, AreaSize = 12;

    private readonly ReadOnlySpan<byte> _areas;

    private CcwPayload(ReadOnlySpan<byte> payload, int areas)
    {
        Address = BinaryPrimitives.ReadUInt32BigEndian(payload);
        Ccw = Ccw.ReadFormat1(payload[4..]);
        (Command, Continues, AreaCount) = (payload[12], payload[13] != 0, areas);
        _areas = payload.Slice(HeadSize, areas * AreaSize);
        Data = payload[(HeadSize + (areas * AreaSize))..];
    }

    /// <summary>Where the guest has it.</summary>
    public uint Address { get; }

    /// <summary>As the guest wrote it.</summary>
    public Ccw Ccw { get; }

    /// <summary>The command that it is part of.</summary>
    public byte Command { get; }

    /// <summary>By data chaining.</summary>
    public bool Continues { get; }

    /// <summary>Areas that its IDAWs name.</summary>
    public int AreaCount { get; }

    /// <summary>The first bytes that go to the device.</summary>
    public ReadOnlySpan<byte> Data { get; }

    /// <summary>False: the payload is too short for what it says of itself.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out CcwPayload ccw)
    {
        ccw = default;
        if (payload.Length < HeadSize)
            return false;
        int areas = BinaryPrimitives.ReadUInt16BigEndian(payload[14..]);
        if (payload.Length < HeadSize + (areas * AreaSize))
            return false;
        ccw = new CcwPayload(payload, areas);
        return true;
    }

    /// <summary>Guest address and bytes of an area.</summary>
    public (ulong Address, uint Length) Area(int index) => (
        BinaryPrimitives.ReadUInt64BigEndian(_areas[(index * AreaSize)..]), BinaryPrimitives.ReadUInt32BigEndian(_areas[((index * AreaSize) + 8)..]));
}

/// <summary>The payload of <see cref="TraceEvent.Command"/>, with its length checked.</summary>
public readonly ref struct CommandPayload
{
    /// <summary>Bytes of it.</summary>
    internal const int Size = 20;

    private CommandPayload(ReadOnlySpan<byte> payload)
    {
        Address = BinaryPrimitives.ReadUInt32BigEndian(payload);
        (Command, Status, Check) = (payload[4], (DeviceStatus)payload[5], (SubchannelStatus)payload[6]);
        Place = new Subchannel.CommandPlace((Subchannel.PlaceUnit)payload[7], BinaryPrimitives.ReadUInt64BigEndian(payload[8..]));
        Residual = BinaryPrimitives.ReadUInt16BigEndian(payload[16..]);
    }

    /// <summary>Where the guest has the command's first CCW.</summary>
    public uint Address { get; }

    /// <summary>Command code.</summary>
    public byte Command { get; }

    /// <summary>What the device answered.</summary>
    public DeviceStatus Status { get; }

    /// <summary>The checks that the channel found.</summary>
    public SubchannelStatus Check { get; }

    /// <summary>Where the device was when the command ended.</summary>
    public Subchannel.CommandPlace Place { get; }

    /// <summary>What is left of the count of the last CCW used.</summary>
    public ushort Residual { get; }

    /// <summary>False: the payload is too short.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out CommandPayload command)
    {
        command = payload.Length < Size ? default : new CommandPayload(payload);
        return payload.Length >= Size;
    }
}

/// <summary>The payload of <see cref="TraceEvent.Data"/>, with its length checked.</summary>
public readonly ref struct DataPayload
{
    /// <summary>Bytes before the data.</summary>
    public const int HeadSize = 8;

    private const int LengthSize = 4; // of a digest

    private DataPayload(TraceFlags flags, ReadOnlySpan<byte> payload)
    {
        (Address, Command) = (BinaryPrimitives.ReadUInt32BigEndian(payload), payload[4]);
        (IsToStorage, IsCut) = ((flags & TraceFlags.ToStorage) != 0, (flags & TraceFlags.Cut) != 0);
        payload = payload[HeadSize..];
        IsDigest = (flags & TraceFlags.Digest) != 0;
        Length = IsDigest ? BinaryPrimitives.ReadInt32BigEndian(payload) : payload.Length;
        Bytes = IsDigest ? payload[LengthSize..] : payload;
    }

    /// <summary>Where the guest has the command's first CCW.</summary>
    public uint Address { get; }

    /// <summary>Command code.</summary>
    public byte Command { get; }

    /// <summary>It came from the device.</summary>
    public bool IsToStorage { get; }

    /// <summary>There was more.</summary>
    public bool IsCut { get; }

    /// <summary>In place of the bytes there is their SHA-256.</summary>
    public bool IsDigest { get; }

    /// <summary>How many bytes there were, as far as they were traced.</summary>
    public int Length { get; }

    /// <summary>The bytes, or their SHA-256.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>False: the payload is too short for what it says of itself.</summary>
    public static bool TryRead(TraceFlags flags, ReadOnlySpan<byte> payload, out DataPayload data)
    {
        bool isDigest = (flags & TraceFlags.Digest) != 0;
        bool isThere = payload.Length >= HeadSize + (isDigest ? LengthSize : 0);
        data = isThere ? new DataPayload(flags, payload) : default;
        return isThere && data.Length >= 0;
    }
}
