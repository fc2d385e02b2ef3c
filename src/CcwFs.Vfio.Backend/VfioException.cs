using CcwFs.Linux;

namespace CcwFs.Vfio.Backend;

/// <summary>A real device cannot be had: what failed, why, and what to do, in one line.</summary>
public sealed class VfioException(string message) : IOException(message)
{
    /// <summary>Gives a result back, or throws with the errno in words when it is one.</summary>
    internal static int Check(int result, string what, string advice = "") =>
        result >= 0 ? result : throw new VfioException($"{what}: {Problem.Of(result)}{(advice.Length > 0 ? "; " : "")}{advice}");
}
