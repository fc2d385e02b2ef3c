using System.Security.Cryptography;
using CcwFs.Control;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Cli.Replay;

/// <summary>The SHA-256 of the image of a mounted device.</summary>
internal static class ImageHash
{
    private const int Piece = 1 << 20;   // bytes read at a time (arbitrary)
    private const long Long = 1L << 30;  // bytes of an image whose hash takes a while (arbitrary: some seconds)

    /// <summary>The path of a device's image; null: it has none that is a file.</summary>
    internal static string? PathOf(string? mount, string id) =>
        PathIn(ControlClient.Send(mount, new ControlRequest { Verb = "info", Id = id }).Facts ?? []);

    /// <summary>The same, out of what `info` says.</summary>
    internal static string? PathIn(IEnumerable<KeyValuePair<string, string>> facts) =>
        facts.FirstOrDefault(fact => fact.Key == "image").Value is { } image && image.StartsWith('/') ? image : null;

    /// <summary>In hex; null where it cannot be read here, which is said. Whoever has it in use keeps it meanwhile.</summary>
    internal static string? Of(string path, TextWriter error)
    {
        try
        {
            using IImageFile image = HostImageFiles.Unlocked.Open(path, write: false) ?? throw new ImageException("it is not there");
            if (image.Length() >= Long)
                error.WriteLine($"reading {path} for its SHA-256, which takes a while; --no-hash leaves that out");
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] bytes = new byte[Piece];
            long at = 0;
            for (int read; (read = image.ReadAt(at, bytes)) != 0; at += read)
                hash.AppendData(bytes, 0, read > 0 ? read : throw new ImageException(Problem.Of(read), -read));
            return Convert.ToHexString(hash.GetHashAndReset());
        }
        catch (ImageException problem)
        {
            error.WriteLine($"no SHA-256 of {path}: {problem.Message}");
            return null;
        }
    }
}
