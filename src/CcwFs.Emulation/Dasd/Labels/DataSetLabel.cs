using System.Buffers.Binary;
using System.Globalization;
using CcwFs.ChannelIo.Text;

namespace CcwFs.Emulation.Dasd.Labels;

/// <summary>
/// What a VTOC says of a data set (format 1 or 8), a partition of Linux for one. Bytes of the record: 0 name 44, 53 creation (year since 1900, day of
/// the year 2), 82 organization 2, 84 record format, 86 block size 2, 88 record length 2, 105 three extents of 10 bytes.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Organization">"PS", "PO", "DA", "IS", "VS", or hexadecimal digits.</param>
/// <param name="RecordFormat">"FB" for one, or "" where it says none.</param>
/// <param name="BlockSize">Bytes of a block.</param>
/// <param name="RecordLength">Bytes of a record.</param>
/// <param name="Created">Year and day of the year, "2026.335" for one; null where it says none.</param>
/// <param name="Extents">Its tracks, in the data set's order.</param>
public sealed record DataSetLabel(
    string Name, string Organization, string RecordFormat, int BlockSize, int RecordLength, string? Created, IReadOnlyList<TrackExtent> Extents)
{
    internal const int ExtentsAt = 105, Extents1 = 3;

    private const int CreatedAt = 53, OrganizationAt = 82, FormatAt = 84, BlockSizeAt = 86, RecordLengthAt = 88;
    private const int FirstYear = 1900;

    private static readonly (ushort Bits, string Name)[] s_organizations =
        [(0x8000, "IS"), (0x4000, "PS"), (0x2000, "DA"), (0x0200, "PO"), (0x0008, "VS")];

    private static readonly (byte Bit, char Letter)[] s_formats = [(0x10, 'B'), (0x08, 'S'), (0x04, 'A'), (0x02, 'M')];

    /// <summary>Of a record of format 1 or 8 and all the extents.</summary>
    internal static DataSetLabel Read(ReadOnlySpan<byte> dscb, IReadOnlyList<TrackExtent> extents)
    {
        ushort organization = BinaryPrimitives.ReadUInt16BigEndian(dscb[OrganizationAt..]);
        string? name = s_organizations.FirstOrDefault(known => (organization & known.Bits) != 0).Name;
        int day = BinaryPrimitives.ReadUInt16BigEndian(dscb[(CreatedAt + 1)..]);
        return new DataSetLabel(
            NameOf(dscb), name ?? organization.ToString("X4", CultureInfo.InvariantCulture), RecordFormatOf(dscb[FormatAt]),
            BinaryPrimitives.ReadUInt16BigEndian(dscb[BlockSizeAt..]), BinaryPrimitives.ReadUInt16BigEndian(dscb[RecordLengthAt..]),
            day == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{FirstYear + dscb[CreatedAt]}.{day:D3}"), extents);
    }

    /// <summary>The name in a record; bytes that are no printable ASCII are full stops.</summary>
    internal static string NameOf(ReadOnlySpan<byte> dscb)
    {
        Span<char> name = stackalloc char[Dscb.KeySize];
        for (int at = 0; at < name.Length; at++)
            name[at] = Ebcdic.Printable(dscb[at]);
        return new string(name).TrimEnd();
    }

    private static string RecordFormatOf(byte format)
    {
        string kind = (format & 0xC0) switch { 0x80 => "F", 0x40 => "V", 0xC0 => "U", _ => "" };
        return kind + string.Concat(s_formats.Where(row => (format & row.Bit) != 0).Select(row => row.Letter));
    }
}
