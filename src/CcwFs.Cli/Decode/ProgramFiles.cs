using CcwFs.Control;

namespace CcwFs.Cli.Decode;

/// <summary>Reads the files that program text names (<c>data=@FILE</c>), and programs from files.</summary>
internal static class ProgramFiles
{
    private const int Piece = 64 << 10; // arbitrary

    /// <summary>
    /// Reads a whole file of at most <paramref name="limit"/> bytes; fits <see cref="CommandSets.Text.FileReader"/>. Never reads much more than that,
    /// also from a device or a pipe.
    /// </summary>
    internal static bool TryRead(string path, int limit, out byte[] bytes, out string error)
    {
        bytes = [];
        error = "";
        try
        {
            using FileStream file = File.OpenRead(path);
            using var copy = new MemoryStream();
            byte[] piece = new byte[Math.Min(Piece, limit + 1)];
            for (int got; (got = file.Read(piece)) > 0;)
            {
                copy.Write(piece, 0, got);
                if (copy.Length > limit)
                {
                    error = $"{path} has more than {limit} bytes";
                    return false;
                }
            }

            bytes = copy.ToArray();
            return true;
        }
        catch (Exception failure) when (FileProblem.Is(failure))
        {
            error = FileProblem.Of(failure, path);
            return false;
        }
    }
}
