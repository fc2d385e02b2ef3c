using System.Diagnostics.CodeAnalysis;

namespace CcwFs.ChannelProgram;

/// <summary>
/// The CCWs of a program: the chains in the order of their discovery, each from its head. The walk over them, for foreach, allocates nothing.
/// </summary>
public readonly struct ProgramCcws
{
    private readonly HostProgram _program;

    internal ProgramCcws(HostProgram program) => _program = program;

    /// <summary>A walk, before the first CCW.</summary>
    public Walk GetEnumerator() => new(_program);

    /// <summary>A place in the program.</summary>
    public ref struct Walk
    {
        private readonly HostProgram _program;
        private ProgramCcw _current;
        private int _chains; // begun
        private int _left;   // CCWs of the chain

        internal Walk(HostProgram program) => (_program, _current) = (program, new ProgramCcw(program));

        /// <summary>The CCW reached.</summary>
        [UnscopedRef]
        public readonly ref readonly ProgramCcw Current => ref _current;

        /// <summary>To the next CCW; false behind the last one.</summary>
        public bool MoveNext()
        {
            if (_left == 0 && !BeginChain())
                return false;
            _left--;
            _current.Advance();
            return true;
        }

        private bool BeginChain()
        {
            if (_chains == _program.Chains.Length)
                return false;
            ref readonly ProgramChain chain = ref _program.Chains[_chains++];
            _current.Enter(chain);
            _left = chain.Length; // a chain has at least one CCW
            return true;
        }
    }
}
