using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram;

/// <summary>
/// What stands before each command of a program that is fetched at its turn: a layer gives it to the program before it is started
/// (<see cref="LiveProgram.Gate"/>), and the channel asks it. One object per program; one thread at a time.
/// </summary>
public interface ILiveGate
{
    /// <summary>All of a command's CCWs, and what it takes from storage, must be known before it is executed.</summary>
    bool MustKnowAll(byte command);

    /// <summary>A CCW was fetched: of the command that <paramref name="command"/> names, which it begins or <paramref name="continues"/>.</summary>
    void Count(uint address, Ccw ccw, byte command, bool continues);

    /// <summary>
    /// The command that begins at <paramref name="ccw"/> may be executed. <paramref name="argument"/>: the copy of its data that will be used, where
    /// all of it is known. False: the program ends here, with unit check and the gate's sense.
    /// </summary>
    bool Admits(uint address, Ccw ccw, ReadOnlySpan<byte> argument);

    /// <summary>Writes the sense of the program that was not let through; gives its bytes. 0: the unit check is not the gate's.</summary>
    int WriteSense(Span<byte> sense);

    /// <summary>The device was busy: the program begins again.</summary>
    void Restart();
}
