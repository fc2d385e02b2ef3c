namespace CcwFs.Emulation.ControlUnit;

/// <summary>What a device has of the unit's reserve. Of the devices on one unit at most one has it pending or held.</summary>
internal enum Hold
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is this device's as soon as the programs of the others have ended; they begin no new ones.</summary>
    Pending,

    /// <summary>It is this device's.</summary>
    Held,

    /// <summary>An unconditional reserve took it away, and no command has said so yet.</summary>
    Lost,
}

/// <summary>A device's program, as far as the others on the unit care.</summary>
internal enum ProgramPhase
{
    /// <summary>None has begun.</summary>
    None,

    /// <summary>One has begun and has not ended: it goes on whoever reserves the unit (the device's implicit allegiance).</summary>
    Running,

    /// <summary>It has begun, and an unconditional reserve ended it: its next command says so.</summary>
    Terminated,
}

/// <summary>
/// One device's part in the reserve of a unit that it shares with others: what it holds, its program, and whether it answered busy and owes the
/// device end that says when to try again. Transitions are named for what happens and defined for every state; each gives the state behind it.
/// </summary>
/// <param name="Hold">The reserve.</param>
/// <param name="Program">The program.</param>
/// <param name="OwesDeviceEnd">It answered busy and has not said yet that it is free.</param>
internal readonly record struct ReserveState(Hold Hold, ProgramPhase Program, bool OwesDeviceEnd)
{
    /// <summary>The reserve is this device's, or will be.</summary>
    public bool Reserves => Hold is Hold.Pending or Hold.Held;

    /// <summary>A program has begun and has not ended.</summary>
    public bool IsInProgram => Program != ProgramPhase.None;

    /// <summary>The next command that has to pass the reserve gets a check instead.</summary>
    public bool MustTellLoss => Hold == Hold.Lost || Program == ProgramPhase.Terminated;

    /// <summary>A program is about to begin: what ended the last one is none of its business.</summary>
    public ReserveState Begin() => this with { Program = Program == ProgramPhase.Terminated ? ProgramPhase.Running : Program };

    /// <summary>A command was not answered busy: the program has begun.</summary>
    public ReserveState Enter() => this with { Program = Program == ProgramPhase.None ? ProgramPhase.Running : Program };

    /// <summary>The program has ended.</summary>
    public ReserveState Leave() => this with { Program = ProgramPhase.None };

    /// <summary>The program, or the start of one, was given up: nobody waits for the device end, nor for the reserve that is pending.</summary>
    public ReserveState Abandon() => new(Hold == Hold.Pending ? Hold.None : Hold, ProgramPhase.None, OwesDeviceEnd: false);

    /// <summary>A command was answered busy.</summary>
    public ReserveState AnswerBusy() => this with { OwesDeviceEnd = true };

    /// <summary>The device end is owed no longer.</summary>
    public ReserveState PayDeviceEnd() => this with { OwesDeviceEnd = false };

    /// <summary>DEVICE RESERVE. While programs of other devices run it is pending, and the command is answered busy.</summary>
    public ReserveState Reserve(bool othersRun) => othersRun ? (this with { Hold = Hold.Pending }).AnswerBusy() : this with { Hold = Hold.Held };

    /// <summary>UNCONDITIONAL RESERVE by this device, which waits for nobody.</summary>
    public ReserveState Take() => this with { Hold = Hold.Held };

    /// <summary>UNCONDITIONAL RESERVE by another device: takes the reserve and ends the program.</summary>
    public ReserveState BeTakenFrom() => this with
    {
        Hold = Reserves ? Hold.Lost : Hold,
        Program = Program == ProgramPhase.Running ? ProgramPhase.Terminated : Program,
    };

    /// <summary>A command's check has said what the device lost.</summary>
    public ReserveState TellLoss() => this with
    {
        Hold = Hold == Hold.Lost ? Hold.None : Hold,
        Program = Program == ProgramPhase.Terminated ? ProgramPhase.Running : Program,
    };

    /// <summary>DEVICE RELEASE, or the reserve's last path is gone.</summary>
    public ReserveState Release() => this with { Hold = Reserves ? Hold.None : Hold };
}
