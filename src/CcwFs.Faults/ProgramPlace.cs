using CcwFs.CommandSets;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.Faults;

/// <summary>Takes from the parameters of a command, which are whole, where it leads.</summary>
internal delegate void PlaceReader(ref ProgramPlace place, ReadOnlySpan<byte> parameters);

/// <summary>
/// Where the commands of a program work, as far as their parameters say: in the extent, from the place that was located or sought on. Tracks of ECKD
/// devices, blocks of the device of FBA ones. Which of several reads or writes behind one LOCATE RECORD works on which track, it does not say.
/// </summary>
internal struct ProgramPlace
{
    private static readonly (ParameterLayout Layout, PlaceReader Read)[] s_readers = [.. EckdPlaces.Readers, .. FbaPlaces.Readers];

    private bool _hasExtent;
    private long _end;  // of the extent
    private long _base; // what is added to a block's number in the data set

    /// <summary>Something was said.</summary>
    internal bool IsKnown { get; private set; }

    /// <summary>The first place.</summary>
    internal long First { get; private set; }

    /// <summary>The last place.</summary>
    internal long Last { get; private set; }

    /// <summary>Bytes of parameters that are looked at.</summary>
    internal const int ParameterBytes = PrefixLayout.Size;

    /// <summary>A command comes, with the first bytes of its parameters.</summary>
    internal void Take(CommandSet commands, byte code, ReadOnlySpan<byte> parameters)
    {
        if (commands.Find(code) is not { Kind: CommandKind.Positions or CommandKind.Defines } command)
            return;
        if (command.Layout is not { } layout)
        {
            Set(0, 0); // READ IPL, RECALIBRATE
            return;
        }
        if (parameters.Length < Math.Min(layout.Size, ParameterBytes))
            return; // the device refuses it
        foreach ((ParameterLayout known, PlaceReader read) in s_readers)
        {
            if (known == layout)
                read(ref this, parameters);
        }
    }

    /// <summary>An extent of tracks.</summary>
    internal void Extent(long begin, long end)
    {
        (_hasExtent, _end) = (true, end);
        Set(begin, end);
    }

    /// <summary>From a track on, to the end of the extent that it is in.</summary>
    internal void From(long track) => Set(track, _hasExtent && track <= _end ? _end : track);

    /// <summary>An extent of blocks, whose first one has the number <paramref name="first"/> in the data set.</summary>
    internal void Blocks(long begin, long first, long last)
    {
        _base = begin - first;
        Set(begin, begin + last - first);
    }

    /// <summary>So many blocks from one on, by its number in the data set.</summary>
    internal void Block(long block, int count) => Set(block + _base, block + _base + Math.Max(count, 1) - 1);

    private void Set(long first, long last) => (IsKnown, First, Last) = (true, first, last);
}
