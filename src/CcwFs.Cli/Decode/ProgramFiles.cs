namespace CcwFs.Cli.Decode;

/// <summary>Reads the files that program text names (<c>data=@FILE</c>), and programs from files.</summary>
internal static class ProgramFiles
{
    /// <summary>
    /// Reads a whole file of at most <paramref name="limit"/> bytes; fits <see cref="ChannelIo.Text.FileReader"/>. Never reads more than that, also from
    /// a device or a pipe.
    /// </summary>
    internal static bool TryRead(string path, int limit, out byte[] bytes, out string error)
    {
        bytes = [];
        error = "";
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] buffer = new byte[limit + 1];
            int length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > limit)
            {
                error = $"{path} has more than {limit} bytes";
                return false;
            }

            bytes = buffer[..length];
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            error = $"{path} cannot be read: {failure.Message}";
            return false;
        }
    }
}
