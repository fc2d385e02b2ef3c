using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Subchannel;

/// <summary>What the place of a command is counted in.</summary>
public enum PlaceUnit : byte
{
    /// <summary>The command works at no place of the medium.</summary>
    None,

    /// <summary>A track, before its first record.</summary>
    Track,

    /// <summary>A record of a track.</summary>
    Record,

    /// <summary>A block.</summary>
    Block,
}

/// <summary>Where on its medium a device was when a command ended.</summary>
/// <param name="Unit">What <paramref name="Value"/> says.</param>
/// <param name="Value">A block's number; or cylinder (28 bits), head (16 bits) and record (8 bits), the record lowest.</param>
public readonly record struct CommandPlace(PlaceUnit Unit, ulong Value)
{
    /// <summary>The cylinder of a track or record.</summary>
    public uint Cylinder => (uint)(Value >> 24);

    /// <summary>The head of a track or record.</summary>
    public ushort Head => (ushort)(Value >> 8);

    /// <summary>The number of a record, R of its count field.</summary>
    public byte Record => (byte)Value;

    /// <summary>A track, or a record of it.</summary>
    public static CommandPlace OfTrack(int cylinder, int head, byte? record) => new(
        record is null ? PlaceUnit.Track : PlaceUnit.Record, ((ulong)(uint)cylinder << 24) | ((ulong)(ushort)head << 8) | (record ?? 0));

    /// <summary>A block.</summary>
    public static CommandPlace OfBlock(uint block) => new(PlaceUnit.Block, block);
}

/// <summary>A command that an emulated channel has had its device execute, for those who watch.</summary>
public readonly ref struct ExecutedCommand
{
    /// <summary>Where the command's first CCW is, in the backend's terms.</summary>
    public required HostAddress CcwAddress { get; init; }

    /// <summary>Command code.</summary>
    public required byte Command { get; init; }

    /// <summary>What the device answered; with channel end alone, device end is still to come.</summary>
    public required DeviceStatus Status { get; init; }

    /// <summary>The checks that the channel found.</summary>
    public required SubchannelStatus Check { get; init; }

    /// <summary>What is left of the count of the last CCW used.</summary>
    public required ushort Residual { get; init; }

    /// <summary>Bytes that moved between the device and storage, those that were skipped left out.</summary>
    public required long Moved { get; init; }

    /// <summary>Where the device was when the command ended.</summary>
    public required CommandPlace Place { get; init; }

    /// <summary>
    /// The first bytes that moved, as many as were wanted (<see cref="ISubchannelEvents.DataWanted"/>); they are void after the call.
    /// </summary>
    public required ReadOnlySpan<byte> Data { get; init; }
}
