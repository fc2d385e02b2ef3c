using System.Runtime.CompilerServices;

namespace CcwFs.Memory;

/// <summary>
/// Where one device's translated CCWs and IDALs live: a buffer with addresses below 2 GiB that is reused from program to program.
/// The addresses are IOVAs. The bytes do not move (a real device's backend maps them). One user at a time.
/// </summary>
public sealed class HostArena
{
    /// <summary>
    /// The address of the first byte; arbitrary, below 2 GiB with room for the largest arena, and nothing a guest is likely to use.
    /// </summary>
    public const uint Base = 0x5CC0_0000;

    /// <summary>
    /// Bytes of addresses that are the arena's, whatever its buffer holds now (arbitrary; 256 chains of 256 CCWs with 33 IDAWs each take 18 MB).
    /// </summary>
    public const int Window = 64 * 1024 * 1024;

    private const uint Guard = 4096; // addresses just below are unused and count as ours: a CCW address may point before a program's head
    private const int InitialSize = 8 * 1024;  // arbitrary: a full chain of 256 CCWs with one IDAW each
    private const int KeptSize = 256 * 1024;   // arbitrary: larger ones are given back on Reset

    private byte[] _bytes = []; // made at the first use: thousands of idle devices cost nothing

    /// <summary>Bytes in use.</summary>
    public int Used { get; private set; }

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        Used = 0;
        if (_bytes.Length > KeptSize)
            _bytes = [];
    }

    /// <summary>Takes <paramref name="length"/> bytes after the last ones, 8-byte aligned; spans taken before are void.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public HostAddress Allocate(int length)
    {
        int at = Used;
        int end = at + ((length + 7) & ~7);
        if (end > _bytes.Length)
            Grow(end);
        Used = end;
        return new HostAddress(Base + (uint)at);
    }

    /// <summary>The bytes at an address; empty when any of them is not in use.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Bytes(HostAddress address, int length)
    {
        uint at = unchecked(address.Value - Base);
        return at <= (uint)Used && (uint)length <= (uint)Used - at ? _bytes.AsSpan((int)at, length) : default;
    }

    /// <summary>All bytes in use, from <see cref="Base"/> on.</summary>
    public ReadOnlySpan<byte> All => _bytes.AsSpan(0, Used);

    /// <summary>True for an address in or just below the arena, whether in use or not.</summary>
    public static bool Owns(HostAddress address) => unchecked(address.Value - (Base - Guard)) < Window;

    /// <summary>Where in the arena an address of it is, in bytes.</summary>
    public static int OffsetOf(HostAddress address) => (int)(address.Value - Base);

    private void Grow(int needed)
    {
        int size = Math.Max(_bytes.Length, InitialSize);
        while (size < needed)
            size *= 2;
        byte[] larger = GC.AllocateArray<byte>(size, pinned: true);
        _bytes.AsSpan(0, Used).CopyTo(larger);
        _bytes = larger;
    }
}
