using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;
using CcwFs.Emulation.Channel;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Replay;

/// <summary>
/// A device that answers as the recorded one did: with its data, status and sense, and with status of its own where that came. A program that was not
/// recorded there ends with equipment check, and the log and <see cref="Describe"/> say what was expected. Times are not replayed.
/// </summary>
public sealed class ReplayDevice : IChannelDevice
{
    private const DeviceStatus Well = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;
    private const byte EquipmentCheck = 0x10; // sense byte 0 of every family
    private const int SenseSize = 32;

    private readonly ReplayedVolume _volume;
    private readonly DeviceId _number;
    private readonly ILogger _logger;
    private readonly LogLimit _lines;
    private readonly ReplayPosition _position;
    private readonly byte[] _sense = new byte[SenseSize];
    private byte[] _written = [];
    private int _senseLength;
    private volatile string? _divergence;

    /// <summary>A device that replays a recording; <paramref name="isLoose"/>: in any order, by what programs have in them.</summary>
    public ReplayDevice(ReplayedVolume volume, DeviceId number, bool isLoose, ILogger logger)
    {
        (_volume, _number, _logger, IsLoose) = (volume, number, logger, isLoose);
        _lines = LogLimit.Of(logger, "programs that were not recorded", new SubchannelId(number.CssId, number.SetId, number.Number));
        _position = new ReplayPosition(volume.Recording, isLoose);
        Trace.Views.DevicePayload device = volume.Recording.Device;
        Identity = new DeviceIdentity(device.ControlUnitType, device.ControlUnitModel, device.DeviceType, device.DeviceModel);
    }

    /// <inheritdoc/>
    public DeviceIdentity Identity { get; }

    /// <summary>The SCHIB when the recording began.</summary>
    public Schib Recorded => _volume.Recording.Device.Schib;

    /// <inheritdoc/>
    public Action<DeviceStatus>? Unsolicited { get; set; }

    /// <inheritdoc/>
    public Action? NoLongerBusy { get; set; }

    /// <inheritdoc/>
    public Action<DeviceStatus>? DeviceEnd { get; set; }

    /// <summary>In any order.</summary>
    internal bool IsLoose { get; }

    /// <summary>A channel report came here when the recording was made; set once.</summary>
    internal Action<Crw>? Reported { get; set; }

    /// <summary>The recorded status of the program that ended last, where a channel check is in it, which no device can give.</summary>
    internal Irb? ChannelCheck { get; set; }

    /// <inheritdoc/>
    public void BeginProgram(int path)
    {
        ChannelCheck = null;
        _position.Begin();
    }

    /// <inheritdoc/>
    public DeviceStatus Execute(byte command, IDataTransfer data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (_position.Take(command) is not { } recorded)
            return Diverge(command, "");
        CommandSet commands = _volume.Recording.Commands;
        if (CommandCode.MovesToStorage(command))
        {
            if (!recorded.Read.IsWhole)
                return Diverge(command, "; what it read then is not in the recording: record with --data");
            if (recorded.Read.Length > 0)
                data.Send(recorded.Read.Bytes.Span);
        }
        else if (recorded.Written.Length > 0 || commands.DirectionOf(command) == CommandDirection.Output)
        {
            if (_written.Length == 0)
                _written = new byte[RecordedCommand.LargestWrite];
            int length = data.ReceiveAvailable(_written);
            if (_position.Write(command, _written.AsSpan(0, length)) is not { } fitting)
                return Diverge(command, ", with other data");
            recorded = fitting;
        }
        DeviceStatus status = Answer(recorded);
        _position.Pass();
        return status;
    }

    /// <inheritdoc/>
    public DeviceStatus EndProgram(DeviceStatus status)
    {
        RecordedItem[] following = _position.End();
        if (following.Length > 0)
            ThreadPool.QueueUserWorkItem(_ => Present(following)); // the channel is in the middle of the program's end
        return status;
    }

    /// <inheritdoc/>
    public void AbandonProgram(bool reset) => _position.End();

    /// <inheritdoc/>
    public void LosePath(int path)
    {
    }

    /// <inheritdoc/>
    public int TakeSense(Span<byte> destination)
    {
        int length = Math.Min(_senseLength, destination.Length);
        _sense.AsSpan(0, length).CopyTo(destination);
        _senseLength = 0;
        return length;
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Describe()
    {
        yield return new("recording", _volume.Name);
        yield return new("order", IsLoose ? "loose: by what programs have in them" : "strict: as recorded");
        yield return new("replayed", string.Create(CultureInfo.InvariantCulture, $"up to program {_position.Passed} of {_position.Count}"));
        yield return new("diverged", _divergence ?? "never");
    }

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();

    private DeviceStatus Answer(RecordedCommand recorded)
    {
        const SubchannelStatus Checks = SubchannelStatus.ChannelDataCheck | SubchannelStatus.ChannelControlCheck
            | SubchannelStatus.InterfaceControlCheck | SubchannelStatus.ChainingCheck;
        RecordedProgram program = _position.Program!;
        bool isLast = program.Commands[^1] == recorded;
        Irb final = program.Final;
        if (isLast && (final.Scsw.Subchannel & Checks) != 0)
        {
            ChannelCheck = final;
            _senseLength = 0;
            return Well | DeviceStatus.UnitCheck; // it ends the chain
        }
        if ((recorded.Status & DeviceStatus.UnitCheck) != 0 && IrbSummary.ConcurrentSense(final) is var sense)
        {
            sense.CopyTo(_sense);
            _senseLength = sense.Length;
        }
        return (recorded.Status & DeviceStatus.ChannelEnd) != 0 ? recorded.Status | DeviceStatus.DeviceEnd : recorded.Status | Well;
    }

    /// <summary>A command that was not recorded here: equipment check.</summary>
    private DeviceStatus Diverge(byte command, string how)
    {
        CommandSet commands = _volume.Recording.Commands;
        string expected = _position.Expected is { } next
            ? string.Create(CultureInfo.InvariantCulture, $"program {next.Number}: {string.Join(", ", next.Commands.Take(4).Select(c => commands.WordOf(c.Code)))}")
            : "nothing, for the recording has ended";
        string line = $"{commands.WordOf(command)}{how}; expected was {expected}";
        _divergence = line;
        _position.GiveUp();
        if (_lines.May())
            ReplayLog.Diverged(_logger, _number.ToString(), line);
        _sense.AsSpan().Clear();
        (_sense[0], _senseLength) = (EquipmentCheck, SenseSize);
        return Well | DeviceStatus.UnitCheck;
    }

    private void Present(RecordedItem[] items)
    {
        foreach (RecordedItem item in items)
        {
            if (item is RecordedStatus { Irb: var irb })
                Unsolicited?.Invoke(irb.Scsw.Device);
            else if (item is RecordedReport { Crw: var crw })
                Reported?.Invoke(crw);
        }
    }
}
