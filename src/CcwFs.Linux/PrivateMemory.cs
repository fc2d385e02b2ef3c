using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>
/// Zeroed memory of a fixed length outside of the collector's reach, which the kernel may be told of; pages take room once they are touched.
/// Disposal waits for <see cref="Write"/> under way; whoever uses <see cref="Span"/> must end before.
/// </summary>
public sealed unsafe class PrivateMemory : SafeHandle
{
    private const int ReadWrite = 3; // PROT_READ | PROT_WRITE
    private const int Flags = 2 | 0x20 | 0x4000; // MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE

    private readonly int _length;

    private PrivateMemory(nint address, int length)
        : base(-1, ownsHandle: true)
    {
        _length = length;
        SetHandle(address);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>Where it is; good until this is disposed.</summary>
    public ulong Address => (ulong)handle;

    /// <summary>mmap(2): 0, and the memory belongs to the caller, or a negative errno and none.</summary>
    public static int Create(int length, out PrivateMemory? memory)
    {
        // SAFETY: a new mapping at an address of the kernel's choice.
        nint address = LibC.Map(0, (nuint)length, ReadWrite, Flags, -1, 0);
        memory = address == -1 ? null : new PrivateMemory(address, length);
        return address == -1 ? -Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>A part of it, for the thread that disposes it and for whoever that thread waits for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It lies outside.</exception>
    /// <exception cref="ObjectDisposedException">It is no more.</exception>
    public Span<byte> Span(int offset, int length)
    {
        Check(offset, length);
        ObjectDisposedException.ThrowIf(IsClosed, this);

        // SAFETY: the range was checked, and the caller keeps the mapping.
        return new Span<byte>((byte*)handle + offset, length);
    }

    /// <summary>Copies in, from any thread.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A byte lies outside.</exception>
    /// <exception cref="ObjectDisposedException">It is no more.</exception>
    public void Write(int offset, ReadOnlySpan<byte> from)
    {
        Check(offset, from.Length);
        using var held = new HeldHandle(this);

        // SAFETY: the range was checked, and the mapping is held.
        from.CopyTo(new Span<byte>((byte*)handle + offset, from.Length));
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.Unmap(handle, (nuint)_length) == 0;

    private void Check(int offset, int length)
    {
        if ((uint)offset > (uint)_length || (uint)length > (uint)(_length - offset))
            throw new ArgumentOutOfRangeException(nameof(offset), offset, "outside the memory");
    }
}
