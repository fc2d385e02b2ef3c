using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Raw;

/// <summary>How the first two tracks of a raw volume are meant: its blocks alone do not tell records with keys from others.</summary>
internal enum RawShape
{
    /// <summary>The blocks that would hold labels are zeros: a track without records.</summary>
    Unformatted,

    /// <summary>Linux' compatible disk layout: the labels of track 0 and the DSCBs of track 1 have keys.</summary>
    Cdl,

    /// <summary>Blocks alone: Linux' old layout, or no label that is known.</summary>
    Blocks,
}

/// <summary>
/// The block view of a CDL or LDL volume, which is what /dev/dasda shows: block <c>b</c> is record <c>b % n + 1</c> of track <c>b / n</c>, with
/// <c>n</c> records of one size on each track (12 of 4,096 bytes). A block that is a record with a key holds key and data, and E5 after them:
/// <code>
/// CDL track 0   records 1, 2, 3: key 4 and data 24, 144, 80; the others without key
/// CDL track 1   every record: key 44 and data 96
/// </code>
/// Source: Linux, drivers/s390/block/dasd_eckd.c.
/// </summary>
/// <param name="BlockSize">Bytes of a block.</param>
internal readonly record struct RawFormat(int BlockSize)
{
    /// <summary>What Linux shows after a record that is shorter than a block.</summary>
    internal const byte Filler = 0xE5;

    private const int LabelRecords = 3;
    private const int LabelBlock = 2; // of VOL1 and LNX1

    /// <summary>Blocks of a track.</summary>
    internal int Records => VolumeLayout.Records(BlockSize);

    /// <summary>Bytes of a track in the file.</summary>
    internal int SlotSize => Records * BlockSize;

    /// <summary>Bytes of the first blocks of the file that tell how track 0 is meant.</summary>
    internal int LabelsSize => LabelRecords * BlockSize;

    /// <summary>The block size that the label of a file tells; null: there is no label.</summary>
    internal static int? SizeOf(IImageFile file)
    {
        Span<byte> label = stackalloc byte[8];
        foreach (int size in (ReadOnlySpan<int>)[4_096, 2_048, 1_024, 512])
        {
            if (ImageException.Check(file.ReadAt((long)LabelBlock * size, label), $"{file.Path}: ") == label.Length && IsLabel(label))
                return size;
        }
        return null;
    }

    /// <summary>How track 0 is meant, by its first blocks.</summary>
    internal RawShape ShapeOfTrack0(ReadOnlySpan<byte> blocks)
    {
        ReadOnlySpan<byte> labels = blocks[..LabelsSize];
        if (labels.IndexOfAnyExcept((byte)0) < 0)
            return RawShape.Unformatted;
        ReadOnlySpan<byte> label = labels.Slice(LabelBlock * BlockSize, 8);
        if (IsVol1(label))
            return RawShape.Cdl;
        int first = LinuxLabels.LabelKeyLength + LinuxLabels.LabelLengths[0];
        bool filled = labels[first..BlockSize].IndexOfAnyExcept(Filler) < 0;
        return filled && !IsLabel(label) ? RawShape.Cdl : RawShape.Blocks;
    }

    /// <summary>How track 1 is meant, by its first block, or by track 0 where that does not tell.</summary>
    internal RawShape ShapeOfTrack1(ReadOnlySpan<byte> blocks, RawShape track0)
    {
        const int Used = LinuxLabels.DscbKeyLength + LinuxLabels.DscbDataLength;
        return blocks[Used..BlockSize].IndexOfAnyExcept(Filler) < 0 ? RawShape.Cdl
            : track0 != RawShape.Unformatted ? track0
            : blocks[..SlotSize].IndexOfAnyExcept((byte)0) < 0 ? RawShape.Unformatted : RawShape.Blocks;
    }

    /// <summary>Key and data length of a record (from 1 on) of a track.</summary>
    internal (int Key, int Data) LengthsOf(int track, int record, RawShape shape) => (shape, track) switch
    {
        (RawShape.Cdl, 0) when record <= LabelRecords => (LinuxLabels.LabelKeyLength, LinuxLabels.LabelLengths[record - 1]),
        (RawShape.Cdl, 1) => (LinuxLabels.DscbKeyLength, LinuxLabels.DscbDataLength),
        _ => (0, BlockSize),
    };

    private static bool IsVol1(ReadOnlySpan<byte> label)
    {
        Span<byte> expected = stackalloc byte[4];
        Volser.Write("VOL1", expected);
        return label.StartsWith(expected) && label[4..].StartsWith(expected);
    }

    private static bool IsLabel(ReadOnlySpan<byte> label)
    {
        Span<byte> expected = stackalloc byte[4];
        foreach (string name in (ReadOnlySpan<string>)["LNX1", "CMS1"])
        {
            Volser.Write(name, expected);
            if (label.StartsWith(expected))
                return true;
        }
        return IsVol1(label);
    }
}
