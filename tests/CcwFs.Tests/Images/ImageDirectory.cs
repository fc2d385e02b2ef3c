using System.Diagnostics;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Tests.Images;

/// <summary>A directory for one test's images, and the tools that read and write them.</summary>
public sealed class ImageDirectory : IDisposable
{
    /// <summary>How many mutated files a test opens: CCWFS_MUTATIONS=N for N of each kind; the first ones are always the same.</summary>
    internal static int Mutations(int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable("CCWFS_MUTATIONS"), out int rounds) ? rounds : otherwise;

    public string Path { get; } = Directory.CreateTempSubdirectory("ccwfs-images-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public string Create(string name, int cylinders, VolumeFormat format = VolumeFormat.None, string? volser = null, int blockSize = 4_096,
        bool lazy = false)
    {
        CkdGeometry geometry = CkdGeometry.Model3390(cylinders);
        CkdImageCreator.Create(this[name], geometry, VolumeLayout.Create(geometry, format, blockSize, volser), lazy);
        return this[name];
    }

    /// <summary>Runs a tool here to its end; gives its exit status and all it printed.</summary>
    public (int Status, string Text) Run(string tool, params string[] arguments)
    {
        using Process process = Start(tool, arguments);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text + error.Result);
    }

    public Process Start(string tool, params string[] arguments)
    {
        ProcessStartInfo start = Launch.Of(tool, arguments);
        start.WorkingDirectory = Path;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;
        return Launch.Begin(start);
    }

    /// <summary>Starts the fixture program in one of its modes.</summary>
    public Process StartFixture(params string[] arguments) =>
        Start("dotnet", [System.IO.Path.Combine(AppContext.BaseDirectory, "CcwFs.ImageFixture.dll"), .. arguments]);
}
