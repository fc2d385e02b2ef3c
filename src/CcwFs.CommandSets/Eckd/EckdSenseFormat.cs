using CcwFs.CommandSets.Decode;

namespace CcwFs.CommandSets.Eckd;

/// <summary>Sense of a 3990: 32 bytes, in the 24-byte format (byte 27, bit 0). A refusal stands in bytes 0, 1 and 7.</summary>
internal sealed class EckdSenseFormat : SenseFormat
{
    private const byte WriteInhibited = 0x02;
    private const byte CompatibilityFormat = 0x80; // byte 27: a 24-byte format without action code

    /// <inheritdoc/>
    public override int Size => FullSize;

    /// <inheritdoc/>
    public override string Explain(ReadOnlySpan<byte> sense) => SenseMessages.Explain(sense);

    /// <inheritdoc/>
    protected override void Refuse(RefusalKind kind, Span<byte> sense)
    {
        (sense[0], sense[27]) = (CommandReject, CompatibilityFormat);
        (sense[1], sense[7]) = kind switch
        {
            RefusalKind.WriteInhibited => (WriteInhibited, (byte)0),
            RefusalKind.Command => ((byte)0, (byte)1),
            RefusalKind.Sequence => ((byte)0, (byte)2),
            RefusalKind.CountTooSmall => ((byte)0, (byte)3),
            RefusalKind.Parameter => ((byte)0, (byte)4),
            RefusalKind.OverLimit or RefusalKind.None => ((byte)0, (byte)0),
            _ => throw new InvalidOperationException($"refusal {kind}"),
        };
    }

    /// <inheritdoc/>
    internal override void Decode(ReadOnlySpan<byte> sense, string path, int start, List<DecodedField> fields)
    {
        SenseTables.Basic.Decode(sense, path, start, fields);
        if (sense.Length > BasicSize)
            SenseTables.Tail.Decode(sense[BasicSize..], path, start + BasicSize, fields);
    }
}
