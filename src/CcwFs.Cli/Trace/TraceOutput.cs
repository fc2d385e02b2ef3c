using System.Buffers;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Cli.Trace;

/// <summary>
/// Where the events of a trace go: through the filter into one form. Where programs are judged as a whole, the events of each are kept until it has
/// ended. Thread-safe: the events of several subchannels come on threads of their own.
/// </summary>
internal sealed class TraceOutput(TraceView view, Stream output, TraceFilter filter, int? count, bool untilError)
{
    private const int MaxKept = 4 << 20; // bytes of a program that is judged (arbitrary); what comes after them is left out

    private readonly Lock _gate = new();
    private readonly Dictionary<SubchannelId, Program> _programs = []; // the one that runs, of each
    private readonly ArrayBufferWriter<byte> _made = new();
    private int _shown;
    private bool _isOver;

    /// <summary>Nothing more is wanted, or can be written.</summary>
    internal bool IsOver
    {
        get
        {
            lock (_gate)
                return _isOver;
        }
    }

    private bool WatchesPrograms => !filter.IsEmpty || count is not null || untilError;

    /// <summary>Takes one event; false when no more are wanted.</summary>
    internal bool Take(in TraceRecord record, CommandSet commands)
    {
        lock (_gate)
        {
            if (_isOver)
                return false;
            if (WatchesPrograms)
                Judge(record, commands);
            else
                Show(record, commands);
            return !_isOver;
        }
    }

    private void Judge(in TraceRecord record, CommandSet commands)
    {
        _programs.TryGetValue(record.Header.Id, out Program? program);
        if (record.Header.Event is TraceEvent.Start or TraceEvent.NotTranslated)
        {
            if (program is not null)
                End(program, commands); // what ended it was lost
            _programs[record.Header.Id] = program = new Program(record.Header.Program);
        }
        bool ends = program is not null && ProgramEnd.IsWithoutStatus(record);
        bool isOfProgram = program is not null && (ends || record.Header.Program == program.Number);
        if (isOfProgram)
            program!.Seen.Look(record);
        if (filter.IsEmpty || (!isOfProgram && record.Header.Event is TraceEvent.Lost or TraceEvent.Gone))
            Show(record, commands);
        else if (isOfProgram && program!.Bytes < MaxKept)
            program.Keep(record);
        if (ends)
            program!.Seen.End();
        if (!isOfProgram || !program!.Seen.HasEnded)
            return;
        _programs.Remove(record.Header.Id);
        End(program, commands);
    }

    /// <summary>A program has ended: it is shown if it is to be.</summary>
    private void End(Program program, CommandSet commands)
    {
        if (!filter.Admits(program.Seen))
            return;
        foreach ((long time, TraceHeader header, byte[] payload) in program.Records)
            Show(new TraceRecord(time, header, payload), commands);
        _shown++;
        _isOver |= _shown == count || (untilError && program.Seen.HasError);
    }

    private void Show(in TraceRecord record, CommandSet commands)
    {
        _made.ResetWrittenCount();
        view.Commands = commands;
        view.Write(record, _made);
        try
        {
            output.Write(_made.WrittenSpan);
            output.Flush();
        }
        catch (ReaderGoneException)
        {
            _isOver = true;
        }
    }

    private sealed class Program(ulong number)
    {
        internal ulong Number => number;

        internal TraceFilter.Seen Seen { get; } = new();

        internal List<(long Time, TraceHeader Header, byte[] Payload)> Records { get; } = [];

        internal int Bytes { get; private set; }

        internal void Keep(in TraceRecord record)
        {
            Records.Add((record.Time, record.Header, record.Payload.ToArray()));
            Bytes += TraceHeader.Size + record.Payload.Length;
        }
    }
}
