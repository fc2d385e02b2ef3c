using CcwFs.ChannelIo;

namespace CcwFs.Replay;

/// <summary>What became of a program that was recorded.</summary>
public enum RecordedEnd
{
    /// <summary>Its last status came.</summary>
    Status,

    /// <summary>START was answered with a condition code or an errno: it never began.</summary>
    NotStarted,

    /// <summary>HALT, CLEAR or a reset ended it: when, was chance.</summary>
    Ended,

    /// <summary>The recording ends, or has a hole, before its status.</summary>
    Unknown,
}

/// <summary>A CCW of a recorded program, as the guest wrote it.</summary>
/// <param name="Address">Where the guest had it.</param>
/// <param name="Ccw">The CCW, in format 1.</param>
/// <param name="Command">The command that it is part of.</param>
/// <param name="Data">The bytes that went to the device, if it moves any that way; empty as well where they were not recorded.</param>
public sealed record RecordedCcw(uint Address, Ccw Ccw, byte Command, ReadOnlyMemory<byte> Data)
{
    /// <summary>What goes to the device was not recorded, or not all of it.</summary>
    public bool LacksData => !Ccw.IsTransferInChannel && !CommandCode.MovesToStorage(Command) && Command != CommandCode.NoOperation
        && Data.Length < Ccw.Count;
}

/// <summary>What a command has read: the bytes, or in their place how many there were and their SHA-256.</summary>
/// <param name="Length">How many there were.</param>
/// <param name="Bytes">The bytes, fewer than <paramref name="Length"/> where they were cut; empty where the digest is kept.</param>
/// <param name="Digest">SHA-256; empty where the bytes are kept.</param>
public readonly record struct RecordedData(int Length, ReadOnlyMemory<byte> Bytes, ReadOnlyMemory<byte> Digest)
{
    /// <summary>The bytes are there, all of them.</summary>
    public bool IsWhole => Bytes.Length == Length;
}

/// <summary>A command of a recorded program, as it was executed.</summary>
/// <param name="Address">Where the guest had its first CCW.</param>
/// <param name="Code">Command code.</param>
/// <param name="Status">What the device answered.</param>
public sealed record RecordedCommand(uint Address, byte Code, DeviceStatus Status)
{
    /// <summary>Most bytes that a command writes, which a device has a buffer for (arbitrary: more than is traced of a command).</summary>
    public const int LargestWrite = 1 << 20;

    /// <summary>What is left of the count of the last CCW used.</summary>
    public int Residual { get; init; }

    /// <summary>What went to the device.</summary>
    public ReadOnlyMemory<byte> Written { get; set; }

    /// <summary>What came from it.</summary>
    public RecordedData Read { get; set; }
}

/// <summary>One thing of a recording that has a place in its order.</summary>
public abstract class RecordedItem;

/// <summary>Status of the device's own.</summary>
/// <param name="irb">It.</param>
public sealed class RecordedStatus(Irb irb) : RecordedItem
{
    /// <summary>The IRB.</summary>
    public Irb Irb { get; } = irb;
}

/// <summary>A channel report.</summary>
/// <param name="crw">It.</param>
public sealed class RecordedReport(Crw crw) : RecordedItem
{
    /// <summary>The CRW.</summary>
    public Crw Crw { get; } = crw;
}

/// <summary>A channel program that was recorded.</summary>
/// <param name="number">Its number on its subchannel.</param>
/// <param name="orb">The guest's ORB.</param>
public sealed class RecordedProgram(ulong number, Orb orb) : RecordedItem
{
    /// <summary>Its number on its subchannel.</summary>
    public ulong Number { get; } = number;

    /// <summary>The ORB as the guest gave it.</summary>
    public Orb Orb { get; } = orb;

    /// <summary>Its CCWs, chain by chain; none where the channel fetched each at its turn.</summary>
    public List<RecordedCcw> Ccws { get; } = [];

    /// <summary>The commands that were executed, in this order.</summary>
    public List<RecordedCommand> Commands { get; } = [];

    /// <summary>Its IRBs in guest addresses, the final one last.</summary>
    public List<Irb> Irbs { get; } = [];

    /// <summary>What became of it.</summary>
    public RecordedEnd End { get; internal set; } = RecordedEnd.Unknown;

    /// <summary>A policy refused it: the device never saw it, or not all of it.</summary>
    public bool WasRefused { get; internal set; }

    /// <summary>It was suspended.</summary>
    public bool WasSuspended { get; internal set; }

    /// <summary>Its last status; all zeros where none came.</summary>
    public Irb Final => Irbs is [.., var last] ? last : default;
}
