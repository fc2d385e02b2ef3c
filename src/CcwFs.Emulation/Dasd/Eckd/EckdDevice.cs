using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// An emulated 3390 behind a 3990: one subchannel's view of an <see cref="EckdVolume"/>. Holds what belongs to the subchannel (path groups, sense)
/// and to its running program (<see cref="ChainState"/>); a few hundred bytes while idle. Channel end and device end come together.
/// A command passes one gate (<see cref="Judge"/>: known, not reserved elsewhere, allowed here, permitted by mask and volume) and then its handler.
/// </summary>
public sealed partial class EckdDevice : IChannelDevice
{
    /// <summary>Normal ending.</summary>
    internal const DeviceStatus Ended = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;

    /// <summary>Ending with sense; <see cref="Check"/> gives it.</summary>
    internal const DeviceStatus Failed = Ended | DeviceStatus.UnitCheck;

    private readonly ILogger _logger;
    private readonly PathGroups _pathGroups = new();
    private EckdSense _sense;
    private bool _sensePending;
    private int _senseTrack;
    private bool _disposed;

    /// <summary>A device on <paramref name="volume"/>, which it keeps alive until it is disposed.</summary>
    public EckdDevice(EckdVolume volume, EckdOptions options, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(volume);
        ArgumentNullException.ThrowIfNull(options);
        Volume = volume;
        Options = options;
        _logger = logger ?? NullLogger.Instance;
        volume.Attach(this);
        Chain = ChainState.Begin(volume.Geometry.Tracks);
    }

    /// <inheritdoc/>
    public DeviceIdentity Identity => IdentityData.Identity(Volume.Geometry);

    /// <summary>The volume, shared with other devices.</summary>
    public EckdVolume Volume { get; }

    /// <summary>What the device was made with.</summary>
    public EckdOptions Options { get; }

    /// <inheritdoc/>
    public Action<DeviceStatus>? Unsolicited { get; set; }

    /// <inheritdoc/>
    public Action? NoLongerBusy { get; set; }

    /// <summary>The running program's state.</summary>
    internal ChainState Chain;

    /// <summary>Path groups of this device's paths.</summary>
    internal PathGroups PathGroups => _pathGroups;

    /// <summary>The path the running program came on.</summary>
    internal int Path { get; private set; }

    /// <summary>The command's name in the architecture's spelling, e.g. READ DATA; null for a code this device does not know.</summary>
    public static string? CommandName(byte command) => CommandTable.Find(command)?.Command.Name;

    /// <inheritdoc/>
    public void BeginProgram(int path)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(path);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(path, PathGroups.Paths);
        Path = path;
        Chain = ChainState.Begin(Volume.Geometry.Tracks);
    }

    /// <inheritdoc/>
    public DeviceStatus Execute(byte command, IDataTransfer data)
    {
        ArgumentNullException.ThrowIfNull(data);
        DeviceStatus status;
        bool freed;
        lock (Volume.Gate)
        {
            bool held = Volume.ReservedBy is not null;
            status = ExecuteGuarded(command, data);
            _inProgram |= status != DeviceStatus.Busy;
            freed = held && Volume.ReservedBy is null;
        }
        if (freed)
            Volume.AnnounceFree();
        if ((status & DeviceStatus.UnitCheck) != 0 && _logger.IsEnabled(LogLevel.Debug))
            EckdLog.UnitCheck(_logger, Options.Device.ToString(), CommandName(command) ?? "unknown command", command, _sense);
        return status;
    }

    /// <inheritdoc/>
    public DeviceStatus EndProgram(DeviceStatus status)
    {
        bool awaited;
        lock (Volume.Gate)
        {
            status = Conclude(status);
            if (Chain.Positioned)
                Volume.Statistics.Count(Chain.Cache, Chain.Wrote, !Chain.Missed);
            awaited = LeaveProgram();
        }
        if (awaited)
            Volume.AnnounceFree();
        return status;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A reset forgets the path groups of all paths, not only of the one last used: whoever comes next would otherwise find paths grouped
    /// with an id that is not theirs and stay offline.
    /// </remarks>
    public void AbandonProgram(bool reset)
    {
        bool freed;
        lock (Volume.Gate)
        {
            CommitAbandoned();
            Chain = ChainState.Begin(Volume.Geometry.Tracks);
            freed = LeaveProgram() | ForgetPendingReserve();
            if (reset)
                freed |= Reset();
        }
        if (freed)
            Volume.AnnounceFree();
    }

    /// <inheritdoc/>
    /// <remarks>Always 32 bytes, in the 24-byte format: see <see cref="EckdSense"/>. A shorter destination gets the first bytes.</remarks>
    public int TakeSense(Span<byte> destination)
    {
        if (!_sensePending)
            return 0;
        Span<byte> sense = stackalloc byte[EckdSense.Size];
        WriteSense(sense);
        int length = Math.Min(sense.Length, destination.Length);
        sense[..length].CopyTo(destination);
        return length;
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Describe()
    {
        yield return new("model", $"3390-{Identity.DeviceModel:X2} behind 3990-{Identity.ControlUnitModel:X2}");
        yield return new("cylinders", $"{Volume.Geometry.Cylinders} of {Volume.Geometry.Heads} tracks");
        yield return new("image", Volume.Name);
        yield return new("access", IsReadOnly ? "read-only" : "read and write");
        if (Volume.SyncPolicy is { } sync && !Volume.IsReadOnly)
            yield return new("sync", sync.ToString());
        yield return new("serial", Options.ShownSerial);
        yield return new("subsystem", $"{Options.SubsystemId:X4} unit address {Options.UnitAddress:X2}");
        yield return new("profile", Options.Profile.ToString().ToLowerInvariant());
        string reserve, groups, requests, space;
        lock (Volume.Gate)
        {
            VolumeStatistics statistics = Volume.Statistics;
            requests = $"{statistics.Reads} reads, {statistics.Writes} writes, {statistics.Hits} out of the cache";
            space = !IsSpaceEfficient ? "all cylinders"
                : $"on demand (ESE), {Volume.AllocatedCylinders()} cylinders in use{(Volume.IsOutOfSpace ? ", no space left" : "")}";
            reserve = Volume.ReservedBy is not { } holder ? "no" : holder == this ? "by this device"
                : $"by {holder.Options.Device}{(_owesDeviceEnd ? ", this device was answered busy and waits" : "")}";
            groups = _pathGroups.Describe();
        }
        yield return new("space", space);
        yield return new("requests", requests);
        yield return new("reserved", reserve);
        yield return new("path groups", groups);
    }

    /// <summary>Writes what is changed, gives up the reserve and leaves the volume; the last device disposes it.</summary>
    public void Dispose()
    {
        bool freed;
        lock (Volume.Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            CommitAbandoned();
            freed = LeaveProgram() | Reset();
        }
        _lines?.Dispose();
        if (freed)
            Volume.AnnounceFree();
        Volume.Detach(this);
    }

    internal bool IsReadOnly => Options.ReadOnly || Volume.IsReadOnly;

    internal bool IsSpaceEfficient => Options.SpaceEfficient && Options.Profile >= EckdProfile.Linux;

    /// <summary>Makes sense; gives unit check.</summary>
    internal DeviceStatus Check(EckdSense sense)
    {
        _sense = sense;
        _senseTrack = Chain.Track;
        _sensePending = true;
        return Failed;
    }

    /// <summary>Writes the pending sense, or sense that says nothing is wrong, and forgets it.</summary>
    internal void WriteSense(Span<byte> destination)
    {
        int heads = Volume.Geometry.Heads;
        EckdSense sense = _sensePending ? _sense : EckdSense.None;
        int track = _sensePending ? _senseTrack : Chain.Track;
        var at = new TrackAddress(track / heads, track % heads);
        sense.Write(destination, Options.UnitAddress, at, addressValid: _sensePending && IsSpaceEfficient, Volume.Geometry.IsExtended);
        _sensePending = false;
    }

    private DeviceStatus ExecuteGuarded(byte command, IDataTransfer data)
    {
        try
        {
            DeviceStatus status = ExecuteGated(CommandTable.Find(command, Options.Profile), data);
            return Volume.MustCommit && !TryCommit() ? Failed : status;
        }
        catch (Exception e) when (StorageFault(e) is { } fault)
        {
            LogStorage(fault, outOfSpace: false);
            return Check(EckdSense.EquipmentCheck);
        }
        catch (TornTrackException e)
        {
            LogDamage(e);
            return Check(EckdSense.DataCheck);
        }
    }

    private DeviceStatus ExecuteGated(CommandRow? row, IDataTransfer data)
    {
        if (row is null || !row.Has(Rules.KeepsSense))
            _sensePending = false;
        if ((row is null || !row.Has(Rules.DespiteReserve)) && RefuseAsReserved() is { } refused)
            return refused;
        if (row is null)
            return Check(EckdSense.CommandReject(SenseMessage.InvalidCommand));
        if (_disposed || Volume.IsDisposed)
            return Check(EckdSense.InterventionRequired);
        (Chain.Previous, Chain.Link) = (Chain.Link, Link.None);
        if (Judge(row) is { } refusal)
            return Check(refusal);
        if (!row.Has(Rules.KeepsIndex))
            Chain.IndexPassed = false;
        Chain.Started = true;
        bool inDomain = Chain.Domain.IsOpen;
        DeviceStatus status = row.Handler(this, row, data);
        if (!row.Has(Rules.KeepsIndex))
            Chain.IndexPassed = false; // on the way to the data
        if (inDomain && (status & DeviceStatus.UnitCheck) == 0)
            Chain.EndInDomain(row.Domain);
        Chain.ChannelFailed |= !data.IsGood;
        return status;
    }

    private EckdSense? Judge(CommandRow row)
    {
        bool inOrder =
            (Chain.Prepared.IsEmpty || row.Code == SubsystemCommands.ReadSubsystemDataCode)
            && !(row.Has(Rules.First) && Chain.Started)
            && !(row.Has(Rules.BeforeExtent) && (Chain.ExtentDefined || Chain.MaskSet || Chain.IplRead))
            && !(row.Has(Rules.AfterExtent) && !(Chain.ExtentDefined || Chain.IplRead))
            && !(row.Has(Rules.Positioned) && !Chain.Positioned)
            && (Chain.Domain.IsOpen ? Chain.Domain.Allows(row.Domain) : AllowedOutsideDomain(row));
        if (!inOrder)
            return EckdSense.CommandReject(SenseMessage.InvalidSequence);
        if (row.Write == WriteClass.None)
            return null;
        if (IsReadOnly)
            return EckdSense.WriteInhibited;
        return Chain.Mask.Allows(row.Write) ? null : EckdSense.CommandReject(SenseMessage.InvalidSequence);
    }

    private bool AllowedOutsideDomain(CommandRow row) =>
        !row.Has(Rules.InDomain) && (row.Needs == Link.None || (Chain.Previous & row.Needs) != 0);

    private DeviceStatus Conclude(DeviceStatus status)
    {
        if (!Chain.Wrote && !Chain.Domain.IsOpen)
            return status;
        if (!TryCommit())
            return Failed;
        bool endedWell = (status & (DeviceStatus.UnitCheck | DeviceStatus.UnitException)) == 0;
        return endedWell && Chain.Domain.LacksWrites && !Chain.ChannelFailed ? Check(EckdSense.IncompleteDomain) : status;
    }

    private bool TryCommit()
    {
        try
        {
            Volume.Commit(this);
        }
        catch (Exception e) when (StorageFault(e) is { } fault)
        {
            bool noSpace = IsSpaceEfficient && Volume.IsOutOfSpace;
            LogStorage(fault, noSpace);
            Check(noSpace ? EckdSense.OutOfSpace : EckdSense.EquipmentCheck);
            return false;
        }
        if (!Chain.Wrote || Chain.LostWritesBefore == Volume.LostWrites)
            return true;
        LogWritesLost();
        Check(EckdSense.EquipmentCheck);
        return false;
    }

    private void CommitAbandoned()
    {
        try
        {
            Volume.Commit(this);
        }
        catch (Exception e) when (StorageFault(e) is { } fault)
        {
            LogAbandonedWrite(fault);
        }
    }

    /// <summary>The fault of a command's storage: that failed, or there is no memory for its tracks. Null: it is a fault of another kind.</summary>
    private static ImageException? StorageFault(Exception error) =>
        error as ImageException ?? (error is OutOfMemoryException ? new ImageException(ImageException.NoMemory, error) : null);
}
