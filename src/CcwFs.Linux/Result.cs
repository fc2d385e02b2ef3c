using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>Turns the C library's -1 and errno into one value: a count, or a negative errno.</summary>
internal static class Result
{
    internal static int Of(int returned) => returned < 0 ? -Marshal.GetLastPInvokeError() : returned;

    /// <summary>Counts above int are not asked for: spans are shorter.</summary>
    internal static int Of(nint returned) => returned < 0 ? -Marshal.GetLastPInvokeError() : (int)returned;
}
