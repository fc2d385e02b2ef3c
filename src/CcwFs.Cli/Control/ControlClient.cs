using System.CommandLine;
using System.Text.Json;
using CcwFs.Cli.Docs;
using CcwFs.Cli.Mount;
using CcwFs.Cli.Qemu;
using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Cli.Control;

/// <summary>The other end of the control file, for the verbs that talk to a mount.</summary>
internal static class ControlClient
{
    private const int Piece = 1 << 20; // one write of the FUSE session at most

    /// <summary>The name of the option.</summary>
    internal const string MountName = "--mount";

    /// <summary>The --mount option of every such verb.</summary>
    internal static Option<string?> MountOption() => new(MountName) { HelpName = "MOUNTPOINT", Description = "The mount point of the ccwfs to talk to (default: /run/ccwfs, or $XDG_RUNTIME_DIR/ccwfs)" };

    /// <summary>The argument of verbs that are about one subchannel; the shell completes the ids of the mount.</summary>
    internal static Argument<string> IdArgument(Option<string?> mount)
    {
        var id = new Argument<string>("ID") { HelpName = "ID", Description = "Subchannel, like 0.0.0000" };
        id.CompletionSources.Add(context => Completion.DeviceIds(context.ParseResult.GetValue(mount)));
        return id;
    }

    /// <summary>Sends one request and gives the reply; an error of the other side is thrown.</summary>
    internal static ControlReply Send(string? mountPoint, ControlRequest request)
    {
        mountPoint = Path.GetFullPath(mountPoint ?? Places.MountPoint);
        MountEntry? mount = MountTable.Find(mountPoint);
        if (mount is null || mount.Type != "fuse.ccwfs")
            throw new CommandException($"no ccwfs is mounted at {mountPoint}; mount one: ccwfs mount {ShellText.Quote(mountPoint)}");
        int opened = FileDescriptor.Open(Path.Combine(mountPoint, "control"), OpenOptions.ReadWrite, 0, out FileDescriptor control);
        if (opened < 0)
            throw new CommandException($"{mountPoint}/control: {Problem.Of(opened)}{Advice(-opened, mountPoint)}");
        using (control)
        {
            WriteAll(control, JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), mountPoint);
            ControlReply reply = JsonSerializer.Deserialize(ReadAll(control, mountPoint), ControlJson.Default.ControlReply)
                ?? throw new CommandException($"{mountPoint}/control gave no reply; is it this version of ccwfs?");
            int status = reply.Usage == true ? CommandException.WrongUsage : CommandException.Failed;
            return reply.Error is not { } error ? reply
                : throw (reply.Hint is { } hint && error.EndsWith(hint, StringComparison.Ordinal) ? CommandException.Hinting(error[..^hint.Length], hint, status) : new CommandException(error, status));
        }
    }

    /// <summary>What a command to type needs behind it for a mount: nothing where it is the default one.</summary>
    internal static string Mounted(string? mountPoint) => mountPoint is null || mountPoint == Places.DefaultMountPoint ? "" : $" {MountName} {ShellText.Quote(mountPoint)}";

    /// <summary>The control file of a mount; null when it cannot be opened.</summary>
    internal static FileDescriptor? TryOpen(string mountPoint) =>
        FileDescriptor.Open(Path.Combine(mountPoint, "control"), OpenOptions.ReadWrite, 0, out FileDescriptor control) < 0 ? null : control;

    private static string Advice(int errno, string mountPoint) => errno switch
    {
        (int)Mono.Unix.Native.Errno.EACCES => "; ask its owner, or be root",
        (int)Mono.Unix.Native.Errno.ENOTCONN => $"; its ccwfs has died: mount again, or: ccwfs umount {ShellText.Quote(mountPoint)}",
        _ => "",
    };

    private static void WriteAll(FileDescriptor control, ReadOnlySpan<byte> bytes, string mountPoint)
    {
        while (!bytes.IsEmpty)
        {
            int written = control.Write(bytes[..Math.Min(bytes.Length, Piece)]);
            if (written <= 0)
                throw new CommandException($"{mountPoint}/control: {Problem.Of(written)}");
            bytes = bytes[written..];
        }
    }

    private static byte[] ReadAll(FileDescriptor control, string mountPoint)
    {
        var reply = new MemoryStream();
        var buffer = new byte[Piece];
        while (true)
        {
            int read = control.Read(buffer);
            if (read < 0)
                throw new CommandException($"{mountPoint}/control: {Problem.Of(read)}");
            if (read == 0)
                return reply.Length > 0 ? reply.ToArray() : throw new CommandException("the mounted ccwfs gave up the request");
            reply.Write(buffer, 0, read);
        }
    }
}
