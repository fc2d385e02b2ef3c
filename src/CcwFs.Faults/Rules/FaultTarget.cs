using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Faults.Rules;

/// <summary>The device that a rule is for, as far as it is known: a rule that can never match there is refused.</summary>
/// <param name="Commands">What its commands are.</param>
/// <param name="IsEmulated">It has no other commands, and channel paths that can be taken away.</param>
public sealed record FaultTarget(CommandSet Commands, bool IsEmulated)
{
    /// <summary>Its own id; null: not known yet.</summary>
    public SubchannelId? Id { get; init; }

    /// <summary>The ids of its channel paths; null: not known yet, or they are those of a real device.</summary>
    public IReadOnlyList<byte>? ChannelPaths { get; init; }

    /// <summary>Tracks or blocks of its volume; null: not known.</summary>
    public long? Places { get; init; }
}
