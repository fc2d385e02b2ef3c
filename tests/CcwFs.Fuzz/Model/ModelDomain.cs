namespace CcwFs.Fuzz;

/// <summary>What LOCATE RECORD has announced: operation, count, and which commands may follow in which order.</summary>
/// <param name="Operation">Byte 0, bits 2 to 7; the extended ones as 3F00 and their code.</param>
/// <param name="Orientation">Byte 0, bits 0 and 1.</param>
/// <param name="Count">Byte 3.</param>
/// <param name="HasSuffix">Byte 1, bit 7: the last command is READ COUNT.</param>
/// <param name="Length">Transfer length of each update.</param>
/// <param name="Set">The tracks of a track set.</param>
internal sealed record ModelDomain(int Operation, int Orientation, int Count, bool HasSuffix, int Length, IReadOnlyList<int> Set)
{
    internal const int Orient = 0x00, Write = 0x01, Format = 0x03, Read = 0x06, WriteTrack = 0x0B, ReadTracks = 0x0C, ReadCkd = 0x16,
        Extended = 0x3F00;
    internal const int WriteAny = 0x3F09, ReadAny = 0x3F0A, ReadSet = 0x3F0E, WriteSet = 0x3F11, UpdateSet = 0x3F13;
    internal const int OnCount = 0, OnHome = 1, OnData = 2, OnIndex = 3;

    /// <summary>The commands that were executed in it.</summary>
    internal List<byte> Done { get; } = [];

    /// <summary>How many of <see cref="Count"/> have been had.</summary>
    internal int Had { get; set; }

    internal int Remaining => Count - Had;

    internal bool IsWrite => Operation is Write or Format or WriteTrack or WriteAny or WriteSet or UpdateSet;

    internal bool IsAny => Operation is ReadAny or WriteAny;

    private bool IsFirst => Done.Count == 0;

    private bool IsSuffix => HasSuffix && Remaining == 1;

    /// <summary>May this command come now?</summary>
    internal bool Takes(byte code) => Operation switch
    {
        Write => TakesUpdate(code),
        Format => TakesFormat(code),
        Read => TakesAnyRead(code),
        ReadCkd => TakesRead(code),
        WriteTrack => IsFirst ? code == 0x05 : code == 0x1D || (code == 0x11 && Remaining == 1),
        ReadTracks or ReadSet => code == 0xDE,
        ReadAny => IsSuffix ? code == 0x92 || IsDataOfCounted(code) : code is 0x92 or 0x9E or 0x86,
        WriteAny => IsSuffix ? code == 0x92 : code == 0x85,
        WriteSet => code == 0x95,
        UpdateSet => code == 0xA5,
        _ => false,
    };

    /// <summary>Where any record is read, its data belongs to the count that was read before.</summary>
    internal bool IsDataOfCounted(byte code) => Operation == ReadAny && code == 0x86 && !IsFirst && Done[^1] == 0x92;

    /// <summary>Record 0 only where the orientation is in front of it (p.101, read as a rule of this operation too).</summary>
    private bool TakesAnyRead(byte code) => code switch
    {
        0x16 or 0x96 => Orientation == OnHome,
        _ => code is 0x1A or 0x9A or 0x1E or 0x9E or 0x06 or 0x86 or 0x0E or 0x8E or 0x12 or 0x92,
    };

    private bool TakesUpdate(byte code)
    {
        if (IsSuffix)
            return code == 0x92;
        int updates = Count - (HasSuffix ? 1 : 0);
        if (code is 0x05 or 0x0D)
            return IsFirst && updates == 1 && Orientation == OnCount;
        return code is 0x85 or 0x8D && (IsFirst || Done[0] == code);
    }

    private bool TakesFormat(byte code)
    {
        if (IsFirst)
            return Orientation == OnCount ? code == 0x1D : code is 0x19 or 0x15;
        return Done[^1] switch
        {
            0x19 => code == 0x15,
            0x15 => code == 0x1D,
            _ => code is 0x1D or 0x9D,
        };
    }

    private bool TakesRead(byte code)
    {
        if (IsSuffix)
            return code == 0x92;
        return code switch
        {
            0x1A or 0x9A => Orientation == OnIndex,
            0x16 or 0x96 => Orientation is OnIndex or OnHome,
            _ => code is 0x92 or 0x9E or 0x8E or 0x86,
        };
    }
}
