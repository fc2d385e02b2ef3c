using System.Runtime.InteropServices;
using CcwFs.Control;
using CcwFs.Emulation.Channel;
using CcwFs.FileSystem;
using CcwFs.Fuse;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Service.Control;
using CcwFs.Service.Devices;
using CcwFs.Service.Images;
using CcwFs.Service.Logs;
using CcwFs.Service.Reload;
using CcwFs.Service.Settings;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service;

/// <summary>
/// One mounted ccwfs from its devices to the end of its session. Owns everything it makes; Dispose ends it in the reverse order.
/// </summary>
internal sealed class MountServer : IDisposable
{
    /// <summary>How long who asks for the end has to unmount (arbitrary): then we do it.</summary>
    private static readonly TimeSpan s_unmountPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long the end waits for a reload under way (arbitrary): one that hangs in a file is not waited for longer.</summary>
    private static readonly TimeSpan s_reloadPatience = TimeSpan.FromSeconds(5);

    /// <summary>How many devices a line about the end names (arbitrary).</summary>
    private const int MostNamed = 16;

    private readonly MountSettings _settings;
    private readonly bool _isDaemon;
    private readonly LogOutput _logs;
    private readonly ServiceManager _manager = new();
    private readonly ConfiguredDevices _configured;
    private readonly Reloads? _reloads;
    private readonly ReloadLog _reloadLog;
    private readonly VisibleLoggers _loggers;
    private readonly LogLimit _controlLines, _fileLines; // clients make requests as often as they like
    private readonly IMemoryStore _memory;
    private readonly ChannelExecutor _executor = new();
    private readonly SubchannelTable _table = new();
    private readonly VfioService _vfio;
    private readonly DeviceFactory _factory;
    private readonly Lazy<Task<IReadOnlyList<string>>> _closing; // what went wrong when the devices were closed
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously); // to end, by a client
    private readonly SignalWatch _signals = new();
    private readonly TaskCompletionSource _signalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _signalledAgain = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Makes the parts; nothing is mounted yet. <paramref name="reread"/>: reads options and configuration again; null: there is no configuration.
    /// </summary>
    internal MountServer(MountSettings settings, Func<(MountSettings Settings, IReadOnlyList<string> Errors)>? reread, bool isDaemon)
    {
        _ = SystemLimits.RaiseDescriptors(); // where that fails the limit stays, and who meets it is told
        _settings = settings;
        _isDaemon = isDaemon;
        _logs = new LogOutput(settings.Log, settings.LogLevel);
        _loggers = _logs.Loggers;
        ILogger log = _loggers.CreateLogger("mount");
        (_controlLines, _fileLines) = (LogLimit.Of(log, "requests of control"), LogLimit.Of(log, "requests of files"));
        _memory = GuestStorage.Open(settings.Memory ?? GuestStorage.Default, settings.Uid);
        _vfio = new VfioService(_loggers.CreateLogger("vfio"), owner: settings.Uid);
        _factory = new DeviceFactory(_table, new AddressSpace(IovaMap.Identity(_memory)), _executor, _loggers, settings.Uid);
        _configured = new ConfiguredDevices(_factory, _table, settings.Directory);
        _closing = new Lazy<Task<IReadOnlyList<string>>>(() => Waiting.Run(_factory.RemoveAll));
        _reloadLog = new ReloadLog(_loggers.CreateLogger("reload"));
        _reloads = reread is null ? null : new Reloads(settings, reread, _configured, _logs, _reloadLog, _manager);
    }

    /// <summary>The devices, in the order of their ids.</summary>
    internal IReadOnlyList<MountedSubchannel> Devices => _table.All;

    /// <inheritdoc/>
    public void Dispose()
    {
        _closing.Value.GetAwaiter().GetResult();
        _vfio.Dispose();
        _executor.Dispose();
        _factory.Dispose();
        (_memory as IDisposable)?.Dispose();
        _manager.Dispose();
        _reloadLog.Dispose();
        _controlLines.Dispose();
        _fileLines.Dispose();
        _logs.Dispose();
    }

    /// <summary>Mounts, tells <paramref name="mounted"/> where, serves until a signal or an unmount, and gives the exit status.</summary>
    internal async Task<int> RunAsync(Action<string> mounted)
    {
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, OnSignal);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnHangUp);
        if (_settings.Transport == FuseTransport.Rings)
            FuseSession.RequireRings();
        string path = PrepareMountPoint();
        (uint? owner, uint? group) = (_settings.Uid, _settings.Gid);
        FuseSession? serving = null;
        var control = new ControlService(
            _table, _factory, () => MountFacts.Of(path, _table, _settings.Transport, serving), CloseAsync,
            new LimitedLogger(_loggers.CreateLogger("control"), _controlLines));
        var tree = new CcwTree(
            _table, _memory, control.Open, _vfio,
            new TreeOwner(owner ?? Descriptors.EffectiveUser, group ?? Descriptors.EffectiveGroup, _settings.FileMode));

        // The kernel lets in nobody but the mount's user otherwise, us neither, and BIND asks our own files. The modes of the files keep others out.
        bool forAnother = Descriptors.EffectiveUser == 0 && owner is not (null or 0);
        using FuseMount mount = FuseMount.Mount(path, new FuseMountOptions
        {
            AllowOther = _settings.AllowOther || forAnother,
            Owner = owner,
            Group = group,
        });
        _factory.MountPoint = path;
        ILogger log = _loggers.CreateLogger("mount");
        _ = EndAtOnceAsync(mount, log);
        if (!await AddDevicesAsync(mount).ConfigureAwait(false))
            return 0;
        using var session = new FuseSession(
            mount.Device, tree, new FuseSessionOptions { Transport = _settings.Transport },
            new LimitedLogger(_loggers.CreateLogger("fuse"), _fileLines));
        tree.Attach(serving = session);
        session.Start();
        await session.Ready.ConfigureAwait(false);
        using var watch = new MountWatch(mount, session);
        MountLog.Mounted(log, OwnProgram.Version, path, _table.Count, session.UsesRings ? "io_uring" : "/dev/fuse");
        mounted(path);
        string Status() => $"{_table.Count} subchannels at {path}";
        _manager.Ready(Status());
        using var end = new CancellationTokenSource();
        Task reloading = _reloads?.RunAsync(Status, end.Token) ?? Task.CompletedTask;
        await ServeAsync(mount, session, watch, log).ConfigureAwait(false);
        if (session.Broken.IsCompleted)
            mount.End(); // first: who looks at its files, for who keeps it busy say, would wait for ever, and we with him
        _manager.Stopping();
        await end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(reloading, Task.Delay(s_reloadPatience, CancellationToken.None)).ConfigureAwait(false);
        await LeaveAsync(mount, session, watch, log).ConfigureAwait(false);
        MountLog.Unmounted(log, path);
        IReadOnlyList<string> problems = await _closing.Value.ConfigureAwait(false);
        return problems.Count == 0 && !session.Broken.IsCompleted ? 0 : CommandException.Failed;
    }

    /// <summary>A client asks for the end: it hears what went wrong with the devices while it can still be answered.</summary>
    private async Task<IReadOnlyList<string>> CloseAsync()
    {
        _manager.Stopping();
        IReadOnlyList<string> problems = await _closing.Value.ConfigureAwait(false);
        _asked.TrySetResult();
        return problems;
    }

    /// <summary>
    /// Until a signal, a client that asks for the end, or an unmount. A process that has files open by a mount in another namespace, or by one that
    /// was detached, goes on after it; a mount that is merely left there does not keep the images.
    /// </summary>
    private async Task ServeAsync(FuseMount mount, FuseSession session, MountWatch watch, ILogger log)
    {
        Task ended = Task.WhenAny(session.Completion, session.Broken, _signalled.Task, _asked.Task);
        await Task.WhenAny(ended, watch.Gone).ConfigureAwait(false);
        if (!ended.IsCompleted && !_closing.IsValueCreated && session.OpenFiles > 0)
            MountLog.StillUsed(log, mount.Path, MountUsers.Of(mount.FindHolders().Where(holder => holder.IsOpen)));
        await Task.WhenAny(ended, watch.Unused).ConfigureAwait(false);
        if (!ended.IsCompleted && mount.FindElsewhere() is { Count: > 0 } left)
            MountLog.LeftBehind(log, mount.Path, MountUsers.Of(left));
    }

    /// <summary>Unmounts, if nobody has done it; held requests end.</summary>
    private async Task LeaveAsync(FuseMount mount, FuseSession session, MountWatch watch, ILogger log)
    {
        if (_asked.Task.IsCompleted) // it unmounts when it has read the answer
            await Task.WhenAny(session.Completion, watch.Gone, _signalled.Task, Task.Delay(s_unmountPatience, CancellationToken.None))
                .ConfigureAwait(false);
        if (session.Completion.IsCompleted)
            return;
        if (!watch.Gone.IsCompleted && !mount.Unmount(lazy: false))
        {
            MountLog.Busy(log, mount.Path, MountUsers.Of(mount.FindHolders()));
            mount.Unmount(lazy: true);
        }
        session.EndHeld();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true; // we end in our own order
        Signalled();
    }

    private void Signalled()
    {
        SignalMeaning meaning = _signals.Take();
        if (meaning == SignalMeaning.End)
            _signalled.TrySetResult();
        else if (meaning == SignalMeaning.AtOnce)
            _signalledAgain.TrySetResult();
    }

    /// <summary>
    /// After a second signal nothing is waited for any more: a disk that does not answer may take for ever. What is not closed is said.
    /// </summary>
    private async Task EndAtOnceAsync(FuseMount mount, ILogger log)
    {
        await _signalledAgain.Task.ConfigureAwait(false);
        IReadOnlyList<string> left = _factory.NotClosed();
        string some = string.Join(", ", left.Take(MostNamed)) + (left.Count > MostNamed ? $" and {left.Count - MostNamed} more" : "");
        MountLog.EndedAtOnce(log, left.Count == 0 ? "nothing" : some);
        try
        {
            mount.Unmount(lazy: true);
        }
        catch (Exception error) when (error is FuseMountException or ObjectDisposedException)
        {
            // Not permitted any more: the next mount replaces it. Or it is done.
        }
        _logs.Loggers.Dispose(); // the line is written, if standard error takes it
        Environment.Exit(CommandException.Failed);
    }

    /// <summary>A terminal that goes away ends what has no configuration to read again; a daemon has left its terminal.</summary>
    private void OnHangUp(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_reloads is not null)
            _reloads.Ask();
        else if (_isDaemon)
            ServiceLog.NothingToReload(_reloadLog.Next());
        else
            Signalled();
    }

    /// <summary>
    /// The mount point was judged first: with two faults, that is the one to hear of. Without devices there is no mount. Thousands of devices, or a
    /// file that hangs, take a while: false when a signal has ended it meanwhile.
    /// </summary>
    private async Task<bool> AddDevicesAsync(FuseMount mount)
    {
        try
        {
            Task<bool> adding = Waiting.Run(() =>
            {
                AddDevices();
                return true;
            });
            if (await Task.WhenAny(adding, _signalled.Task).ConfigureAwait(false) == adding)
                return await adding.ConfigureAwait(false);
            _factory.Stop();
            await Task.WhenAny(adding, Task.Delay(s_reloadPatience)).ConfigureAwait(false);
            mount.Unmount(lazy: true);
            return false;
        }
        catch
        {
            mount.Unmount(lazy: true);
            throw;
        }
    }

    private void AddDevices()
    {
        foreach (DeviceSpec spec in DefaultVolume.Or(_settings.Devices))
            _configured.Add(spec);
    }

    /// <summary>The default mount point is made when it is not there; another one must exist, as for mount(8).</summary>
    private string PrepareMountPoint()
    {
        string path = _settings.MountPoint ?? Places.MountPoint;
        if (FileDescriptor.Status(path, follow: true, out _) == -(int)Mono.Unix.Native.Errno.ENOENT)
        {
            SettingsCheck.RefuseNoParent(_settings, path);
            Directory.CreateDirectory(path);
        }
        return path;
    }
}
