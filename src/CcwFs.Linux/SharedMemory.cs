using System.ComponentModel;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>
/// Shared memory of a fixed length, sparse: an anonymous memory file sealed against every change of its length (so that no access can
/// fault), or a shared file mapped by <see cref="Map"/>. Any number of threads may read and write at once; overlapping accesses are not
/// atomic. Disposal waits for the accesses under way; later ones throw <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed unsafe class SharedMemory : SafeHandle
{
    private const uint MemFdCloseOnExec = 1, MemFdAllowSealing = 2;
    private const int AddSeals = 1033; // F_ADD_SEALS
    private const int SealSeal = 1, SealGrow = 4;
    private const int ProtectionReadWrite = 3, MapShared = 1, MapNoReserve = 0x4000;

    /// <summary>F_SEAL_SHRINK in <see cref="FileDescriptor.Seals"/>.</summary>
    public const int SealAgainstShrinking = 2;

    private SharedMemory(FileDescriptor file, long length)
        : base(-1, ownsHandle: true)
    {
        File = file;
        Length = length;
    }

    /// <summary>Length in bytes.</summary>
    public long Length { get; }

    /// <summary>The memory file, for handing on or mapping again; belongs to this object.</summary>
    public FileDescriptor File { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>Makes an anonymous one of <paramref name="length"/> bytes of zeros.</summary>
    /// <exception cref="Win32Exception">The system has no room for it.</exception>
    public static SharedMemory Create(string name, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        FileDescriptor file = new(Check(LibC.MemFdCreate(name, MemFdCloseOnExec | MemFdAllowSealing)));
        try
        {
            Check(LibC.Truncate(file, length));
            Check(LibC.Fcntl(file, AddSeals, SealAgainstShrinking | SealGrow | SealSeal));
            return MapFile(file, length);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Maps a memory file that another process made and takes <paramref name="file"/> over, on failure too. One that can shrink is refused
    /// (-EPERM): an access beyond its end would kill the process.
    /// </summary>
    public static int Map(FileDescriptor file, out SharedMemory? memory)
    {
        memory = null;
        int seals = file.Seals();
        int result = seals < 0 ? seals : (seals & SealAgainstShrinking) == 0 ? -(int)Errno.EPERM : 0;
        FileStatus status = default;
        if (result == 0)
            result = file.Status(out status);
        if (result == 0 && status.Size <= 0)
            result = -(int)Errno.EINVAL;
        if (result == 0)
        {
            try
            {
                memory = MapFile(file, status.Size);
                return 0;
            }
            catch (Win32Exception failure)
            {
                result = -failure.NativeErrorCode;
            }
        }
        file.Dispose();
        return result;
    }

    /// <summary>Address of a byte in this process, for the kernel's DMA maps; good until this is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It lies outside.</exception>
    public ulong AddressOf(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)offset, (ulong)Length);
        return (ulong)handle + (ulong)offset;
    }

    /// <summary>One byte, read once and not before what the caller has read or written before.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It lies outside.</exception>
    public byte ReadOrdered(long offset)
    {
        byte* at = Locate(offset, 1);
        using var held = new HeldHandle(this);
        Interlocked.MemoryBarrier();

        // SAFETY: the range was checked, and the mapping is held.
        return Volatile.Read(ref *at);
    }

    /// <summary>Makes a byte another one if it is <paramref name="old"/>, in one step.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It lies outside.</exception>
    public bool TryReplace(long offset, byte old, byte value)
    {
        byte* at = Locate(offset, 1);
        using var held = new HeldHandle(this);

        // SAFETY: the range was checked, and the mapping is held.
        return Interlocked.CompareExchange(ref *at, value, old) == old;
    }

    /// <summary>Copies out from <paramref name="offset"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Any byte lies outside.</exception>
    public void Read(long offset, Span<byte> into)
    {
        byte* start = Locate(offset, into.Length);
        using var held = new HeldHandle(this);

        // SAFETY: the range was checked, and the mapping is held.
        new ReadOnlySpan<byte>(start, into.Length).CopyTo(into);
    }

    /// <summary>Copies in from <paramref name="offset"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Any byte lies outside.</exception>
    public void Write(long offset, ReadOnlySpan<byte> from)
    {
        byte* start = Locate(offset, from.Length);
        using var held = new HeldHandle(this);

        // SAFETY: the range was checked, and the mapping is held.
        from.CopyTo(new Span<byte>(start, from.Length));
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.Unmap(handle, (nuint)Length) == 0;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            File.Dispose();
        base.Dispose(disposing);
    }

    private static SharedMemory MapFile(FileDescriptor file, long length)
    {
        SharedMemory memory = new(file, length);

        // SAFETY: a new mapping at an address of the kernel's choice; the file cannot shrink below it.
        nint address = LibC.Map(0, (nuint)length, ProtectionReadWrite, MapShared | MapNoReserve, file, 0);
        if (address == -1)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        memory.SetHandle(address);
        return memory;
    }

    private static int Check(int result) => result < 0 ? throw new Win32Exception(Marshal.GetLastPInvokeError()) : result;

    /// <summary>Where bytes lie, for a caller that holds the mapping when it uses them.</summary>
    private byte* Locate(long offset, int count)
    {
        if ((ulong)offset > (ulong)Length || (ulong)count > (ulong)(Length - offset))
            throw new ArgumentOutOfRangeException(nameof(offset), offset, "outside the shared memory");
        return (byte*)handle + offset;
    }
}
