namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>
/// The names of shadow files, as Hercules makes them of sf=NAME_*.EXT: the number, 1 to 8, is the character before the last dot of the file's name,
/// or its last one. By the same custom the base is NAME.EXT. Names come from a path alone, never from a file. Source: cckddasd.html of Hercules.
/// </summary>
internal static class ShadowNames
{
    /// <summary>Most shadow files of a volume.</summary>
    public const int Most = 8;

    /// <summary>The files of the chain that ends with this one, the base first; null: it has no name of a shadow file.</summary>
    public static IReadOnlyList<string>? Chain(string path)
    {
        int at = NumberAt(path);
        if (at < 1 || path[at] is not (>= '1' and <= (char)('0' + Most)) || path[at - 1] != '_' || at == path.LastIndexOf('/') + 2)
            return null;
        return
        [
            path.Remove(at - 1, 2),
            .. Enumerable.Range(1, path[at] - '0').Select(number => Numbered(path, at, number)),
        ];
    }

    /// <summary>The shadow file over this one, which is a base or a shadow file; null: there cannot be one.</summary>
    public static string? Above(string path, bool isShadow)
    {
        int at = NumberAt(path);
        if (!isShadow)
            return path.Insert(at + 1, "_1");
        return Chain(path) is not null && path[at] < '0' + Most ? Numbered(path, at, path[at] - '0' + 1) : null;
    }

    private static string Numbered(string path, int at, int number) => string.Concat(path.AsSpan(0, at), $"{number}", path.AsSpan(at + 1));

    private static int NumberAt(string path)
    {
        int name = path.LastIndexOf('/') + 1, dot = path.LastIndexOf('.');
        return (dot >= name ? dot : path.Length) - 1;
    }
}
