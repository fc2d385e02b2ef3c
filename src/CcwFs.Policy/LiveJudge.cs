using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;

namespace CcwFs.Policy;

/// <summary>
/// The same judge for a program that is fetched CCW by CCW: there is one order of execution, the real one, and limits count what is executed, a
/// search that is repeated once. One object per program; one thread at a time.
/// </summary>
public sealed class LiveJudge(DevicePolicy policy) : ILiveGate
{
    private WriteState _state;
    private int _ccws;
    private long _bytes;
    private uint _lastSearch = uint.MaxValue; // no CCW has this address

    /// <summary>Why the program was refused; null when it was not.</summary>
    public PolicyRefusal? Refusal { get; private set; }

    /// <inheritdoc/>
    public bool MustKnowAll(byte command) => policy.HasLimit || PolicyCommands.Find(policy, command) is not null;

    /// <inheritdoc/>
    public int WriteSense(Span<byte> sense) => Refusal?.WriteSense(sense) ?? 0;

    /// <inheritdoc/>
    public void Restart() => (_state, _ccws, _bytes, _lastSearch) = (WriteState.Nowhere, 0, 0, uint.MaxValue);

    /// <inheritdoc/>
    /// <remarks>Over a limit: see <see cref="Refusal"/>.</remarks>
    public void Count(uint address, Ccw ccw, byte command, bool continues)
    {
        bool again = !continues && address == _lastSearch && PolicyCommands.IsSearch(policy, command);
        _lastSearch = continues ? _lastSearch : PolicyCommands.IsSearch(policy, command) ? address : uint.MaxValue;
        if (again)
            return;
        _bytes += ccw.Count;
        if (++_ccws > policy.MaxCcws)
            Refusal ??= new PolicyRefusal(policy.Commands, RefusalKind.OverLimit, $"max-ccws={policy.MaxCcws}", address, ccw);
        else if (_bytes > policy.MaxBytes)
            Refusal ??= new PolicyRefusal(policy.Commands, RefusalKind.OverLimit, $"max-bytes={policy.MaxBytes}", address, ccw);
    }

    /// <inheritdoc/>
    public bool Admits(uint address, Ccw ccw, ReadOnlySpan<byte> argument)
    {
        Ruling ruling = PolicyCommands.Judge(policy, ccw.Command);
        if (!ruling.IsRefusal && PolicyCommands.Find(policy, ccw.Command) is { } row)
        {
            ruling = argument.Length > ProgramArguments.MaxSize
                ? new Ruling(RefusalKind.Sequence, $"its argument has more than {ProgramArguments.MaxSize} bytes", CommandEffect.None)
                : PolicyCommands.Judge(policy, row, argument);
        }
        if (!ruling.IsRefusal)
            ruling = WriteStates.Advance(policy, ruling.Effect, _state, out _state);
        if (ruling.IsRefusal)
            Refusal ??= new PolicyRefusal(policy.Commands, ruling.Kind, ruling.Rule, address, ccw);
        return Refusal is null;
    }
}
