using System.CommandLine;
using CcwFs.Cli.Control;
using CcwFs.Cli.Mount;
using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Cli.Verbs;

/// <summary><c>ccwfs umount [MOUNTPOINT]</c>.</summary>
internal static class UmountCommand
{
    internal static Command Create()
    {
        var mountPoint = new Argument<string?>("MOUNTPOINT") { HelpName = "MOUNTPOINT", Description = "Default: /run/ccwfs, or $XDG_RUNTIME_DIR/ccwfs", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("umount", "Unmount a ccwfs; of a busy one it names the holders and detaches it lazily") { mountPoint };
        command.SetAction(result =>
        {
            string path = Path.GetFullPath(result.GetValue(mountPoint) ?? Places.MountPoint);
            if (MountTable.Find(path)?.Type != "fuse.ccwfs")
                throw new CommandException($"no ccwfs is mounted at {path}");
            if (FuseMount.Unmount(path, lazy: false))
                return;
            using FileDescriptor? control = ControlClient.TryOpen(path); // while there is a path to it
            DetachBusy(path, result.InvocationConfiguration.Error);
            ControlClient.End(control);
        });
        return command;
    }

    /// <summary>Says who holds a busy mount and detaches it lazily.</summary>
    internal static void DetachBusy(string path, TextWriter error)
    {
        IReadOnlyList<MountHolder> holders = MountHolder.Find(path);
        string who = holders.Count == 0 ? "a process that cannot be seen from here" : string.Join(", ", holders.Select(h => $"{h.Command} (pid {h.Pid}: {h.What})"));
        error.WriteLine($"ccwfs: {path} is in use by {who}; detaching it lazily");
        FuseMount.Unmount(path, lazy: true);
    }
}
