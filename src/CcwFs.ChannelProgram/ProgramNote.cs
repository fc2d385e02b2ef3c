namespace CcwFs.ChannelProgram;

/// <summary>
/// What a layer keeps about a program, from the time when it was made to its end. It stays with the program's object, which is used again, and is
/// used again itself: <see cref="BackendProgram.Note{TNote}"/>.
/// </summary>
public abstract class ProgramNote
{
    /// <summary>The next one of the same program.</summary>
    internal ProgramNote? Next { get; set; }

    /// <summary>The program has ended: nothing of it is kept.</summary>
    public abstract void End();
}
