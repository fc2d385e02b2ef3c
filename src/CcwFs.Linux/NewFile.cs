using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>
/// A file that gets its name when it is whole: whatever ends its writer before that, nothing of it is left (O_TMPFILE). Where the file system has no
/// files without a name it has another one meanwhile, which <see cref="Dispose"/> takes away, but a kill leaves. No file is ever overwritten. Calls
/// give 0 or a negative errno.
/// </summary>
public sealed class NewFile : IDisposable
{
    private const OpenOptions Exclusively = OpenOptions.ReadWrite | OpenOptions.Create | OpenOptions.Exclusive | OpenOptions.NoFollow;
    private readonly FileDescriptor _directory;
    private readonly string _name;
    private readonly uint _mode;
    private string? _temporary; // the other name, while it has one

    private NewFile(FileDescriptor directory, string name, uint mode, FileDescriptor file, string? temporary) =>
        (_directory, _name, _mode, File, _temporary) = (directory, name, mode, file, temporary);

    /// <summary>0666: everybody may have it, less the umask.</summary>
    public static uint EverybodysMode => 0x1B6;

    /// <summary>0640: its owner and, to read, its group, less the umask.</summary>
    public static uint GroupsMode => 0x1A0;

    /// <summary>The open file, to read and write; it is this object's.</summary>
    public FileDescriptor File { get; }

    /// <summary>
    /// Makes one that is to lie in a free place, whose directory it is made in, its mode <paramref name="mode"/> less the umask; the caller's when
    /// the result is 0.
    /// </summary>
    public static int Make(NamedPlace place, uint mode, out NewFile? made)
    {
        ArgumentNullException.ThrowIfNull(place);
        made = null;
        string name = place.Name;
        string? temporary = null;
        int result = place.Directory.Duplicate(out FileDescriptor directory);
        FileDescriptor file = new(-1);
        if (result == 0)
            result = FileDescriptor.OpenAt(directory, ".", OpenOptions.Unnamed | OpenOptions.ReadWrite, mode, out file);
        if (result is -(int)Errno.EOPNOTSUPP or -(int)Errno.EISDIR or -(int)Errno.EINVAL)
        {
            temporary = $"{name}.new-{Guid.NewGuid():N}";
            result = FileDescriptor.OpenAt(directory, temporary, Exclusively, mode, out file);
        }
        if (result == 0)
        {
            made = new NewFile(directory, name, mode, file, temporary);
            return 0;
        }
        file.Dispose();
        directory.Dispose();
        return result;
    }

    /// <summary>Gives it its name; -EEXIST when that is taken.</summary>
    public int Name()
    {
        int result = File.LinkInto(_directory, _name);
        if (_temporary is null || result is not (-(int)Errno.EPERM or -(int)Errno.EOPNOTSUPP or -(int)Errno.ENOSYS))
            return result;
        result = FileDescriptor.RenameAt(_directory, _temporary, _name, replace: false); // there are no hard links
        if (result is -(int)Errno.EINVAL or -(int)Errno.ENOSYS)
        {
            // Nor this: what is replaced is the empty file that we made.
            result = FileDescriptor.OpenAt(_directory, _name, Exclusively, _mode, out FileDescriptor claim);
            claim.Dispose();
            result = result < 0 ? result : FileDescriptor.RenameAt(_directory, _temporary, _name, replace: true);
        }
        if (result == 0)
            _temporary = null;
        return result;
    }

    /// <summary>Its name is on stable storage.</summary>
    public int SyncName() => FileDescriptor.SyncNames(_directory, File);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_temporary is not null)
            FileDescriptor.RemoveAt(_directory, _temporary);
        File.Dispose();
        _directory.Dispose();
    }
}
