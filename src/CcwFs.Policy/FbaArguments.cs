using CcwFs.CommandSets;
using CcwFs.CommandSets.Fba;

namespace CcwFs.Policy;

/// <summary>Arguments of a 9336's commands.</summary>
internal static class FbaArguments
{
    internal static readonly (ParameterLayout Layout, ArgumentJudge Judge)[] Judges =
    [
        (FbaExtentLayout.Layout, (p, _, a) => Ruling.Fine(PolicyCommands.Extent(p.Extents is null || IsInside(p.Extents, a)))),
        (FbaLocateLayout.Layout, (_, _, a) => Ruling.Fine(Locate(FbaLocateLayout.Operation.Byte(a)))),
    ];

    /// <summary>
    /// The device's blocks of the extent: from the locator on, as many as the data set's numbers say. An extent of the CE area, or one for diagnosis,
    /// is of other blocks than those.
    /// </summary>
    private static bool IsInside(ExtentRanges ranges, ReadOnlySpan<byte> parameters)
    {
        long locator = FbaExtentLayout.Locator.Word(parameters), first = FbaExtentLayout.First.Word(parameters),
            last = FbaExtentLayout.Last.Word(parameters);
        return (FbaExtentLayout.Mask.Byte(parameters) & ~FbaExtentLayout.WriteControl) == 0 && first <= last
            && ranges.Contain(locator, locator + last - first);
    }

    /// <summary>Its block numbers are of the data set: the device keeps them in the extent that was defined before, which has been judged.</summary>
    private static CommandEffect Locate(byte operation) => CommandEffect.Positions | CommandEffect.PositionsInside
        | (operation is FbaLocateLayout.Read or FbaLocateLayout.ReadReplicated ? CommandEffect.None : CommandEffect.Writes);
}
