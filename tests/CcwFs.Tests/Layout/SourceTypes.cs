using System.Text.RegularExpressions;

namespace CcwFs.Tests.Layout;

/// <summary>How large a type is, over all its parts.</summary>
/// <param name="Name">With its namespace, and the types around it.</param>
/// <param name="Lines">From its declaration to its end, with its comments and the types in it, without blank lines.</param>
/// <param name="Fields">
/// What an instance keeps: fields, automatic properties and events, parameters of the primary constructor that a member uses.
/// </param>
internal readonly record struct TypeSize(string Name, int Lines, int Fields);

/// <summary>
/// The types of a room and their sizes, by the look of the sources alone: a parameter of a primary constructor counts where its name stands in a
/// member that is no initializer, and each parameter of a record.
/// </summary>
internal sealed partial class SourceTypes
{
    private readonly string[] _lines;
    private readonly string _code;
    private readonly Match[] _tokens;
    private readonly string _space;
    private readonly Dictionary<string, Found> _found;
    private int _at;

    private SourceTypes(string source, Dictionary<string, Found> found)
    {
        _lines = source.Split('\n');
        _code = Directive().Replace(CodeText.Of(source), "");
        _tokens = [.. Token().Matches(_code).Cast<Match>()];
        _space = Space().Match(_code).Groups[1].Value;
        _found = found;
    }

    private string Word => _at < _tokens.Length ? _tokens[_at].Value : "";

    /// <summary>The types of these sources, each once.</summary>
    internal static IReadOnlyList<TypeSize> Of(IEnumerable<string> sources)
    {
        Dictionary<string, Found> found = [];
        foreach (string source in sources)
            new SourceTypes(source, found).ReadMembers(null);
        return [.. found.Select(type => new TypeSize(type.Key, type.Value.Lines, type.Value.AllFields))];
    }

    /// <summary>To the end of the body, or of the file.</summary>
    private void ReadMembers(string? around)
    {
        while (_at < _tokens.Length && Word != "}")
            ReadMember(around);
    }

    private void ReadMember(string? around)
    {
        while (Word == "[")
            SkipGroup();
        int start = _at;
        while (Modifier().IsMatch(Word))
            _at++;
        HashSet<string> modifiers = [.. Words(start, _at)];
        bool isType = Word is "class" or "struct" or "interface" or "enum"
            || (Word == "record" && _tokens[_at + 1].Value is not "(" and not ";" and not "=");
        if (isType)
            ReadType(around, start);
        else if (Word is "namespace" or "using" || around is null)
            SkipTo(";");
        else
            ReadOther(_found[around], isKept: !modifiers.Overlaps(["static", "const", "abstract", "extern"]));
    }

    private void ReadType(string? around, int start)
    {
        string kind = Word;
        _at += kind == "record" && _tokens[_at + 1].Value is "class" or "struct" ? 2 : 1;
        string name = around is null ? $"{_space}.{Word}" : $"{around}.{Word}";
        _at++;
        if (!_found.TryGetValue(name, out Found? type))
            _found[name] = type = new Found(kind);
        while (Word is not "{" and not ";" and not ":" and not "where" and not "(")
            _at++;
        if (Word == "(")
            ReadParameters(type);
        while (Word is not "{" and not ";")
            SkipOne();
        if (Word == "{")
        {
            if (kind == "enum")
            {
                SkipGroup();
                _at--;
            }
            else
            {
                _at++;
                ReadMembers(name);
            }
        }
        type.Lines += _lines[LineOf(start)..(LineOf(_at) + 1)].Count(line => line.Trim().Length > 0);
        _at++;
        if (Word == ";" && kind != "enum")
            _at++;
    }

    private void ReadParameters(Found type)
    {
        int depth = 0;
        bool isNamed = false;
        do
        {
            depth += Word is "(" or "[" or "<" ? 1 : Word is ")" or "]" or ">" ? -1 : 0;
            bool ends = depth == 0 || (depth == 1 && Word == ",");
            if (!isNamed && (ends || (depth == 1 && Word == "=")))
            {
                if (Name().IsMatch(_tokens[_at - 1].Value))
                    type.Parameters.Add(_tokens[_at - 1].Value);
                isNamed = true;
            }
            isNamed &= !ends;
            _at++;
        }
        while (depth > 0);
        if (type.Kind == "record")
            type.Used.UnionWith(type.Parameters);
    }

    /// <summary>A member that is no type.</summary>
    private void ReadOther(Found type, bool isKept)
    {
        int start = _at;
        while (Word is not ";" and not "{" and not "=" and not "=>" and not "}")
            SkipOne();
        bool hasParameters = _tokens[_at - 1].Value is ")" or "]" || Words(start, _at).Contains("where");
        int body = _at;
        switch (Word)
        {
            case ";" or "=":
                type.Fields += isKept && !hasParameters && type.Kind != "interface" ? Declarators(start) : 0;
                SkipTo(";");
                break;
            case "{":
                SkipGroup();
                string[] words = [.. Words(body, _at)];
                bool isKeeping = !hasParameters && type.Kind != "interface" && (words.Contains("field") || IsAutomatic(words));
                type.Fields += isKept && isKeeping ? 1 : 0;
                type.Used.UnionWith(words);
                if (Word == "=")
                    SkipTo(";");
                break;
            case "=>":
                SkipTo(";");
                type.Used.UnionWith(Words(body, _at));
                break;
            default:
                throw new FormatException($"a member ends with {Word}: {string.Join(' ', Words(start, _at))}");
        }
    }

    /// <summary>Fields of one declaration: commas that are not inside something separate them.</summary>
    private int Declarators(int start)
    {
        int count = 1, before = _at;
        _at = start;
        for (int depth = 0; Word != ";";)
        {
            depth = Math.Max(0, depth + (Word == "<" ? 1 : Word == ">" ? -1 : 0));
            count += depth == 0 && Word == "," ? 1 : 0;
            SkipOne();
        }
        _at = before;
        return count;
    }

    private static bool IsAutomatic(string[] block) =>
        block.All(word => word is "{" or "}" or ";" or "get" or "set" or "init" or "private" or "protected" or "internal") && block.Contains("get");

    private IEnumerable<string> Words(int from, int to) => _tokens[from..to].Select(token => token.Value);

    private void SkipTo(string end)
    {
        while (_at < _tokens.Length && Word != end)
            SkipOne();
        _at++;
    }

    private void SkipOne()
    {
        if (Word is "(" or "[" or "{")
            SkipGroup();
        else
            _at++;
    }

    private void SkipGroup()
    {
        int depth = 0;
        do
        {
            depth += Word is "(" or "[" or "{" ? 1 : Word is ")" or "]" or "}" ? -1 : 0;
            _at++;
        }
        while (depth > 0);
    }

    private int LineOf(int token) => _code.AsSpan(0, _tokens[token].Index).Count('\n');

    [GeneratedRegex(@"\w+|=>|==|!=|<=|>=|[^\s\w]")]
    private static partial Regex Token();

    [GeneratedRegex(@"^\s*#.*", RegexOptions.Multiline)]
    private static partial Regex Directive();

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Space();

    [GeneratedRegex(
        @"^(public|internal|private|protected|file|static|sealed|abstract|readonly|partial|ref|const|new|override|virtual|volatile|required|extern"
            + "|async|unsafe)$")]
    private static partial Regex Modifier();

    [GeneratedRegex(@"^[A-Za-z_]\w*$")]
    private static partial Regex Name();

    private sealed class Found(string kind)
    {
        internal string Kind { get; } = kind;

        internal int Lines { get; set; }

        internal int Fields { get; set; }

        internal int AllFields => Fields + Parameters.Count(Used.Contains);

        internal List<string> Parameters { get; } = [];

        /// <summary>Words of members with a body.</summary>
        internal HashSet<string> Used { get; } = [];
    }
}
