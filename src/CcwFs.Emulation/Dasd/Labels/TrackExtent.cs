using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Labels;

/// <summary>Tracks of a volume that follow each other.</summary>
/// <param name="First">Number of the first track.</param>
/// <param name="Last">Number of the last one.</param>
public readonly record struct TrackExtent(int First, int Last)
{
    /// <summary>Bytes of an extent in a label: type, sequence number, first and last CCHH.</summary>
    internal const int Size = 10;

    /// <summary>How many.</summary>
    public int Tracks => Last - First + 1;

    /// <summary>Reads an extent of a label; null where it is not one on the volume.</summary>
    internal static TrackExtent? Read(ReadOnlySpan<byte> bytes, CkdGeometry geometry) =>
        Track(bytes[2..], geometry) is { } first && Track(bytes[6..], geometry) is { } last && first <= last ? new TrackExtent(first, last) : null;

    /// <summary>The number of the track at CCHH; null: the volume has none there.</summary>
    internal static int? Track(ReadOnlySpan<byte> bytes, CkdGeometry geometry)
    {
        TrackAddress address = TrackAddress.Read(bytes);
        return address.Cylinder < geometry.Cylinders && address.Head < geometry.Heads ? (address.Cylinder * geometry.Heads) + address.Head : null;
    }
}
