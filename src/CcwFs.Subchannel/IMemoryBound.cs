namespace CcwFs.Subchannel;

/// <summary>
/// What a backend has to be told of the address spaces of its programs when it reaches their memory by itself, as a real device does. One that
/// reaches memory through the program alone needs none of it.
/// </summary>
public interface IMemoryBound
{
    /// <summary>
    /// Its programs run in memory that has an address in this process (<see cref="Memory.IMemoryStore.TryAddress"/>): other memory of a client is out
    /// of its reach.
    /// </summary>
    bool NeedsAddresses { get; }

    /// <summary>
    /// Memory of the programs' address space goes: on return nothing of the device reaches [iova, iova + length). A program that had it pinned was
    /// ended before.
    /// </summary>
    void Unmapped(ulong iova, ulong length);

    /// <summary>
    /// The next program runs in another address space: on return nothing of the device reaches the memory of this one. No program runs.
    /// </summary>
    void LeaveSpace();
}
