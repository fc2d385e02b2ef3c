using System.Globalization;
using System.Text;

namespace CcwFs.Fuse;

/// <summary>One line of the mount table.</summary>
/// <param name="MountPoint">Absolute path.</param>
/// <param name="Type">File-system type, fuse.ccwfs for ours.</param>
/// <param name="Source">Source column.</param>
/// <param name="Device">major:minor as text; the minor names the FUSE connection.</param>
/// <param name="SuperOptions">The file system's own options.</param>
public sealed record MountEntry(string MountPoint, string Type, string Source, string Device, string SuperOptions);

/// <summary>What is mounted where, from /proc/self/mountinfo (proc_pid_mountinfo(5)); asks no file system.</summary>
public static class MountTable
{
    private const int IdField = 0, DeviceField = 2, MountPointField = 4, FirstOptionalField = 6;

    /// <summary>The whole table, in the kernel's order: a later line covers an earlier one at the same path.</summary>
    public static IReadOnlyList<MountEntry> Read() => Parse(File.ReadLines(OwnTable));

    /// <summary>The file at which the kernel shows the table of our mount namespace; poll(2) tells of every change with POLLPRI.</summary>
    internal const string OwnTable = "/proc/self/mountinfo";

    /// <summary>The mounts of our namespace of a device, by the numbers that fdinfo calls mnt_id.</summary>
    public static IReadOnlySet<int> IdsOf(string device)
    {
        HashSet<int> ids = [];
        foreach (string line in File.ReadLines(OwnTable))
        {
            string[] words = line.Split(' ', DeviceField + 2);
            if (words.Length > DeviceField && words[DeviceField] == device
                && int.TryParse(words[IdField], NumberStyles.None, CultureInfo.InvariantCulture, out int id))
            {
                ids.Add(id);
            }
        }
        return ids;
    }

    /// <summary>What is on top at an absolute path without symbolic links; null when it is no mount point.</summary>
    public static MountEntry? Find(string path) => Read().LastOrDefault(entry => entry.MountPoint == path);

    /// <summary>Reads lines of mountinfo; a line that is none is left out.</summary>
    public static IReadOnlyList<MountEntry> Parse(IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        List<MountEntry> entries = [];
        foreach (string line in lines)
        {
            // id parent major:minor root mount-point options [optional]* - type source super-options
            string[] words = line.Split(' ');
            int dash = words.Length > FirstOptionalField ? Array.IndexOf(words, "-", FirstOptionalField) : -1;
            if (dash < 0 || words.Length < dash + 4)
                continue;
            entries.Add(new MountEntry(
                Unescape(words[MountPointField]), Unescape(words[dash + 1]), Unescape(words[dash + 2]), words[DeviceField], words[dash + 3]));
        }
        return entries;
    }

    // The kernel writes space, tab, newline and backslash as \ooo; the bytes around them are UTF-8 and stay whole.
    private static string Unescape(string text)
    {
        if (!text.Contains('\\'))
            return text;
        StringBuilder plain = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                plain.Append((char)((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
                i += 3;
            }
            else
            {
                plain.Append(text[i]);
            }
        }
        return plain.ToString();
    }

    /// <summary>The device as statx(2) gives it: major &lt;&lt; 32 | minor; 0 where it is not understood.</summary>
    public static ulong DeviceNumber(MountEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        string[] parts = entry.Device.Split(':');
        return parts.Length == 2 && uint.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out uint major)
            && uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint minor) ? ((ulong)major << 32) | minor : 0;
    }

    /// <summary>The minor number of a mount's device, which names its directory under /sys/fs/fuse/connections.</summary>
    internal static int? Connection(MountEntry entry)
    {
        string[] parts = entry.Device.Split(':');
        return parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int minor) ? minor : null;
    }
}
