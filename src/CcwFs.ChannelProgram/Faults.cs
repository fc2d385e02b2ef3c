using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>The border between the faults of memory and those of programs.</summary>
internal static class Faults
{
    internal static ProgramFault Of(MemoryFault fault) => fault switch
    {
        MemoryFault.None => ProgramFault.None,
        MemoryFault.Unmapped => ProgramFault.Unmapped,
        MemoryFault.Protected => ProgramFault.Protected,
        MemoryFault.Gone => ProgramFault.Fault,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };
}
