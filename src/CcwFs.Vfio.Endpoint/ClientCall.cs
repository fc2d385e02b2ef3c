using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// One request of a client that may have to wait for the client's own memory or files. It is answered once: by its work's end, by a refusal, or by
/// others who have interrupted it.
/// </summary>
/// <remarks>
/// Posted, it waits for its thread; Running, that is in <see cref="Work"/>; Ended, it has given its answer; Abandoned, others have given one: then
/// work that has not begun never does, and work that has is undone. <see cref="Left"/> comes once on every way.
/// </remarks>
public abstract class ClientCall
{
    private readonly ClientThread _thread;
    private Func<int, bool>? _answer;
    private int _state = (int)State.Posted; // changed by interlocked operations

    private protected ClientCall(ClientThread thread) => _thread = thread;

    private enum State
    {
        Posted,
        Running,
        Ended,
        Abandoned,
    }

    /// <summary>
    /// Runs it on the client's thread. <paramref name="answer"/> gets the result or a negative errno, on any thread, also inside this call; it gives
    /// false when the request was answered meanwhile.
    /// </summary>
    public void Start(Func<int, bool> answer)
    {
        _answer = answer;
        _thread.Post(this);
    }

    /// <summary>
    /// Before others answer the request (EINTR): the caller is out of reach from now on. False while the work is where that cannot be said; it will
    /// end at once when it comes out of there, and give the answer.
    /// </summary>
    public virtual bool TryEnd() => true;

    /// <summary>The request was answered by others (EINTR): the work is left to itself, and has no effect when it has not been done yet.</summary>
    public void Interrupt()
    {
        Volatile.Write(ref _state, (int)State.Abandoned);
        _thread.Abandon(this);
    }

    /// <summary>It will not run, and its request has been answered.</summary>
    internal void Drop() => Left();

    /// <summary>It will not run: this is its answer.</summary>
    internal void Refuse(Errno reason)
    {
        Left();
        _answer!(-(int)reason);
    }

    /// <summary>On the thread: does the work and answers, unless it was abandoned before.</summary>
    internal void Run()
    {
        if (!TryGo(State.Posted, State.Running))
        {
            Drop();
            return;
        }
        int result = -(int)Errno.EIO;
        try
        {
            result = Work();
        }
        catch (Exception failure)
        {
            _thread.Report(failure);
        }
        Over();
        Left();
        TryGo(State.Running, State.Ended);
        if (!_answer!(result))
            Undo(result);
        if (HasMore)
            _thread.Aside(More);
    }

    /// <summary>What to do; the result is the answer.</summary>
    private protected abstract int Work();

    /// <summary>The work has been done and the answer has not gone out: the caller is out of reach from now on.</summary>
    private protected virtual void Over()
    {
    }

    /// <summary>The request was answered before the work's result came.</summary>
    private protected virtual void Undo(int result)
    {
    }

    /// <summary>It holds no thread, and will not.</summary>
    private protected virtual void Left()
    {
    }

    /// <summary><see cref="More"/> is to be called.</summary>
    private protected virtual bool HasMore => false;

    /// <summary>What follows the answer; other calls do not wait for it.</summary>
    private protected virtual void More()
    {
    }

    private bool TryGo(State from, State to) => Interlocked.CompareExchange(ref _state, (int)to, (int)from) == (int)from;
}
