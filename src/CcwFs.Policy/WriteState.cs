using CcwFs.CommandSets;

namespace CcwFs.Policy;

/// <summary>How far the commands before have come towards a write that may be, under a policy with extents.</summary>
internal enum WriteState : byte
{
    /// <summary>No extent is defined, or one with tracks that may not be written.</summary>
    Nowhere,

    /// <summary>An extent is defined that may be written. Where the head is was said before it, or outside.</summary>
    Defined,

    /// <summary>And the head has been moved inside: the device keeps what follows in the extent.</summary>
    Located,
}

/// <summary>The state's transitions.</summary>
internal static class WriteStates
{
    /// <summary>States, for a set of them.</summary>
    internal const int Count = 3;

    /// <summary>
    /// The state after a command. A write needs an extent inside the tracks that may be written and, after it, a position inside: a head that was
    /// moved before the extent was defined may stand anywhere. The file mask is not looked at: without such an extent nothing is written under any
    /// mask.
    /// </summary>
    internal static Ruling Advance(DevicePolicy policy, CommandEffect effect, WriteState state, out WriteState next)
    {
        next = state;
        if (policy.Extents is { } extents)
        {
            if ((effect & CommandEffect.Defines) != 0)
                next = (effect & CommandEffect.DefinesInside) != 0 ? WriteState.Defined : WriteState.Nowhere;
            if ((effect & CommandEffect.Positions) != 0 && next != WriteState.Nowhere)
                next = (effect & CommandEffect.PositionsInside) != 0 ? WriteState.Located : WriteState.Defined;
            if ((effect & CommandEffect.Writes) != 0 && next != WriteState.Located)
                return new Ruling(RefusalKind.WriteInhibited, $"extents={extents}", effect);
        }
        return policy.ReadOnly && (effect & CommandEffect.Writes) != 0
            ? new Ruling(RefusalKind.WriteInhibited, "readonly", effect)
            : Ruling.Fine(effect);
    }
}
