using CcwFs.CommandSets;
using CcwFs.CommandSets.Fba;

namespace CcwFs.Faults;

/// <summary>Where parameters of a 9336 lead: a row per layout.</summary>
internal static class FbaPlaces
{
    /// <summary>Every layout with a place.</summary>
    internal static readonly (ParameterLayout Layout, PlaceReader Read)[] Readers =
    [
        (FbaExtentLayout.Layout, (ref ProgramPlace place, ReadOnlySpan<byte> parameters) => place.Blocks(
            FbaExtentLayout.Locator.Word(parameters), FbaExtentLayout.First.Word(parameters), FbaExtentLayout.Last.Word(parameters))),
        (FbaLocateLayout.Layout, (ref ProgramPlace place, ReadOnlySpan<byte> parameters) =>
            place.Block(FbaLocateLayout.Block.Word(parameters), FbaLocateLayout.Count.Half(parameters))),
    ];
}
