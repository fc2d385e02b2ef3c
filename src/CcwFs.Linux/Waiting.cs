namespace CcwFs.Linux;

/// <summary>Work that may wait for ever, as for a file whose file system does not answer.</summary>
public static class Waiting
{
    /// <summary>
    /// Runs it on a thread of its own: the pool has as many threads as processors, and with one of them stuck a signal was seen to wait for as long
    /// (.NET 10). Where the system has no thread to give, it is done on this one.
    /// </summary>
    public static Task<T> Run<T>(Func<T> work)
    {
        var task = new Task<T>(work, TaskCreationOptions.LongRunning);
        try
        {
            task.Start(TaskScheduler.Default);
            return task;
        }
        catch (TaskSchedulerException error) when (error.InnerException is OutOfMemoryException)
        {
            task = new Task<T>(work);
            task.RunSynchronously(TaskScheduler.Default);
            return task;
        }
    }
}
