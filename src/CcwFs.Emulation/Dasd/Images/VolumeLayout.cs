using System.Buffers.Binary;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>How the tracks of a volume are laid out.</summary>
public enum VolumeFormat
{
    /// <summary>Record 0 only (with a serial: the label records on track 0 too).</summary>
    None,

    /// <summary>Linux' compatible disk layout: labels with keys on tracks 0 and 1, blocks on the others.</summary>
    Cdl,

    /// <summary>Linux' old layout: blocks on all tracks, the LNX1 label in the third.</summary>
    Ldl,
}

/// <summary>Knows what every track of a freshly formatted volume holds. Immutable.</summary>
public sealed class VolumeLayout
{
    private const int FirstBlockOfTrack0 = 4;
    private readonly CkdGeometry _geometry;
    private readonly string? _volser;

    private VolumeLayout(CkdGeometry geometry, VolumeFormat format, int blockSize, string? volser)
    {
        (_geometry, Kind, BlockSize, _volser) = (geometry, format, blockSize, volser);
        RecordsPerTrack = Records(blockSize);
    }

    /// <summary>The layout.</summary>
    public VolumeFormat Kind { get; }

    /// <summary>Bytes of a block; 0 without blocks.</summary>
    public int BlockSize { get; }

    /// <summary>Blocks on a track; 0 without blocks.</summary>
    public int RecordsPerTrack { get; }

    /// <summary>The volume serial in upper case; null: none.</summary>
    public string? Serial => _volser;

    /// <summary>Track 0 holds a label.</summary>
    public bool HasLabels => _volser is not null;

    /// <summary>Tracks from this one on are alike but for their numbers.</summary>
    public int FirstRegularTrack => Kind == VolumeFormat.Cdl ? 2 : 1;

    /// <summary>
    /// A layout; block sizes are 512, 1024, 2048 and 4096 (ignored for <see cref="VolumeFormat.None"/>), the serial a valid
    /// <see cref="Volser"/>; null is no label, and refused for the Linux layouts. ArgumentException otherwise.
    /// </summary>
    public static VolumeLayout Create(CkdGeometry geometry, VolumeFormat format, int blockSize = 4_096, string? volser = null)
    {
        if (format == VolumeFormat.None)
            blockSize = 0;
        else if (Records(blockSize) == 0)
            throw new ArgumentException($"block size {blockSize}: use 512, 1024, 2048 or 4096", nameof(blockSize));
        else if (volser is null)
            throw new ArgumentException("this layout needs a volume serial", nameof(volser));
        if (volser is not null && Volser.Normalize(volser) is null)
            throw new ArgumentException($"volume serial '{volser}': use one to six of A-Z, 0-9, @, # and $", nameof(volser));
        return new VolumeLayout(geometry, format, blockSize, volser is null ? null : Volser.Normalize(volser));
    }

    /// <summary>
    /// The layout that a volume has, judged by its first two tracks: for filling its empty tracks alike. A volume that is neither
    /// Linux layout gets <see cref="VolumeFormat.None"/>.
    /// </summary>
    public static VolumeLayout Detect(ITrackStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        var track = new CkdTrack(store.Geometry);
        bool readable = track.Load(store, 0) is null && track.RecordCount > FirstBlockOfTrack0;
        if (readable && track.KeyLength(3) == LinuxLabels.LabelKeyLength && IsBlock(track, FirstBlockOfTrack0))
            return new VolumeLayout(store.Geometry, VolumeFormat.Cdl, track.DataLength(FirstBlockOfTrack0), SerialOf(track));
        if (readable && IsBlock(track, 3) && HasLabel(track.Data(3), "LNX1"))
            return new VolumeLayout(store.Geometry, VolumeFormat.Ldl, track.DataLength(3), SerialOf(track));
        return new VolumeLayout(store.Geometry, VolumeFormat.None, 0, null);
    }

    /// <summary>The volume serial on a loaded track 0 (VOL1 or LNX1 label in record 3), or null.</summary>
    public static string? SerialOf(CkdTrack track)
    {
        ArgumentNullException.ThrowIfNull(track);
        if (track.RecordCount <= 3)
            return null;
        ReadOnlySpan<byte> label = track.Data(3);
        return HasLabel(label, "VOL1") || HasLabel(label, "LNX1") ? Volser.Read(label.Slice(4, Volser.Length)) : null;
    }

    /// <summary>Makes <paramref name="track"/> what the freshly formatted volume has as track <paramref name="number"/>.</summary>
    public void Format(int number, CkdTrack track)
    {
        ArgumentNullException.ThrowIfNull(track);
        track.Initialize(number);
        switch (Kind)
        {
            case VolumeFormat.Cdl when number == 0:
                AddLabels(track);
                AddBlocks(track, FirstBlockOfTrack0);
                break;
            case VolumeFormat.Cdl when number == 1:
                AddVtoc(track);
                break;
            case VolumeFormat.None when number == 0 && _volser is not null:
                AddLabels(track);
                break;
            case VolumeFormat.Cdl or VolumeFormat.Ldl:
                AddBlocks(track, 1);
                if (number == 0)
                    FillLdlLabels(track);
                break;
            case VolumeFormat.None:
                break;
            default:
                throw new InvalidOperationException($"layout {Kind}");
        }
    }

    /// <summary>Blocks of a size on a 3390 track, from the device's capacity formula (GA32-0274; TrackCapacity); 0 for other sizes.</summary>
    public static int Records(int blockSize) => blockSize switch
    {
        512 => 49,
        1_024 => 33,
        2_048 => 21,
        4_096 => 12,
        _ => 0,
    };

    private static bool IsBlock(CkdTrack track, int index) => track.KeyLength(index) == 0 && Records(track.DataLength(index)) != 0;

    private static bool HasLabel(ReadOnlySpan<byte> data, string label)
    {
        Span<byte> expected = stackalloc byte[label.Length];
        Volser.Write(label, expected);
        return data.Length >= label.Length + Volser.Length && data.StartsWith(expected);
    }

    private static int Add(CkdTrack track, int keyLength, int dataLength)
    {
        Span<byte> count = stackalloc byte[CkdTrack.CountSize];
        int after = track.RecordCount - 1;
        track.HomeAddress[1..].CopyTo(count);
        (count[4], count[5]) = ((byte)(after + 1), (byte)keyLength);
        BinaryPrimitives.WriteUInt16BigEndian(count[6..], (ushort)dataLength);
        return track.Append(after, count, out int index) ? index : throw new InvalidOperationException("the layout does not fit a track");
    }

    private void AddLabels(CkdTrack track)
    {
        string[] keys = ["IPL1", "IPL2", "VOL1"];
        for (int label = 0; label < keys.Length; label++)
            Volser.Write(keys[label], track.Key(Add(track, LinuxLabels.LabelKeyLength, LinuxLabels.LabelLengths[label])));
        LinuxLabels.Ipl1(track.Data(1));
        LinuxLabels.Vol1(_volser ?? "", track.Data(3));
    }

    private void AddBlocks(CkdTrack track, int first)
    {
        for (int record = first; record <= RecordsPerTrack; record++)
            _ = Add(track, 0, BlockSize);
    }

    private void AddVtoc(CkdTrack track)
    {
        for (int record = 1; record <= RecordsPerTrack; record++)
            _ = Add(track, LinuxLabels.DscbKeyLength, LinuxLabels.DscbDataLength);
        LinuxLabels.Format4(_geometry, RecordsPerTrack, track.KeyAndData(1));
        LinuxLabels.Format5(_geometry, track.KeyAndData(2));
        _ = LinuxLabels.Format7(_geometry, track.KeyAndData(3));
    }

    private void FillLdlLabels(CkdTrack track)
    {
        LinuxLabels.Ipl1(track.Data(1)[..LinuxLabels.LabelLengths[0]]);
        LinuxLabels.Lnx1(_volser ?? "", (long)_geometry.Tracks * RecordsPerTrack, track.Data(3));
    }
}
