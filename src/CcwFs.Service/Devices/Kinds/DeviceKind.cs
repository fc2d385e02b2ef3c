using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Linux;
using CcwFs.Policy;
using CcwFs.Service.Images;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>What is known of the device of a SPEC before it is open; null: it is not known.</summary>
/// <param name="Id">Its own subchannel.</param>
/// <param name="Device">Its own device number.</param>
internal abstract record KindTarget(SubchannelId? Id, DeviceId? Device);

/// <summary>
/// A kind of device: what a SPEC's first word names. A mount, `add`, `config check`, `config keys`, completion and the manual pages go over the rows
/// of <see cref="DeviceKinds"/>, and ask nothing else. Immutable.
/// </summary>
internal abstract class DeviceKind
{
    /// <summary>The word that a SPEC begins with.</summary>
    internal abstract string Name { get; }

    /// <summary>A SPEC and what it is, for help texts.</summary>
    internal abstract string Example { get; }

    /// <summary>Its keys, in the order in which a SPEC is written.</summary>
    internal abstract IReadOnlyList<SpecKey> Keys { get; }

    /// <summary>The families that its devices may be of: a policy of a SPEC is in the words of one of these.</summary>
    internal virtual IReadOnlyList<CommandSet> Families => CommandSets.Families.All;

    /// <summary>
    /// Its devices are real ones: with a subchannel and a device number of their own, of which they may not tell before they are open; with guest
    /// storage that ccwfs maps itself, and no other; and read-only by their policy alone, while an image is opened to be read.
    /// </summary>
    internal virtual bool IsReal => false;

    /// <summary>Descriptors of a device beside those of its images.</summary>
    internal virtual int Descriptors => 0;

    /// <summary>The values of keys that no other kind has, as they are when none is given; null: it has no such keys.</summary>
    internal virtual object? NewValues() => null;

    /// <summary>Bytes of memory of a device beside those of its image.</summary>
    internal virtual long MemoryBytes(DeviceSpec spec) => 0;

    /// <summary>What is wrong with keys that do not go together; null when nothing is.</summary>
    internal virtual string? Conflict(DeviceSpec spec) => null;

    /// <summary>
    /// What there is to find out before a device is opened; opens nothing. <paramref name="own"/>: the device number of our own mount.
    /// </summary>
    internal virtual KindTarget? Find(DeviceSpec spec, string directory, ulong? own) => null;

    /// <summary>
    /// Checks of its files. Each throws what is wrong, and gives how devices would have an image open. Nothing is locked, opened as a device, or
    /// changed.
    /// </summary>
    internal abstract IEnumerable<Func<WantedImage?>> FileChecks(DeviceSpec spec, string directory);

    /// <summary>The files that its devices have open.</summary>
    internal abstract IEnumerable<FileIdentity> Files(DeviceSpec spec, string directory, ulong? own);

    /// <summary>Why no device of a SPEC can be opened beside one that has the same file open, to stand after "has it open"; null: it can.</summary>
    internal abstract string? Obstacle(DeviceSpec spec, OpenDevice open);

    /// <summary>Opens one device; throws, and leaves nothing open, when it cannot be.</summary>
    internal abstract OpenDevice Open(in DeviceOpening opening, DeviceParts parts);

    /// <summary>
    /// Makes devices that need no more than a place, like one that can be opened, when they are used; null: they are opened at once.
    /// </summary>
    internal virtual DeviceMaker? Later(DeviceOpening like, DeviceParts parts) => null;
}

/// <summary>How an image is wanted.</summary>
/// <param name="File">Which file it is.</param>
/// <param name="Path">Its absolute path.</param>
/// <param name="Use">As what.</param>
internal sealed record WantedImage(FileIdentity File, string Path, ImageUse Use);

/// <summary>One device to open.</summary>
/// <param name="Spec">Its SPEC.</param>
/// <param name="Index">Which of that SPEC's devices.</param>
/// <param name="Directory">What relative paths start from.</param>
/// <param name="Caller">Whose rights open it; null: ours.</param>
/// <param name="Place">Its ids; the device number is <paramref name="TakeNumber"/>'s to set.</param>
/// <param name="Found">What <see cref="DeviceKind.Find"/> has found.</param>
/// <param name="Logs">Where lines about it go.</param>
/// <param name="TakeNumber">Takes the device number, by the device's own where it has one; called once, before the subchannel is made.</param>
/// <param name="Ended">Is told once that the device is closed; null: nobody wants to know.</param>
internal readonly record struct DeviceOpening(
    DeviceSpec Spec, int Index, string Directory, CallerIdentity? Caller, DevicePlace Place, KindTarget? Found, DeviceLogs Logs,
        Action<DeviceId?> TakeNumber,
    Action? Ended)
{
    /// <summary>It can only be read, whatever a later policy says.</summary>
    internal bool IsReadOnly { get; init; } = Spec.IsReadOnly;

    /// <summary>What its programs may do; null: what the SPEC says to its family.</summary>
    internal DevicePolicy? Policy { get; init; }
}
