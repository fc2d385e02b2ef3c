using CcwFs.ChannelIo;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Fba;

/// <summary>What DEFINE EXTENT set up: which blocks a program may use, and what for.</summary>
/// <param name="Mask">What may be written.</param>
/// <param name="Locator">The first block on the disk.</param>
/// <param name="First">The number of that block in the data set.</param>
/// <param name="Last">The number of the last one in the data set.</param>
internal readonly record struct FbaExtent(byte Mask, uint Locator, uint First, uint Last);

/// <summary>What LOCATE found for the next command.</summary>
/// <param name="Block">The first block on the disk.</param>
/// <param name="Count">Number of blocks; 0: none.</param>
/// <param name="Writes">They are to be written, else to be read.</param>
internal readonly record struct FbaLocation(uint Block, int Count, bool Writes);

/// <summary>One program of a device: what it has set up so far. Under the volume's gate.</summary>
internal sealed class FbaProgram(FbaVolume volume, FbaOptions options, PendingSense sense)
{
    /// <summary>The disk.</summary>
    public FbaVolume Volume => volume;

    /// <summary>Nothing can be written.</summary>
    public bool IsReadOnly => options.ReadOnly || volume.IsReadOnly;

    /// <summary>The extent; null: not defined yet.</summary>
    public FbaExtent? Extent { get; set; }

    /// <summary>What the command before has located.</summary>
    public FbaLocation Located { get; set; }

    /// <summary>Blocks were written.</summary>
    public bool Wrote { get; set; }

    /// <summary>Of the last unit check, for the log.</summary>
    public FbaSense LastSense { get; private set; }

    /// <summary>A program begins.</summary>
    public void Begin() => (Extent, Located, Wrote) = (null, default, false);

    /// <summary>Unit check with this sense.</summary>
    public DeviceStatus Check(FbaSense reason)
    {
        LastSense = reason;
        reason.Write(sense.Make());
        return UnitStatus.Failed;
    }
}
