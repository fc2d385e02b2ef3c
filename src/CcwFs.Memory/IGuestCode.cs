namespace CcwFs.Memory;

/// <summary>Bytes of a guest's memory.</summary>
/// <param name="Address">Absolute address of the first in the guest.</param>
/// <param name="Length">How many.</param>
public readonly record struct CodeRange(ulong Address, int Length);

/// <summary>
/// What keeps something made of a guest's code: an emulator that has translated it. It is told before a device changes the code's bytes, for it does
/// not see writes that go past it.
/// </summary>
public interface IGuestCode
{
    /// <summary>
    /// Drops what was made of exactly these bytes, which are about to be written and may be changed by this. False: that is not certain, and nothing
    /// may be written. Waits as long as a patience allows, or until <paramref name="user"/> does not want it any more.
    /// </summary>
    bool Drop(ReadOnlySpan<CodeRange> ranges, ICodeUser user);

    /// <summary>
    /// Writes these bytes and drops what was made of those before, in one step that no processor comes between. Slow. False as for
    /// <see cref="Drop"/>.
    /// </summary>
    bool Write(ulong address, ReadOnlySpan<byte> bytes, ICodeUser user);
}

/// <summary>Who waits for <see cref="IGuestCode.Drop"/>.</summary>
public interface ICodeUser
{
    /// <summary>It is no longer needed. Asked from the thread that waits.</summary>
    bool IsOver { get; }
}
