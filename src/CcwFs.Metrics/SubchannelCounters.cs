using System.Diagnostics;
using CcwFs.ChannelIo;
using CcwFs.Subchannel;

namespace CcwFs.Metrics;

/// <summary>What a function was: the instructions that begin something.</summary>
internal enum CountedFunction
{
    Start,
    Resume,
    Halt,
    Clear,
}

/// <summary>
/// What happened on one subchannel since it was added. The functions and the status come under the device's locks, the commands on the one thread
/// that runs the program: each number has one writer at a time. Whoever reads sees each number as it was a moment ago. Counting allocates nothing,
/// but for the numbers of commands at the first one.
/// </summary>
public sealed class SubchannelCounters
{
    /// <summary>How a function was answered, in the order of condition codes; the last one is an errno of a kernel.</summary>
    internal static readonly string[] Answers = ["initiated", "status_pending", "busy", "not_operational", "refused"];

    /// <summary>Functions, in the order of <see cref="CountedFunction"/>.</summary>
    internal static readonly string[] FunctionWords = ["start", "resume", "halt", "clear"];

    /// <summary>Interrupts, in the order of <see cref="DeviceInterrupt"/>.</summary>
    internal static readonly string[] InterruptWords = ["io", "crw", "req"];

    private const int Codes = 256;

    private static readonly int s_reset = ProgramEnding.Of(ProgramEnding.Reset), s_notTranslated = ProgramEnding.Of(ProgramEnding.NotTranslated);

    private readonly long[] _endings = new long[ProgramEnding.Rows.Length];
    private readonly long[] _answers = new long[FunctionWords.Length * Answers.Length];
    private readonly long[] _unitChecks = new long[SenseKind.Words.Length];
    private readonly long[] _given = new long[InterruptWords.Length], _taken = new long[InterruptWords.Length];
    private long[]? _commands;         // by code; made at the first command
    private long _toStorage, _toDevice; // bytes
    private long _refusals;
    private long _started;             // when the program was, in ticks; 0: none runs
    private long _begun;               // as _started until its first command was executed; then 0
    private long _busy;                // ticks, of programs that have ended
    private FunctionControl _function; // what the running program's status said until now
    private DeviceStatus _device;
    private SubchannelStatus _check;

    /// <summary>From START to the last status.</summary>
    internal Histogram Durations { get; } = new();

    /// <summary>From START until the device has executed the first command.</summary>
    internal Histogram Queue { get; } = new();

    /// <summary>Bytes that devices gave.</summary>
    internal long ToStorage => Volatile.Read(ref _toStorage);

    /// <summary>Bytes that devices got.</summary>
    internal long ToDevice => Volatile.Read(ref _toDevice);

    /// <summary>Programs that a layer below has refused.</summary>
    internal long Refusals => Volatile.Read(ref _refusals);

    /// <summary>Seconds in which a program ran, that of the one that runs now with them.</summary>
    internal double BusySeconds
    {
        get
        {
            long busy = Volatile.Read(ref _busy), started = Volatile.Read(ref _started);
            return (double)(busy + (started == 0 ? 0 : Math.Max(0, Stopwatch.GetTimestamp() - started))) / Stopwatch.Frequency;
        }
    }

    /// <summary>Programs that ended, by the row of <see cref="ProgramEnding"/>.</summary>
    internal ReadOnlySpan<long> Endings => _endings;

    /// <summary>Functions, by <see cref="CountedFunction"/> and in it by how they were answered.</summary>
    internal ReadOnlySpan<long> AnswersOfFunctions => _answers;

    /// <summary>Unit checks, by <see cref="SenseKind"/>.</summary>
    internal ReadOnlySpan<long> UnitChecks => _unitChecks;

    /// <summary>Interrupts that were signalled, by <see cref="DeviceInterrupt"/>.</summary>
    internal ReadOnlySpan<long> InterruptsGiven => _given;

    /// <summary>Interrupts whose status or report was read, by <see cref="DeviceInterrupt"/>.</summary>
    internal ReadOnlySpan<long> InterruptsTaken => _taken;

    /// <summary>Commands that were executed, by code; empty: none was.</summary>
    internal ReadOnlySpan<long> Commands => Volatile.Read(ref _commands);

    /// <summary>A START is being given to the device.</summary>
    internal void Begin()
    {
        (_function, _device, _check) = (FunctionControl.None, DeviceStatus.None, SubchannelStatus.None);
        Volatile.Write(ref _begun, Stopwatch.GetTimestamp());
        Volatile.Write(ref _started, _begun);
    }

    /// <summary>How a function was answered.</summary>
    internal void Answered(CountedFunction function, in FunctionResult result)
    {
        _answers[((int)function * Answers.Length) + (result.Refusal != 0 ? Answers.Length - 1 : (int)result.Condition & 3)]++;
        if (function == CountedFunction.Start && !result.IsInitiated)
            Volatile.Write(ref _started, 0);
    }

    /// <summary>A START that could not be translated.</summary>
    internal void NotTranslated() => _endings[s_notTranslated]++;

    /// <summary>Status was taken.</summary>
    internal void Took(in Irb irb)
    {
        Scsw scsw = irb.Scsw;
        if ((scsw.Device & DeviceStatus.UnitCheck) != 0)
            _unitChecks[SenseKind.Of(irb)]++;
        const FunctionControl Any = FunctionControl.Start | FunctionControl.Halt | FunctionControl.Clear;
        long started = _started;
        if (started == 0 || ((scsw.Function & Any) == 0 && _function == FunctionControl.None))
            return;
        (_function, _device, _check) = (_function | scsw.Function, _device | scsw.Device, _check | scsw.Subchannel);
        if (!scsw.HasEnded)
            return;
        _endings[ProgramEnding.Of(_function, scsw.DeferredConditionCode, _device, _check)]++;
        End(started);
    }

    /// <summary>What ran has ended without status.</summary>
    internal void Reset()
    {
        long started = _started;
        if (started == 0)
            return;
        _endings[s_reset]++;
        End(started);
    }

    /// <summary>A command was executed.</summary>
    internal void Executed(in ExecutedCommand command)
    {
        (_commands ?? MakeCommands())[command.Command]++;
        if (CommandCode.MovesToStorage(command.Command))
            Volatile.Write(ref _toStorage, _toStorage + command.Moved);
        else
            Volatile.Write(ref _toDevice, _toDevice + command.Moved);
        if (_begun == 0)
            return;
        Queue.Add(Stopwatch.GetTimestamp() - _begun);
        _begun = 0;
    }

    /// <summary>A layer has refused a program.</summary>
    internal void Refused() => Volatile.Write(ref _refusals, _refusals + 1);

    /// <summary>An interrupt was signalled; from any thread.</summary>
    internal void Given(DeviceInterrupt interrupt) => Interlocked.Increment(ref _given[(int)interrupt]);

    /// <summary>What an interrupt was for was read.</summary>
    internal void Taken(DeviceInterrupt interrupt) => _taken[(int)interrupt]++;

    private void End(long started)
    {
        long ticks = Stopwatch.GetTimestamp() - started;
        Durations.Add(ticks);
        Volatile.Write(ref _started, 0);
        Volatile.Write(ref _busy, _busy + ticks);
    }

    private long[] MakeCommands()
    {
        long[] made = new long[Codes];
        Volatile.Write(ref _commands, made);
        return made;
    }
}
