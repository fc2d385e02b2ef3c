namespace CcwFs.ChannelIo.Text;

/// <summary>What a person who mistyped a word most likely meant.</summary>
public static class Nearest
{
    private const int LettersAMistake = 3; // arbitrary: one mistake for every three letters is still a slip
    private const int MaxLength = 64; // arbitrary: no name is as long, and the work grows with the square

    /// <summary>": did you mean 'memory'?" or nothing, to be put after a complaint about a word.</summary>
    public static string Hint(string word, IEnumerable<string> known) => Find(word, known) is { } near ? $": did you mean '{near}'?" : "";

    /// <summary>": did you mean 'memory'? The keys are …" or "; the keys are …"; <paramref name="then"/> begins with a small letter.</summary>
    public static string Hint(string word, IEnumerable<string> known, string then) =>
        Hint(word, known) is { Length: > 0 } hint ? $"{hint} {char.ToUpperInvariant(then[0])}{then[1..]}" : $"; {then}";

    /// <summary>The known word with the fewest slips (a letter more, less or wrong, two letters swapped); null when none is near.</summary>
    public static string? Find(string word, IEnumerable<string> known) => All(word, known).FirstOrDefault();

    /// <summary>The known words that are near, the nearest first.</summary>
    public static IEnumerable<string> All(string word, IEnumerable<string> known) => word.Length is 0 or > MaxLength ? []
        : known.Select(candidate => (candidate, Slips: Slips(word, candidate)))
            .Where(near => near.Slips <= Math.Max(1, Math.Max(word.Length, near.candidate.Length) / LettersAMistake))
            .OrderBy(near => near.Slips).Select(near => near.candidate);

    private static int Slips(string word, string candidate) =>
        word.Length >= LettersAMistake && candidate.StartsWith(word, StringComparison.OrdinalIgnoreCase) ? 1 // a word cut short is one slip
            : Distance(word.ToLowerInvariant(), candidate);

    /// <summary>Edit distance with swaps of neighbours (optimal string alignment).</summary>
    private static int Distance(string a, string b)
    {
        int[,] slips = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    slips[i, j] = i + j;
                    continue;
                }
                int wrong = a[i - 1] == b[j - 1] ? 0 : 1;
                int least = Math.Min(Math.Min(slips[i - 1, j], slips[i, j - 1]) + 1, slips[i - 1, j - 1] + wrong);
                bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                slips[i, j] = swapped ? Math.Min(least, slips[i - 2, j - 2] + 1) : least;
            }
        }
        return slips[a.Length, b.Length];
    }
}
