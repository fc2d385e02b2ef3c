namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// What the file of a volume is taken for. It is said, never guessed where a guest could write what is guessed from: the first bytes of a raw volume
/// are the guest's.
/// </summary>
public enum VolumeFileKind
{
    /// <summary>An image with an identifier: CKD_P370 and its like.</summary>
    Ckd,

    /// <summary>The block view of a volume.</summary>
    Raw,
}

/// <summary>How the file of a volume is taken.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="BlockSize">Of a raw one, bytes of a block; null: as its label tells.</param>
/// <param name="Cylinders">How many cylinders of a raw file or a block device are the volume; null: all.</param>
/// <param name="Redo">The absolute path of its redo file; null: beside it.</param>
/// <param name="Base">The path of what it is an overlay of; null: it is none.</param>
public readonly record struct VolumeFile(
    VolumeFileKind Kind = VolumeFileKind.Ckd, int? BlockSize = null, int? Cylinders = null, string? Redo = null, string? Base = null)
{
    /// <summary>The words of a SPEC and of options, in the order of <see cref="VolumeFileKind"/>.</summary>
    public static IReadOnlyList<string> KindNames { get; } = ["ckd", "raw"];

    /// <summary>As the keys of a SPEC.</summary>
    public override string ToString()
    {
        (string, object?)[] others = [("block-size", BlockSize), ("cylinders", Cylinders), ("redo", Redo), ("base", Base)];
        return $"format={KindNames[(int)Kind]}"
            + string.Concat(others.Where(static key => key.Item2 is not null).Select(static key => $",{key.Item1}={key.Item2}"));
    }
}
