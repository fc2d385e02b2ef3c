using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;

namespace CcwFs.Tests.Subchannel;

/// <summary>
/// A device of few commands that end at once: SENSE ID, NOP, SENSE, and what a test adds. Everything else is a command reject.
/// </summary>
internal sealed class TestDevice : IChannelDevice
{
    private readonly byte[] _sense = new byte[32];
    private int _senseLength;

    public TestDevice(ushort controlUnitType = 0x3832, byte model = 0x04, ushort deviceType = 0)
    {
        Identity = new DeviceIdentity(controlUnitType, model, deviceType, 0);
        Commands = new Dictionary<byte, Func<IDataTransfer, DeviceStatus>>
        {
            [0x03] = _ => Good,
            [0xE4] = SenseId,
            [0x04] = data =>
            {
                data.Send(_sense);
                _senseLength = 0;
                return Good;
            },
        };
    }

    /// <summary>One that says that it is a 3390: policies judge its programs as such.</summary>
    public static TestDevice Dasd => new(0x3990, 0xE9, 0x3390);

    public static DeviceStatus Good => DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;

    public DeviceIdentity Identity { get; }

    public Dictionary<byte, Func<IDataTransfer, DeviceStatus>> Commands { get; }

    public int Executed { get; private set; }

    public int Begun { get; private set; }

    public int LastPath { get; private set; } = -1;

    public int Abandoned { get; private set; }

    public int SystemResets { get; private set; }

    public bool IsDisposed { get; private set; }

    public DeviceStatus EndStatus { get; set; }

    public Action<DeviceStatus>? Unsolicited { get; set; }

    public Action? NoLongerBusy { get; set; }

    public Action<DeviceStatus>? DeviceEnd { get; set; }

    public List<int> LostPaths { get; } = [];

    public void LosePath(int path) => LostPaths.Add(path);

    public void BeginProgram(int path) => (Begun, LastPath) = (Begun + 1, path);

    public DeviceStatus Execute(byte command, IDataTransfer data)
    {
        Executed++;
        return Commands.TryGetValue(command, out Func<IDataTransfer, DeviceStatus>? run) ? run(data) : Reject();
    }

    public DeviceStatus Reject()
    {
        Array.Clear(_sense);
        (_sense[0], _senseLength) = (0x80, 32);
        return DeviceStatus.UnitCheck;
    }

    public DeviceStatus EndProgram(DeviceStatus status) => status | EndStatus;

    public void AbandonProgram(bool reset)
    {
        Abandoned++;
        SystemResets += reset ? 1 : 0;
    }

    public int TakeSense(Span<byte> destination)
    {
        _sense.AsSpan(0, _senseLength).CopyTo(destination);
        (int length, _senseLength) = (_senseLength, 0);
        return length;
    }

    public IEnumerable<KeyValuePair<string, string>> Describe() => [];

    public void Dispose() => IsDisposed = true;

    private DeviceStatus SenseId(IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[256];
        bytes.Clear();
        (bytes[0], bytes[1], bytes[2], bytes[3]) =
            (0xFF, (byte)(Identity.ControlUnitType >> 8), (byte)Identity.ControlUnitType, Identity.ControlUnitModel);
        data.Send(bytes);
        return Good;
    }
}
