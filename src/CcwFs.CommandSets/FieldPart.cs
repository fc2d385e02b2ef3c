using System.Globalization;
using System.Text;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.CommandSets;

/// <summary>
/// How a field of a command's parameters, or some bits of one byte, reads: in a few words for a person, and in a short line beside the others. Words
/// are those of program text, from the same rows.
/// </summary>
public sealed class FieldPart
{
    private const long Never = -1;

    private readonly Form _form;
    private readonly string? _meaning, _label;
    private readonly (string Word, byte Value)[] _names;
    private readonly int _shift;
    private readonly long _usual;

    private FieldPart(
        Form form, string? meaning, string? label, long usual = Never, byte bits = 0xFF, int shift = 0, (string Word, byte Value)[]? names = null) =>
        (_form, _meaning, _label, _usual, Bits, _shift, _names) = (form, meaning, label, usual, bits, shift, names ?? []);

    private enum Form
    {
        Number,
        Hex,
        Track,
        Record,
        Word,
        Flags,
        Zero,
    }

    /// <summary>Bytes that must be zero.</summary>
    internal static FieldPart Zero { get; } = new(Form.Zero, "must be zero", null);

    /// <summary>The bits of the byte that it is about.</summary>
    internal byte Bits { get; }

    /// <summary>The field must be zero.</summary>
    internal bool IsReserved => _form == Form.Zero;

    /// <summary>It says what it means.</summary>
    internal bool Explains => _meaning is not null;

    /// <summary>A decimal number.</summary>
    /// <param name="meaning">For a person; {0}: the value. Null: another part says it.</param>
    /// <param name="label">What stands in front of it in a short line; null: it is not there.</param>
    /// <param name="usual">The value with which it is not in a short line.</param>
    internal static FieldPart Number(string? meaning, string? label = null, long usual = Never) => new(Form.Number, meaning, label, usual);

    /// <summary>Hex digits, as many as the field has; of more than one byte, with 0x in a short line.</summary>
    internal static FieldPart Hex(string? meaning, string? label = null, long usual = Never, byte bits = 0xFF) =>
        new(Form.Hex, meaning, label, usual, bits);

    /// <summary>Four bytes CCHH as C/H.</summary>
    internal static FieldPart Track(string meaning, string? label) => new(Form.Track, meaning, label);

    /// <summary>Five bytes CCHHR as C/H/R.</summary>
    internal static FieldPart Record(string meaning, string? label) => new(Form.Record, meaning, label);

    /// <summary>A code of one byte with words; any other value is two hex digits. The words are for the bits after the shift.</summary>
    internal static FieldPart Word(
        string? meaning, string? label, (string Word, byte Value)[] names, byte bits = 0xFF, int shift = 0, long usual = Never) =>
        new(Form.Word, meaning, label, usual, bits, shift, names);

    /// <summary>Bits of one byte, each with its name.</summary>
    internal static FieldPart Flags(params (string Name, byte Bit)[] names)
    {
        byte bits = 0;
        foreach ((_, byte bit) in names)
            bits |= bit;
        return new FieldPart(Form.Flags, "{0}", null, bits: bits, names: names);
    }

    /// <summary>What the field says, for a person; empty where none of its bits is on.</summary>
    internal string Explain(ReadOnlySpan<byte> field)
    {
        var text = new StringBuilder();
        Append(text, field);
        if (_form == Form.Word && WordOf(Value(field)) is null)
            text.Append(" (not defined)");
        return IsReserved && Value(field) != 0 ? $"{_meaning}, but is {text}" : string.Format(CultureInfo.InvariantCulture, _meaning!, text);
    }

    /// <summary>Appends label and value for a short line, with a blank in front where something is from <paramref name="start"/> on.</summary>
    internal void AppendShort(StringBuilder text, int start, ReadOnlySpan<byte> field)
    {
        if (_label is null || Value(field) == (ulong)_usual)
            return;
        text.Append(text.Length > start ? " " : "").Append(_label).Append(_form == Form.Hex && field.Length > 1 ? " 0x" : " ");
        Append(text, field);
    }

    private ulong Value(ReadOnlySpan<byte> field)
    {
        if (field.Length == 1)
            return (ulong)(field[0] & Bits) >> _shift;
        ulong value = 0;
        foreach (byte next in field)
            value = (value << 8) | next;
        return value;
    }

    private void Append(StringBuilder text, ReadOnlySpan<byte> field)
    {
        ulong value = Value(field);
        switch (_form)
        {
            case Form.Number:
                text.Append(value);
                break;
            case Form.Track or Form.Record:
                (int cylinder, int head) = TrackAddress.Read(field);
                text.Append(cylinder).Append('/').Append(head);
                if (_form == Form.Record)
                    text.Append('/').Append(field[TrackAddress.Size]);
                break;
            case Form.Word when WordOf(value) is { } word:
                text.Append(word);
                break;
            case Form.Flags:
                AppendFlags(text, value);
                break;
            default:
                for (int shift = (field.Length * 8) - 4; shift >= 0; shift -= 4)
                    text.Append("0123456789ABCDEF"[(int)(value >> shift) & 15]);
                break;
        }
    }

    private void AppendFlags(StringBuilder text, ulong value)
    {
        int start = text.Length;
        foreach ((string name, byte bit) in _names)
        {
            if ((value & bit) != 0)
                text.Append(text.Length > start ? ", " : "").Append(name);
        }
    }

    private string? WordOf(ulong value)
    {
        foreach ((string word, byte named) in _names)
        {
            if (named == value)
                return word;
        }
        return null;
    }
}
