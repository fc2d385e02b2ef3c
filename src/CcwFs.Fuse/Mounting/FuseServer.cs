using System.Globalization;
using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>The process that serves a mount.</summary>
public static class FuseServer
{
    private const string Device = "/dev/fuse";

    /// <summary>
    /// Its number, without asking it: who has the device of this connection open (newer kernels tell the connection in fdinfo). 0 where that cannot
    /// be seen.
    /// </summary>
    public static int Find(MountEntry mount)
    {
        ArgumentNullException.ThrowIfNull(mount);
        string connection = string.Create(CultureInfo.InvariantCulture, $"fuse_connection:\t{MountTable.Connection(mount)}");
        foreach ((int pid, string directory) in MountHolder.Processes())
        {
            try
            {
                foreach ((string file, string information) in MountHolder.OpenFiles(directory))
                {
                    if (FileSystems.ReadLink(file, out string path) == 0 && path == Device && File.ReadLines(information).Contains(connection))
                        return pid;
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is another user's.
            }
        }
        return 0;
    }
}
