using System.Text;
using CcwFs.CommandSets.Decode;

namespace CcwFs.CommandSets.Basic;

/// <summary>
/// Sense of which no more is known than what most devices have: the conditions of byte 0 (SA22-7204, common I/O-device commands: basic sense), and
/// names of further bytes that a family adds. A refusal is command reject, and where the family has a bit for it, write inhibited.
/// </summary>
/// <param name="size">Bytes that the family gives.</param>
/// <param name="names">The bits of the first bytes, eight a byte; an empty name is a bit that is not known.</param>
/// <param name="writeInhibited">The bit of byte 1 for it; 0: none.</param>
internal sealed class BasicSenseFormat(int size, string[][] names, byte writeInhibited = 0) : SenseFormat
{
    /// <summary>Byte 0.</summary>
    internal static readonly string[] Conditions =
        ["command reject", "intervention required", "bus-out check", "equipment check", "data check", "overrun", "", ""];

    private readonly StructureTable _short = Table(names, BasicSize), _long = Table(names, FullSize);

    /// <inheritdoc/>
    public override int Size => size;

    /// <inheritdoc/>
    public override string Explain(ReadOnlySpan<byte> sense)
    {
        if (sense.IndexOfAnyExcept((byte)0) < 0)
            return "no sense: nothing to report.";
        List<string> found = [];
        for (int i = 0; i < names.Length && i < sense.Length; i++)
        {
            if (sense[i] != 0)
                found.Add(BitNames.Join(sense[i], names[i]));
        }
        var text = new StringBuilder(found.Count == 0 ? "no error bit that is known" : string.Join(", ", found)).Append('.');
        if ((sense[0] & CommandReject) != 0)
            text.Append(" The program asks for something that this device does not do here: look at the command, its place in the chain and its parameters.");
        return text.ToString();
    }

    /// <inheritdoc/>
    protected override void Refuse(RefusalKind kind, Span<byte> sense)
    {
        sense[0] = CommandReject;
        if (kind == RefusalKind.WriteInhibited)
            sense[1] = writeInhibited;
    }

    /// <inheritdoc/>
    internal override void Decode(ReadOnlySpan<byte> sense, string path, int start, List<DecodedField> fields) =>
        (sense.Length > BasicSize ? _long : _short).Decode(sense, path, start, fields);

    private static StructureTable Table(string[][] names, int size) => new(
        [
            .. names.SelectMany((bits, offset) => FieldRow.BitRows(offset, bits)),
            .. Enumerable.Range(names.Length, size - names.Length).Select(i => FieldRow.Number($"byte{i}", i, 0, 8, "not known here: {0:X2}")),
        ]);
}
