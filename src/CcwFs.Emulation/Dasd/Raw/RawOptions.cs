namespace CcwFs.Emulation.Dasd.Raw;

/// <summary>What is to be known of a raw file beside its bytes.</summary>
/// <param name="BlockSize">Bytes of a block: 512, 1024, 2048 or 4096; null: as the label in the file tells, and 4096 where there is none.</param>
/// <param name="Cylinders">How many cylinders of the file are the volume; null: all that are whole.</param>
public readonly record struct RawOptions(int? BlockSize = null, int? Cylinders = null);
