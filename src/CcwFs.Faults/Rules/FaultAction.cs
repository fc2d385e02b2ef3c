using CcwFs.ChannelIo;

namespace CcwFs.Faults.Rules;

/// <summary>What a fault is.</summary>
internal enum FaultKind
{
    /// <summary>Unit check with sense.</summary>
    Check,

    /// <summary>Channel status.</summary>
    Channel,

    /// <summary>Device status.</summary>
    Status,

    /// <summary>A deferred condition code.</summary>
    Deferred,

    /// <summary>A condition code of the function itself.</summary>
    Condition,

    /// <summary>Channel end at once, device end later.</summary>
    LateEnd,

    /// <summary>The interrupt comes later.</summary>
    Delay,

    /// <summary>The interrupt never comes.</summary>
    Lose,

    /// <summary>The interrupt comes twice.</summary>
    Double,

    /// <summary>Intermediate status comes first, as of a program-controlled interruption.</summary>
    Intermediate,

    /// <summary>The interrupt comes after an event of another subchannel.</summary>
    Await,

    /// <summary>Status of the device's own.</summary>
    Unsolicited,

    /// <summary>A channel path goes away, comes back, or both in turn.</summary>
    Path,

    /// <summary>A channel report.</summary>
    Report,

    /// <summary>Nothing, but for the states that the rule sets.</summary>
    Pass,

    /// <summary>The program is not executed, and ends as if it had been.</summary>
    Drop,

    /// <summary>A read stores nothing.</summary>
    Stale,

    /// <summary>Only the first bytes are transferred.</summary>
    Torn,

    /// <summary>Some bytes of the data are others.</summary>
    Alter,
}

/// <summary>What a rule does, with its values.</summary>
internal sealed record FaultAction(FaultKind Kind)
{
    /// <summary>Sense of a check: 24 or 32 bytes.</summary>
    internal byte[] Sense { get; init; } = [];

    /// <summary>Bits of a status; a condition code; the id of a channel path.</summary>
    internal byte Bits { get; init; }

    /// <summary>How late an interrupt or device end comes.</summary>
    internal TimeSpan Time { get; init; }

    /// <summary>A channel report.</summary>
    internal Crw Report { get; init; }

    /// <summary>What a path does, one after the other: comes (true) or goes.</summary>
    internal IReadOnlyList<bool> Path { get; init; } = [];

    /// <summary>The subchannel that is waited for.</summary>
    internal SubchannelId Other { get; init; }

    /// <summary>The START of a program there is waited for, not its end.</summary>
    internal bool AwaitsStart { get; init; }

    /// <summary>The first byte of the data that is another; or how many bytes are transferred.</summary>
    internal int Offset { get; init; }

    /// <summary>The other bytes.</summary>
    internal byte[] Bytes { get; init; } = [];

    /// <summary>They are combined with the data by exclusive or, and do not take their place.</summary>
    internal bool Flips { get; init; }

    /// <summary>The program runs whole, and its status is replaced.</summary>
    internal bool After { get; init; }

    /// <summary>The residual count of a status that takes another's place; null: the count of the command.</summary>
    internal ushort? Residual { get; init; }

    /// <summary>A state that it sets.</summary>
    internal string? Sets { get; init; }

    /// <summary>A state that it ends.</summary>
    internal string? Unsets { get; init; }

    /// <summary>The command is not executed, nor any behind it: a status takes the place of its status.</summary>
    internal bool ReplacesCommand => !After && ReplacesStatus;

    /// <summary>It happens beside the program, which goes on.</summary>
    internal bool IsEvent => Kind is FaultKind.Unsolicited or FaultKind.Path or FaultKind.Report;

    /// <summary>A status takes the place of what the device gave.</summary>
    internal bool ReplacesStatus => Kind is FaultKind.Check or FaultKind.Channel or FaultKind.Status or FaultKind.Deferred;
}
