using System.Globalization;
using Mono.Unix.Native;

namespace CcwFs.Service.Settings;

/// <summary>Users, groups and permissions as people write them.</summary>
internal static class SystemNames
{
    /// <summary>
    /// A number, or the number of a name in <paramref name="file"/> (/etc/passwd or /etc/group); null and what is wrong when there is none.
    /// </summary>
    internal static uint? FindId(string text, string file, string what, out string? wrong)
    {
        wrong = null;
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            return number;
        foreach (string line in File.ReadLines(file))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 2 && fields[0] == text && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out number))
                return number;
        }
        wrong = $"there is no such {what} in {file}; give a name from it, or a number";
        return null;
    }

    /// <summary>Permission bits in octal, read and write alone; null when it is something else.</summary>
    internal static uint? ParseMode(string text)
    {
        const FilePermissions Allowed = FilePermissions.S_IRUSR | FilePermissions.S_IWUSR | FilePermissions.S_IRGRP | FilePermissions.S_IWGRP
            | FilePermissions.S_IROTH | FilePermissions.S_IWOTH;
        if (text.Length is 0 or > 8 || !text.All(c => c is >= '0' and <= '7'))
            return null;
        uint mode = text.Aggregate(0u, (bits, digit) => (bits * 8) + (uint)(digit - '0'));
        return (mode & ~(uint)Allowed) == 0 ? mode : null;
    }
}
