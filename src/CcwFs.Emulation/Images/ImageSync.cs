namespace CcwFs.Emulation.Images;

/// <summary>
/// When writes go to stable storage, beyond the kernel's cache: what a power cut leaves. A kill of ccwfs needs none of it. Closing an image always
/// syncs it.
/// </summary>
/// <param name="EveryProgram">Before each write is acknowledged, in an order that leaves every track old or new.</param>
/// <param name="Seconds">Otherwise, so long after the first write that is not; 0: only when the image is closed.</param>
public readonly record struct ImageSync(bool EveryProgram, int Seconds)
{
    /// <summary>When the kernel likes, and at close.</summary>
    public static ImageSync None => default;

    /// <summary>At the end of every write.</summary>
    public static ImageSync Program => new(EveryProgram: true, 0);

    /// <summary>The stricter of two.</summary>
    public static ImageSync Stricter(ImageSync one, ImageSync other) =>
        one.EveryProgram || other.EveryProgram ? Program
        : new(EveryProgram: false, one.Seconds == 0 ? other.Seconds : other.Seconds == 0 ? one.Seconds : Math.Min(one.Seconds, other.Seconds));

    /// <summary>Whether it leaves less to a power cut than <paramref name="other"/>.</summary>
    public bool IsStricterThan(ImageSync other) => Stricter(this, other) != other;

    /// <inheritdoc/>
    public override string ToString() => EveryProgram ? "program" : Seconds > 0 ? $"every {Seconds} s" : "none";
}
