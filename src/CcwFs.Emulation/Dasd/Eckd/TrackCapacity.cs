using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// What fits on a real 3390 track, by the formula that READ DEVICE CHARACTERISTICS publishes (bytes 22-27 and 48): a record takes cells
/// of 34 bytes, 19 for its gaps and count, 9 more for a key; each area carries 6 bytes of check per 232 bytes. A track has
/// 1729 cells after a standard record 0, which takes 20.
/// </summary>
public static class TrackCapacity
{
    /// <summary>Cells of a track, record 0 included.</summary>
    public const int Cells = 1729 + 20;

    /// <summary>Longest data of record 0 (READ DEVICE CHARACTERISTICS, bytes 44-45).</summary>
    public const ushort LongestRecordZero = 57_326;

    private const int CellBytes = 34;
    private const int CheckedBytes = 232;
    private const int CheckBytes = 6;

    /// <summary>Cells that one record takes.</summary>
    public static int CellsOf(int keyLength, int dataLength) =>
        10 + 9 + AreaCells(dataLength) + (keyLength == 0 ? 0 : 9 + AreaCells(keyLength));

    /// <summary>Whether a record with this count field fits behind record <paramref name="after"/> (-1: as record 0).</summary>
    public static bool Fits(CkdTrack track, int after, ReadOnlySpan<byte> count) =>
        CellsBehind(track, after) + CellsOf(count[5], BinaryPrimitives.ReadUInt16BigEndian(count[6..])) <= Cells;

    /// <summary>Cells that the records up to and with <paramref name="last"/> take.</summary>
    internal static int CellsBehind(CkdTrack track, int last)
    {
        int cells = 0;
        for (int i = 0; i <= last; i++)
            cells += CellsOf(track.KeyLength(i), track.DataLength(i));
        return cells;
    }

    private static int AreaCells(int length)
    {
        int checks = RoundUp(length + CheckBytes, CheckedBytes) + 1;
        return RoundUp(length + (CheckBytes * checks), CellBytes);
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit;
}
