using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <content>Who may do what with the file: owner, mode, access control list.</content>
public sealed partial class FileDescriptor
{
    private const string AccessList = "system.posix_acl_access";

    /// <summary>fchown(2).</summary>
    public int SetOwner(uint uid, uint gid) => Result.Of(LibC.ChangeOwner(this, uid, gid));

    /// <summary>
    /// Whether the file has a POSIX access control list beside its mode (acl(5)): 1 or 0, also where the file system knows none; or a negative errno.
    /// The group bits of the mode are then the most that the list gives, not the rights of the group. By its name in /proc, which names may be asked
    /// too (O_PATH).
    /// </summary>
    public unsafe int HasAccessList()
    {
        // SAFETY: with size 0 nothing is written.
        int result = Result.Of(LibC.GetAttribute($"/proc/self/fd/{Number}", AccessList, null, 0));
        return result is -(int)Errno.ENODATA or -(int)Errno.EOPNOTSUPP ? 0 : Math.Min(result, 1);
    }

    /// <summary>Takes the access control list away, if there is one: what rights there are the mode says alone.</summary>
    public int RemoveAccessList() =>
        Result.Of(LibC.RemoveAttribute(this, AccessList)) is var result && result is -(int)Errno.ENODATA or -(int)Errno.EOPNOTSUPP ? 0 : result;

    /// <summary>fchmod(2).</summary>
    public int SetMode(uint mode) => Result.Of(LibC.ChangeMode(this, mode));
}
