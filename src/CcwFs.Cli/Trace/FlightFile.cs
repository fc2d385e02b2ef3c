using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Cli.Trace;

/// <summary>What the flight recorder of a mounted subchannel held when it was read.</summary>
internal sealed class FlightFile
{
    private readonly byte[] _bytes;

    private FlightFile(byte[] bytes)
    {
        _bytes = bytes;
        PcapngReader reader = Read();
        while (reader.TryRead(out TraceRecord record))
            LastProgram = Math.Max(LastProgram, record.Header.Program);
    }

    /// <summary>The number of the last program; 0: there is none.</summary>
    internal ulong LastProgram { get; }

    /// <summary>Reads that of the subchannel whose directory this is.</summary>
    internal static FlightFile Of(string directory) => new(File.ReadAllBytes(Path.Combine(directory, "flight.pcapng")));

    /// <summary>The number of the first of the last so many programs.</summary>
    internal ulong FirstOf(int programs) => LastProgram >= (ulong)programs ? LastProgram - (ulong)programs + 1 : 1;

    /// <summary>All events, from the first one on.</summary>
    internal PcapngReader Read() => new(new MemoryStream(_bytes));
}
