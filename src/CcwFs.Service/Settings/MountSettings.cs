using CcwFs.Fuse;
using CcwFs.Service.Devices;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Settings;

/// <summary>What `mount` is asked for, from options and configuration; an option wins over the configuration's key of the same name.</summary>
internal sealed class MountSettings(string directory)
{
    /// <summary>Permission bits without --mode.</summary>
    private const uint DefaultMode = 0x180; // 0600

    /// <summary>What relative paths start from, for a daemon leaves the directory it was started in.</summary>
    internal string Directory { get; } = directory;

    /// <summary>Where to mount, an absolute path; null: the default place.</summary>
    internal string? MountPoint { get; set; }

    /// <summary>The devices; null: nobody said, so the default volume.</summary>
    internal List<DeviceSpec>? Devices { get; set; }

    internal string? Memory { get; set; }

    /// <summary>The owner's number; null: the mounting user.</summary>
    internal uint? Uid { get; set; }

    /// <summary>The group's number; null: the mounting user's.</summary>
    internal uint? Gid { get; set; }

    /// <summary>The files' permission bits.</summary>
    internal uint FileMode { get; set; } = DefaultMode;

    internal bool AllowOther { get; set; }

    /// <summary>How requests come from the kernel.</summary>
    internal FuseTransport Transport { get; set; }

    /// <summary>console, journal or a path; null: what standard error is.</summary>
    internal string? Log { get; set; }

    internal LogLevel LogLevel { get; set; } = LogLevel.Warning;

    /// <summary>File and line of the keys whose values the configuration gave and which are right in themselves.</summary>
    internal Dictionary<string, string> Origins { get; } = [];

    /// <summary>The values as they were given, by key; devices apart.</summary>
    private Dictionary<string, string> Given { get; } = [];

    /// <summary>Takes a value of a key; gives null, or what is wrong.</summary>
    internal string? Apply(MountKey key, string value)
    {
        if (key.Type != MountKeyType.Devices)
            Given[key.Key] = value;
        return key.Set(this, value);
    }

    /// <summary>The keys whose values differ from <paramref name="other"/>'s and which only a new mount takes.</summary>
    internal IEnumerable<string> NeedNewMount(MountSettings other) =>
        MountKey.Keys.Where(k => !k.AtRunTime && Given.GetValueOrDefault(k.Key) != other.Given.GetValueOrDefault(k.Key)).Select(k => k.Key);
}
