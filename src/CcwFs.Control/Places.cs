using CcwFs.Linux;

namespace CcwFs.Control;

/// <summary>Where things are by default.</summary>
internal static class Places
{
    /// <summary>/run/ccwfs for root, $XDG_RUNTIME_DIR/ccwfs for others.</summary>
    internal static string MountPoint => DefaultMountPoint
        ?? throw new CommandException("XDG_RUNTIME_DIR is not set, so there is no default mount point; name one", CommandException.WrongUsage);

    /// <summary>The same; null where there is none.</summary>
    internal static string? DefaultMountPoint => Descriptors.EffectiveUser == 0 ? "/run/ccwfs"
        : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime ? Path.Combine(runtime, "ccwfs")
        : null;

    /// <summary>The default volume.</summary>
    internal static string DefaultVolume => Path.Combine(DataDirectory, "default.ckd");

    /// <summary>/var/lib/ccwfs for root, ccwfs in the user's data directory for others.</summary>
    internal static string DataDirectory
    {
        get
        {
            string? data = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
            string directory = Descriptors.EffectiveUser == 0 ? "/var/lib"
                : !string.IsNullOrEmpty(data) ? data
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/share");
            return Path.Combine(directory, "ccwfs");
        }
    }
}
