using System.Globalization;

namespace CcwFs.SystemTests;

/// <summary>A directory of a test's own, below /tmp; deleted at the end.</summary>
public sealed class Scratch : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("ccwfs-system-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>A path in it.</summary>
    internal string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>A new directory in it.</summary>
    internal string MakeDirectory(string name) => Directory.CreateDirectory(At(name)).FullName;

    /// <summary>A new image of a few cylinders in it.</summary>
    internal string MakeImage(string name, int cylinders = 2, string format = "none")
    {
        Child.Ccwfs("dasd", "create", At(name), "--cylinders", cylinders.ToString(CultureInfo.InvariantCulture), "--format", format).Ok();
        return At(name);
    }
}
