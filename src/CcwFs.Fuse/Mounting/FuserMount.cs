using System.ComponentModel;
using System.Diagnostics;
using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>
/// Mounts and unmounts for ordinary users through the set-uid program fusermount3 (Debian package fuse3). It mounts and sends the
/// device's descriptor over the socket whose number stands in _FUSE_COMMFD.
/// </summary>
internal static class FuserMount
{
    private const string Program = "fusermount3";

    /// <summary>What to do where the kernel lets nobody mount, or lets that program mount at some places only.</summary>
    private const string Confined =
        $"{Program} is confined: choose a mount point below your home directory or $XDG_RUNTIME_DIR (on Ubuntu an AppArmor "
        + "profile names its places); a container needs /dev/fuse and CAP_SYS_ADMIN (podman run --device /dev/fuse --cap-add SYS_ADMIN)";
    private const string SocketVariable = "_FUSE_COMMFD";

    // Arbitrary; the program only makes system calls that do not wait for us.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    internal static FileDescriptor Mount(string path, FuseMountOptions options)
    {
        int result = Descriptors.SocketPair(out FileDescriptor kept, out FileDescriptor inherited);
        using (kept)
        using (inherited)
        {
            if (result < 0)
                throw new FuseMountException($"cannot mount {path}: no socket for {Program} (errno {-result})");
            string list = $"default_permissions,nosuid,nodev,fsname={options.Name},subtype={options.Name}"
                + (options.AllowOther ? ",allow_other" : "");
            (int status, string said) = Run(["-o", list, "--", path], inherited);
            if (status != 0)
                throw new FuseMountException($"cannot mount {path}: {said}{Advice(said)}");
            result = Descriptors.ReceiveDescriptor(kept, out FileDescriptor device);
            if (result == 0)
                return device;
            device.Dispose();
            throw new FuseMountException($"cannot mount {path}: {Program} sent no descriptor (errno {-result})");
        }
    }

    internal static bool Unmount(string path, bool lazy)
    {
        (int status, string said) = Run(lazy ? ["-u", "-z", "--", path] : ["-u", "--", path], null);
        if (status == 0 || MountTable.Find(path) is null)
            return true;
        return said.Contains("busy", StringComparison.OrdinalIgnoreCase)
            ? false
            : throw new FuseMountException($"cannot unmount {path}: {said}: run it as root or as the user who mounted it");
    }

    // The child's end of the socket is inherited because it is not close-on-exec, under its own number.
    private static (int Status, string Said) Run(string[] arguments, FileDescriptor? socket)
    {
        ProcessStartInfo start = new(Program, arguments) { RedirectStandardError = true, UseShellExecute = false };
        start.Environment["LC_ALL"] = "C";
        if (socket is not null)
            start.Environment[SocketVariable] = socket.Number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        try
        {
            using Process process = Process.Start(start) ?? throw new Win32Exception();
            Task<string> error = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(Patience))
            {
                process.Kill();
                throw new FuseMountException($"{Program} did not end within {Patience.TotalSeconds} s: look at /etc/fuse.conf and the kernel's log");
            }
            string said = error.GetAwaiter().GetResult().Trim();
            int line = said.IndexOf('\n', StringComparison.Ordinal);
            return (process.ExitCode, line < 0 ? said : said[..line]);
        }
        catch (Win32Exception)
        {
            throw new FuseMountException($"{Program} cannot be started, and only root can mount without it: run \"apt-get install fuse3\"");
        }
    }

    private static string Advice(string said) =>
        said.Contains("user_allow_other", StringComparison.Ordinal) ? ": add user_allow_other to /etc/fuse.conf, or leave out --allow-other"
        : said.Contains("mount failed: Permission denied", StringComparison.Ordinal)
            || said.Contains("mount failed: Operation not permitted", StringComparison.Ordinal)
            ? $": {Confined}"
        : said.Contains("/dev/fuse", StringComparison.Ordinal) ? ": load it with \"modprobe fuse\", or have its permissions opened"
        : "";
}
