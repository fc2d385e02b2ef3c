namespace CcwFs.ChannelProgram;

/// <summary>Why a channel program was not translated; nothing of it was executed. The border to errno is in CcwFs.Subchannel.</summary>
public enum ProgramFault
{
    /// <summary>It was.</summary>
    None,

    /// <summary>Too long (256 CCWs a chain), over one of our named limits, or a call out of order.</summary>
    Invalid,

    /// <summary>An address without a mapping.</summary>
    Unmapped,

    /// <summary>Unmapped, in a run of pages over the end of the 64-bit space (iommufd tells it apart).</summary>
    Overflow,

    /// <summary>A mapping without the rights.</summary>
    Protected,

    /// <summary>A mapping whose memory is gone, or a TIC to no chain.</summary>
    Fault,

    /// <summary>Already initialized.</summary>
    Busy,
}
