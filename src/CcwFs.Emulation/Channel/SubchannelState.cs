using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <summary>What the start function of an emulated subchannel is at.</summary>
internal enum Activity
{
    /// <summary>No program.</summary>
    Idle,

    /// <summary>The device was busy with the program's first command: it begins again when the device is free.</summary>
    StartPending,

    /// <summary>A thread runs the program, or is about to.</summary>
    Active,

    /// <summary>Suspended before a CCW.</summary>
    Suspended,

    /// <summary>The device was given a command and has not ended it: it waits, or channel end came and the next CCW waits for device end.</summary>
    AwaitingDevice,

    /// <summary>The program ended with channel end, and device end is still to come.</summary>
    DeviceEndPending,
}

/// <summary>What is to end the program, or stop the slice, at the next CCW.</summary>
internal enum RequestedEnd
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>HALT SUBCHANNEL.</summary>
    Halt,

    /// <summary>CLEAR SUBCHANNEL.</summary>
    Clear,

    /// <summary>The program's path is gone.</summary>
    PathLost,

    /// <summary>A reset waits for the slice; it makes no status.</summary>
    Reset,
}

/// <summary>What the end of a slice means for the subchannel.</summary>
internal enum SliceEnd
{
    /// <summary>Nothing: it goes on, or there was nothing to do.</summary>
    Nothing,

    /// <summary>The device is busy: the start is pending.</summary>
    StartPending,

    /// <summary>The device is waited for.</summary>
    AwaitDevice,

    /// <summary>Intermediate status.</summary>
    Intermediate,

    /// <summary>Suspended, with intermediate status unless the ORB suppresses it.</summary>
    Suspended,

    /// <summary>The program has ended by itself: its status.</summary>
    Final,

    /// <summary>CLEAR is done: status pending alone.</summary>
    Cleared,

    /// <summary>HALT with no program: status pending alone.</summary>
    HaltedNothing,

    /// <summary>HALT of a program in which the device has no part now: status pending alone.</summary>
    HaltedIdle,

    /// <summary>HALT ended the program between two commands, or while the device was waited for.</summary>
    Halted,

    /// <summary>HALT came while the last command ended: its status, as of a halted program.</summary>
    HaltedFinal,

    /// <summary>HALT while only device end was to come: secondary status.</summary>
    HaltedDevice,

    /// <summary>The path went away under the program: interface-control check.</summary>
    PathLost,

    /// <summary>The path of a start that is pending went away: not operational.</summary>
    PathLostPending,
}

/// <summary>The tables of an emulated subchannel: activity x requested end. Each function is total.</summary>
internal static class SubchannelTransitions
{
    // Without a requested end, a slice's result decides: see ByItself.
    private static readonly SliceEnd[,] s_ends =
    {
        //                     Halt                     Clear             PathLost
        /* Idle             */ { SliceEnd.HaltedNothing, SliceEnd.Cleared, SliceEnd.Nothing },
        /* StartPending     */ { SliceEnd.HaltedIdle,    SliceEnd.Cleared, SliceEnd.PathLostPending },
        /* Active           */ { SliceEnd.Halted,        SliceEnd.Cleared, SliceEnd.PathLost },
        /* Suspended        */ { SliceEnd.HaltedIdle,    SliceEnd.Cleared, SliceEnd.Nothing },
        /* AwaitingDevice   */ { SliceEnd.Halted,        SliceEnd.Cleared, SliceEnd.PathLost },
        /* DeviceEndPending */ { SliceEnd.HaltedDevice,  SliceEnd.Cleared, SliceEnd.Nothing },
    };

    /// <summary>There is something for a slice to do.</summary>
    public static bool HasWork(Activity activity, RequestedEnd end) => end switch
    {
        RequestedEnd.None => activity == Activity.Active,
        RequestedEnd.Halt or RequestedEnd.Clear or RequestedEnd.PathLost => true,
        RequestedEnd.Reset => false,
        _ => throw new ArgumentOutOfRangeException(nameof(end)),
    };

    /// <summary>What the end of a slice means, which executed CCWs with this result or none (<see cref="StepResult.Continue"/>).</summary>
    public static SliceEnd Settle(Activity activity, RequestedEnd end, StepResult result) => end switch
    {
        RequestedEnd.None => ByItself(result),
        RequestedEnd.Reset => SliceEnd.Nothing,
        RequestedEnd.Halt when activity == Activity.Active && result == StepResult.Ended => SliceEnd.HaltedFinal,
        RequestedEnd.PathLost when activity == Activity.Active && result == StepResult.Ended => SliceEnd.Final,
        RequestedEnd.Halt or RequestedEnd.Clear or RequestedEnd.PathLost => s_ends[(int)activity, end - RequestedEnd.Halt],
        _ => throw new ArgumentOutOfRangeException(nameof(end)),
    };

    /// <summary>
    /// HALT or CLEAR comes: what is requested then; null: refused as busy. CLEAR comes before HALT, and both before the loss of a path.
    /// </summary>
    public static RequestedEnd? Request(RequestedEnd before, RequestedEnd function) => before switch
    {
        RequestedEnd.None or RequestedEnd.PathLost => function,
        RequestedEnd.Halt or RequestedEnd.Clear => function == RequestedEnd.Clear ? RequestedEnd.Clear : null,
        RequestedEnd.Reset => null,
        _ => throw new ArgumentOutOfRangeException(nameof(before)),
    };

    /// <summary>The path of the program goes away; a function that ends the program anyway comes before that.</summary>
    public static RequestedEnd LosePath(RequestedEnd before) => before == RequestedEnd.None ? RequestedEnd.PathLost : before;

    /// <summary>A program that needs its path: what becomes of it is decided when the path goes away.</summary>
    public static bool NeedsPath(Activity activity) => activity is Activity.StartPending or Activity.Active or Activity.AwaitingDevice;

    /// <summary>Status of the device's own waits until the program has ended.</summary>
    public static bool KeepsUnsolicited(Activity activity) => activity is Activity.Active or Activity.AwaitingDevice or Activity.DeviceEndPending;

    /// <summary>The activity-control bits of the SCSW.</summary>
    public static ActivityControl Bits(Activity activity) => activity switch
    {
        Activity.Idle => ActivityControl.None,
        Activity.StartPending => ActivityControl.StartPending,
        Activity.Active or Activity.AwaitingDevice => ActivityControl.SubchannelActive | ActivityControl.DeviceActive,
        Activity.Suspended => ActivityControl.Suspended,
        Activity.DeviceEndPending => ActivityControl.DeviceActive,
        _ => throw new ArgumentOutOfRangeException(nameof(activity)),
    };

    private static SliceEnd ByItself(StepResult result) => result switch
    {
        StepResult.Continue or StepResult.HandOver => SliceEnd.Nothing,
        StepResult.Busy => SliceEnd.StartPending,
        StepResult.Waiting => SliceEnd.AwaitDevice,
        StepResult.Interrupt => SliceEnd.Intermediate,
        StepResult.Suspended => SliceEnd.Suspended,
        StepResult.Ended => SliceEnd.Final,
        StepResult.Abandoned => throw new ArgumentOutOfRangeException(nameof(result), "an abandoned run ends its slice by itself"),
        _ => throw new ArgumentOutOfRangeException(nameof(result)),
    };
}
