using System.Text.RegularExpressions;

namespace CcwFs.Tests.Layout;

/// <summary>
/// Which files of a room know each other in a circle. A file knows another one when it names a type that is declared there, at its outermost level,
/// and that it can see: in its own namespace or one above, or by a using. The parts of a partial type know each other. Found by names alone: a member
/// that is called like a type counts as one, which can only make a circle longer.
/// </summary>
internal static partial class SourceCircles
{
    /// <summary>The circles of two files and more, the files of each in order; <paramref name="sources"/>: their texts by their paths.</summary>
    internal static IReadOnlyList<IReadOnlyList<string>> Of(IReadOnlyDictionary<string, string> sources)
    {
        Dictionary<string, HashSet<string>> graph = Graph(sources);
        Dictionary<string, HashSet<string>> reached = graph.Keys.ToDictionary(file => file, _ => new HashSet<string>());
        foreach (string file in graph.Keys)
        {
            var waiting = new Stack<string>(graph[file]);
            while (waiting.TryPop(out string? next))
            {
                if (reached[file].Add(next))
                    graph[next].ToList().ForEach(waiting.Push);
            }
        }
        return [.. graph.Keys.Where(file => reached[file].Contains(file))
            .Select(file => reached[file].Where(other => reached[other].Contains(file)).Order(StringComparer.Ordinal).ToArray())
            .Where(circle => circle.Length > 1)
            .DistinctBy(circle => circle[0])];
    }

    /// <summary>Whom each file knows.</summary>
    internal static Dictionary<string, HashSet<string>> Graph(IReadOnlyDictionary<string, string> sources)
    {
        Source[] files = [.. sources.Select(source => Source.Read(source.Key, CodeText.Of(source.Value)))];
        ILookup<string, (string Space, string File)> declared = files
            .SelectMany(file => file.Types.Select(type => (Type: type, file.Space, file.File)))
            .ToLookup(type => type.Type, type => (type.Space, type.File));
        return files.ToDictionary(file => file.File, file => Known(file, declared));
    }

    private static HashSet<string> Known(Source file, ILookup<string, (string Space, string File)> declared)
    {
        HashSet<string> known = [];
        foreach (string[] words in Chain().Matches(file.Code).Select(chain => chain.Value.Split('.')))
        {
            for (int at = 0; at < words.Length; at++)
            {
                string space = string.Join('.', words[..at]);
                known.UnionWith(declared[words[at]]
                    .Where(type => at == 0 ? file.Sees(type.Space) : type.Space == space
                        || type.Space.EndsWith("." + space, StringComparison.Ordinal))
                    .GroupBy(type => file.Distance(type.Space)).MinBy(group => group.Key)?.Select(type => type.File) ?? []);
            }
        }
        known.UnionWith(file.Types.SelectMany(type => declared[type].Where(part => part.Space == file.Space).Select(part => part.File)));
        known.Remove(file.File);
        return known;
    }

    /// <summary>Names with dots between: a type, with namespaces in front of it or members behind. What follows a value is a member alone.</summary>
    [GeneratedRegex(@"(?<![\w.])[A-Za-z_]\w*(?:\.\w+)*")]
    private static partial Regex Chain();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Space();

    [GeneratedRegex(@"^using (?:static )?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(
        @"^(?:(?:public|internal|file|static|sealed|abstract|readonly|partial|ref|unsafe) )*"
            + @"(?:(?:class|struct|interface|enum|record(?: struct| class)?) ([A-Z]\w*)|delegate [^;(]*?([A-Z]\w*)(?:<[^(]*>)?\()",
        RegexOptions.Multiline)]
    private static partial Regex Declaration();

    private sealed record Source(string File, string Space, string Code, IReadOnlyList<string> Types, IReadOnlyList<string> Usings)
    {
        internal static Source Read(string file, string code)
        {
            string space = SourceCircles.Space().Match(code).Groups[1].Value;
            return new Source(
                file, space, Using().Replace(code, ""),
                    [.. Declaration().Matches(code).Select(type => type.Groups[1].Value + type.Groups[2].Value).Distinct()],
                [.. Using().Matches(code).Select(known => known.Groups[1].Value)]);
        }

        internal bool Sees(string space) => Distance(space) < int.MaxValue;

        /// <summary>How far up a namespace is, as the compiler looks for a name: the own one first, those above it, those of usings last.</summary>
        internal int Distance(string space) => space == Space || Space.StartsWith(space + ".", StringComparison.Ordinal) ? Space.Length - space.Length
            : Usings.Contains(space) ? int.MaxValue - 1 : int.MaxValue;
    }
}
