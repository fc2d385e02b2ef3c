using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Policy;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <content>
/// Programs that must not be prefetched (ORB P bit 0) on a backend that fetches by itself: nothing is translated, addresses stay the guest's, and the backend gets
/// each CCW, IDAW and byte at its turn out of <see cref="Live"/>.
/// </content>
public sealed partial class Translator
{
    private LiveMemory? _liveMemory; // made at the first such program

    /// <summary>The memory of a program that is not prefetched; null for any other.</summary>
    public LiveMemory? Live { get; private set; }

    /// <summary>Judges such a program at its turn; null: no policy, or a program that was prefetched.</summary>
    public LiveJudge? LiveJudge { get; private set; }

    /// <summary>The program's memory may wait for its owner (<see cref="IMemoryStore.MayWait"/>).</summary>
    public bool MayWait => Live is null ? Pins.MayWait : IovaMap.MayWait(_mappings);

    /// <summary>
    /// Begins a program that is not prefetched: only the 2K at its address are looked at. <paramref name="map"/>: where everything else is looked up,
    /// at its turn; <paramref name="mappings"/>: it now.
    /// </summary>
    public ProgramFault InitializeLive(in Orb orb, IovaMap map, Mapping[] mappings, DevicePolicy? policy)
    {
        if (IsInitialized)
            return ProgramFault.Busy;
        Fault = null;
        MemoryFault fault = IovaMap.Read(mappings, orb.ProgramAddress, _fetched);
        if (fault != MemoryFault.None)
            return Refuse(ToFault(fault), orb.ProgramAddress, NotFetched);
        (_orb, _mappings, _chainCount, _prefetched) = (orb, mappings, 0, false);
        Pins.Clear([]);
        Arena.Reset();
        Live = _liveMemory ??= new LiveMemory();
        Live.Begin(map);
        LiveJudge = policy is null ? null : new LiveJudge(policy);
        IsInitialized = true;
        return ProgramFault.None;
    }

    private Orb LiveOrb(uint interruptionParameter, byte logicalPathMask) => new(
        interruptionParameter, _orb.Control | (_orb.LogicalPathMask == 0 ? (uint)logicalPathMask << 8 : 0), _orb.ProgramAddress);

    private void ForgetLive()
    {
        Live?.End();
        (Live, LiveJudge) = (null, null);
    }
}
