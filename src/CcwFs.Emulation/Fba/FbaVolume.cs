using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Fba;

/// <summary>
/// One disk of blocks as the devices on it share it. The last device that is disposed disposes it, and it disposes its store. Everything is under the
/// gate of <see cref="Unit"/>, which a device holds during one command.
/// </summary>
public sealed class FbaVolume : ISharedVolume
{
    /// <summary>Bytes of the one buffer (arbitrary: a multiple of every block size), which the first read or write makes.</summary>
    public const int BufferSize = 65_536;

    private readonly IBlockStore _store;
    private byte[]? _buffer;

    /// <summary>A disk over <paramref name="store"/>, which it owns from now on.</summary>
    public FbaVolume(IBlockStore store) => _store = store;

    /// <summary>Size.</summary>
    public BlockGeometry Geometry => _store.Geometry;

    /// <summary>The size that its file would give to a disk which is to be so; <see cref="ImageException"/> where it can be none.</summary>
    public BlockGeometry GeometryAs(BlockOptions disk) => _store.GeometryAs(disk);

    /// <inheritdoc/>
    public bool IsReadOnly => _store.IsReadOnly;

    /// <summary>Where the blocks are, for a person.</summary>
    public string Name => _store.Name;

    /// <inheritdoc/>
    public string? CloseFault => _store.CloseFault;

    /// <inheritdoc/>
    public long BufferBytes => _buffer?.Length ?? 0;

    /// <summary>When writes go to stable storage, for a person; null: the store has none.</summary>
    internal ImageSync? SyncPolicy => _store.SyncPolicy;

    /// <summary>The gate, the devices, and who has reserved the disk; gone with the store.</summary>
    internal SharedUnit Unit { get; } = new();

    /// <summary>The blocks.</summary>
    internal IBlockStore Store => _store;

    /// <summary>Room for the blocks of a command; its content is nobody's between two commands.</summary>
    internal byte[] Buffer => _buffer ??= new byte[BufferSize];

    /// <summary>Blocks read and written so far, and those made zeros.</summary>
    internal (long Read, long Written, long Zeroed) Counts { get; set; }

    /// <inheritdoc/>
    public void SetSync(ImageSync sync)
    {
        lock (Unit.Gate)
            _store.SetSync(sync);
    }

    /// <summary>Disposes the store. Devices that are still attached report intervention required from then on.</summary>
    public void Dispose()
    {
        lock (Unit.Gate)
        {
            if (Unit.IsGone)
                return;
            Unit.IsGone = true;
            _store.Dispose();
            _buffer = null;
        }
    }
}
