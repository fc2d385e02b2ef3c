namespace CcwFs.CommandSets.Decode;

/// <summary>One field of a structure, explained.</summary>
/// <param name="Path">Where it belongs, in the architecture's short names: <c>irb.scsw.fctl</c>.</param>
/// <param name="Offset">
/// Byte offset, from the start of the outermost structure, of the word (or byte) that <paramref name="Bit"/> counts from.
/// </param>
/// <param name="Bit">First bit, 0 = the most significant of the byte at <paramref name="Offset"/>; may exceed 7, as in the manuals.</param>
/// <param name="BitLength">Bits, 1 to 64.</param>
/// <param name="Value">The bits as a number, most significant first.</param>
/// <param name="Hex">The same in hexadecimal, as many digits as the field has.</param>
/// <param name="Meaning">What this value means, in words.</param>
/// <param name="IsReserved">The architecture wants zeros here.</param>
public sealed record DecodedField(
    string Path, int Offset, int Bit, int BitLength, ulong Value, string Hex, string Meaning, bool IsReserved)
{
    /// <summary>A reserved field that is not zero: worth pointing out.</summary>
    public bool IsSuspicious => IsReserved && Value != 0;
}

/// <summary>A whole structure, explained.</summary>
/// <param name="Name">Its short name: orb, ccw, scsw, irb, schib, crw, sense, io; of parameters the word of their command.</param>
/// <param name="Bytes">The bytes that were decoded.</param>
/// <param name="Summary">One paragraph for a person.</param>
/// <param name="Fields">Every field, in the order of the bytes; together they cover every bit once.</param>
public sealed record DecodedStructure(string Name, ReadOnlyMemory<byte> Bytes, string Summary, IReadOnlyList<DecodedField> Fields);
