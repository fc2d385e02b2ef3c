using System.Globalization;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.CommandSets.Text;

/// <summary>The words that follow a command, by key, read as numbers, addresses and bytes.</summary>
internal sealed class Operands(ProgramWord command, IReadOnlyDictionary<string, ProgramWord> words)
{
    internal bool Has(string key) => words.ContainsKey(key);

    /// <summary>A number: decimal or 0x; <paramref name="absent"/> when it is not given.</summary>
    internal long Number(string key, long max, long absent) =>
        words.TryGetValue(key, out ProgramWord? word) ? Number(word, max) : absent;

    /// <summary>A byte in hex, with or without 0x, as masks are written.</summary>
    internal byte HexByte(string key, byte absent)
    {
        if (!words.TryGetValue(key, out ProgramWord? word))
            return absent;
        return TryHexByte(word.Value ?? "", out byte value) && word.Quoted is null
            ? value : throw word.Error($"{key}= takes one byte in hex, not '{word.Value}'");
    }

    /// <summary>A word out of a list, or a byte in hex.</summary>
    internal byte Named(string key, byte absent, (string Name, byte Value)[] names)
    {
        if (!words.TryGetValue(key, out ProgramWord? word))
            return absent;
        foreach ((string name, byte value) in names)
        {
            if (string.Equals(name, word.Value, StringComparison.OrdinalIgnoreCase))
                return value;
        }

        if (TryHexByte(word.Value ?? "", out byte hex))
            return hex;
        throw word.Error($"{key}= is a byte in hex or one of {string.Join(", ", names.Select(n => n.Name))}");
    }

    /// <summary>A word out of a list; false when it is something else or not given.</summary>
    internal bool TryNamed(string key, (string Name, byte Value)[] names, out byte value)
    {
        string? given = words.GetValueOrDefault(key)?.Value;
        int index = Array.FindIndex(names, n => string.Equals(n.Name, given, StringComparison.OrdinalIgnoreCase));
        value = index < 0 ? (byte)0 : names[index].Value;
        return index >= 0;
    }

    /// <summary>C/H as 4 bytes, C/H/R as 5; null when it is not given.</summary>
    internal byte[]? Address(string key, bool withRecord)
    {
        if (!words.TryGetValue(key, out ProgramWord? word))
            return null;
        string[] parts = (word.Value ?? "").Split('/');
        string form = withRecord ? "C/H/R" : "C/H";
        if (parts.Length != (withRecord ? 3 : 2) || word.Quoted is not null)
            throw word.Error($"{key}= takes {form}, for example {(withRecord ? "0/0/1" : "0/0")}");
        int cylinder = (int)Part(0, TrackAddress.MaxCylinder);
        int head = (int)Part(1, cylinder > 0xFFFF ? 0xF : 0xFFFF);
        byte[] bytes = new byte[withRecord ? 5 : 4];
        new TrackAddress(cylinder, head).Write(bytes);
        if (withRecord)
            bytes[4] = (byte)Part(2, 255);
        return bytes;

        long Part(int index, long max) => TryNumber(parts[index], out long value) && value <= max
            ? value : throw word.Error($"{key}= takes {form}; '{parts[index]}' is not a number from 0 to {max}");
    }

    /// <summary>As <see cref="Address"/>, and it must be given.</summary>
    internal byte[] NeededAddress(string key, bool withRecord) =>
        Address(key, withRecord) ?? throw command.Error($"{command.Bare} needs {key}={(withRecord ? "C/H/R" : "C/H")} (or data=)");

    internal static long Number(ProgramWord word, long max) =>
        word.Quoted is null && TryNumber(word.Value ?? "", out long value) && value <= max
            ? value : throw word.Error($"{word.Key}= takes a number from 0 to {max}, decimal or 0x, not '{word.Value}'");

    internal static bool TryHexByte(string text, out byte value)
    {
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text;
        value = 0;
        return digits.Length is 1 or 2 && byte.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryNumber(string text, out long value) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) && value >= 0
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
