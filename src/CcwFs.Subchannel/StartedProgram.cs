using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Subchannel;

/// <summary>
/// The program of a device, translated as a whole or fetched at its turn, with what builds it. One object per device, used again; another
/// one takes its place when a translation is given up, which the thread that is in it keeps. Calls are serialized by the owner.
/// </summary>
internal sealed class StartedProgram
{
    private static readonly HostProgram s_none = new Translator().Program; // never begun, so nothing of it changes

    private Translator? _translator; // made at the first program
    private LiveProgram? _live;      // made at the first such program

    /// <summary>The program; without one it has no chain.</summary>
    internal BackendProgram Current { get; private set; } = s_none;

    /// <summary>Where and why the last program could not be translated; null when it could.</summary>
    internal TranslationFault? Fault { get; private set; }

    /// <summary>
    /// Begins a program that is not prefetched. <paramref name="map"/>: where its memory is looked up, at its turn; <paramref name="mappings"/>: it
    /// now.
    /// </summary>
    internal ProgramFault BeginLive(in Orb orb, IovaMap map, Mapping[] mappings)
    {
        _live ??= new LiveProgram();
        ProgramFault fault = _live.Begin(orb, map, mappings, out TranslationFault? why);
        Fault = why;
        Current = fault == ProgramFault.None ? _live : Current;
        return fault;
    }

    /// <summary>Translates a program.</summary>
    internal ProgramFault Translate(in Orb orb, Mapping[] mappings)
    {
        _translator ??= new Translator();
        Current = _translator.Program;
        ProgramFault fault = _translator.Initialize(orb, mappings);
        if (fault == ProgramFault.None)
            fault = _translator.Prefetch();
        Fault = _translator.Fault;
        return fault;
    }

    /// <summary>Gives everything back; without effect when there is no program.</summary>
    internal void Free()
    {
        Current.EndNotes();
        if (Current == _live)
            _live.End();
        _translator?.Free();
        Current = _translator?.Program ?? s_none;
    }
}
