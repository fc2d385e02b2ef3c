using System.Globalization;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Fba;

/// <summary>What a disk of blocks is to be.</summary>
/// <param name="BlockSize">Bytes of a block.</param>
/// <param name="Blocks">Number of blocks, which the file must have; null: as many as there are.</param>
public sealed record BlockOptions(int BlockSize = BlockGeometry.DefaultBlockSize, uint? Blocks = null);

/// <summary>
/// A disk of blocks in a plain file or a block device, with nothing else in it: block N is at byte N times the block size. It is read and written
/// with pread and pwrite; a block that was written is in the kernel's hands before anybody is told. Used under the volume's gate, but for the timer,
/// which syncs without.
/// </summary>
public sealed class FileBlockStore : IBlockStore
{
    private static readonly byte[] s_zeros = new byte[65_536]; // a multiple of every block size; arbitrary

    private readonly IImageFile _file;
    private readonly Action<string>? _say;
    private readonly Lock _syncing = new(); // alone: the kernel tells of a failed write-back once, and whoever syncs next must know of it
    private readonly SyncTimer _timer;
    private ImageSync _sync;
    private long _writes;  // that have ended, well or not; under the volume's gate
    private long _synced;  // how many of them are on the disk; changed under _syncing
    private volatile string? _fault; // a sync has failed: nothing more is written
    private bool _punches = true;
    private bool _disposed;

    private FileBlockStore(IImageFile file, string path, BlockGeometry geometry, ImageOptions options)
    {
        (_file, Name, Geometry, IsReadOnly, _say, _sync) = (file, path, geometry, options.ReadOnly, options.Say, options.Sync);
        _timer = new SyncTimer(SyncNow);
    }

    /// <inheritdoc/>
    public BlockGeometry Geometry { get; }

    /// <inheritdoc/>
    public bool IsReadOnly { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public long? AllocatedBytes =>
        _file.Status(out FileStatus status) == 0 && status.Type == FileStatus.TypeRegular ? (long)status.Blocks * FileStatus.BlockSize : null;

    private bool IsUnsynced => Volatile.Read(ref _synced) != Volatile.Read(ref _writes);

    /// <inheritdoc/>
    public ImageSync? SyncPolicy => IsReadOnly ? null : _sync;

    /// <inheritdoc/>
    public string? CloseFault { get; private set; }

    /// <summary>Opens and locks a disk; <see cref="ImageException"/> with one line that says what to do.</summary>
    public static FileBlockStore Open(IImageFiles files, string path, BlockOptions disk, ImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(files);
        try
        {
            IImageFile file = files.OpenDisk(path, write: !options.ReadOnly)
                ?? throw new ImageException($"it does not exist; {HowToMake(disk)}", (int)Errno.ENOENT);
            try
            {
                return new FileBlockStore(file, path, Measure(file, disk), options);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (ImageException fault)
        {
            throw new ImageException($"{path}: {fault.Message}", fault);
        }
    }

    /// <inheritdoc/>
    public BlockGeometry GeometryAs(BlockOptions disk)
    {
        try
        {
            return Measure(_file, disk);
        }
        catch (ImageException fault)
        {
            throw new ImageException($"{Name}: {fault.Message}", fault);
        }
    }

    /// <summary>How a person makes a file for a disk, without a full stop.</summary>
    public static string HowToMake(BlockOptions disk) =>
        $"make it: truncate -s {(disk.Blocks is { } blocks ? ((long)blocks * disk.BlockSize).ToString(CultureInfo.InvariantCulture) : "1G")} FILE";

    /// <inheritdoc/>
    public void Read(uint block, Span<byte> bytes)
    {
        int result = _file.ReadAt(Offset(block), bytes);
        if (result < 0)
            throw Fault(block, "cannot be read", result);
        if (result < bytes.Length)
            throw Shorter(Offset(block) + result);
    }

    /// <inheritdoc/>
    public void Write(uint block, ReadOnlySpan<byte> bytes)
    {
        BeginWrite(block);
        int result = _file.WriteAt(Offset(block), bytes);
        EndWrite();
        if (result < 0)
            throw Fault(block, "cannot be written", result);
    }

    /// <inheritdoc/>
    public void Zero(uint block, uint count)
    {
        BeginWrite(block);
        int result = _punches ? _file.Discard(Offset(block), (long)count * Geometry.BlockSize) : -(int)Errno.EOPNOTSUPP;
        EndWrite();
        if (result is -(int)Errno.EOPNOTSUPP or -(int)Errno.ENOSYS)
        {
            _punches = false;
            uint most = (uint)(s_zeros.Length / Geometry.BlockSize);
            for (uint done = 0; done < count;)
            {
                uint some = Math.Min(most, count - done);
                Write(block + done, s_zeros.AsSpan(0, (int)some * Geometry.BlockSize));
                done += some;
            }
            return;
        }
        if (result < 0)
            throw Fault(block, "cannot be given back", result);
    }

    /// <inheritdoc/>
    public void EndProgram()
    {
        if (!IsUnsynced)
            return;
        if (_sync.EveryProgram)
        {
            Sync();
            if (_fault is { } fault)
                throw new ImageException(fault);
        }
        else
        {
            _timer.Start(_sync.Seconds);
        }
    }

    /// <inheritdoc/>
    public void SetSync(ImageSync sync)
    {
        if (IsUnsynced && sync.IsStricterThan(_sync))
        {
            Sync();
            if (_fault is { } fault)
                throw new ImageException($"{Name}: {fault}");
        }
        _sync = sync;
    }

    /// <summary>Syncs what is not, and frees the lock.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _timer.Stop();
        if (IsUnsynced)
            Sync();
        CloseFault = _fault is { } fault ? $"{Name}: {fault}" : null;
        _file.Dispose();
    }

    private static BlockGeometry Measure(IImageFile file, BlockOptions disk)
    {
        long length = file.Length();
        if (length < 0)
            throw new ImageException(Problem.Of((int)length), (int)-length);
        if (length == 0)
            throw new ImageException($"it is empty; give it a size: truncate -s 1G FILE", (int)Errno.EINVAL);
        if (length % disk.BlockSize != 0)
        {
            throw new ImageException(
                $"its {length} bytes are no whole blocks of {disk.BlockSize} bytes; make the last one whole: truncate -s %{disk.BlockSize} FILE",
                (int)Errno.EINVAL);
        }
        long there = length / disk.BlockSize;
        if (disk.Blocks is { } wanted)
        {
            return wanted <= there ? new BlockGeometry(disk.BlockSize, wanted)
                : throw new ImageException(
                    $"it has {there} blocks, and {wanted} are wanted; make it longer: truncate -s {(long)wanted * disk.BlockSize} FILE",
                        (int)Errno.EINVAL);
        }
        return there <= uint.MaxValue ? new BlockGeometry(disk.BlockSize, (uint)there)
            : throw new ImageException(
                $"it has {there} blocks, and a 9336 has at most {uint.MaxValue}; give a larger block-size, or blocks={uint.MaxValue}",
                    (int)Errno.EFBIG);
    }

    private long Offset(uint block) => (long)block * Geometry.BlockSize;

    /// <summary>A file that was made shorter is not made longer again by a write: what it lost would read as zeros then.</summary>
    private void BeginWrite(uint block)
    {
        if (IsReadOnly)
            throw new ImageException("the disk is read-only");
        if (_fault is { } fault)
            throw new ImageException(fault);
        long length = _file.Length();
        if (length < 0)
            throw Fault(block, "cannot be written", (int)length);
        if (length < Offset(Geometry.Blocks))
            throw Shorter(length);
    }

    /// <summary>
    /// A write has ended, and whatever there is of it is not on the disk. Counted afterwards: a sync that began before the end may have missed it.
    /// </summary>
    private void EndWrite() => Volatile.Write(ref _writes, _writes + 1);

    private ImageException Shorter(long length) => new(
        $"the file ends at block {length / Geometry.BlockSize}: somebody has made it shorter; remove its devices and add them again");

    private static ImageException Fault(uint block, string what, int result) => new($"block {block} {what}: {Problem.Of(result)}", -result);

    /// <summary>The kernel tells of a failed write-back once and then forgets the bytes: no later sync can be believed.</summary>
    private void Sync()
    {
        lock (_syncing)
        {
            long writes = Volatile.Read(ref _writes);
            if (_fault is not null || writes == _synced)
                return;
            if (_file.Sync() is < 0 and var result)
            {
                _fault = $"cannot be brought to the disk ({Problem.Of(result)}): blocks that were written may be lost; "
                    + "nothing more is written until the image is opened again";
                return;
            }
            Volatile.Write(ref _synced, writes);
        }
    }

    /// <summary>The timer's turn. The disk is waited for without the volume's gate: who reads and writes goes on.</summary>
    private void SyncNow()
    {
        if (!IsUnsynced || _fault is not null)
            return;
        Sync();
        if (_fault is { } fault)
            _say?.Invoke($"{Name}: {fault}"); // once: nothing is synced any more
    }
}
