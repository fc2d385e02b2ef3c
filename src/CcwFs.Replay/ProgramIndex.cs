using CcwFs.CommandSets;

namespace CcwFs.Replay;

/// <summary>
/// The programs of a recording by what they begin with, so that one of many is found without a look at all of them. Made once for a recording;
/// immutable then.
/// </summary>
internal sealed class ProgramIndex
{
    private static readonly List<int> s_none = [];

    private readonly CommandSet _family;
    private readonly IReadOnlyCollection<string> _varying;
    private readonly Dictionary<byte, List<int>> _byCode = [];
    private readonly Dictionary<(byte Code, int Written), List<int>> _byData = []; // a digest: what is found is still to be compared

    /// <summary>Of programs that have commands; of what they write, parts with names of <paramref name="varying"/> do not count.</summary>
    internal ProgramIndex(IReadOnlyList<RecordedProgram> programs, CommandSet family, IReadOnlyCollection<string> varying)
    {
        (_family, _varying) = (family, varying);
        for (int at = 0; at < programs.Count; at++)
        {
            RecordedCommand first = programs[at].Commands[0];
            Add(_byCode, first.Code, at);
            Add(_byData, (first.Code, Digest(first.Code, first.Written.Span)), at);
        }
    }

    /// <summary>Those whose first command has this code, in their order.</summary>
    internal List<int> Beginning(byte code) => _byCode.GetValueOrDefault(code, s_none);

    /// <summary>Those of them that may have written this, and all that have.</summary>
    internal List<int> Writing(byte code, ReadOnlySpan<byte> written) => _byData.GetValueOrDefault((code, Digest(code, written)), s_none);

    private static void Add<TKey>(Dictionary<TKey, List<int>> lists, TKey key, int at)
        where TKey : notnull
    {
        if (!lists.TryGetValue(key, out List<int>? list))
            lists.Add(key, list = []);
        list.Add(at);
    }

    private int Digest(byte code, ReadOnlySpan<byte> written)
    {
        byte[] same = written.ToArray();
        Varying.Hide(same, _family, code, _varying);
        var digest = default(HashCode);
        digest.AddBytes(same);
        return digest.ToHashCode();
    }
}
