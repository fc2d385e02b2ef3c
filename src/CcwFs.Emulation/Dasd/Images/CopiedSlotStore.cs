using System.Diagnostics.CodeAnalysis;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>A volume whose slots are not tracks as they are: what is written goes into copies first.</summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public abstract class CopiedSlotStore : SlotStore
{
    /// <summary>Tracks that are written whole or not at all (arbitrary: what a volume caches).</summary>
    private protected const int MostAtOnce = 32;

    private readonly byte[]?[] _copies = new byte[]?[MostAtOnce]; // guarded by Gate
    private readonly int _slotSize;

    private protected CopiedSlotStore(IImageFiles files, string path, ImageOptions options, bool asIs, SlotFiles parts)
        : base(files, path, options, asIs, parts) => _slotSize = parts.SlotSize;

    /// <summary>Who writes.</summary>
    private protected Lock Gate { get; } = new();

    /// <summary>Slots for one write. Under <see cref="Gate"/>.</summary>
    private protected TrackImage[] Slots { get; } = new TrackImage[MostAtOnce];

    /// <inheritdoc/>
    /// <remarks>A call of up to 32 tracks is applied whole or not at all; a longer one in pieces of as many.</remarks>
    public override void Write(ReadOnlySpan<TrackImage> tracks)
    {
        lock (Gate)
        {
            for (; tracks.Length > MostAtOnce; tracks = tracks[MostAtOnce..])
                WriteWhole(tracks[..MostAtOnce]);
            WriteWhole(tracks);
        }
    }

    /// <summary>Writes so many tracks at most, whole or not at all. Under <see cref="Gate"/>.</summary>
    private protected abstract void WriteWhole(ReadOnlySpan<TrackImage> tracks);

    /// <summary>Room for a slot, one of those of one write. Under <see cref="Gate"/>.</summary>
    private protected byte[] Copy(int index) => _copies[index] ??= new byte[_slotSize];

    /// <summary>Throws for tracks that are not on the volume.</summary>
    private protected void CheckRange(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, Geometry.Tracks - count);
    }
}
