using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.Faults;

/// <summary>Where parameters of a 3990 lead: a row per layout.</summary>
internal static class EckdPlaces
{
    /// <summary>Every layout with a place.</summary>
    internal static readonly (ParameterLayout Layout, PlaceReader Read)[] Readers =
    [
        (DefineExtentLayout.Layout, Extent),
        (PrefixLayout.Layout, Prefix),
        (LocateRecordLayout.Layout, Locate),
        (LocateRecordLayout.Extended, Locate),
        (SeekLayout.Layout, (ref ProgramPlace place, ReadOnlySpan<byte> parameters) => Track(ref place, SeekLayout.Address.In(parameters))),
    ];

    private static void Prefix(ref ProgramPlace place, ReadOnlySpan<byte> parameters)
    {
        if ((PrefixLayout.Validity.Byte(parameters) & PrefixLayout.ExtentValid) != 0)
            Extent(ref place, PrefixLayout.Extent.In(parameters));
        if (PrefixLayout.Format.Byte(parameters) == PrefixLayout.WithLocate)
            Locate(ref place, PrefixLayout.Locate.In(parameters));
    }

    private static void Extent(ref ProgramPlace place, ReadOnlySpan<byte> parameters)
    {
        ExtentRanges.TryTrack(DefineExtentLayout.Begin.In(parameters), out long begin);
        ExtentRanges.TryTrack(DefineExtentLayout.End.In(parameters), out long end);
        place.Extent(begin, end);
    }

    private static void Locate(ref ProgramPlace place, ReadOnlySpan<byte> parameters) => Track(ref place, LocateRecordLayout.Seek.In(parameters));

    private static void Track(ref ProgramPlace place, ReadOnlySpan<byte> address)
    {
        ExtentRanges.TryTrack(address, out long track);
        place.From(track);
    }
}
