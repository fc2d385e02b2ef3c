namespace CcwFs.Cli.Host;

/// <summary>Where the host's special file systems are; other places than the usual are for tests and for looking at another root.</summary>
/// <param name="Sys">sysfs.</param>
/// <param name="Proc">procfs.</param>
/// <param name="Dev">Device nodes.</param>
internal sealed record HostRoots(string Sys = "/sys", string Proc = "/proc", string Dev = "/dev")
{
    /// <summary>The channel subsystem's bus: subchannels and their drivers.</summary>
    internal string Css => $"{Sys}/bus/css";

    /// <summary>The bus of the devices behind I/O subchannels that Linux drives itself.</summary>
    internal string Ccw => $"{Sys}/bus/ccw";

    /// <summary>The bus of mediated devices.</summary>
    internal string Mdev => $"{Sys}/bus/mdev";
}
