using CcwFs.ChannelProgram;

namespace CcwFs.Policy;

/// <summary>What the policy makes of one program.</summary>
internal sealed class PolicyNote : ProgramNote
{
    private ProgramWalk? _walk; // made at the first translated program

    /// <summary>Judges the program at its turn; null: it was judged as a whole.</summary>
    internal LiveJudge? Judge { get; private set; }

    /// <summary>Why it must not be executed, or not any further; null: nothing speaks against it.</summary>
    internal PolicyRefusal? Refusal => Judge is { } judge ? judge.Refusal : _walk?.Refusal;

    /// <summary>Judges a program by a policy, or has it judged at its turn. The fault is that of memory which is gone.</summary>
    internal ProgramFault Apply(DevicePolicy policy, BackendProgram program)
    {
        if (program is LiveProgram live)
        {
            live.Gate = Judge = new LiveJudge(policy);
            return ProgramFault.None;
        }
        return (_walk ??= new ProgramWalk((HostProgram)program)).Judge(policy);
    }

    /// <inheritdoc/>
    public override void End()
    {
        Judge = null;
        _walk?.Forget();
    }
}
