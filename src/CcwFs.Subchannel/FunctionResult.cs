using CcwFs.ChannelIo;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>
/// How a backend took a function: a condition code, or the errno of a kernel that stands between us and the subchannel and has refused it.
/// </summary>
/// <param name="Condition">The condition code; without meaning beside a refusal.</param>
/// <param name="Refusal">The errno, one of those that a vfio-ccw driver gives to a write of its regions; 0: the condition code says it all.</param>
/// <param name="Rest">What is left to be done after the caller has been answered; null: nothing.</param>
public readonly record struct FunctionResult(ConditionCode Condition, Errno Refusal = 0, ISubchannelWork? Rest = null)
{
    /// <summary>Taken: condition code 0.</summary>
    public bool IsInitiated => Refusal == 0 && Condition == ConditionCode.Initiated;

    /// <summary>A condition code and nothing else.</summary>
    public static implicit operator FunctionResult(ConditionCode condition) => new(condition);

    /// <summary>Taken, with this left to be done.</summary>
    public static FunctionResult Begun(ISubchannelWork rest) => new(ConditionCode.Initiated, 0, rest);

    /// <summary>A refusal.</summary>
    public static FunctionResult Refused(Errno refusal) => new(ConditionCode.Busy, refusal);
}
