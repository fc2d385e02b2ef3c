using System.Text;
using CcwFs.ChannelIo;

namespace CcwFs.CommandSets.Decode;

/// <summary>The words of program text for CCW flags.</summary>
internal static class FlagWords
{
    internal static readonly (string Word, CcwFlags Flag)[] All =
    [
        ("cd", CcwFlags.ChainData),
        ("cc", CcwFlags.ChainCommand),
        ("sli", CcwFlags.SuppressLength),
        ("skip", CcwFlags.Skip),
        ("pci", CcwFlags.ProgramControlledInterruption),
        ("ida", CcwFlags.IndirectData),
        ("suspend", CcwFlags.Suspend),
        ("s", CcwFlags.Suspend),
        ("mida", CcwFlags.ModifiedIndirectData),
    ];

    /// <summary>The words of the flags that are on, each with a space in front.</summary>
    internal static string Join(CcwFlags flags)
    {
        var text = new StringBuilder();
        foreach ((string word, CcwFlags flag) in All)
        {
            if ((flags & flag) != 0 && word != "s")
                text.Append(' ').Append(word);
        }

        return text.ToString();
    }
}
