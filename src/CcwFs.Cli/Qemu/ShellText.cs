namespace CcwFs.Cli.Qemu;

/// <summary>Words for a POSIX shell.</summary>
internal static class ShellText
{
    /// <summary>A word that the shell takes literally: in single quotes unless nothing in it needs them.</summary>
    internal static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_=+./:,@%".Contains(c, StringComparison.Ordinal))
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
