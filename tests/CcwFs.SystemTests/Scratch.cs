using System.Globalization;

namespace CcwFs.SystemTests;

/// <summary>A directory of a test's own, below the temporary one or another; deleted at the end.</summary>
public sealed class Scratch : IDisposable
{
    public Scratch() => Path = Directory.CreateTempSubdirectory("ccwfs-system-").FullName;

    internal Scratch(string below) => Path = Directory.CreateDirectory($"{below}/ccwfs-system-{System.IO.Path.GetRandomFileName()}").FullName;

    public string Path { get; }

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
