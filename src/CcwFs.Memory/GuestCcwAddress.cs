namespace CcwFs.Memory;

/// <summary>Where the guest has a CCW: 32 bits, all of them kept, none checked. It never turns into a backend's address by itself.</summary>
/// <param name="Value">The address, as CCWs, ORBs and SCSWs hold it.</param>
public readonly record struct GuestCcwAddress(uint Value)
{
    /// <summary>So many bytes further, modulo 2^32.</summary>
    public GuestCcwAddress Plus(uint bytes) => new(unchecked(Value + bytes));

    /// <summary>How many bytes it lies after another one, modulo 2^32: a large number when it lies before.</summary>
    public uint BytesBehind(GuestCcwAddress start) => unchecked(Value - start.Value);
}
