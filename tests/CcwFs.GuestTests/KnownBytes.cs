namespace CcwFs.GuestTests;

/// <summary>
/// Bytes that both sides of a test know, cheap for an emulated processor: a piece of a little more than a MiB, again and again. The piece's length is
/// a prime, so that no two blocks of a file are alike.
/// </summary>
internal static class KnownBytes
{
    private const int Piece = 1_048_583;

    /// <summary>A command of the guest that writes this many pieces to a file, others for another <paramref name="series"/> (1 to 9).</summary>
    internal static string Write(string path, int pieces, int series = 1) => $"""
        test -e /run/piece{series} || seq {series}0000000 {series}9999999 | head -c {Piece} >/run/piece{series}
        for i in $(seq {pieces}); do cat /run/piece{series}; done >{path}
        """;

    /// <summary>
    /// A command of the guest that fails unless they are what the file holds, and nothing else. (Without -s, cmp counts lines, which takes four times
    /// as long.)
    /// </summary>
    internal static string Compare(string path, int pieces, int series = 1) => $"""
        {Write($"/run/wanted{series}", pieces, series)}
        cmp -s /run/wanted{series} {path} || cmp /run/wanted{series} {path}
        rm /run/wanted{series}
        """;
}
