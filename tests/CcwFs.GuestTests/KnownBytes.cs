namespace CcwFs.GuestTests;

/// <summary>Bytes that both sides of a test know: numbers in lines, so that every block differs, and cheap for an emulated processor.</summary>
internal static class KnownBytes
{
    /// <summary>A command of the guest that writes <paramref name="length"/> bytes, others for another <paramref name="series"/> (1 to 9).</summary>
    internal static string Make(long length, int series = 1) => $"seq {series}0000000 {series}9999999 | head -c {length}";

    /// <summary>A command of the guest that writes them to a file.</summary>
    internal static string Write(string path, long length, int series = 1) => $"{Make(length, series)} >{path}";

    /// <summary>A command of the guest that fails unless they are what the file holds.</summary>
    internal static string Compare(string path, long length, int series = 1) =>
        $"{Make(length, series)} | cmp - {path}; test $(stat -c %s {path}) = {length}";
}
