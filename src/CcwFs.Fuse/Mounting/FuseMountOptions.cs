namespace CcwFs.Fuse;

/// <summary>How a file system is mounted.</summary>
public sealed record FuseMountOptions
{
    /// <summary>The source column of the mount table; the type is <c>fuse.</c> and this.</summary>
    public string Name { get; init; } = "ccwfs";

    /// <summary>Users other than the owner may use it (an ordinary user needs user_allow_other in /etc/fuse.conf).</summary>
    public bool AllowOther { get; init; }

    /// <summary>
    /// Whose mount it is: without <see cref="AllowOther"/> only this user reaches it. Default: the process's own. Others need root.
    /// </summary>
    public uint? Owner { get; init; }

    /// <summary>That user's group. Default: the process's own.</summary>
    public uint? Group { get; init; }

    /// <summary>Mounts through fusermount3 even as root.</summary>
    public bool ThroughHelper { get; init; }
}
