namespace CcwFs.FileSystem;

/// <summary>Tells the kernel that a poll handle has something new.</summary>
internal interface IPollNotifier
{
    void NotifyPoll(ulong pollHandle);
}
