using System.Buffers.Binary;
using System.Globalization;

namespace CcwFs.CommandSets;

/// <summary>A field of a command's parameters: whole bytes, a number big-endian.</summary>
/// <param name="Name">What it is, for a person.</param>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">Its bytes; of a field that is decoded, at most 8.</param>
/// <param name="Parts">How it reads; several where its bits mean several things.</param>
public readonly record struct ParameterField(string Name, int Offset, int Length, params FieldPart[] Parts)
{
    /// <summary>The byte behind it.</summary>
    public int End => Offset + Length;

    /// <summary>The field's bytes.</summary>
    public ReadOnlySpan<byte> In(ReadOnlySpan<byte> parameters) => parameters.Slice(Offset, Length);

    /// <summary>The only byte of a field of one.</summary>
    public byte Byte(ReadOnlySpan<byte> parameters) => parameters[Offset];

    /// <summary>The number in a field of two bytes.</summary>
    public ushort Half(ReadOnlySpan<byte> parameters) => BinaryPrimitives.ReadUInt16BigEndian(In(parameters));

    /// <summary>The number in a field of four bytes.</summary>
    public uint Word(ReadOnlySpan<byte> parameters) => BinaryPrimitives.ReadUInt32BigEndian(In(parameters));

    /// <summary>The field must be zero.</summary>
    internal bool IsReserved => Parts is [{ IsReserved: true }];

    /// <summary>What the field's bytes say, for a person.</summary>
    internal string Explain(ReadOnlySpan<byte> field)
    {
        List<string> said = [];
        int bits = 0;
        foreach (FieldPart part in Parts)
        {
            if (!part.Explains)
                continue;
            if (part.Explain(field) is { Length: > 0 } meaning)
                said.Add(meaning);
            bits |= part.Bits;
        }
        if (Length == 1 && (field[0] & ~bits) is var unknown and not 0)
            said.Add(string.Create(CultureInfo.InvariantCulture, $"{unknown:X2} is not defined"));
        return said.Count == 0 ? "none" : string.Join("; ", said);
    }

    /// <summary>The field is there, of one byte, and has this value.</summary>
    internal bool Is(ReadOnlySpan<byte> parameters, byte value) => parameters.Length >= End && Byte(parameters) == value;

    /// <summary>The field is there, of one byte, and has one of these bits.</summary>
    internal bool Has(ReadOnlySpan<byte> parameters, byte bits) => parameters.Length >= End && (Byte(parameters) & bits) != 0;

    /// <summary>Writes a number, as many of its low bytes as the field has.</summary>
    public void Put(Span<byte> parameters, long value)
    {
        for (int at = End; at-- > Offset; value >>= 8)
            parameters[at] = (byte)value;
    }

    /// <summary>Writes bytes, as many as the field has.</summary>
    public void Put(Span<byte> parameters, ReadOnlySpan<byte> value) => value[..Length].CopyTo(parameters[Offset..]);
}

/// <summary>A number that parameters say of themselves, given those that are there: no more than these are looked at.</summary>
public delegate int ParameterNumber(ReadOnlySpan<byte> parameters);

/// <summary>A structure that stands in the parameters of a command, or behind their fixed part.</summary>
/// <param name="Name">What it is, for a person.</param>
/// <param name="Offset">Its first byte; 0: its fields are among the others.</param>
/// <param name="Layout">Its layout.</param>
/// <param name="Count">How many of them stand there, one after the other; 0 where it is something else.</param>
internal sealed record ParameterSection(string Name, int Offset, ParameterLayout Layout, ParameterNumber Count);

/// <summary>
/// What the parameters of a command look like, once for all who look at them: program text makes them, policies judge them, the emulated device
/// executes them, <see cref="Decode.ParameterDecoder"/> explains them. The fields stand beside it under their names.
/// </summary>
/// <param name="size">Bytes of the fixed part.</param>
/// <param name="fields">The fields of the fixed part, in the order of their offsets. What no field covers must be zero, or is not looked at.</param>
/// <param name="length">Bytes of the whole, where they are not always the same; called again for as long as it wants more.</param>
public sealed class ParameterLayout(int size, ParameterField[] fields, ParameterNumber? length = null)
{
    /// <summary>Bytes of the fixed part.</summary>
    public int Size { get; } = size;

    /// <summary>Data that are not parameters follow them.</summary>
    public bool TakesData { get; init; }

    /// <summary>The fields of the fixed part, in the order of their offsets.</summary>
    internal ParameterField[] Fields { get; } = fields;

    /// <summary>The same in the order of a short line.</summary>
    internal ParameterField[] Brief { get; init; } = fields;

    /// <summary>Structures in the parameters, in the order of their offsets.</summary>
    internal ParameterSection[] Sections { get; init; } = [];

    /// <summary>Bytes that the parameters must have, given those that are there; ask again when more of them are there.</summary>
    public int LengthOf(ReadOnlySpan<byte> parameters) => length?.Invoke(parameters) ?? Size;
}
