using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The open files of one volume whose tracks lie in slots of one size, each file behind a header of one size. Owns the files.
/// </summary>
/// <param name="geometry">Of the volume.</param>
/// <param name="headerSize">Bytes before the first slot of a file; a multiple of a sector.</param>
/// <param name="slotSize">Bytes of a slot; a multiple of a sector.</param>
/// <param name="parts">The files, first to last.</param>
/// <param name="binding">What tells the volume from others.</param>
internal sealed class SlotFiles(CkdGeometry geometry, int headerSize, int slotSize, IReadOnlyList<SlotPart> parts, RedoBinding binding) : IDisposable
{
    internal CkdGeometry Geometry => geometry;

    internal int SlotSize => slotSize;

    internal IReadOnlyList<SlotPart> Parts => parts;

    internal RedoBinding Binding => binding;

    /// <summary>Where a track's slot is. The track must be within the geometry.</summary>
    internal SlotPart Locate(int track, out long offset)
    {
        int index = parts.Count - 1;
        while (parts[index].FirstTrack > track)
            index--;
        SlotPart part = parts[index];
        offset = headerSize + (long)(track - part.FirstTrack) * slotSize;
        return part;
    }

    public void Dispose()
    {
        foreach (SlotPart part in parts)
            part.File.Dispose();
    }
}

/// <summary>One file: its tracks start at <paramref name="FirstTrack"/>.</summary>
/// <param name="File">Open.</param>
/// <param name="FirstTrack">Number of its first track.</param>
/// <param name="Tracks">How many it holds.</param>
/// <param name="Length">Its bytes, as far as they are the volume's.</param>
internal readonly record struct SlotPart(IImageFile File, int FirstTrack, int Tracks, long Length)
{
    internal string Path => File.Path;
}
