using System.Diagnostics.CodeAnalysis;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>
/// The one walk over a program's CCWs: the chains in the order of their discovery, each from its head. It allocates nothing. The CCW that was reached may be
/// written, and the arena may grow, before the next step.
/// </summary>
public ref struct ProgramCcws
{
    private readonly HostProgram _program;
    private int _chain = -1;
    private int _index;
    private int _length;
    private GuestCcwAddress _guest;
    private HostAddress _host;
    private CommandInEffect _effect;
    private ProgramCcw _current;

    internal ProgramCcws(HostProgram program) => _program = program;

    /// <summary>The CCW reached.</summary>
    [UnscopedRef]
    public readonly ref readonly ProgramCcw Current => ref _current;

    /// <summary>The walk itself, for foreach.</summary>
    public readonly ProgramCcws GetEnumerator() => this;

    /// <summary>To the next CCW; false behind the last one.</summary>
    public bool MoveNext()
    {
        while (_index == _length)
        {
            if (_chain + 1 >= _program.Chains.Length)
                return false;
            ProgramChain chain = _program.Chains[++_chain];
            (_guest, _host, _index, _length, _effect) = (chain.GuestHead, chain.HostHead, 0, chain.Length, default);
        }
        Ccw ccw = Ccw.ReadFormat1(_program.Arena.Bytes(_host, Ccw.Size));
        _effect.Take(ccw);
        _current = new ProgramCcw(_program, _chain, _index++, _guest, _host, ccw, _effect);
        (_guest, _host) = (_guest.Plus(Ccw.Size), _host.Plus(Ccw.Size));
        return true;
    }
}
