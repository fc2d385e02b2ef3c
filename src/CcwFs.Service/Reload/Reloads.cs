using System.Threading.Channels;
using CcwFs.Linux;
using CcwFs.Service.Images;
using CcwFs.Service.Logs;
using CcwFs.Service.Settings;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Reload;

/// <summary>Reads the configuration again when asked to (SIGHUP), one reload after the other. Running I/O is not touched.</summary>
/// <param name="running">What the mount was made with.</param>
/// <param name="read">Reads options and configuration again; gives every error.</param>
/// <param name="devices">The devices to change.</param>
/// <param name="logs">What to change the level of.</param>
/// <param name="lines">Where to tell.</param>
/// <param name="manager">Whom to tell too.</param>
internal sealed class Reloads(
    MountSettings running, Func<(MountSettings Settings, IReadOnlyList<string> Errors)> read, ConfiguredDevices devices, LogOutput logs,
        ReloadLog lines,
    ServiceManager manager)
{
    private readonly Channel<bool> _asked = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Asks for a reload. One that has not begun yet does for several requests. From any thread.</summary>
    internal void Ask() => _asked.Writer.TryWrite(true);

    /// <summary>
    /// Carries out what is asked for; <paramref name="status"/>: the line for the service manager afterwards. Ends with <paramref name="end"/>.
    /// </summary>
    internal async Task RunAsync(Func<string> status, CancellationToken end)
    {
        try
        {
            await foreach (bool _ in _asked.Reader.ReadAllAsync(end).ConfigureAwait(false))
            {
                manager.Reloading();
                string result = await Waiting.Run(Reload).ConfigureAwait(false);
                manager.Ready($"{status()}; {result}");
            }
        }
        catch (OperationCanceledException)
        {
            // The mount ends.
        }
    }

    private string Reload()
    {
        ILogger log = lines.Next();
        try
        {
            (MountSettings wanted, IReadOnlyList<string> errors) = read();
            if (errors.Count == 0)
            {
                foreach (string key in wanted.NeedNewMount(running))
                    ServiceLog.NeedsNewMount(log, key);
                ReloadPlan plan = devices.Plan(DefaultVolume.Or(wanted.Devices));
                foreach (string line in plan.Lines)
                    ServiceLog.Planned(log, line);
                errors = devices.CarryOut(plan, change => ServiceLog.Changed(log, change));
                if (errors.Count == 0)
                    logs.SetLevel(wanted.LogLevel);
            }
            foreach (string error in errors)
                ServiceLog.Wrong(log, error);
            ServiceLog.Ended(log, errors.Count == 0 ? "done" : "failed");
            return errors.Count == 0 ? "configuration reloaded" : $"reload failed: {errors[0]}";
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            ServiceLog.Failed(log, error);
            return "reload failed; the log says why";
        }
    }
}
