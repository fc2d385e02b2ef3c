using System.Text;
using CcwFs.Control;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Host;

/// <summary>
/// Attributes of sysfs and procfs. What is read is text of unknown shape: its length is bounded, and characters that a terminal would act on become
/// '?'.
/// </summary>
internal static class HostFiles
{
    /// <summary>Most bytes that are read of a file (arbitrary): sysfs gives a page at most, a mount table may be long.</summary>
    private const int MaxText = 1 << 24;

    private const int Page = 4096;

    /// <summary>An attribute's text; null when there is no such attribute or its device is gone. Other errors are thrown.</summary>
    internal static string? Read(string path)
    {
        int failed = FileDescriptor.Open(path, OpenOptions.ReadOnly, 0, out FileDescriptor file);
        using (file)
        {
            var text = new MemoryStream();
            Span<byte> piece = stackalloc byte[Page];
            while (failed == 0 && text.Length < MaxText)
            {
                int read = file.Read(piece);
                if (read <= 0)
                {
                    failed = read;
                    break;
                }
                text.Write(piece[..read]);
            }
            if (failed < 0)
                return IsMissing(failed) ? null : throw new CommandException($"{path} cannot be read: {Problem.Of(failed)}{Advice(failed)}");
            return Printable(Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length));
        }
    }

    /// <summary>An attribute's first line without blanks around it; null when there is none.</summary>
    internal static string? ReadLine(string path) => Read(path)?.Split('\n')[0].Trim();

    /// <summary>The components of a symbolic link's target, last one last; null when there is no link.</summary>
    internal static string[]? Link(string path) =>
        FileSystems.ReadLink(path, out string target) < 0 ? null : Printable(target).Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What a link names; null when there is none.</summary>
    internal static string? LinkName(string path) => Link(path)?.LastOrDefault();

    /// <summary>Whether there is something at a path.</summary>
    internal static bool Exists(string path) => FileDescriptor.Status(path, follow: true, out _) == 0;

    /// <summary>The names in a directory, sorted; none when it is not there.</summary>
    internal static IReadOnlyList<string> Names(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <summary>Writes an attribute in one call, as the kernel wants it; gives 0 or a negative errno.</summary>
    internal static int TryWrite(string path, string text)
    {
        int failed = FileDescriptor.Open(path, OpenOptions.WriteOnly, 0, out FileDescriptor file);
        using (file)
            return failed < 0 ? failed : Math.Min(file.Write(Encoding.UTF8.GetBytes(text)), 0);
    }

    /// <summary>What a person can do about an errno; empty when nothing is known.</summary>
    internal static string Advice(int negativeErrno) => (Errno)(-negativeErrno) switch
    {
        Errno.EACCES or Errno.EPERM => "; be root",
        _ => "",
    };

    private static bool IsMissing(int negativeErrno) => (Errno)(-negativeErrno) is Errno.ENOENT or Errno.ENODEV or Errno.ENOTDIR;

    /// <summary>A text without characters that a terminal would act on.</summary>
    internal static string Printable(string text) =>
        string.Create(text.Length, text, (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = from[i] is '\n' or (>= ' ' and < '\x7F') ? from[i] : '?';
        });
}
