using CcwFs.Subchannel;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// Lines for people about an image. Of a kind that can come again and again each has its own limit, so that a flood of one hides no other. Under the
/// image's write lock, or before the image is handed out.
/// </summary>
/// <param name="name">Of the image.</param>
/// <param name="say">Takes them; null: they are not wanted.</param>
internal sealed class ImageLines(string name, Action<string>? say) : IDisposable
{
    // Made by the first line: most images never have one.
    private LogLimit? _removed, _stuck, _unmarked;

    /// <summary>What comes once.</summary>
    public void Say(string line) => say?.Invoke(line);

    /// <summary>The redo file was removed or emptied, which a user who may write it or its directory can do before every write.</summary>
    public void SayRemoved(string line) => Say(ref _removed, "a redo file that somebody removed", line);

    /// <summary>A change could not be put in place, or is now: of a disk that fails now and then.</summary>
    public void SayStuck(string line) => Say(ref _stuck, "changes that could not be put in place", line);

    /// <summary>The redo file does not say what it is to say: of a disk that fails at every sync.</summary>
    public void SayUnmarked(string line) => Say(ref _unmarked, "a redo file that could not be written", line);

    /// <summary>Says what was left out so far.</summary>
    public void Dispose()
    {
        _removed?.Dispose();
        _stuck?.Dispose();
        _unmarked?.Dispose();
    }

    private void Say(ref LogLimit? limit, string what, string line)
    {
        if (say is null)
            return;
        limit ??= new LogLimit(TimeProvider.System, count => say($"{name}: {count} more lines about {what} were left out"));
        if (limit.May())
            say(line);
    }
}
