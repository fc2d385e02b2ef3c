using CcwFs.Subchannel;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// Lines for people about an image, limited by kind (<see cref="LimitedLines"/>). Under the image's write lock, or before the image is handed out.
/// </summary>
/// <param name="name">Of the image.</param>
/// <param name="say">Takes them; null: they are not wanted.</param>
internal sealed class ImageLines(string name, Action<string>? say) : IDisposable
{
    private LimitedLines? _limits; // made by the first line: most images never have one

    /// <summary>What comes once.</summary>
    public void Say(string line) => say?.Invoke(line);

    /// <summary>The redo file was removed or emptied, which a user who may write it or its directory can do before every write.</summary>
    public void SayRemoved(string line) => Say("a redo file that somebody removed", line);

    /// <summary>A change could not be put in place, or is now: of a disk that fails now and then.</summary>
    public void SayStuck(string line) => Say("changes that could not be put in place", line);

    /// <summary>The redo file does not say what it is to say: of a disk that fails at every sync.</summary>
    public void SayUnmarked(string line) => Say("a redo file that could not be written", line);

    /// <summary>Says what was left out so far.</summary>
    public void Dispose() => _limits?.Dispose();

    private void Say(string what, string line)
    {
        if (say is null)
            return;
        _limits ??= new LimitedLines(left => new LogLimit(TimeProvider.System, count => say($"{name}: {count} more lines about {left} were left out")));
        if (_limits.May(what))
            say(line);
    }
}
