using System.Globalization;

namespace CcwFs.Fuzz;

/// <summary>A record: five bytes CCHHR, a key, data.</summary>
internal sealed record ModelRecord(byte[] Id, byte[] Key, byte[] Data)
{
    internal byte[] Count => [.. Id, (byte)Key.Length, (byte)(Data.Length >> 8), (byte)Data.Length];

    internal byte[] All => [.. Count, .. Key, .. Data];

    /// <summary>What it takes of a track of a 3390, in cells of 34 bytes (GX26-4577).</summary>
    internal int Cells => 10 + Field(Data.Length) + (Key.Length > 0 ? Field(Key.Length) : 0);

    internal ModelRecord With(byte[]? key = null, byte[]? data = null) => new(Id, key ?? Key, data ?? Data);

    private static int Field(int length)
    {
        int segments = ((length + 6 + 231) / 232) + 1;
        return 9 + ((length + (6 * segments) + 33) / 34);
    }
}

/// <summary>A track: a list of records, record 0 first. It is never changed; a change makes a new one.</summary>
internal sealed record ModelTrack(int Number, IReadOnlyList<ModelRecord> Records)
{
    internal const int Heads = 15;

    private const int Capacity = 1_729 + 20; // cells, with those of a standard record 0

    internal byte[] Address => AddressOf(Number);

    /// <summary>As images hold it: home address, records, eight FF.</summary>
    internal byte[] Image => [0, .. Address, .. Records.SelectMany(static r => r.All), .. EndMark];

    internal static byte[] EndMark => [.. Enumerable.Repeat((byte)0xFF, 8)];

    /// <summary>False for more than a real track holds.</summary>
    internal bool Fits => Records.Sum(static r => r.Cells) <= Capacity;

    internal static byte[] AddressOf(int track) => [0, (byte)(track / Heads), 0, (byte)(track % Heads)];

    /// <summary>Home address and record 0.</summary>
    internal static ModelTrack Empty(int number) => new(number, [new ModelRecord([.. AddressOf(number), 0], [], new byte[8])]);

    /// <summary>The record in place of the one at <paramref name="index"/>.</summary>
    internal ModelTrack Replace(int index, ModelRecord record) => new(Number, [.. Records.Take(index), record, .. Records.Skip(index + 1)]);

    /// <summary>The first records alone.</summary>
    internal ModelTrack First(int records) => new(Number, [.. Records.Take(records)]);

    /// <summary>The first records and one more.</summary>
    internal ModelTrack Behind(int records, ModelRecord record) => new(Number, [.. Records.Take(records), record]);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"track {Number / Heads}/{Number % Heads}: {string.Join(' ', Records.Select(r => $"{Name(r)}:{r.Key.Length}:{r.Data.Length}"))}");

    private string Name(ModelRecord record) =>
        record.Id.AsSpan(0, 4).SequenceEqual(Address) ? record.Id[4].ToString(CultureInfo.InvariantCulture) : Convert.ToHexString(record.Id);
}
