namespace CcwFs.Linux;

/// <summary>A file as the kernel knows it, whatever path leads there: a device by its number, any other file by its file system and inode.</summary>
public readonly record struct FileIdentity(ulong Device, ulong Inode)
{
    // In place of a file system's device number, for which the kernel has 32 bits.
    private const ulong CharacterDevices = ulong.MaxValue, BlockDevices = ulong.MaxValue - 1;

    /// <summary>That of the file which a status is of. A device has one, however many nodes lead to it.</summary>
    public static FileIdentity Of(in FileStatus status) => status.Type switch
    {
        FileStatus.TypeCharacterDevice => new(CharacterDevices, status.RawDevice),
        FileStatus.TypeBlockDevice => new(BlockDevices, status.RawDevice),
        _ => new(status.Device, status.Inode),
    };
}
