namespace CcwFs.Subchannel;

/// <summary>The interrupts of a vfio-ccw device, in the order of their VFIO indices (linux/vfio.h, VFIO_CCW_*_IRQ_INDEX).</summary>
public enum DeviceInterrupt
{
    /// <summary>An IRB became visible.</summary>
    Io,

    /// <summary>A channel report waits.</summary>
    Crw,

    /// <summary>The device should be given back.</summary>
    Request,
}

/// <summary>Who has taken a device for itself: a VFIO client.</summary>
public interface IDeviceClient
{
    /// <summary>
    /// An interrupt is raised. Called from any thread, the hot path of every program among them, and possibly after the device was given back: it
    /// must not wait and not call the device.
    /// </summary>
    void Signal(DeviceInterrupt interrupt);

    /// <summary>
    /// Who runs the guest's code: "kvm", the processor itself; an emulator whose translations are dropped where its "plugin" has marked some, or for
    /// "all" pages that are written; or "unknown".
    /// </summary>
    string GuestCode { get; }
}
