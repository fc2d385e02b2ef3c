using Mono.Unix.Native;
using static CcwFs.Subchannel.DeviceAction;

namespace CcwFs.Subchannel;

/// <summary>
/// The states of a vfio-ccw device (drivers/s390/cio/vfio_ccw_private.h; a device that no client has is idle here: region files need none).
/// </summary>
public enum DeviceState
{
    /// <summary>The device is gone.</summary>
    NotOperational,

    /// <summary>Ready for a request.</summary>
    Idle,

    /// <summary>A request is being translated and started (seen from outside only while a call is in progress).</summary>
    Processing,

    /// <summary>A program runs, or is suspended.</summary>
    Pending,
}

/// <summary>What can happen to a device.</summary>
public enum DeviceEvent
{
    /// <summary>The io region was written.</summary>
    IoRequest,

    /// <summary>The cmd region was written.</summary>
    AsyncRequest,

    /// <summary>The subchannel interrupts.</summary>
    Interrupt,

    /// <summary>A client wants the device for itself.</summary>
    Open,

    /// <summary>That client lets go.</summary>
    Close,

    /// <summary>The device is taken away.</summary>
    Gone,
}

/// <summary>What a state does with an event.</summary>
public enum DeviceAction
{
    /// <summary>Refused: EIO.</summary>
    RefuseGone,

    /// <summary>Refused: ENODEV, there is no device any more.</summary>
    RefuseNoDevice,

    /// <summary>Refused: EAGAIN, try again.</summary>
    RefuseRetry,

    /// <summary>Refused: EBUSY, another user's program is pending.</summary>
    RefuseBusy,

    /// <summary>Refused: EBUSY; but a resume of a suspended program is taken.</summary>
    ResumeOrBusy,

    /// <summary>Nothing.</summary>
    Ignore,

    /// <summary>Translate and start.</summary>
    Start,

    /// <summary>HALT or CLEAR.</summary>
    HaltOrClear,

    /// <summary>Keep the status for the client.</summary>
    TakeStatus,

    /// <summary>Give the device to the client.</summary>
    Give,

    /// <summary>End what runs, without an interrupt.</summary>
    EndProgram,
}

/// <summary>The state x event table (drivers/s390/cio/vfio_ccw_fsm.c).</summary>
public static class DeviceTransitions
{
    private static readonly DeviceAction[,] s_table =
    {
        //                     IoRequest     AsyncRequest  Interrupt   Open            Close       Gone
        /* NotOperational */ { RefuseGone,   RefuseGone,   Ignore,     RefuseNoDevice, Ignore,     Ignore },
        /* Idle           */ { Start,        HaltOrClear,  TakeStatus, Give,           EndProgram, EndProgram },
        /* Processing     */ { RefuseRetry,  RefuseRetry,  TakeStatus, RefuseBusy,     EndProgram, EndProgram },
        /* Pending        */ { ResumeOrBusy, HaltOrClear,  TakeStatus, RefuseBusy,     EndProgram, EndProgram },
    };

    /// <summary>What <paramref name="state"/> does with <paramref name="happening"/>.</summary>
    public static DeviceAction Action(DeviceState state, DeviceEvent happening) => s_table[(int)state, (int)happening];

    /// <summary>The errno of a refusal; 0 for anything else.</summary>
    public static Errno Refusal(DeviceAction action) => action switch
    {
        RefuseGone => Errno.EIO,
        RefuseNoDevice => Errno.ENODEV,
        RefuseRetry => Errno.EAGAIN,
        RefuseBusy or ResumeOrBusy => Errno.EBUSY,
        Ignore or Start or HaltOrClear or TakeStatus or Give or EndProgram => 0,
        _ => throw new ArgumentOutOfRangeException(nameof(action)),
    };
}
