using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>A guest, which knows one channel subsystem, and devices of others.</summary>
public sealed class CssMappingTests(ITestOutputHelper output) : GuestTest(output)
{
    [Fact]
    public void A_guest_finds_devices_of_another_css_that_are_shown_in_fe_and_in_0()
    {
        string one = Volume.Create(Scratch, "one.ckd", 20, "--format", "cdl", "--volser", "CSSFE1");
        string two = Volume.Create(Scratch, "two.ckd", 20, "--format", "cdl", "--volser", "CSS001");
        using MountedCcwfs mounted = Mount($"{one},id=1.0.0000,devno=1.0.1234,css=fe", $"{two},id=1.0.0001,devno=1.0.1235,css=0");
        using Guest guest = Boot(mounted, ["fe.0.0000", "0.0.0001"]);
        guest.Online("0.0.1234");
        Assert.Contains("CSSFE1", guest.Ok("dasdview -l /dev/dasda"), StringComparison.Ordinal);
        guest.Online("0.0.1235");
        Assert.Contains("CSS001", guest.Ok("dasdview -l /dev/dasdb"), StringComparison.Ordinal);
        guest.Halt();
    }
}
