using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// The thread of one open file on which everything runs that the client can hold up. It starts with the first call and ends with the file. A call
/// that was interrupted while it is stuck keeps its thread until the client lets it go, and another thread goes on. Where there is no thread to be
/// had, for the system or for this client, calls that no thread would take are refused, ENOMEM, and the next one tries again. What fails in a way
/// that it should not is logged, and ends nothing but itself. Thread-safe.
/// </summary>
internal sealed class ClientThread(string name, ClientAccount account, ILogger logger)
{
    /// <summary>
    /// Most threads of one file that may be stuck in abandoned calls, or in what follows calls (arbitrary); then calls are refused, EBUSY.
    /// </summary>
    internal const int MaxStuck = 8;

    /// <summary>Most calls of one file that wait for those before them (arbitrary); then calls are refused, EBUSY.</summary>
    internal const int MaxWaiting = 256;

    private readonly object _gate = new(); // a monitor: pulsed for every call and at the end
    private readonly Queue<ClientCall> _calls = new(); // guarded by _gate
    private Action? _last;       // guarded by _gate: what is done at the end, ahead of everything
    private Thread? _current;    // guarded by _gate; null: none is there to take calls
    private ClientCall? _running; // guarded by _gate: the current thread's
    private int _stuck;          // guarded by _gate
    private bool _ended;         // guarded by _gate

    /// <summary>How threads are begun; a test makes that fail.</summary>
    internal Action<Thread> Begin { get; set; } = static thread => thread.Start();

    /// <summary>Runs a call, or refuses it.</summary>
    internal void Post(ClientCall call)
    {
        Errno refusal = 0;
        lock (_gate)
        {
            if (_ended || (_stuck >= MaxStuck && _current is null) || _calls.Count >= MaxWaiting)
                refusal = Errno.EBUSY;
            else if (!Wake())
                refusal = Errno.ENOMEM;
            else
                _calls.Enqueue(call);
        }
        if (refusal != 0)
            call.Refuse(refusal);
    }

    /// <summary>
    /// Runs <paramref name="last"/> and then ends the thread. A call it is stuck in does not keep that up. Without any thread of this, as there has
    /// been no call yet, it runs here; where a call is stuck and no other thread can be had, that one's does it when it comes free.
    /// </summary>
    internal void End(Action last)
    {
        lock (_gate)
        {
            _ended = true;
            while (_calls.TryDequeue(out ClientCall? call))
                call.Drop();
            if (_current is not null || _stuck > 0)
            {
                _last = last;
                if (_running is not null)
                    LeaveCurrent();
                else
                    Wake();
                return;
            }
        }
        last();
    }

    internal void Abandon(ClientCall call) => LeaveWhere(() => _running == call);

    /// <summary>Does something on the current thread that may be held up: calls that come meanwhile get another one.</summary>
    internal void Aside(Action action)
    {
        LeaveWhere(() => _current == Thread.CurrentThread);
        action();
    }

    internal void Report(Exception failure) => EndpointLog.RequestFailed(logger, name, failure);

    // Leaves the current thread where that is wanted; calls for which there is no other are refused.
    private void LeaveWhere(Func<bool> isWanted)
    {
        ClientCall[] refused = [];
        lock (_gate)
        {
            if (isWanted() && !LeaveCurrent())
            {
                refused = [.. _calls];
                _calls.Clear();
            }
        }
        Array.ForEach(refused, waiting => waiting.Refuse(Errno.ENOMEM));
    }

    // Under _gate: the current thread is left to what holds it up, and another one takes what waits. The end waits for nobody; calls do when too many
    // are stuck. False: another one was needed and is not to be had.
    private bool LeaveCurrent()
    {
        (_current, _running) = (null, null);
        _stuck++;
        return (_last is null && (_calls.Count == 0 || _stuck >= MaxStuck)) || Wake();
    }

    // Under _gate. False: there is no thread, and none is to be had. The thread that does the end is not counted: it is there for a moment, and gives
    // everything back.
    private bool Wake()
    {
        bool counted = _last is null;
        if (_current is null)
        {
            if (counted && !account.Takes(Resource.Threads))
                return false;
            var thread = new Thread(() => Work(counted)) { IsBackground = true, Name = name };
            try
            {
                Begin(thread);
            }
            catch (OutOfMemoryException) // what Start says when the system gives no thread (pthread_create, EAGAIN)
            {
                if (counted)
                    account.Give(Resource.Threads);
                return false;
            }
            _current = thread;
        }
        Monitor.Pulse(_gate);
        return true;
    }

    private void Work(bool counted)
    {
        while (Next(out Action? last, out ClientCall? call))
        {
            try
            {
                last?.Invoke();
                call?.Run();
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
        if (counted)
            account.Give(Resource.Threads);
    }

    private bool Next(out Action? last, out ClientCall? call)
    {
        lock (_gate)
        {
            call = null;
            while (true)
            {
                last = null;
                if (_current != Thread.CurrentThread)
                {
                    _stuck--; // it has come free
                    if (_current is not null || (_ended && _last is null))
                        return false;
                    _current = Thread.CurrentThread;
                }
                (last, _last) = (_last, null);
                if (last is not null)
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
