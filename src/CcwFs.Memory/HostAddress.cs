namespace CcwFs.Memory;

/// <summary>
/// Where a backend finds a CCW or a list of IDAWs: an address of the <see cref="HostArena"/>, or what the backend took for one. 32 bits, all of them
/// kept. For a program that is not prefetched it is the guest's own address. It never turns into a guest's by itself.
/// </summary>
/// <param name="Value">The address, as CCWs, ORBs and SCSWs hold it.</param>
public readonly record struct HostAddress(uint Value)
{
    /// <summary>So many bytes further, modulo 2^32; a negative number leads back.</summary>
    public HostAddress Plus(int bytes) => new(unchecked(Value + (uint)bytes));

    /// <summary>How many bytes it lies after another one, modulo 2^32: a large number when it lies before.</summary>
    public uint BytesBehind(HostAddress start) => unchecked(Value - start.Value);
}
