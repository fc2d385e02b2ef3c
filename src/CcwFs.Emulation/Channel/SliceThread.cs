namespace CcwFs.Emulation.Channel;

/// <summary>Whose thread is in a slice.</summary>
internal enum SliceThread
{
    /// <summary>One that others wait for: it does not wait for a program's memory.</summary>
    Other,

    /// <summary>The program's owner's own.</summary>
    Client,

    /// <summary>The executor's.</summary>
    Executor,
}
