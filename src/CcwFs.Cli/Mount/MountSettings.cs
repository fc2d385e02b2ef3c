using System.Globalization;
using Mono.Unix.Native;

namespace CcwFs.Cli.Mount;

/// <summary>What `mount` is asked for, from options and configuration; an option wins over the configuration's key of the same name.</summary>
internal sealed class MountSettings
{
    internal string? MountPoint { get; set; }

    internal List<DeviceSpec> Devices { get; } = [];

    internal string? Memory { get; set; }

    internal string? Owner { get; set; }

    internal string? Group { get; set; }

    internal string? Mode { get; set; }

    internal bool AllowOther { get; set; }

    internal bool Verbose { get; set; }

    /// <summary>The owner's number; null: the mounting user.</summary>
    internal uint? Uid => Owner is { } text ? FindId(text, "/etc/passwd", "user") : null;

    /// <summary>The group's number; null: the mounting user's.</summary>
    internal uint? Gid => Group is { } text ? FindId(text, "/etc/group", "group") : null;

    /// <summary>The files' permission bits.</summary>
    internal uint FileMode
    {
        get
        {
            string text = Mode ?? "0600";
            uint mode = 0;
            foreach (char digit in text)
                mode = digit is >= '0' and <= '7' && mode < 0x1000 ? (mode * 8) + (uint)(digit - '0') : uint.MaxValue >> 1;
            const FilePermissions All = FilePermissions.ALLPERMS;
            const FilePermissions Allowed = All & ~(FilePermissions.S_ISUID | FilePermissions.S_ISGID | FilePermissions.S_ISVTX
                | FilePermissions.S_IXUSR | FilePermissions.S_IXGRP | FilePermissions.S_IXOTH);
            return text.Length > 0 && (mode & ~(uint)Allowed) == 0
                ? mode
                : throw new CommandException($"--mode {text}: give read and write bits in octal, like 0660", CommandException.WrongUsage);
        }
    }

    /// <summary>Throws for what is wrong without looking at any device.</summary>
    internal void Check() => _ = (Uid, Gid, FileMode);

    private static uint FindId(string text, string file, string what)
    {
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            return number;
        foreach (string line in File.ReadLines(file))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 2 && fields[0] == text && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out number))
                return number;
        }
        throw new CommandException($"there is no {what} '{text}' in {file}; give a name from it, or a number", CommandException.WrongUsage);
    }
}
