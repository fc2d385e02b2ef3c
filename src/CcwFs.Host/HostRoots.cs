namespace CcwFs.Host;

/// <summary>Where the host's special file systems are; other places than the usual are for tests and for looking at another root.</summary>
/// <param name="Sys">sysfs.</param>
/// <param name="Proc">procfs.</param>
/// <param name="Dev">Device nodes.</param>
/// <param name="Root">What /etc and /var are in; empty for the usual.</param>
internal sealed record HostRoots(string Sys = "/sys", string Proc = "/proc", string Dev = "/dev", string Root = "")
{
    /// <summary>The places with their options and what is usual.</summary>
    internal IEnumerable<(string Option, string Place, string Usual)> Named() =>
        [("--sysfs", Sys, "/sys"), ("--proc", Proc, "/proc"), ("--dev", Dev, "/dev"), ("--root", Root, "")];

    /// <summary>The channel subsystem's bus: subchannels and their drivers.</summary>
    internal string Css => $"{Sys}/bus/css";

    /// <summary>The bus of the devices of I/O subchannels that Linux drives itself.</summary>
    internal string Ccw => $"{Sys}/bus/ccw";

    /// <summary>The bus of mediated devices.</summary>
    internal string Mdev => $"{Sys}/bus/mdev";
}
