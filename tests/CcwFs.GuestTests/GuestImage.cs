namespace CcwFs.GuestTests;

/// <summary>The kernel and the initramfs that scripts/guest makes, once, outside of the repository.</summary>
internal static class GuestImage
{
    private static readonly TimeSpan MakingTakesAtMost = TimeSpan.FromMinutes(5);
    private static readonly Lazy<string> MadeIn = new(Make);

    internal static string Kernel => MadeIn.Value + "/kernel";

    internal static string InitialRamdisk => MadeIn.Value + "/initramfs";

    /// <summary>The same with fio.</summary>
    internal static string RamdiskWithFio => InitialRamdisk + "-fio";

    private static string Make() =>
        Child.Finish(Child.Start("/", null, Places.Repository + "/scripts/guest", "build"), patience: MakingTakesAtMost).Ok().Output.TrimEnd('\n');
}
