using CcwFs.Memory;

namespace CcwFs.Tests.Subchannel;

/// <summary>Memory of a client that may be held back: accesses from <paramref name="held"/> on wait for <see cref="Release"/>.</summary>
internal sealed class HeldStore(byte[] bytes, long held = long.MaxValue, bool readsAlone = false) : IMemoryStore
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ArrayStore _inner = new(bytes);
    private int _waiting;

    public long Length => _inner.Length;

    public bool MayWait => true;

    /// <summary>Accesses that wait now.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>The client lets go.</summary>
    public void Release() => _released.TrySetResult();

    /// <summary>Waits until so many accesses wait.</summary>
    public void AwaitWaiting(int count) => Assert.True(SpinWait.SpinUntil(() => Waiting == count, Machine.Patience), $"{Waiting} of {count} wait");

    public bool Read(long offset, Span<byte> destination)
    {
        Wait(offset, destination.Length);
        return _inner.Read(offset, destination);
    }

    public bool Write(long offset, ReadOnlySpan<byte> source)
    {
        if (!readsAlone)
            Wait(offset, source.Length);
        return _inner.Write(offset, source);
    }

    private void Wait(long offset, int length)
    {
        if (offset + length <= held || _released.Task.IsCompleted)
            return;
        Interlocked.Increment(ref _waiting);
        _released.Task.Wait();
        Interlocked.Decrement(ref _waiting);
    }
}
