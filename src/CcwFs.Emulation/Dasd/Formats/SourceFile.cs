using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>What readers of files have in common that are only converted.</summary>
internal static class SourceFile
{
    /// <summary>Opens it, locked against writers; faults are <see cref="ImageException"/> with its path.</summary>
    internal static IImageFile Open(IImageFiles files, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return files.Open(path, write: false) ?? throw new ImageException($"{path}: no such file");
        }
        catch (ImageException error) when (!error.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new ImageException($"{path}: cannot be opened: {error.Message}", error);
        }
    }

    /// <summary>Its bytes.</summary>
    internal static long Length(IImageFile file) =>
        file.Length() is var length && length < 0 ? ImageException.Check((int)length, $"{file.Path}: cannot be read: ") : length;

    /// <summary>The answer to a write.</summary>
    internal static ImageException OnlyRead(string name) => new($"{name}: this format is only read; make an image of it: ccwfs dasd convert");
}
