using System.CommandLine;
using CcwFs.Control;
using CcwFs.Fuse;
using CcwFs.Service;

namespace CcwFs.Cli.Verbs;

/// <summary><c>ccwfs umount [MOUNTPOINT]</c>.</summary>
internal static class UmountCommand
{
    internal static Command Create()
    {
        var mountPoint = new Argument<string?>("MOUNTPOINT")
        {
            HelpName = "MOUNTPOINT",
            Description = "The mount point. The default is /run/ccwfs for root and $XDG_RUNTIME_DIR/ccwfs for others.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("umount", "Unmount a ccwfs and end it.") { mountPoint };
        command.SetAction(result =>
        {
            string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(result.GetValue(mountPoint) ?? Places.MountPoint));
            if (MountTable.Find(path) is not { Type: "fuse.ccwfs" } mount)
                throw new CommandException($"no ccwfs is mounted at {path}");
            return Unmount(mount, result.InvocationConfiguration.Error);
        });
        return command;
    }

    /// <summary>Says who holds a mount that is to be detached lazily.</summary>
    private static void TellBusy(string path, IEnumerable<MountHolder> holders, TextWriter error) =>
        error.WriteLine($"ccwfs: {path} is in use by {MountUsers.Of(holders)}; detaching it lazily");

    /// <summary>
    /// Ends the ccwfs of a mount, unless a process can reach it by another mount: a place where it is bound to, or one in another mount namespace by
    /// which files are open. Those are named, and it goes on for them. Who has files open by this mount loses them.
    /// </summary>
    private static int Unmount(MountEntry mount, TextWriter error)
    {
        using MountedServer server = MountedServer.Ask(mount, error);
        string[] bound = [.. MountTable.Read().Where(m => m.Device == mount.Device && m.MountPoint != mount.MountPoint).Select(m => m.MountPoint)];
        IReadOnlySet<int> ours = MountTable.IdsOf(mount.Device);
        IReadOnlyList<MountHolder> holders = MountHolder.FindAll(mount);
        MountHolder[] elsewhere = [.. holders.Where(holder => holder.IsOpen && !ours.Contains(holder.MountId))];
        if (holders.Count > elsewhere.Length)
            TellBusy(mount.MountPoint, holders.Except(elsewhere), error); // now: some end with their devices
        bool ends = server.CanEnd && bound.Length == 0 && elsewhere.Length == 0;
        IReadOnlyList<string> problems = ends ? server.End() : [];
        if (!TryUnmount(mount, lazy: false))
        {
            if (holders.Count == 0 && !server.IsSilent) // else it is our own question that keeps it busy
                TellBusy(mount.MountPoint, holders, error);
            TryUnmount(mount, lazy: true);
        }
        foreach (string problem in problems)
            error.WriteLine($"ccwfs: {problem}");
        bool isUnused = server.EndsUnused && bound.Length == 0 && elsewhere.Length == 0;
        string? stays = server.HasEnded() || (isUnused && server.WaitForEnd()) ? null
            : isUnused ? $"{server.Name} does not end{(server.Remedy is { } remedy ? $"; {remedy}" : "")}"
            : Staying(server, bound, elsewhere);
        if (stays is not null)
            error.WriteLine($"ccwfs: {mount.MountPoint} is unmounted, but {stays}");
        return problems.Count == 0 && stays is null ? 0 : CommandException.Failed;
    }

    private static bool IsMounted(MountEntry mount) => MountTable.Find(mount.MountPoint)?.Device == mount.Device;

    /// <summary>False: it is busy. Who ends does it too, and may be faster.</summary>
    private static bool TryUnmount(MountEntry mount, bool lazy)
    {
        try
        {
            return !IsMounted(mount) || FuseMount.Unmount(mount.MountPoint, lazy);
        }
        catch (FuseMountException) when (!IsMounted(mount))
        {
            return true;
        }
    }

    private static string Staying(MountedServer server, string[] bound, MountHolder[] elsewhere)
    {
        List<string> reasons = [.. bound.Select(place => $"it is mounted at {place} too, see: ccwfs umount {ShellText.Quote(place)}")];
        if (elsewhere.Length > 0)
        {
            string pids = string.Join(" ", elsewhere.Select(holder => holder.Pid).Distinct());
            string users = MountUsers.Of(elsewhere);
            reasons.Add($"it is in use through another mount of it (of another mount namespace, or detached) by {users}, which root can end: kill {pids}");
        }
        if (server.Trouble is { } trouble)
            reasons.Add(trouble);
        if (server.Remedy is { } remedy)
            reasons.Add(remedy);
        return $"{server.Name} goes on: {string.Join("; ", reasons)}";
    }
}
