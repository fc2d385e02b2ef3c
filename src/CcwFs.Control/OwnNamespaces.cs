using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Control;

/// <summary>
/// The namespaces of this process, by which the two ends of a control file know whether paths and process numbers mean the same to both.
/// </summary>
internal static class OwnNamespaces
{
    /// <summary>Of mounts, then of processes.</summary>
    internal static IReadOnlyList<string> All => [Mounts, Processes];

    /// <summary>The mount namespace.</summary>
    internal static string Mounts => MountPlace.NamespaceOf("/proc/self");

    /// <summary>The pid namespace.</summary>
    internal static string Processes => FileSystems.ReadLink("/proc/self/ns/pid", out string space) < 0 ? "" : space;
}
