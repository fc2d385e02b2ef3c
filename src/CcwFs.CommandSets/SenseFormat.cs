using CcwFs.CommandSets.Decode;

namespace CcwFs.CommandSets;

/// <summary>How a program is refused before its device sees it; each family has sense for it.</summary>
public enum RefusalKind
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>A write that is not allowed: as of a volume that is read-only.</summary>
    WriteInhibited,

    /// <summary>The program is over a limit.</summary>
    OverLimit,

    /// <summary>The command is not allowed: invalid command.</summary>
    Command,

    /// <summary>Invalid sequence.</summary>
    Sequence,

    /// <summary>The count is too small.</summary>
    CountTooSmall,

    /// <summary>Invalid parameter.</summary>
    Parameter,
}

/// <summary>The sense of a device family: how it reads, and how a refusal is written.</summary>
public abstract class SenseFormat
{
    /// <summary>Bytes of basic sense.</summary>
    public const int BasicSize = 24;

    /// <summary>Most bytes: as many as the extended-control word holds.</summary>
    public const int FullSize = 32;

    /// <summary>Bit 0 of byte 0, in every family.</summary>
    protected const byte CommandReject = 0x80;

    /// <summary>Bytes that the family gives.</summary>
    public abstract int Size { get; }

    /// <summary>Writes <see cref="Size"/> bytes that say why a program was refused; the caller has cleared them.</summary>
    protected abstract void Refuse(RefusalKind kind, Span<byte> sense);

    /// <summary>Writes <see cref="Size"/> bytes that say why a program was refused; gives how many these are.</summary>
    public int WriteRefusal(RefusalKind kind, Span<byte> sense)
    {
        sense[..Size].Clear();
        Refuse(kind, sense[..Size]);
        return Size;
    }

    /// <summary>One paragraph: what it says, and what usually causes that. Fewer bytes are taken as if zeros followed.</summary>
    public abstract string Explain(ReadOnlySpan<byte> sense);

    /// <summary>
    /// Adds every field of <see cref="BasicSize"/> or <see cref="FullSize"/> bytes; <paramref name="start"/>: where they lie in the outermost
    /// structure.
    /// </summary>
    internal abstract void Decode(ReadOnlySpan<byte> sense, string path, int start, List<DecodedField> fields);
}
