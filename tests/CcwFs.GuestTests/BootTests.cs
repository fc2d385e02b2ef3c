using System.Text;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>What a guest sees of a volume.</summary>
public sealed class BootTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int Cylinders = 100;

    [Fact]
    public void A_guest_sets_a_volume_online_and_sees_what_it_is()
    {
        string image = Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl", "--volser", "GUEST1");
        using MountedCcwfs mounted = Mount(image);
        using Guest guest = Boot(mounted, ["0.0.0000"]);
        Assert.Matches(@"(?m)^0\.0\.0150 0\.0\.\d{4}  3390/0a 3990/e9      80  80  ff   40000000 00000000 *$", guest.Ok("lscss"));

        string name = guest.Online(Volume.First);
        Assert.Equal("dasda", name);
        Assert.Matches(@"(?m)^0\.0\.0150 +active +dasda +94:0 +ECKD +4096 +70MB +18000$", guest.Ok("lsdasd"));
        Assert.Contains(" yes ", guest.Ok("lscss | grep ^0.0.0150"), StringComparison.Ordinal);

        string view = guest.Ok("dasdview -i -x -t info /dev/dasda");
        Assert.Matches(@"number of cylinders +: hex 64\s+dec 100\b", view);
        Assert.Matches(@"tracks per cylinder +: hex f\s+dec 15\b", view);
        Assert.Matches(@"blocks per track +: hex c\s+dec 12\b", view);
        Assert.Matches(@"blocksize +: hex 1000\s+dec 4096\b", view);
        Assert.Matches(@"CU type +\(SenseID\) +: hex 3990\s+dec 14736", view);
        Assert.Matches(@"device type +\(SenseID\) +: hex 3390\s+dec 13200", view);
        Assert.Matches(@"c3c3\s+e6c6e2f0 f0f00150", view); // …CCWFS000, the serial, in the configuration data, and the device
        Assert.Contains("CDL formatted", view, StringComparison.Ordinal);
        Assert.Contains("GUEST1", guest.Ok("dasdview -l /dev/dasda"), StringComparison.Ordinal);

        // Manufacturer, plant and serial of the device, subsystem and unit address: what /dev/disk/by-id is made of.
        Assert.Equal("CFS.010000CCWFS000.1001.50", guest.Ok("cat /sys/bus/ccw/devices/0.0.0150/uid"));
        Assert.Contains("CFS.010000CCWFS000.1001.50", guest.Ok("lsdasd -u"), StringComparison.Ordinal);
        Assert.Matches(@"(?m)^serial +0000CCWFS000\nsubsystem +1001 unit address 50$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);

        // Levels 0 to 4 are emergencies to warnings.
        Assert.Equal("", guest.Run("dmesg -r | grep '^<[0-4]>' | grep -i dasd.eckd").Output);
        Assert.Equal("", guest.Run("dmesg | grep -iE 'rejected|sense|error' | grep -i dasd").Output);
        guest.Halt();
    }

    [Fact]
    public void A_script_on_standard_input_runs_in_a_guest_up_to_the_command_that_fails()
    {
        byte[] script = Encoding.ASCII.GetBytes("uname -m\ncat <<'END'\n$HOME \"quoted\"\nEND\nsh -c 'exit 3'\necho not here\n");
        Outcome outcome = Child.Finish(Child.Start("/", null, Places.Repository + "/scripts/guest", "run"), script, Guest.Patience);
        Assert.True(outcome.Status == 3, $"status {outcome.Status}\n{outcome.Output}{outcome.Error}");
        Assert.Contains("\ns390x\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\nEND\n$HOME \"quoted\"\nsh -c 'exit 3'\n", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("not here", outcome.Output, StringComparison.Ordinal);
    }
}
