using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// A control unit with its device, as the channel sees it: one object per subchannel. The channel calls it from one thread at a
/// time, program by program; it never calls back except through the <see cref="IDataTransfer"/> of a command.
/// A host fault (disk full, I/O error) never leaves as an exception: it becomes unit check with equipment-check sense.
/// </summary>
public interface IChannelDevice : IDisposable
{
    /// <summary>Control-unit type and model, device type and model, as SENSE ID gives them.</summary>
    DeviceIdentity Identity { get; }

    /// <summary>A channel program begins on this path (0-7): what one chain sets up (extent, file mask, domain) is void.</summary>
    void BeginProgram(int path);

    /// <summary>
    /// Executes one command. Ending status is returned: normally channel end and device end, with status modifier when the next CCW
    /// is to be skipped, with unit check when sense has been made. A command that is refused at once moves no data.
    /// Busy alone, for a program's first command: nothing has begun; <see cref="NoLongerBusy"/> says when to begin again.
    /// Channel end without device end: the data phase is over, and <see cref="DeviceEnd"/> gives the rest.
    /// No status: the device waits with the command, of which it has moved no data; after <see cref="NoLongerBusy"/> it is executed again.
    /// </summary>
    DeviceStatus Execute(byte command, IDataTransfer data);

    /// <summary>
    /// The last command's channel end is about to be reported: everything written is brought to stable storage. Gives the status
    /// to report in place of <paramref name="status"/>: the same, or unit check when the storage failed. Device end may still be to come.
    /// </summary>
    DeviceStatus EndProgram(DeviceStatus status);

    /// <summary>
    /// The program was ended by HALT, CLEAR or reset between two commands, or with a command that had not ended: that is given up, and its device end
    /// does not come any more. What earlier commands wrote stays written. <paramref name="reset"/>: also forget what a reset forgets on this path
    /// (system-reset: path group, reserve).
    /// </summary>
    void AbandonProgram(bool reset);

    /// <summary>
    /// The path has been taken away: what the device keeps for it (path group, reserve) is forgotten. A program on it ends after its command.
    /// </summary>
    void LosePath(int path);

    /// <summary>Copies the pending sense bytes (after unit check) and forgets them; gives their number, 24 or 32, 0 when there are none.</summary>
    int TakeSense(Span<byte> destination);

    /// <summary>Gives unsolicited status (attention, state change) to the channel; set once by the channel.</summary>
    Action<DeviceStatus>? Unsolicited { get; set; }

    /// <summary>
    /// A device that answered busy is free again, or one that waits with a command can go on; set once by the channel, which then tries again. From
    /// any thread.
    /// </summary>
    Action? NoLongerBusy { get; set; }

    /// <summary>
    /// Gives the channel device end, with what else there is (status modifier, unit check with sense), after a command ended with channel end alone;
    /// set once by the channel. Once a command, from any thread, even before that command has returned; never after <see cref="AbandonProgram"/> has
    /// given the command up.
    /// </summary>
    Action<DeviceStatus>? DeviceEnd { get; set; }

    /// <summary>Where on its medium the device was when the last command ended. Asked on the thread that has executed it.</summary>
    CommandPlace Place => default;

    /// <summary>What its volume has; null: it has none. Waits a moment at most.</summary>
    VolumeFigures? Figures => null;

    /// <summary>One line a fact for a person: model, image, serial, state. Key and value.</summary>
    IEnumerable<KeyValuePair<string, string>> Describe();
}

/// <summary>What SENSE ID says about a device.</summary>
/// <param name="ControlUnitType">Control-unit type, e.g. 3990.</param>
/// <param name="ControlUnitModel">Control-unit model, e.g. E9.</param>
/// <param name="DeviceType">Device type, e.g. 3390.</param>
/// <param name="DeviceModel">Device model, e.g. 0C.</param>
public readonly record struct DeviceIdentity(ushort ControlUnitType, byte ControlUnitModel, ushort DeviceType, byte DeviceModel)
{
    /// <summary>Type and model of the device and of the control unit, as <c>3390/0c</c> and <c>3990/e9</c>.</summary>
    internal (string Device, string ControlUnit) Names => (
        string.Create(CultureInfo.InvariantCulture, $"{DeviceType:x4}/{DeviceModel:x2}"),
        string.Create(CultureInfo.InvariantCulture, $"{ControlUnitType:x4}/{ControlUnitModel:x2}"));
}

/// <summary>
/// The data phase of one command, over all its data-chained CCWs, SKIP, IDAWs and counts, which are the channel's business.
/// The channel derives residual count and incorrect length from what was asked for and what there was.
/// </summary>
public interface IDataTransfer
{
    /// <summary>
    /// Host to device: the device wants exactly <c>buffer.Length</c> more bytes. Gives how many there were. Fewer, or more left over at
    /// the command's end, is incorrect length.
    /// </summary>
    int Receive(Span<byte> buffer);

    /// <summary>Host to device: as many bytes as there are, up to the buffer's length; fewer is not incorrect length.</summary>
    int ReceiveAvailable(Span<byte> buffer);

    /// <summary>Device to host. Gives how many bytes the program took; fewer, or room left at the command's end, is incorrect length.</summary>
    int Send(ReadOnlySpan<byte> bytes);

    /// <summary>
    /// False once the channel has found an error (program, protection, channel-data check): nothing more moves, the device ends the command.
    /// </summary>
    bool IsGood { get; }
}
