using System.Globalization;
using CcwFs.ChannelIo.Text;
using CcwFs.Control;
using CcwFs.Linux;

namespace CcwFs.Cli.Qemu;

/// <summary>
/// What was found out about programs, in a file of the user's cache: a line per fact and the files that it is about, each by its path, size and the
/// time of its last change. What cannot be read or written there is found out again; nothing depends on it.
/// </summary>
internal static class QemuMemory
{
    private const int MaxLines = 32;       // arbitrary: some users have several QEMUs
    private const int MaxBytes = 64 << 10; // arbitrary: more than these have

    /// <summary>It was found out about these files as they are now.</summary>
    internal static bool Knows(string fact, params string[] files) => Key(fact, files) is { } key && Lines().Contains(key);

    /// <summary>Remembers it.</summary>
    internal static void Remember(string fact, params string[] files)
    {
        if (Key(fact, files) is not { } key || Place() is not { } place
            || (FileDescriptor.Status(place, follow: true, out FileStatus there) == 0 && there.Type != FileStatus.TypeRegular))
            return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(place)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            string text = string.Concat(Lines().Append(key).TakeLast(MaxLines).Select(line => line + "\n"));
            WholeFile.Write(place, file => file.Write(System.Text.Encoding.UTF8.GetBytes(text)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CommandException)
        {
            // The next one finds it out again.
        }
    }

    /// <summary>The line; null: a file is not there, or is a script, behind which there can be anything.</summary>
    private static string? Key(string fact, string[] files)
    {
        string key = fact;
        foreach (string file in files)
        {
            if (FileDescriptor.Status(file, follow: true, out FileStatus status) < 0 || !IsMachineCode(file) || VisibleText.Of(file) != file)
                return null;
            key += string.Create(CultureInfo.InvariantCulture, $"|{file}|{status.Device}:{status.Inode}|{status.Size}|{status.ChangedAt}");
        }
        return key;
    }

    private static bool IsMachineCode(string file)
    {
        Span<byte> magic = stackalloc byte[4];
        if (FileDescriptor.OpenPlain(file, OpenOptions.ReadOnly, out FileDescriptor opened) < 0)
            return false;
        using (opened)
            return opened.ReadWholeAt(0, magic) && magic is [0x7F, (byte)'E', (byte)'L', (byte)'F'];
    }

    private static string[] Lines()
    {
        const OpenOptions WithoutWaiting = OpenOptions.ReadOnly | OpenOptions.NonBlocking;
        if (Place() is not { } place || FileDescriptor.OpenPlain(place, WithoutWaiting, out FileDescriptor opened) < 0)
            return [];
        using (opened)
        {
            byte[] bytes = new byte[MaxBytes];
            int length = opened.ReadAt(0, bytes);
            return length <= 0 ? [] : System.Text.Encoding.UTF8.GetString(bytes, 0, length).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    private static string? Place()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (cache is not ['/', ..])
            cache = Environment.GetEnvironmentVariable("HOME") is ['/', ..] and var home ? $"{home}/.cache" : null;
        return cache is null ? null : $"{cache}/ccwfs/qemu";
    }
}
