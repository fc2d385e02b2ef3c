namespace CcwFs.Cli;

/// <summary>Work that may wait for ever, as for a file whose file system does not answer.</summary>
internal static class Waiting
{
    /// <summary>
    /// Runs it on a thread of its own: the pool has as many threads as processors, and with one of them stuck a signal was seen to wait for as long (.NET 10).
    /// </summary>
    internal static Task<T> Run<T>(Func<T> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
