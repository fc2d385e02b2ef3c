namespace CcwFs.Emulation.Fba;

/// <summary>
/// One reason for unit check: bytes 0 and 1 of the 24 that a 9336 gives; the rest is zero. The bits are those of the family's sense format.
/// </summary>
/// <param name="Byte0">80 command reject, 40 intervention required, 10 equipment check.</param>
/// <param name="Byte1">80 permanent error, 04 file protected, 02 write inhibited.</param>
public readonly record struct FbaSense(byte Byte0, byte Byte1)
{
    /// <summary>Bytes given.</summary>
    public const int Size = CommandSets.SenseFormat.BasicSize;

    /// <summary>The command is refused: its code, its place, its parameters, or what the mask of the extent does not allow.</summary>
    public static FbaSense CommandReject => new(0x80, 0);

    /// <summary>A block outside the extent, or an extent outside the disk.</summary>
    public static FbaSense FileProtected => new(0, 0x04);

    /// <summary>The disk is read-only.</summary>
    public static FbaSense WriteInhibited => new(0x80, 0x02);

    /// <summary>The storage below failed; permanent.</summary>
    public static FbaSense EquipmentCheck => new(0x10, 0x80);

    /// <summary>The disk is gone.</summary>
    public static FbaSense InterventionRequired => new(0x40, 0);

    /// <summary>An unconditional reserve took the disk away.</summary>
    public static FbaSense AllegianceTerminated => new(0x10, 0);

    /// <summary>The two bytes in hexadecimal.</summary>
    public override string ToString() => $"sense {Byte0:X2} {Byte1:X2}";

    /// <summary>Writes the bytes.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        (destination[0], destination[1]) = (Byte0, Byte1);
    }
}
