using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// One request of a client that may have to wait for the client's own memory or files. It is answered once: by its work's end, or by an interruption.
/// </summary>
public sealed class ClientCall
{
    private readonly ClientThread _thread;
    private readonly Func<int> _work;
    private readonly Action? _over;
    private readonly Func<int, bool>? _undo;
    private readonly Action? _then;
    private readonly Action? _left;
    private Func<int, bool>? _answer;
    private volatile bool _isOver;

    /// <param name="thread">Where it runs.</param>
    /// <param name="work">What to do; its result is the answer.</param>
    /// <param name="over">Called before the answer goes out: the caller is out of reach from now on.</param>
    /// <param name="then">Called after the answer; other calls do not wait for it.</param>
    /// <param name="undo">Called with the result when nobody was there any more to take it.</param>
    /// <param name="left">Called once in any case, when it holds no thread and will not.</param>
    internal ClientCall(
        ClientThread thread, Func<int> work, Action? over = null, Func<int, bool>? undo = null, Action? then = null, Action? left = null) =>
        (_thread, _work, _over, _undo, _then, _left) = (thread, work, over, undo, then, left);

    /// <summary>Nobody waits for it any more.</summary>
    internal bool IsOver => _isOver;

    /// <summary>
    /// Runs it on the client's thread. <paramref name="answer"/> gets the result or a negative errno, on any thread, also inside this call; it gives false
    /// when the request was answered meanwhile.
    /// </summary>
    public void Start(Func<int, bool> answer)
    {
        _answer = answer;
        if (_thread.TryPost(this))
            return;
        _left?.Invoke();
        answer(-(int)Errno.EBUSY);
    }

    /// <summary>It will not run.</summary>
    internal void Drop() => _left?.Invoke();

    /// <summary>The request was answered by others (EINTR): the work is left to itself, and has no effect when it has not been done yet.</summary>
    public void Interrupt()
    {
        _isOver = true;
        _over?.Invoke();
        _thread.Abandon(this);
    }

    internal void Run()
    {
        int result = -(int)Errno.EIO;
        try
        {
            result = _work();
        }
        catch (Exception failure)
        {
            _thread.Report(failure);
        }
        _over?.Invoke();
        _left?.Invoke();
        if (!_answer!(result))
            _undo?.Invoke(result);
        if (_then is not null)
            _thread.Aside(_then);
    }
}

/// <summary>
/// The thread of one open file on which everything runs that the client can hold up. It starts with the first call and ends with the file. A call that was
/// interrupted while it is stuck keeps its thread until the client lets it go, and another thread goes on. What fails in a way that it should not is logged, and ends
/// nothing but itself. Thread-safe.
/// </summary>
internal sealed class ClientThread(string name, ILogger logger)
{
    /// <summary>Most threads of one file that may be stuck in abandoned calls, or in what follows calls (arbitrary); then calls are refused, EBUSY.</summary>
    internal const int MaxStuck = 8;

    private readonly object _gate = new(); // a monitor: pulsed for every call and at the end
    private readonly Queue<ClientCall> _calls = new(); // guarded by _gate
    private readonly Queue<Action> _orders = new();    // what must be done whoever waits; before the calls; guarded by _gate
    private Thread? _current;    // guarded by _gate; null: none is there to take calls
    private ClientCall? _running; // guarded by _gate: the current thread's
    private int _stuck;          // guarded by _gate
    private bool _ended;         // guarded by _gate

    internal bool TryPost(ClientCall call)
    {
        lock (_gate)
        {
            if (_ended || (_stuck >= MaxStuck && _current is null))
                return false;
            _calls.Enqueue(call);
            Wake();
            return true;
        }
    }

    /// <summary>Runs <paramref name="order"/> soon, ahead of calls that wait.</summary>
    internal void Order(Action order)
    {
        lock (_gate)
        {
            _orders.Enqueue(order);
            Wake();
        }
    }

    /// <summary>Runs <paramref name="last"/> and then ends the thread. A call it is stuck in does not keep that up.</summary>
    internal void End(Action last)
    {
        lock (_gate)
        {
            _ended = true;
            foreach (ClientCall call in _calls)
                call.Drop();
            _calls.Clear();
            _orders.Enqueue(last);
            if (_running is not null)
                LeaveCurrent();
            else
                Wake();
        }
    }

    internal void Abandon(ClientCall call)
    {
        lock (_gate)
        {
            if (_running == call)
                LeaveCurrent();
        }
    }

    /// <summary>Does something on the current thread that may be held up: whoever comes meanwhile gets another one.</summary>
    internal void Aside(Action action)
    {
        lock (_gate)
        {
            if (_current == Thread.CurrentThread)
                LeaveCurrent();
        }
        action();
    }

    internal void Report(Exception failure) => EndpointLog.RequestFailed(logger, name, failure);

    // Under _gate: the current thread is left to what holds it up, and another one takes what waits. Orders wait for nobody; calls do when too many are stuck.
    private void LeaveCurrent()
    {
        (_current, _running) = (null, null);
        _stuck++;
        if (_orders.Count > 0 || (_calls.Count > 0 && _stuck < MaxStuck))
            Wake();
    }

    // Under _gate.
    private void Wake()
    {
        if (_current is null)
        {
            _current = new Thread(Work) { IsBackground = true, Name = name };
            _current.Start();
        }
        Monitor.Pulse(_gate);
    }

    private void Work()
    {
        while (Next(out Action? order, out ClientCall? call))
        {
            try
            {
                order?.Invoke();
                if (call is { IsOver: false })
                    call.Run();
                else
                    call?.Drop();
            }
            catch (Exception failure)
            {
                Report(failure);
            }
            lock (_gate)
            {
                if (_current == Thread.CurrentThread)
                    _running = null;
            }
        }
    }

    private bool Next(out Action? order, out ClientCall? call)
    {
        lock (_gate)
        {
            call = null;
            while (true)
            {
                order = null;
                if (_current != Thread.CurrentThread)
                {
                    _stuck--; // it has come free
                    if (_current is not null || _ended)
                        return false;
                    _current = Thread.CurrentThread;
                }
                if (_orders.TryDequeue(out order))
                    return true;
                if (_calls.TryDequeue(out call))
                {
                    _running = call;
                    return true;
                }
                if (_ended)
                    return false;
                Monitor.Wait(_gate);
            }
        }
    }
}
