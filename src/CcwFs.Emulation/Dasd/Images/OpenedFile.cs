using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>Opens files of volumes, so that every fault names the file.</summary>
internal static class OpenedFile
{
    /// <summary>
    /// What <paramref name="open"/> gives; <see cref="ImageException"/> with the path where it throws, or with <paramref name="missing"/> where there
    /// is none.
    /// </summary>
    internal static IImageFile Of(string path, Func<IImageFile?> open, string missing = "no such file")
    {
        try
        {
            return open() ?? throw new ImageException(missing);
        }
        catch (ImageException error)
        {
            throw new ImageException($"{path}: {(error.Errno == 0 ? "" : "cannot be opened: ")}{error.Message}", error.Errno);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ImageException($"{path}: cannot be opened: {error.Message.ReplaceLineEndings(" ")}", error);
        }
    }
}
