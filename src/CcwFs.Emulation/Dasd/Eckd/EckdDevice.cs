using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// An emulated 3390 behind a 3990: one subchannel's view of an <see cref="EckdVolume"/>. What every control unit has is the base's; here are the
/// rules of ECKD programs (<see cref="ChainState"/>: orientation, extent, file mask, domain) and what becomes of the tracks that they change. A few
/// hundred bytes while idle. Channel end and device end come together.
/// </summary>
public sealed class EckdDevice : ControlUnitDevice, ISpaceWatcher
{
    private readonly ILogger _logger;
    private EckdLines? _lines;      // made by the first line: most devices never write one
    private EckdProgram? _program; // made by the first program: most devices of a large mount have none

    /// <summary>A device on <paramref name="volume"/>, which it keeps alive until it is disposed.</summary>
    public EckdDevice(EckdVolume volume, EckdOptions options, ILogger? logger = null)
        : base(
            (volume ?? throw new ArgumentNullException(nameof(volume))).Unit, (options ?? throw new ArgumentNullException(nameof(options))).Device,
            EckdSense.Size)
    {
        (Volume, Options, _logger) = (volume, options, logger ?? NullLogger.Instance);
        if (EckdProgram.IsOnDemand(options))
            volume.Watch(this);
    }

    /// <inheritdoc/>
    public override DeviceIdentity Identity => IdentityData.Identity(Volume.Geometry);

    /// <summary>The volume, shared with other devices.</summary>
    public EckdVolume Volume { get; }

    /// <summary>What the device was made with.</summary>
    public EckdOptions Options { get; }

    /// <summary>The command's name in the architecture's spelling, e.g. READ DATA; null for a code this device does not know.</summary>
    public static string? CommandName(byte command) => CommandTable.Find(command)?.Command.Name;

    /// <inheritdoc/>
    public override CommandPlace Place => _program?.Place ?? default;

    private EckdLines Lines => _lines ??= new EckdLines(_logger, Options.Device, Volume);

    private EckdProgram Program => _program ??= new EckdProgram(Volume, Options, FeatureTable.Of(Options.Profile), Sense);

    /// <inheritdoc/>
    private protected override VolumeFigures? LookAtVolume() => Volume.Figures;

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string>> Describe()
    {
        yield return new("model", $"3390-{Identity.DeviceModel:X2} behind 3990-{Identity.ControlUnitModel:X2}");
        yield return new("cylinders", $"{Volume.Geometry.Cylinders} of {Volume.Geometry.Heads} tracks");
        yield return new("image", Volume.Name);
        foreach (KeyValuePair<string, string> fact in Volume.Describe())
            yield return fact;
        yield return new("access", Program.IsReadOnly ? "read-only" : "read and write");
        if (Volume.SyncPolicy is { } sync)
            yield return new("sync", sync.ToString());
        yield return new("serial", Options.ShownSerial);
        yield return new("subsystem", $"{Options.SubsystemId:X4} unit address {Options.UnitAddress:X2}");
        yield return new("profile", Options.Profile.ToString().ToLowerInvariant());
        string reserve, groups, requests, space;
        lock (Unit.Gate)
        {
            VolumeStatistics statistics = Volume.Statistics;
            requests = $"{statistics.Reads} reads, {statistics.Writes} writes, {statistics.Hits} out of the cache";
            space = !Program.IsSpaceEfficient ? "all cylinders"
                : $"on demand (ESE), {Volume.AllocatedCylinders()} cylinders in use{(Volume.IsOutOfSpace ? ", no space left" : "")}";
            reserve = DescribeReserve();
            groups = Sharer.PathGroups.Describe();
        }
        yield return new("space", space);
        yield return new("requests", requests);
        yield return new("reserved", reserve);
        yield return new("path groups", groups);
    }

    /// <inheritdoc/>
    void ISpaceWatcher.OnSpaceAgain()
    {
        Lines.SpaceAgain();
        Program.Messages.Announce();
        RaiseAttention();
    }

    /// <inheritdoc/>
    internal override ReadOnlySpan<uint> CommandInformation => IdentityData.CommandInformation;

    /// <inheritdoc/>
    internal override DeviceStatus Check(UnitFault fault) => Program.Check(fault switch
    {
        UnitFault.InvalidCommand => EckdSense.CommandReject(SenseMessage.InvalidCommand),
        UnitFault.InvalidSequence => EckdSense.CommandReject(SenseMessage.InvalidSequence),
        UnitFault.CountTooSmall => EckdSense.CommandReject(SenseMessage.CountTooSmall),
        UnitFault.InvalidParameter => EckdSense.CommandReject(SenseMessage.InvalidParameter),
        UnitFault.Gone => EckdSense.InterventionRequired,
        UnitFault.AllegianceTerminated => EckdSense.AllegianceTerminated,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    });

    /// <inheritdoc/>
    /// <remarks>In the 24-byte format, as all sense here: see <see cref="EckdSense"/>.</remarks>
    internal override void WriteNoSense(Span<byte> destination) => Program.WriteSense(EckdSense.None, destination, addressValid: false);

    /// <inheritdoc/>
    internal override void OnReserveTaken(DeviceId former) => Lines.ReserveTaken(former);

    private protected override UnitCommand? Find(byte command) => CommandTable.Find(command, Options.Profile);

    private protected override DeviceStatus? Judge(UnitCommand command)
    {
        var row = (CommandRow)command;
        ref ChainState chain = ref Program.Chain;
        bool inOrder =
            (chain.Prepared.IsEmpty || row.Code == SubsystemCommands.ReadSubsystemDataCode)
            && !(row.Has(Rules.BeforeExtent) && chain.Extent.By != Limits.None)
            && !(row.Has(Rules.AfterExtent) && chain.Extent.By != Limits.Extent)
            && !(row.Has(Rules.Positioned) && !chain.At.IsKnown)
            && (chain.Domain.IsOpen ? chain.Domain.Allows(row.Domain) : AllowedOutsideDomain(row));
        if (!inOrder)
            return Check(UnitFault.InvalidSequence);
        if (row.Write == WriteClass.None)
            return null;
        if (Program.IsReadOnly)
            return Program.Check(EckdSense.WriteInhibited);
        return chain.Extent.Mask.Allows(row.Write) ? null : Check(UnitFault.InvalidSequence);
    }

    private protected override DeviceStatus Perform(UnitCommand command, IDataTransfer data)
    {
        try
        {
            DeviceStatus status = Run((CommandRow)command, data);
            return Volume.MustCommit && !TryCommit(isEarly: true) ? UnitStatus.Failed : status;
        }
        catch (Exception e) when (ImageException.Of(e) is { } fault)
        {
            return Program.Check(Tell(fault));
        }
        catch (TornTrackException e)
        {
            Lines.Damage(e);
            return Program.Check(EckdSense.DataCheck);
        }
    }

    private protected override void BeginChain() => Program.Begin();

    private protected override void AbandonChain()
    {
        if (_program is null)
            return;
        try
        {
            Volume.Commit(Program);
        }
        catch (Exception e) when (ImageException.Of(e) is { } fault)
        {
            Lines.AbandonedWrite(fault.Message);
        }
        Program.Begin();
    }

    private protected override DeviceStatus Conclude(DeviceStatus status)
    {
        ref ChainState chain = ref Program.Chain;
        if (chain.Wrote || chain.Domain.IsOpen)
            status = ConcludeWrites(status);
        if (chain.At.IsKnown)
            Volume.Statistics.Count(chain.Extent.Cache, chain.Wrote, !chain.Missed);
        return status;
    }

    private protected override void ForgetAll() => _program?.Messages.Clear();

    private protected override void OnUnitCheck(byte command)
    {
        if (_logger.IsEnabled(LogLevel.Debug))
        {
            UnitLog.UnitCheck(
                _logger, Options.Device.ToString(), CommandName(command) ?? "unknown command", command, Program.LastSense.ToString());
        }
    }

    private protected override void Close(bool isLast)
    {
        Volume.Unwatch(this);
        _lines?.Dispose();
        if (isLast)
            Volume.Dispose();
    }

    private DeviceStatus Run(CommandRow row, IDataTransfer data)
    {
        ref ChainState chain = ref Program.Chain;
        (chain.Previous, chain.Link) = (chain.Link, Link.None);
        if (!row.Has(Rules.KeepsIndex))
            chain.At.IndexPassed = false;
        bool inDomain = chain.Domain.IsOpen;
        DeviceStatus status = row.Common is { } common ? common(this, data) : row.Handler!(Program, row, data);
        if (!row.Has(Rules.KeepsIndex))
            chain.At.IndexPassed = false; // on the way to the data
        if (inDomain && (status & DeviceStatus.UnitCheck) == 0)
            chain.EndInDomain(row.Domain);
        chain.ChannelFailed |= !data.IsGood;
        return status;
    }

    private bool AllowedOutsideDomain(CommandRow row) =>
        !row.Has(Rules.InDomain) && (row.Needs == Link.None || (Program.Chain.Link & row.Needs) != 0);

    private DeviceStatus ConcludeWrites(DeviceStatus status)
    {
        if (!TryCommit())
            return UnitStatus.Failed;
        bool endedWell = (status & (DeviceStatus.UnitCheck | DeviceStatus.UnitException)) == 0;
        bool isIncomplete = endedWell && Program.Chain.Domain.LacksWrites && !Program.Chain.ChannelFailed;
        return isIncomplete ? Program.Check(EckdSense.IncompleteDomain) : status;
    }

    private bool TryCommit(bool isEarly = false)
    {
        try
        {
            if (isEarly)
                Volume.CommitEarly(Program);
            else
                Volume.Commit(Program);
        }
        catch (Exception e) when (ImageException.Of(e) is { } fault)
        {
            bool noSpace = Program.IsSpaceEfficient && Volume.IsOutOfSpace;
            if (noSpace)
                Lines.OutOfSpace(fault.Message);
            return Program.Refuse(noSpace ? EckdSense.OutOfSpace : Tell(fault));
        }
        ref ChainState chain = ref Program.Chain;
        if (!chain.Wrote || chain.LostWritesBefore == Volume.LostWrites)
            return true;
        Lines.WritesLost();
        return Program.Refuse(EckdSense.EquipmentCheck);
    }

    /// <summary>Says what is wrong with the storage; gives the sense of it.</summary>
    private EckdSense Tell(ImageException fault)
    {
        if (fault.IsBeyondFormat)
            Lines.BeyondFormat(fault.Message);
        else
            Lines.Storage(fault.Message);
        return fault.IsBeyondFormat ? EckdSense.WriteInhibited : EckdSense.EquipmentCheck;
    }
}
