using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// What a thread that copies for a program, from or to memory that may wait for its owner, and those who end the program know of each other.
/// While memory is waited for (<see cref="IsCopying"/>) the thread touches nothing but that memory and a buffer of the program's own, and may be
/// abandoned.
/// </summary>
/// <param name="gate">The subchannel's.</param>
internal sealed class MemoryWait(object gate) : ICodeUser
{
    private bool _isCopying;          // guarded by the gate
    private volatile bool _abandoned; // set under the gate, while copying
    private volatile bool _isEnding;  // a reset waits for the end of the slice

    /// <summary>Memory is being waited for. Under the gate.</summary>
    internal bool IsCopying => _isCopying;

    /// <summary>Given up: the thread in here ends as soon as it comes free, and touches nothing.</summary>
    internal bool IsAbandoned => _abandoned;

    /// <inheritdoc/>
    public bool IsOver => _abandoned || _isEnding;

    /// <summary>A program begins.</summary>
    internal void BeginProgram() => _isEnding = false;

    /// <summary>Nothing of the program counts any more: what is waited for is not worth it. Under the gate.</summary>
    internal void HurryUp() => _isEnding = true;

    /// <summary>Gives the run up while it is copying; another one takes its place. Under the gate.</summary>
    internal void Abandon() => _abandoned = true;

    /// <summary>From here on memory is waited for.</summary>
    internal void Begin()
    {
        lock (gate)
            _isCopying = true;
    }

    /// <summary>It is not any more. False: abandoned.</summary>
    internal bool End()
    {
        lock (gate)
        {
            _isCopying = false;
            return !_abandoned;
        }
    }
}
