using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Emulation.Fba;

/// <summary>
/// An emulated 9336 behind a 6310: one subchannel's view of a disk of blocks. What every control unit has is the base's; here is where a command may
/// stand, and what becomes of faults of the storage. A few hundred bytes while idle. Channel end and device end come together.
/// </summary>
public sealed class FbaDevice : ControlUnitDevice
{
    private readonly FbaVolume _volume;
    private readonly FbaOptions _options;
    private readonly ILogger _logger;
    private readonly FbaProgram _program;
    private CommandPlace _place;
    private UnitLines? _lines; // made by the first line: most devices never write one

    /// <summary>A device on <paramref name="volume"/>, which it keeps alive until it is disposed.</summary>
    public FbaDevice(FbaVolume volume, FbaOptions options, ILogger? logger = null)
        : base(
            (volume ?? throw new ArgumentNullException(nameof(volume))).Unit, (options ?? throw new ArgumentNullException(nameof(options))).Device,
            FbaSense.Size)
    {
        (_volume, _options, _logger) = (volume, options, logger ?? NullLogger.Instance);
        _program = new FbaProgram(volume, options, Sense);
    }

    /// <inheritdoc/>
    public override DeviceIdentity Identity => FbaIdentity.Identity;

    /// <inheritdoc/>
    public override CommandPlace Place => _place;

    private UnitLines Lines => _lines ??= new UnitLines(_logger, _options.Device, _volume.Name);

    /// <inheritdoc/>
    private protected override VolumeFigures? LookAtVolume() =>
        new VolumeFigures(_volume.Geometry.Bytes, _volume.Store.AllocatedBytes, _volume.Geometry.Blocks);

    /// <summary>The command's name in the architecture's spelling; null for a code this device does not know.</summary>
    public static string? CommandName(byte command) => FbaCommandTable.Find(command)?.Command.Name;

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string>> Describe()
    {
        yield return new("model", $"9336-{Identity.DeviceModel:X2} behind 6310-{Identity.ControlUnitModel:X2}");
        yield return new("blocks", $"{_volume.Geometry.Blocks} of {_volume.Geometry.BlockSize} bytes");
        yield return new("image", _volume.Name);
        yield return new("access", _program.IsReadOnly ? "read-only" : "read and write");
        if (_volume.SyncPolicy is { } sync)
            yield return new("sync", sync.ToString());
        string reserve, requests;
        lock (Unit.Gate)
        {
            (long read, long written, long zeroed) = _volume.Counts;
            requests = $"{read} blocks read, {written} written, {zeroed} made zeros";
            reserve = DescribeReserve();
        }
        yield return new("requests", requests);
        yield return new("reserved", reserve);
    }

    /// <inheritdoc/>
    internal override DeviceStatus Check(UnitFault fault) => _program.Check(fault switch
    {
        UnitFault.InvalidCommand or UnitFault.InvalidSequence or UnitFault.CountTooSmall or UnitFault.InvalidParameter => FbaSense.CommandReject,
        UnitFault.Gone => FbaSense.InterventionRequired,
        UnitFault.AllegianceTerminated => FbaSense.AllegianceTerminated,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    });

    /// <inheritdoc/>
    internal override void WriteNoSense(Span<byte> destination) => destination.Clear();

    /// <inheritdoc/>
    internal override void OnReserveTaken(DeviceId former) => Lines.ReserveTaken(former);

    private protected override UnitCommand? Find(byte command) => FbaCommandTable.Find(command);

    private protected override DeviceStatus? Judge(UnitCommand command)
    {
        bool inOrder = ((FbaRow)command).Place switch
        {
            FbaPlace.Anywhere => true,
            FbaPlace.BeforeExtent => _program.Extent is null,
            FbaPlace.AfterExtent => _program.Extent is not null,
            FbaPlace.AfterLocateRead => _program.Located is { Count: > 0, Writes: false },
            FbaPlace.AfterLocateWrite => _program.Located is { Count: > 0, Writes: true },
            _ => throw new ArgumentOutOfRangeException(nameof(command)),
        };
        return inOrder ? null : Check(UnitFault.InvalidSequence);
    }

    private protected override DeviceStatus Perform(UnitCommand command, IDataTransfer data)
    {
        FbaLocation located = _program.Located;
        _program.Located = default; // it is the next command's alone
        _place = located.Count > 0 ? CommandPlace.OfBlock(located.Block) : default;
        try
        {
            var row = (FbaRow)command;
            return row.Common is { } common ? common(this, data) : row.Handler!(_program, located, data);
        }
        catch (Exception e) when (ImageException.Of(e) is { } fault)
        {
            Lines.Storage(fault.Message);
            return _program.Check(FbaSense.EquipmentCheck);
        }
    }

    private protected override void BeginChain() => _program.Begin();

    private protected override void AbandonChain()
    {
        if (TryEndWrites() is { } fault)
            Lines.AbandonedWrite(fault);
        _program.Begin();
    }

    private protected override DeviceStatus Conclude(DeviceStatus status)
    {
        if (TryEndWrites() is not { } fault)
            return status;
        Lines.Storage(fault);
        return _program.Check(FbaSense.EquipmentCheck);
    }

    private protected override void OnUnitCheck(byte command)
    {
        if (_logger.IsEnabled(LogLevel.Debug))
        {
            UnitLog.UnitCheck(
                _logger, _options.Device.ToString(), CommandName(command) ?? "unknown command", command, _program.LastSense.ToString());
        }
    }

    private protected override void Close(bool isLast)
    {
        _lines?.Dispose();
        if (isLast)
            _volume.Dispose();
    }

    /// <summary>What was written goes to stable storage where the policy says so; gives why it could not, or null.</summary>
    private string? TryEndWrites()
    {
        if (!_program.Wrote || Unit.IsGone)
            return null;
        _program.Wrote = false;
        try
        {
            _volume.Store.EndProgram();
            return null;
        }
        catch (ImageException fault)
        {
            return fault.Message;
        }
    }
}
