using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Tests.ControlUnit;

/// <summary>
/// The least device kind: a counter that devices share, on top of the base. 01 WRITE sets it (4 bytes, only where the program has not read it), 02
/// READ gives it; 06 READ waits until the counter is <see cref="Ready"/>; 07 control ends with channel end, and <see cref="Finish"/> gives device
/// end. Sense has 2 bytes, the fault's number and the counter's lowest byte.
/// </summary>
internal sealed class Counter(SharedUnit unit, ushort number) : ControlUnitDevice(unit, new DeviceId(0, 0, number), senseSize: 2)
{
    private const int Size = 4;
    private readonly byte[] _value = new byte[Size];
    private bool _wasRead;

    public bool Ready { get; set; } = true;

    public void Finish() => PresentDeviceEnd(DeviceStatus.DeviceEnd);

    public override DeviceIdentity Identity => new(0xC0C0, 0x01, 0x0C0C, 0x02);

    public override IEnumerable<KeyValuePair<string, string>> Describe()
    {
        lock (Unit.Gate)
            return [new("counter", Convert.ToHexString(_value)), new("reserved", DescribeReserve())];
    }

    internal override DeviceStatus Check(UnitFault fault)
    {
        Span<byte> sense = Sense.Make();
        (sense[0], sense[1]) = ((byte)(1 + fault), _value[^1]);
        return UnitStatus.Failed;
    }

    internal override void WriteNoSense(Span<byte> destination) => destination.Clear();

    private protected override UnitCommand? Find(byte command) => command switch
    {
        0x01 or 0x02 or 0x07 => new Row(UnitRules.None, null, command),
        0x06 => new Row(UnitRules.First, null, command),
        0x03 => new Row(UnitRules.KeepsSense, CommonCommands.NoOperation, command),
        0x04 => new Row(UnitRules.KeepsSense | UnitRules.DespiteReserve, CommonCommands.Sense, command),
        0xE4 => new Row(UnitRules.DespiteReserve, CommonCommands.SenseId, command),
        0x34 => new Row(UnitRules.First | UnitRules.DespiteReserve, CommonCommands.SensePathGroupId, command),
        0xAF => new Row(UnitRules.First | UnitRules.DespiteReserve, CommonCommands.SetPathGroupId, command),
        0xB4 => new Row(UnitRules.First, CommonCommands.Reserve, command),
        0x94 => new Row(UnitRules.None, CommonCommands.Release, command),
        0x14 => new Row(UnitRules.First | UnitRules.DespiteReserve, CommonCommands.UnconditionalReserve, command),
        _ => null,
    };

    private protected override DeviceStatus? Judge(UnitCommand command) =>
        ((Row)command).Code == 0x01 && _wasRead ? Check(UnitFault.InvalidSequence) : null;

    private protected override DeviceStatus Perform(UnitCommand command, IDataTransfer data)
    {
        var row = (Row)command;
        if (row.Common is { } common)
            return common(this, data);
        if (row.Code == 0x01)
            return data.Receive(_value) == Size ? UnitStatus.Ended : Check(UnitFault.CountTooSmall);
        if (row.Code == 0x07)
            return DeviceStatus.ChannelEnd;
        if (row.Code == 0x06 && !Ready)
            return DeviceStatus.None;
        _wasRead = true;
        data.Send(_value);
        return UnitStatus.Ended;
    }

    private protected override void BeginChain() => _wasRead = false;

    private sealed record Row(UnitRules Unit, CommonHandler? Common, byte Code) : UnitCommand(Unit, Common);
}
