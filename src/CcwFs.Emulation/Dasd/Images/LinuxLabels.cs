using System.Buffers.Binary;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The records that name a volume: IPL1, IPL2 and VOL1 on track 0, the VTOC's DSCBs (formats 4, 5, 7) on track 1, and Linux' LNX1 label.
/// Big-endian. Sources: z/OS DFSMSdfp Advanced Services (DSCB formats), and what dasdinit -linux writes.
/// </summary>
internal static class LinuxLabels
{
    /// <summary>Key length of the records of track 0 that have a key ("IPL1", "IPL2", "VOL1").</summary>
    public const int LabelKeyLength = 4;

    /// <summary>Data lengths of the IPL1, IPL2 and VOL1 records.</summary>
    public static ReadOnlySpan<byte> LabelLengths => [24, 144, 80];

    /// <summary>Key and data length of a DSCB.</summary>
    public const int DscbKeyLength = 44, DscbDataLength = 96;

    /// <summary>A 3390 track's capacity as the format-4 DSCB gives it.</summary>
    private const ushort TrackCapacity3390 = 0xE5A2;

    // Larger volumes have their free space in a format-7 DSCB: format 5 counts in 16 bits.
    private const int MostTracksOfFormat5 = 65_535;
    private const int FirstFreeTrack = 2;

    /// <summary>A wait state for those who IPL an empty volume: PSW, then a read of no use and an empty CCW.</summary>
    public static void Ipl1(Span<byte> data)
    {
        data.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(data, 0x0006_0000_0000_000F);
        BinaryPrimitives.WriteUInt64BigEndian(data[8..], 0x0300_0000_0000_0001);
    }

    /// <summary>The VOL1 label's data: serial, security byte, VTOC at track 1 record 1 when there is one, owner.</summary>
    public static void Vol1(string volser, Span<byte> data)
    {
        const int serial = 4;
        const int security = 10;
        const int vtoc = 11;
        const int owner = 41;
        data.Fill(Volser.Blank);
        Volser.Write("VOL1", data[..serial]);
        Volser.Write(volser, data.Slice(serial, Volser.Length));
        data[security] = Volser.Blank;
        ReadOnlySpan<byte> cchhr = [0, 0, 0, 1, 1];
        cchhr.CopyTo(data[vtoc..]);
        Volser.Write("HERCULES", data.Slice(owner, 10));
    }

    /// <summary>Linux' LNX1 label, version 2: serial, and how many blocks are formatted.</summary>
    public static void Lnx1(string volser, long blocks, Span<byte> data)
    {
        const int serial = 4;
        const int version = 79;
        const int count = 80;
        data[..version].Fill(Volser.Blank);
        Volser.Write("LNX1", data[..serial]);
        Volser.Write(volser, data.Slice(serial, Volser.Length));
        data[version] = 0xF2;
        BinaryPrimitives.WriteInt64BigEndian(data[count..], blocks);
    }

    /// <summary>Format-4 DSCB, key and data: the VTOC itself (track 1) and the device.</summary>
    public static void Format4(CkdGeometry geometry, int recordsPerTrack, Span<byte> dscb)
    {
        dscb[..DscbKeyLength].Fill(0x04);
        Span<byte> data = dscb[DscbKeyLength..];
        data[0] = 0xF4;
        BinaryPrimitives.WriteUInt16BigEndian(data[6..], (ushort)(recordsPerTrack - 2));
        data[15] = 1; // DS4NOEXT
        BinaryPrimitives.WriteUInt16BigEndian(data[18..], geometry.ShortCylinders);
        if (geometry.IsExtended)
            BinaryPrimitives.WriteInt32BigEndian(data[88..], geometry.Cylinders); // DS4DCYL
        BinaryPrimitives.WriteUInt16BigEndian(data[20..], (ushort)geometry.Heads);
        BinaryPrimitives.WriteUInt16BigEndian(data[22..], TrackCapacity3390);
        data[27] = 0x30; // DS4DEVFG
        data[30] = (byte)recordsPerTrack;
        ReadOnlySpan<byte> vtocExtent = [1, 0, 0, 0, 0, 1, 0, 0, 0, 1];
        vtocExtent.CopyTo(data[61..]);
        if (geometry.Tracks <= MostTracksOfFormat5)
            return;
        data[14] = 0xA0; // DS4VTOCI: format 7 in use
        data[81] = 0x07; // DS4EFLVL
        ReadOnlySpan<byte> format7At = [0, 0, 0, 1, 3];
        format7At.CopyTo(data[82..]);
    }

    /// <summary>Format-5 DSCB: all after the VTOC is free, as (first track, cylinders, tracks); empty on a volume with a format 7.</summary>
    public static void Format5(CkdGeometry geometry, Span<byte> dscb)
    {
        dscb[..4].Fill(0x05);
        dscb[DscbKeyLength] = 0xF5;
        if (geometry.Tracks > MostTracksOfFormat5)
            return;
        (int cylinders, int tracks) = Math.DivRem(geometry.Tracks - FirstFreeTrack, geometry.Heads);
        BinaryPrimitives.WriteUInt16BigEndian(dscb[4..], FirstFreeTrack);
        BinaryPrimitives.WriteUInt16BigEndian(dscb[6..], (ushort)cylinders);
        dscb[8] = (byte)tracks;
    }

    /// <summary>
    /// Format-7 DSCB: the free space of a larger volume, from the first track to the one after the last. (dasdinit 3.13 gives the last track itself,
    /// which fdasd then takes for an overlap.) False when the volume has none.
    /// </summary>
    public static bool Format7(CkdGeometry geometry, Span<byte> dscb)
    {
        if (geometry.Tracks <= MostTracksOfFormat5)
            return false;
        dscb[..4].Fill(0x07);
        dscb[DscbKeyLength] = 0xF7;
        BinaryPrimitives.WriteInt32BigEndian(dscb[4..], FirstFreeTrack);
        BinaryPrimitives.WriteInt32BigEndian(dscb[8..], geometry.Tracks);
        return true;
    }
}
