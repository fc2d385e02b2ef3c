using CcwFs.ChannelIo;
using CcwFs.Control;

namespace CcwFs.Service.Images;

/// <summary>How an image is open, or is to be.</summary>
/// <param name="Kind">Of volume.</param>
/// <param name="IsReadOnly">To read alone.</param>
/// <param name="Shape">What must be the same for all devices on it, and how to ask for that, to stand after a colon; empty: nothing.</param>
internal readonly record struct ImageUse(string Kind, bool IsReadOnly, string Shape)
{
    /// <summary>Why a device that wants the image in another way cannot have it beside those that have it like this; null: it can.</summary>
    internal ImageObstacle? Obstacle(in ImageUse wanted) =>
        Kind != wanted.Kind ? ImageObstacle.OtherKind(wanted.Kind)
        : IsReadOnly && !wanted.IsReadOnly ? new(" read-only", "; give readonly, or remove that first")
        : Shape != wanted.Shape ? new("", $": {Shape}, or remove that first")
        : null;
}

/// <summary>Why an image that is open cannot be had.</summary>
/// <param name="How">How it is open, to stand after "open".</param>
/// <param name="Advice">What else is to be said of it, and what to do: the end of the line.</param>
internal sealed record ImageObstacle(string How, string Advice)
{
    /// <summary>For who wants it as this kind of volume.</summary>
    internal static ImageObstacle OtherKind(string wanted) => new("", $" as another kind of volume than {wanted}; remove that first");

    /// <summary>The line; <paramref name="holders"/>: who has it open.</summary>
    internal CommandException Refusal(string path, IEnumerable<SubchannelId> holders) =>
        new($"{path} is already open{How} by {string.Join(", ", holders)}{Advice}");
}
