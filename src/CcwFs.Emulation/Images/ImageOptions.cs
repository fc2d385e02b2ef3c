namespace CcwFs.Emulation.Images;

/// <summary>How an image is opened.</summary>
/// <param name="ReadOnly">No writes; others may read too. A pending change is shown as if in place, and stays pending.</param>
/// <param name="Sync">When writes go to stable storage.</param>
/// <param name="Say">
/// Takes lines for people about what is done or found beside a call: changes put in place or dropped, a redo file that went. Of each kind that can
/// come again and again they are limited (<see cref="Subchannel.LogLimit"/>). Null: they are not wanted.
/// </param>
/// <param name="Redo">The path of the redo file; null: it is beside the image.</param>
public readonly record struct ImageOptions(bool ReadOnly = false, ImageSync Sync = default, Action<string>? Say = null, string? Redo = null);
