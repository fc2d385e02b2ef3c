using CcwFs.ChannelProgram.Policy;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <content>Policies: the translated copy is judged, and arguments that were judged are copies in the arena, which the host IDAWs name.</content>
public sealed partial class Translator
{
    private ProgramWalk? _walk;         // made at the first policy
    private ArenaStore? _argumentStore;
    private uint _arguments;            // where the copies begin, and
    private uint _argumentsEnd;         // end; nothing else of the arena is data

    /// <summary>Why the policy refuses the program; null when it does not. A refused program must not be executed, or not any further.</summary>
    public PolicyRefusal? Refusal => LiveJudge is { } judge ? judge.Refusal : _walk?.Refusal;

    /// <summary>Bytes of an IDAW's block in the host program.</summary>
    internal int IdawBlock => (int)new IdawFormat(_orb).Block;

    /// <summary>
    /// Judges the program that <see cref="Prefetch"/> has translated; see <see cref="Refusal"/>. Its arguments are copied before: what guest memory holds
    /// later makes no difference. The fault is that of memory which is gone.
    /// </summary>
    public ProgramFault Police(DevicePolicy policy)
    {
        if (!_prefetched)
            return ProgramFault.Invalid;
        _walk ??= new ProgramWalk(this);
        _argumentStore ??= new ArenaStore(Arena);
        _arguments = Arena.Allocate(0);
        ProgramFault fault = _walk.Judge(policy);
        _argumentsEnd = Arena.Allocate(0);
        return fault;
    }

    /// <summary>The copy of an argument behind a host IDAW, as <see cref="PinRecord.TryResolve"/> gives a pinned page; false for any other address of the arena.</summary>
    public bool TryResolveArgument(ulong hostAddress, out IMemoryStore store, out long offset, out int left)
    {
        bool found = hostAddress >= _arguments && hostAddress < _argumentsEnd;
        (store, offset, left) = found ? (_argumentStore!, (long)hostAddress - HostArena.Base, (int)(_argumentsEnd - (uint)hostAddress)) : (null!, 0, 0);
        return found;
    }

    private void ForgetPolicy()
    {
        (_arguments, _argumentsEnd) = (0, 0);
        _walk?.Forget();
    }
}
