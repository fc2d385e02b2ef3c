using System.Buffers.Binary;
using System.Text;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The 512 bytes before the tracks of a CKD_P370 file, numbers little-endian: 0 identifier (ASCII), 8 heads u32, 12 slot size u32,
/// 16 low byte of the device type, 17 number of the file in its series (0: the only one, not split), 18 highest cylinder in this
/// file u16 (0 in the last file), 20 serial (ASCII, may be zero), rest zero. Source: images of Hercules 3.13 and its dasdblks.h; README.md.
/// Newer tools of Hercules call the same thing CKD_P064 where they make it for files of more than 2 GiB (dasdutil64.c, ckddasd64.c).
/// An extended address volume has an identifier of our own, so that programs which take its addresses for 16-bit ones keep off; it is one file.
/// The images of zPDT have the same identifier, always one file, and from 17 on: 03 or 04, and the number of cylinders twice, u32 each (observed on
/// such images).
/// </summary>
/// <param name="Sequence">File number: 0 single, 1.. in a series.</param>
/// <param name="HighCylinder">Highest cylinder in this file; 0 in the last or only one.</param>
/// <param name="IsExtended">An extended address volume.</param>
/// <param name="IsZpdt">Made by zPDT: one file.</param>
public readonly record struct CkdHeader(int Sequence, int HighCylinder, bool IsExtended = false, bool IsZpdt = false)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 512;

    /// <summary>Most files of a series: digits, then letters (Hercules' names).</summary>
    public const int MaxFiles = 27;

    private const byte Type3390 = 0x90;
    private static ReadOnlySpan<byte> Plain => "CKD_P370"u8;

    private static ReadOnlySpan<byte> Wide => "CKD_P064"u8;

    private static ReadOnlySpan<byte> Extended => "CKD_PEAV"u8;

    /// <summary>The identifier of a volume's files.</summary>
    public static string Identifier(CkdGeometry geometry) => Encoding.ASCII.GetString(geometry.IsExtended ? Extended : Plain);

    /// <summary>The header of the only file of a 3390.</summary>
    public static void Format(CkdGeometry geometry, CkdHeader header, Span<byte> bytes)
    {
        bytes[..Size].Clear();
        (geometry.IsExtended ? Extended : Plain).CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], (uint)geometry.Heads);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], (uint)geometry.TrackSize);
        bytes[16] = (byte)geometry.DeviceType;
        bytes[17] = (byte)header.Sequence;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[18..], (ushort)header.HighCylinder);
    }

    /// <summary>Judges the header of a file with so many whole cylinders. Gives null and the header, or "offset N: reason".</summary>
    public static string? Parse(ReadOnlySpan<byte> bytes, long cylinders, out CkdHeader header)
    {
        header = default;
        CkdGeometry expected = CkdGeometry.Model3390(1);
        bool extended = bytes[..8].SequenceEqual(Extended);
        if (!extended && !bytes[..8].SequenceEqual(Plain) && !bytes[..8].SequenceEqual(Wide))
            return WhyNotPlain(bytes[..8]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) is uint heads && heads != expected.Heads)
            return $"offset 8: {heads} heads; a 3390 has {expected.Heads}";
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) is uint size && size != expected.TrackSize)
            return $"offset 12: track size {size}; a 3390's is {expected.TrackSize}";
        if (bytes[16] != Type3390)
            return $"offset 16: device type {bytes[16]:X2}; only 3390 ({Type3390:X2}) is supported";
        if (!extended && IsOfZpdt(bytes, out uint declared))
        {
            header = new CkdHeader(0, 0, IsZpdt: true);
            return declared == cylinders ? null
                : $"offset 18: an image of zPDT with {declared} cylinders, but the file holds {cylinders}: truncated?";
        }
        if (bytes[17] > MaxFiles || (extended && bytes[17] != 0))
            return $"offset 17: file number {bytes[17]}; a series has at most {MaxFiles} files, an extended address volume is one file";
        header = new CkdHeader(bytes[17], BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]), extended);
        if (header.Sequence == 0 && header.HighCylinder != 0)
            return $"offset 18: highest cylinder {header.HighCylinder} in a volume of one file";
        return null;
    }

    /// <summary>Two equal numbers of cylinders: in a file of a series the second one is a part of the serial number, or zero.</summary>
    private static bool IsOfZpdt(ReadOnlySpan<byte> bytes, out uint cylinders)
    {
        cylinders = BinaryPrimitives.ReadUInt32LittleEndian(bytes[18..]);
        return bytes[17] is 3 or 4 && cylinders != 0 && BinaryPrimitives.ReadUInt32LittleEndian(bytes[22..]) == cylinders;
    }

    private static string WhyNotPlain(ReadOnlySpan<byte> magic)
    {
        string name = Encoding.ASCII.GetString(magic);
        return name switch
        {
            "CKD_C370" or "CKD_C064" => $"offset 0: {name} is a compressed image, which is only read; convert it with ccwfs dasd convert",
            "CKD_S370" or "CKD_S064" => $"offset 0: {name} is a shadow file, which is only read; convert it with ccwfs dasd convert",
            _ => $"offset 0: no CKD image (identifier {Convert.ToHexString(magic)})",
        };
    }
}
