using CcwFs.Fuse;
using CcwFs.Memory;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.FileSystem;

/// <summary>What the files of the tree work with. The owner is the tree's; nothing here is disposed by it.</summary>
/// <param name="Table">The subchannels.</param>
/// <param name="Sys">The mirror of sysfs.</param>
/// <param name="Memory">Guest storage of the region files' programs.</param>
/// <param name="Control">Opens a control file's session.</param>
/// <param name="Budget">What control files may take.</param>
/// <param name="Vfio">The endpoint of VFIO clients, and the accounts of all who open files.</param>
/// <param name="NotifyPoll">Tells the kernel that a poll handle has something new.</param>
/// <param name="Owner">Who owns the tree.</param>
/// <param name="Session">Serves the tree; null: nobody does yet.</param>
internal sealed record TreeServices(
    SubchannelTable Table, SysTree Sys, IMemoryStore Memory, ControlOpener Control, ControlBudget Budget, VfioService Vfio, Action<ulong> NotifyPoll,
        TreeOwner Owner, Func<FuseSession?> Session)
{
    /// <summary>When the tree was made, in seconds since 1970.</summary>
    internal double MountedSeconds { get; } = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).TotalSeconds;
}
