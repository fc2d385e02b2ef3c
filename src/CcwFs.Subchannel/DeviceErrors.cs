using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>
/// The borders between the error vocabularies: translator and condition code to the caller's errno. Total, no default that guesses.
/// </summary>
internal static class DeviceErrors
{
    /// <summary>
    /// A translation fault as errno; <paramref name="unmapped"/> is EINVAL for a type1 address space and ENOENT for an iommufd one.
    /// </summary>
    internal static Errno FromFault(ProgramFault fault, Errno unmapped) => fault switch
    {
        ProgramFault.None => 0,
        ProgramFault.Invalid => Errno.EINVAL,
        ProgramFault.Unmapped => unmapped,
        ProgramFault.Overflow => unmapped == Errno.ENOENT ? Errno.EOVERFLOW : Errno.EINVAL,
        ProgramFault.Protected => Errno.EPERM,
        ProgramFault.Fault => Errno.EFAULT,
        ProgramFault.Busy => Errno.EBUSY,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };

    /// <summary>A function as errno.</summary>
    internal static Errno FromFunction(in FunctionResult result) => result.Refusal != 0 ? result.Refusal : FromCondition(result.Condition);

    /// <summary>A function's condition code as errno.</summary>
    internal static Errno FromCondition(ConditionCode cc) => cc switch
    {
        ConditionCode.Initiated => 0,
        ConditionCode.StatusPending or ConditionCode.Busy => Errno.EBUSY,
        ConditionCode.NotOperational => Errno.ENODEV,
        _ => throw new ArgumentOutOfRangeException(nameof(cc)),
    };
}
