using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Replay;

/// <summary>
/// Which of the recorded programs a program is that runs now, found command by command: the recorded ones that fit are fewer with each. Strict:
/// the one that comes next in the recording, and no other. Loose: of those that fit the next one, else the one before it that is nearest, for it
/// shows the device as it was last seen; what a write command writes need not fit where nothing that was recorded does. One thread at a time.
/// </summary>
internal sealed class ReplayPosition
{
    private static readonly string[] s_varying = [Varying.Times];

    private readonly Recording _recording;
    private readonly int[] _programs;         // their places among the items
    private readonly List<int> _few = [];     // what _fitting is when it is not a list of _index
    private readonly ProgramIndex? _index;    // null: strict
    private List<int> _fitting;               // of _programs, in their order; one of _index is not changed
    private int _next;    // the program that is expected
    private int _command; // of the program that runs

    /// <summary>Before the first program of a recording; <paramref name="isLoose"/>: in any order.</summary>
    internal ReplayPosition(Recording recording, bool isLoose)
    {
        (_recording, _fitting) = (recording, _few);
        _programs = [.. Enumerable.Range(0, recording.Items.Count).Where(at => recording.Items[at] is RecordedProgram { Commands.Count: > 0 })];
        if (isLoose)
            _index = new ProgramIndex([.. Enumerable.Range(0, Count).Select(At)], recording.Commands, s_varying);
    }

    /// <summary>Programs that can be replayed.</summary>
    internal int Count => _programs.Length;

    /// <summary>Programs of the recording that have been passed.</summary>
    internal int Passed => _next;

    /// <summary>The program that runs is taken for this one; null: it fits none.</summary>
    internal RecordedProgram? Program => _fitting.Count > 0 ? At(Best()) : null;

    /// <summary>The program that is expected next, null: the recording has ended.</summary>
    internal RecordedProgram? Expected => _next < Count ? At(_next) : null;

    /// <summary>A program begins.</summary>
    internal void Begin()
    {
        GiveUp();
        _command = 0;
        if (_index is null && _next < Count)
            _few.Add(_next);
    }

    /// <summary>The program's next command; null: no recorded program has it there.</summary>
    internal RecordedCommand? Take(byte code)
    {
        if (_index is not null && _command == 0)
            _fitting = _index.Beginning(code);
        else
            Keep(_fitting, at => Commands(at) is var commands && commands.Count > _command && commands[_command].Code == code);
        return _fitting.Count > 0 ? Commands(Best())[_command] : null;
    }

    /// <summary>What the command that was taken writes; gives the command to answer as, null: no recorded program has written that.</summary>
    internal RecordedCommand? Write(byte code, ReadOnlySpan<byte> written)
    {
        byte[] bytes = written.ToArray();
        List<int> before = _index is not null && _command == 0 ? _index.Writing(code, bytes) : _fitting;
        bool isAny = _index is not null && _recording.Commands.KindOf(code) is CommandKind.Writes;
        bool Fits(int at) => Commands(at)[_command].Written is var had && had.Length == bytes.Length
            && Varying.FirstDifference(had.Span, bytes, _recording.Commands, code, s_varying) < 0;
        if (!isAny || before.Exists(Fits))
            Keep(before, Fits);
        return _fitting.Count > 0 ? Commands(Best())[_command] : null;
    }

    /// <summary>The command has been answered.</summary>
    internal void Pass() => _command++;

    /// <summary>No recorded program fits: the one that is expected stays so.</summary>
    internal void GiveUp()
    {
        _few.Clear();
        _fitting = _few;
    }

    /// <summary>The program has ended; gives what the recording has between it and the next program.</summary>
    internal RecordedItem[] End()
    {
        if (_fitting.Count == 0 || _command == 0)
            return [];
        int program = Best();
        GiveUp();
        bool isNext = program == _next;
        _next = program + 1;
        int end = _next < Count ? _programs[_next] : _recording.Items.Count;
        return isNext ? [.. _recording.Items.Take(end).Skip(_programs[program] + 1)] : [];
    }

    /// <summary>Of those that fit the first from the expected one on, else the last.</summary>
    private int Best()
    {
        int found = _fitting.BinarySearch(_next);
        int after = found < 0 ? ~found : found;
        return _fitting[Math.Min(after, _fitting.Count - 1)];
    }

    /// <summary>Those of a list are left that fit.</summary>
    private void Keep(List<int> list, Predicate<int> fits)
    {
        if (list == _few)
        {
            _few.RemoveAll(at => !fits(at));
            return;
        }
        _few.Clear();
        foreach (int at in list)
        {
            if (fits(at))
                _few.Add(at);
        }
        _fitting = _few;
    }

    private RecordedProgram At(int program) => (RecordedProgram)_recording.Items[_programs[program]];

    private List<RecordedCommand> Commands(int program) => At(program).Commands;
}
