using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>Kinds of machines, and which of them ccwfs runs on: those whose numbers are in <see cref="KernelNumbers"/>.</summary>
public static class MachineKind
{
    /// <summary>Why ccwfs cannot run on a machine of an architecture; null: it can.</summary>
    public static string? Problem(Architecture architecture) => architecture is Architecture.X64 or Architecture.Arm64 or Architecture.S390x ? null
        : $"ccwfs does not know the system calls of this machine ({architecture.ToString().ToLowerInvariant()}); run it on x64, arm64 or s390x";
}
