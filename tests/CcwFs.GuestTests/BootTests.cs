namespace CcwFs.GuestTests;

/// <summary>What a guest sees of a volume.</summary>
public sealed class BootTests : IDisposable
{
    private const int Cylinders = 100;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_guest_sets_a_volume_online_and_sees_what_it_is()
    {
        string image = Volume.Create(_scratch, "v.ckd", Cylinders, "--format", "cdl", "--volser", "GUEST1");
        using MountedCcwfs mounted = Volume.Mount(image);
        using var guest = new Guest(mounted, ["0.0.0000"]);
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
}
