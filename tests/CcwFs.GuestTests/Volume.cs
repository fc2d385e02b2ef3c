using System.Globalization;

namespace CcwFs.GuestTests;

/// <summary>Images for guests, and what the host's tools say about them.</summary>
internal static class Volume
{
    /// <summary>The device number that a first DASD gets, here and in the guest.</summary>
    internal const string First = "0.0.0150";

    /// <summary>Makes an image in a directory with ccwfs dasd create.</summary>
    internal static string Create(Scratch scratch, string name, int cylinders, params string[] options)
    {
        string path = scratch.At(name);
        Child.Ccwfs(["dasd", "create", path, "--cylinders", cylinders.ToString(CultureInfo.InvariantCulture), .. options]).Ok();
        return path;
    }

    /// <summary>Asserts that the image has no torn or impossible track.</summary>
    internal static void Check(string image) =>
        Assert.Contains("0 findings", Child.Ccwfs("dasd", "check", image).Ok().Output, StringComparison.Ordinal);
}
