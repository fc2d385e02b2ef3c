using System.Globalization;
using System.Text;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>
/// What stands before the tracks of an image that xCAT or feilong captured of a z/VM minidisk, in ASCII: 0 the identifier (20 bytes), 20 the size
/// (16 bytes, "N CYL" at their right end), and since version 2: 36 " HLen: NNNN", the length of the text, 47 " GZIP: N", the compression, blanks up
/// to whole blocks of 512 bytes. Version 1 ends after the size, and is always compressed. Source: what feilong's creatediskimage writes.
/// </summary>
/// <param name="Cylinders">Cylinders of the disk.</param>
/// <param name="TracksAt">Where the tracks begin in the file.</param>
/// <param name="IsCompressed">The tracks are compressed with gzip.</param>
public readonly record struct XcatHeader(int Cylinders, long TracksAt, bool IsCompressed)
{
    /// <summary>What a file begins with.</summary>
    public const string Identifier = "xCAT CKD Disk Image:";

    /// <summary>Bytes to hand to <see cref="Parse"/>, fewer where the file ends before.</summary>
    public const int MostBytes = 64;

    private const int SizeAt = 20, VersionOneSize = 36, LengthAt = 37, LengthDigits = 4, LevelAt = 48, Level = 54, Block = 512;
    private const string LengthName = "HLen: ", LevelName = "GZIP: ";

    /// <summary>Judges a file's first bytes. Gives null and the header, or "offset N: reason".</summary>
    public static string? Parse(ReadOnlySpan<byte> bytes, out XcatHeader header)
    {
        header = default;
        string text = Encoding.Latin1.GetString(bytes);
        if (!text.StartsWith(Identifier, StringComparison.Ordinal))
        {
            return text.StartsWith("xCAT F", StringComparison.Ordinal) ? "offset 5: an image of a disk of blocks; only those of CKD volumes are read"
                : "offset 0: no image of xCAT or feilong";
        }
        if (text.Length < VersionOneSize)
            return $"offset {text.Length}: the header is cut off";
        string[] size = text[SizeAt..VersionOneSize].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (size is not [{ } number, "CYL"] || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int cylinders)
            || cylinders is < 1 or > CkdGeometry.MaxExtendedCylinders)
        {
            return $"offset {SizeAt}: the size is no number of cylinders from 1 to {CkdGeometry.MaxExtendedCylinders}";
        }
        if (!text.AsSpan(LengthAt).StartsWith(LengthName))
        {
            header = new XcatHeader(cylinders, VersionOneSize, IsCompressed: true);
            return null;
        }
        int digits = LengthAt + LengthName.Length;
        if (text.Length <= Level || !int.TryParse(text.AsSpan(digits, LengthDigits), NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            || length <= Level)
        {
            return $"offset {digits}: the length of the header is no number from {Level + 1} to 9999";
        }
        if (!text.AsSpan(LevelAt).StartsWith(LevelName) || !char.IsAsciiDigit(text[Level]))
            return $"offset {LevelAt}: the compression is no number from 0 to 9";
        header = new XcatHeader(cylinders, ((length / Block) + 1) * Block, text[Level] != '0');
        return null;
    }
}
