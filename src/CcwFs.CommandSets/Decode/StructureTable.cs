namespace CcwFs.CommandSets.Decode;

/// <summary>One row of a structure's table: where the field lies, its short name, and how a value reads.</summary>
internal sealed record FieldRow(string Name, int Offset, int Bit, int Bits, Func<ulong, string> Explain, bool IsReserved = false)
{
    /// <summary>A number, printed as the meaning says: <c>{0}</c> stands for the value in decimal, <c>{0:X}</c> in hex.</summary>
    internal static FieldRow Number(string name, int offset, int bit, int bits, string meaning) =>
        new(name, offset, bit, bits, v => string.Format(null, meaning, v));

    /// <summary>A single bit.</summary>
    internal static FieldRow Flag(string name, int offset, int bit, string on, string? off = null) =>
        new(name, offset, bit, 1, v => v != 0 ? on : off ?? $"off ({on})");

    /// <summary>A code with named values; any other value is printed in hex.</summary>
    internal static FieldRow Choice(string name, int offset, int bit, int bits, string meaning, params (ulong Value, string Name)[] names) =>
        new(name, offset, bit, bits, v =>
        {
            foreach ((ulong value, string text) in names)
            {
                if (value == v)
                    return $"{meaning}: {text}";
            }

            return $"{meaning}: {v:X} (not defined)";
        });

    /// <summary>A set of bits, each with a name, the most significant first; an empty name is an undefined bit.</summary>
    internal static FieldRow Set(string name, int offset, int bit, string meaning, params string[] names) =>
        new(name, offset, bit, names.Length, v => $"{meaning}: {BitNames.Join(v, names)}");

    /// <summary>Bits that must be zero.</summary>
    internal static FieldRow Reserved(int offset, int bit, int bits) =>
        new("reserved", offset, bit, bits, v => v == 0 ? "must be zero" : $"must be zero, but is {v:X}", IsReserved: true);

    /// <summary>A byte bit by bit; one without a name is not used.</summary>
    internal static FieldRow[] BitRows(int offset, string[] names) =>
        [.. names.Select((name, i) => name.Length > 0
            ? Flag($"byte{offset}.{i}", offset, i, name)
            : Number($"byte{offset}.{i}", offset, i, 1, "not used: {0}"))];

    /// <summary>The field's bits in <paramref name="structure"/>, most significant first.</summary>
    internal ulong Extract(ReadOnlySpan<byte> structure)
    {
        ulong value = 0;
        for (int i = (Offset * 8) + Bit; i < (Offset * 8) + Bit + Bits; i++)
            value = (value << 1) | (uint)((structure[i / 8] >> (7 - (i % 8))) & 1);
        return value;
    }
}

/// <summary>A structure as a table of rows that cover every bit once.</summary>
internal sealed class StructureTable(params FieldRow[] rows)
{
    /// <summary>Adds this structure's fields; <paramref name="start"/> is where it lies in the outermost structure.</summary>
    internal void Decode(ReadOnlySpan<byte> structure, string path, int start, List<DecodedField> fields)
    {
        foreach (FieldRow row in rows)
        {
            ulong value = row.Extract(structure);
            string hex = value.ToString($"X{(row.Bits + 3) / 4}", null);
            fields.Add(new DecodedField(
                $"{path}.{row.Name}", start + row.Offset, row.Bit, row.Bits, value, hex, row.Explain(value), row.IsReserved));
        }
    }
}

/// <summary>Names of bits in a set.</summary>
internal static class BitNames
{
    /// <summary>The names of the bits that are on, "none" when there is none; the last name is bit 2^0.</summary>
    internal static string Join(ulong value, ReadOnlySpan<string> names)
    {
        var on = new List<string>();
        for (int i = 0; i < names.Length; i++)
        {
            if (((value >> (names.Length - 1 - i)) & 1) != 0)
                on.Add(names[i].Length > 0 ? names[i] : $"bit {i} (not defined)");
        }

        return on.Count == 0 ? "none" : string.Join(", ", on);
    }
}
