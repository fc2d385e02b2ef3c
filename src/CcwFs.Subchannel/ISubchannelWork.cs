namespace CcwFs.Subchannel;

/// <summary>On whose thread a backend may go on with what a function has begun.</summary>
public enum WorkThread
{
    /// <summary>On threads of its own alone: the calling one is needed elsewhere.</summary>
    Own,

    /// <summary>On the calling one while it is short and need not wait, then on its own.</summary>
    Caller,

    /// <summary>On the calling one, which belongs to the owner of the program's memory, while it is short; it may wait for that memory.</summary>
    Client,
}

/// <summary>
/// What a function of a subchannel leaves to be done after its caller has been answered: a channel program that runs is no part of START SUBCHANNEL.
/// </summary>
public interface ISubchannelWork
{
    /// <summary>
    /// Goes on with it; called once after each function that gave it, without the caller's locks. What is not done on the calling thread is done
    /// later on threads of the backend. It may announce status (<see cref="ISubchannelEvents.Interrupt"/>) before it returns.
    /// </summary>
    void GoOn(WorkThread thread);
}
