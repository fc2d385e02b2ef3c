using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>Errnos in words.</summary>
public static class Problem
{
    /// <summary>The system's words for a negative errno, in lower case.</summary>
    public static string Of(int negativeErrno)
    {
        string text = Marshal.GetPInvokeErrorMessage(-negativeErrno);
        return text.Length == 0 ? $"error {-negativeErrno}" : char.ToLowerInvariant(text[0]) + text[1..];
    }
}
