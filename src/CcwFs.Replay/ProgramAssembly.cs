using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Replay;

/// <summary>
/// Puts the events of one subchannel together to programs. What an event says of itself is checked; one that is damaged is left out.
/// </summary>
/// <param name="commands">The commands of the device.</param>
internal sealed class ProgramAssembly(CommandSet commands)
{
    private readonly Queue<RecordedItem> _items = [];
    private readonly Dictionary<uint, RecordedData> _readBack = []; // of a device that does not tell of its commands, by their addresses
    private readonly Dictionary<uint, ReadOnlyMemory<byte>> _written = []; // what chained CCWs have given, by their addresses
    private readonly Dictionary<uint, int> _places = []; // of CCWs in the program that runs, by their addresses: the first one there
    private RecordedProgram? _program; // the one that runs

    /// <summary>What was put together and not taken, in the order of ends.</summary>
    internal Queue<RecordedItem> Items => _items;

    /// <summary>Bytes that were put together anew, beside those of events.</summary>
    internal long MadeBytes { get; private set; }

    /// <summary>Events are missing from here on.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>Nothing more is to be had.</summary>
    internal void Cut() => IsOver = true;

    /// <summary>The last event has come.</summary>
    internal void End() => Close(RecordedEnd.Unknown);

    /// <summary>Takes one event.</summary>
    internal void Take(in TraceRecord record)
    {
        ReadOnlySpan<byte> payload = record.Payload;
        switch (record.Header.Event)
        {
            case TraceEvent.Start when payload.Length >= Orb.Size:
                Close(RecordedEnd.Unknown);
                _program = new RecordedProgram(record.Header.Program, Orb.Read(payload));
                break;
            case TraceEvent.NotTranslated when payload.Length >= sizeof(int) + Orb.Size:
                Close(RecordedEnd.Unknown);
                _program = new RecordedProgram(record.Header.Program, Orb.Read(payload[sizeof(int)..]));
                Close(RecordedEnd.NotStarted);
                break;
            case TraceEvent.Outcome:
                Close(RecordedEnd.NotStarted);
                break;
            case TraceEvent.Ccw when CcwPayload.TryRead(payload, out CcwPayload ccw):
                TakeCcw(ccw);
                break;
            case TraceEvent.Command when CommandPayload.TryRead(payload, out CommandPayload command):
                _program?.Commands.Add(new RecordedCommand(command.Address, command.Command, command.Status)
                {
                    Residual = command.Residual, Written = Written(_program, command.Address),
                });
                break;
            case TraceEvent.Data when DataPayload.TryRead(record.Header.Flags, payload, out DataPayload data):
                TakeData(data);
                break;
            case TraceEvent.Status when payload.Length >= sizeof(long) + Irb.Size:
                TakeStatus(record.Header.Program, payload[sizeof(long)..]);
                break;
            case TraceEvent.Resume when _program is not null:
                _program.WasSuspended = true;
                break;
            case TraceEvent.Halt or TraceEvent.Clear when payload.Length > 0 && payload[0] == 0:
                Close(RecordedEnd.Ended);
                break;
            case TraceEvent.Reset or TraceEvent.Gone:
                Close(RecordedEnd.Ended);
                break;
            case TraceEvent.Refused when _program is not null:
                _program.WasRefused = true;
                break;
            case TraceEvent.Report when payload.Length >= sizeof(uint):
                _items.Enqueue(new RecordedReport(new Crw(BinaryPrimitives.ReadUInt32BigEndian(payload))));
                break;
            case TraceEvent.Lost:
                Cut();
                break;
        }
    }

    private void TakeCcw(in CcwPayload ccw)
    {
        if (_program is null)
            return;
        _places.TryAdd(ccw.Address, _program.Ccws.Count);
        _program.Ccws.Add(new RecordedCcw(ccw.Address, ccw.Ccw, ccw.Command, ccw.Data.ToArray()));
    }

    private void TakeData(in DataPayload data)
    {
        if (_program is null)
            return;
        uint address = data.Address;
        RecordedCommand? last = _program.Commands is [.., var latest] && latest.Address == address ? latest : null;
        if (!data.IsToStorage)
        {
            last?.Written = data.Bytes.ToArray();
            Fill(address, data.Bytes);
            return;
        }
        RecordedData read = data.IsDigest ? new RecordedData(data.Length, default, data.Bytes.ToArray())
            : new RecordedData(data.Length + (data.IsCut ? 1 : 0), data.Bytes.ToArray(), default);
        if (last is not null)
            last.Read = read;
        else
            _readBack[address] = read;
    }

    /// <summary>What a command has given to the device, for CCWs that came without it.</summary>
    private void Fill(uint address, ReadOnlySpan<byte> data)
    {
        List<RecordedCcw> ccws = _program!.Ccws;
        foreach (int at in OfCommand(ccws, address))
        {
            if (data.IsEmpty)
                break;
            int length = Math.Min(data.Length, ccws[at].Ccw.Count);
            ccws[at] = ccws[at] with { Data = data[..length].ToArray() };
            data = data[length..];
        }
    }

    /// <summary>Which CCWs a command has that begins at an address: the one there, and those that its data chains to it.</summary>
    private IEnumerable<int> OfCommand(List<RecordedCcw> ccws, uint address)
    {
        bool isChained = true;
        for (int at = _places.GetValueOrDefault(address, ccws.Count); at < ccws.Count && isChained; at++)
        {
            isChained = ccws[at].Ccw.Has(CcwFlags.ChainData);
            yield return at;
        }
    }

    private void TakeStatus(ulong number, ReadOnlySpan<byte> bytes)
    {
        Irb irb = default;
        bytes[..Irb.Size].CopyTo(irb);
        Scsw scsw = irb.Scsw;
        if (number == 0 || _program is null)
        {
            if (scsw.Function == FunctionControl.None)
                _items.Enqueue(new RecordedStatus(irb));
            return;
        }
        _program.Irbs.Add(irb);
        _program.WasSuspended |= (scsw.Activity & ActivityControl.Suspended) != 0;
        if (scsw.HasEnded)
            Close(RecordedEnd.Status);
    }

    private void Close(RecordedEnd end)
    {
        if (_program is not { } program)
            return;
        _program = null;
        program.End = end;
        if (end == RecordedEnd.Status && program.Commands.Count == 0)
            CommandsOfStatus.Find(program, commands, _readBack, Written);
        _readBack.Clear();
        _written.Clear();
        _places.Clear();
        _items.Enqueue(program);
    }

    /// <summary>
    /// What the CCWs of a command, which begins at an address, have given to the device; nothing where that is more than a command is recorded with.
    /// </summary>
    private ReadOnlyMemory<byte> Written(RecordedProgram program, uint address)
    {
        List<RecordedCcw> ccws = program.Ccws;
        if (!_places.TryGetValue(address, out int place))
            return default;
        RecordedCcw first = ccws[place];
        if (!first.Ccw.Has(CcwFlags.ChainData))
            return first.Data;
        if (_written.TryGetValue(address, out ReadOnlyMemory<byte> known))
            return known;
        var whole = new MemoryStream();
        foreach (int at in OfCommand(ccws, address))
        {
            if (whole.Length + ccws[at].Data.Length > RecordedCommand.LargestWrite)
                break;
            whole.Write(ccws[at].Data.Span);
        }
        MadeBytes += whole.Length;
        return _written[address] = whole.ToArray();
    }
}
