using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace CcwFs.Cli;

/// <summary>
/// Values that are judged while the command line is parsed, with a complaint in our own words; the shell offers the words there are.
/// </summary>
internal static class Values
{
    /// <summary>One of these words.</summary>
    internal static void OneOf(this Option<string?> option, params string[] words) => Judge(option, words.Contains, List(words, "or"), words);

    /// <summary>One of these numbers.</summary>
    internal static void OneOf(this Option<int> option, params int[] numbers)
    {
        string[] words = Array.ConvertAll(numbers, n => n.ToString(CultureInfo.InvariantCulture));
        option.CustomParser = result => Word(result) is var word && words.Contains(word) ? int.Parse(word, CultureInfo.InvariantCulture)
            : Refuse<int>(result, option.Name, word, List(words, "or"));
        option.CompletionSources.Add(words);
    }

    /// <summary>One of these words.</summary>
    internal static void OneOf(this Argument<string> argument, params string[] words)
    {
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: { } word }] && !words.Contains(word))
                result.AddError($"'{word}': say {List(words, "or")}");
        });
        argument.CompletionSources.Add(words);
    }

    /// <summary>A whole number.</summary>
    internal static void Number(this Option<int?> option, int least, int most) => option.CustomParser = result => Word(result) is var word
        && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number : Refuse<int?>(result, option.Name, word, $"a number from {least} to {most}");

    /// <summary>A number.</summary>
    internal static void Number(this Option<double> option, int least, int most) => option.CustomParser = result => Word(result) is var word
        && double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number >= least && number <= most
            ? number : Refuse<double>(result, option.Name, word, $"a number from {least} to {most}");

    /// <summary>
    /// A text of a certain form; <paramref name="advice"/>: what to say instead; <paramref name="offered"/>: what the shell offers.
    /// </summary>
    internal static void Judge(this Option<string?> option, Predicate<string> isGood, string advice, params string[] offered)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: { } word }] && !isGood(word))
                result.AddError(Complaint(option.Name, word, advice));
        });
        option.CompletionSources.Add(offered);
    }

    /// <summary>"a, b or c".</summary>
    internal static string List(IReadOnlyList<string> words, string last) =>
        words.Count == 1 ? words[0] : $"{string.Join(", ", words.SkipLast(1))} {last} {words[^1]}";

    private static string Complaint(string name, string word, string advice) => $"{name} {word}: say {advice}";

    private static string Word(ArgumentResult result) => result.Tokens is [{ Value: { } word }, ..] ? word : "";

    private static T? Refuse<T>(ArgumentResult result, string name, string word, string advice)
    {
        result.AddError(Complaint(name, word, advice));
        return default;
    }
}
