using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;

namespace CcwFs.Subchannel;

/// <summary>
/// One I/O subchannel that can run channel programs: an emulated one, or a real one that is reached by VFIO. The calls mirror the I/O instructions
/// (SA22-7832, chapter 14) and return their condition code at once. What they begin goes on in <see cref="FunctionResult.Rest"/>, or on the
/// backend's own threads, and makes status pending, which <see cref="ISubchannelEvents.Interrupt"/> announces, never from inside one of these calls,
/// and <see cref="Test"/> takes. The caller serializes Start, Resume, Halt, Clear, Test and Reset: what was taken belongs to the program that the
/// caller knows, so no status of an earlier program can come late, or after that of a later function.
/// </summary>
public interface ISubchannel : IDisposable
{
    /// <summary>What it is.</summary>
    SubchannelIdentity Identity { get; }

    /// <summary>What it wants to know of its programs' memory; null: nothing.</summary>
    IMemoryBound? Memory { get; }

    /// <summary>Its channel paths, where they can be taken away and brought back; null: they cannot.</summary>
    IChannelPaths? Paths { get; }

    /// <summary>What its volume has; null: it has none. Waits a moment at most.</summary>
    VolumeFigures? Volume => null;

    /// <summary>Who is told of interrupts and path events; called once, before anything else.</summary>
    void Connect(ISubchannelEvents events);

    /// <summary>
    /// STORE SUBCHANNEL. The CCW address is the backend's own; the interruption parameter that of the last start. False: not operational.
    /// </summary>
    bool Store(out Schib schib);

    /// <summary>
    /// Looks at a program that was translated, before it is started; called once, without the caller's locks, so that it may wait for the program's
    /// memory. A program that was prepared need not be started: its owner may have given it up. The fault keeps it from being started.
    /// </summary>
    ProgramFault Prepare(BackendProgram program);

    /// <summary>
    /// START SUBCHANNEL with the ORB that <paramref name="program"/> gives; the program stays untouched by its owner until its final
    /// status was taken, or <see cref="Reset"/>. EOPNOTSUPP: it is of a kind that this subchannel does not run.
    /// </summary>
    FunctionResult Start(in Orb orb, BackendProgram program);

    /// <summary>RESUME SUBCHANNEL. Condition code 2: nothing is suspended.</summary>
    FunctionResult Resume();

    /// <summary>HALT SUBCHANNEL.</summary>
    FunctionResult Halt();

    /// <summary>CLEAR SUBCHANNEL.</summary>
    FunctionResult Clear();

    /// <summary>TEST SUBCHANNEL: takes the pending status, the program's before unsolicited status. False: none is pending.</summary>
    bool Test(out Irb irb);

    /// <summary>
    /// Ends whatever runs, without an interrupt; on return the program is no longer touched, and its pending status is gone. Waits for a data
    /// transfer under way: of a program that may wait (<see cref="BackendProgram.MayWait"/>) without the caller's locks, and not for ever.
    /// <paramref name="system"/>: a system reset, which also ends what the device keeps for this host (reserve, path groups). False: not operational.
    /// </summary>
    bool Reset(bool system);

    /// <summary>
    /// The device is taken away: programs end as by a reset, but are waited for a moment only; every later call is not operational.
    /// </summary>
    void Unplug();

    /// <summary>What a person wants to know about the device, key and value.</summary>
    IEnumerable<KeyValuePair<string, string>> Describe();
}

/// <summary>Where a subchannel's events go. Called from any thread, without locks of the caller.</summary>
public interface ISubchannelEvents
{
    /// <summary>What <see cref="DataWanted"/> is where nobody wants to be told of commands.</summary>
    const int NoCommands = -1;

    /// <summary>Status is pending: <see cref="ISubchannel.Test"/> until there is none. May come late, with nothing left to take.</summary>
    void Interrupt();

    /// <summary>A channel report.</summary>
    void Report(Crw crw);

    /// <summary>The device is asked back by the kernel that lent it to us: it works until it is given back.</summary>
    void ReturnRequested();

    /// <summary>The device has gone without being unplugged.</summary>
    void Vanished();

    /// <summary>A program failed in a way that it should not: a defect, which ended that program with channel-control check.</summary>
    void Failed(Exception failure);

    /// <summary>
    /// How many of the first bytes of each command's data somebody wants to see with <see cref="Executed"/>; <see cref="NoCommands"/>: nobody wants
    /// to be told of commands. A channel asks before each of them.
    /// </summary>
    int DataWanted => NoCommands;

    /// <summary>
    /// A command was executed, of which somebody wants to be told. Called by an emulated channel while the program runs, so it must be short, takes
    /// no lock of the caller, and calls nothing of the subchannel. For those who watch: nothing depends on it.
    /// </summary>
    void Executed(in ExecutedCommand command)
    {
    }

    /// <summary>
    /// A layer has refused a program, at <paramref name="ccw"/>, which the guest has at <paramref name="address"/>. For those who watch; rules as for
    /// <see cref="Executed"/>.
    /// </summary>
    void Refused(uint address, Ccw ccw, string why)
    {
    }

    /// <summary>A layer has injected a fault, by this rule. For those who watch; rules as for <see cref="Executed"/>.</summary>
    void Injected(string rule)
    {
    }
}
