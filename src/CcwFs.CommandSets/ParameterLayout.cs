using System.Buffers.Binary;

namespace CcwFs.CommandSets;

/// <summary>A field of a command's parameters: whole bytes, a number big-endian.</summary>
/// <param name="Name">What it is, for a person.</param>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">Its bytes.</param>
public readonly record struct ParameterField(string Name, int Offset, int Length)
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

    /// <summary>Writes a number, as many of its low bytes as the field has.</summary>
    public void Put(Span<byte> parameters, long value)
    {
        for (int at = End; at-- > Offset; value >>= 8)
            parameters[at] = (byte)value;
    }

    /// <summary>Writes bytes, as many as the field has.</summary>
    public void Put(Span<byte> parameters, ReadOnlySpan<byte> value) => value[..Length].CopyTo(parameters[Offset..]);
}

/// <summary>Bytes that parameters must have, given those that are there; called again for as long as it wants more.</summary>
public delegate int ParameterLength(ReadOnlySpan<byte> parameters);

/// <summary>
/// What the parameters of a command look like, once for all who look at them: program text makes them, policies judge them, the emulated device
/// executes them. The fields stand beside it under their names.
/// </summary>
/// <param name="size">Bytes of the fixed part.</param>
/// <param name="fields">The fields of the fixed part. What no field covers must be zero, or is not looked at.</param>
/// <param name="length">Bytes of the whole, where they are not always the same.</param>
public sealed class ParameterLayout(int size, IReadOnlyList<ParameterField> fields, ParameterLength? length = null)
{
    /// <summary>Bytes of the fixed part.</summary>
    public int Size { get; } = size;

    /// <summary>The fields of the fixed part, in the order of their offsets; a test sees by it that they lie in it and apart.</summary>
    public IReadOnlyList<ParameterField> Fields { get; } = fields;

    /// <summary>Bytes that the parameters must have, given those that are there; ask again when more of them are there.</summary>
    public int LengthOf(ReadOnlySpan<byte> parameters) => length?.Invoke(parameters) ?? Size;
}
