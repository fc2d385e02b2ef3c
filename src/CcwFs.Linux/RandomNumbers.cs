using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>The kernel's random numbers, which nobody guesses. .NET's own come from OpenSSL, which not every machine has.</summary>
public static class RandomNumbers
{
    /// <summary>getrandom(2): one of 64 bits.</summary>
    /// <exception cref="Win32Exception">The kernel gives none.</exception>
    public static unsafe ulong Next()
    {
        ulong number;

        // SAFETY: the kernel writes as many bytes as the local has. So few come whole, or not at all.
        return LibC.Random(&number, sizeof(ulong), 0) == sizeof(ulong) ? number : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }
}
