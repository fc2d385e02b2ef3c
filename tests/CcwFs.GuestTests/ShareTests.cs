using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>Two guests on one volume.</summary>
public sealed class ShareTests(ITestOutputHelper output) : GuestTest(output)
{
    [Fact]
    public void A_reservation_of_one_guest_keeps_the_other_out_until_it_is_released_or_stolen()
    {
        string image = Volume.Create(Scratch, "v.ckd", 20, "--format", "cdl");
        using MountedCcwfs mounted = Mount(image, image);
        using Guest one = Boot(mounted, ["0.0.0000"]);
        using Guest other = Boot(mounted, ["0.0.0001"]);
        one.Online("0.0.0150");
        other.Online("0.0.0151");
        other.Ok(WriteBlock("first", 100));
        Assert.Equal("first", one.Ok(ReadBlock(100)));

        one.Ok("tunedasd -S /dev/dasda");
        Assert.Matches("(?m)^reserved +by this device$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        Assert.Equal("reserved", one.Ok("tunedasd -Q /dev/dasda"));
        Assert.Equal("other", other.Ok("tunedasd -Q /dev/dasda"));
        one.Ok(WriteBlock("mine", 101));
        // The driver holds a request that meets the conflict and tries again: this write comes through with the release, not before.
        other.Ok($"{{ {WriteBlock("late", 101)}; echo done >/run/late; }} </dev/null >/run/late.log 2>&1 &");
        WaitUntilAnsweredBusy(mounted);
        other.Ok("test ! -e /run/late");
        Assert.Equal("mine", one.Ok(ReadBlock(101)));
        one.Ok("tunedasd -L /dev/dasda");
        other.Ok("until test -e /run/late; do usleep 20000; done");
        Assert.Equal("late", one.Ok(ReadBlock(101)));

        one.Ok("tunedasd -S /dev/dasda");
        other.Ok("tunedasd -O /dev/dasda");
        other.Ok(WriteBlock("stolen", 102));
        Assert.Equal("other", one.Ok("tunedasd -Q /dev/dasda"));
        one.Ok($"{{ {ReadBlock(102)}; echo; }} </dev/null >/run/read 2>&1 &");
        one.Ok("until test $(cat /sys/bus/ccw/devices/0.0.0150/last_known_reservation_state) = none; do usleep 20000; done; test ! -s /run/read");
        other.Ok("tunedasd -L /dev/dasda");
        Assert.Equal("stolen", one.Ok("until test -s /run/read; do usleep 20000; done; cat /run/read"));
        Assert.Equal("The device reservation was lost", one.Ok(DriverComplaints));
        Assert.Equal("", other.Ok(DriverComplaints));
        one.Halt();
        other.Halt();
        mounted.Dispose();
        Volume.Check(image);
    }

    // Levels 0 to 4 are emergencies to warnings.
    private const string DriverComplaints = "dmesg -r | sed -n '/^<[0-4]>/s/.*dasd-eckd [0-9a-f.]*: //p'";

    private static void WaitUntilAnsweredBusy(MountedCcwfs mounted)
    {
        long deadline = Environment.TickCount64 + (long)Child.Patience.TotalMilliseconds;
        string info;
        do
        {
            info = mounted.Ccwfs("info", "0.0.0001").Ok().Output;
        }
        while (!info.Contains("this device was answered busy", StringComparison.Ordinal) && Environment.TickCount64 < deadline);
        Assert.Matches("(?m)^reserved +by 0.0.0150, this device was answered busy and waits$", info);
    }

    private static string WriteBlock(string text, int block) =>
        $"echo {text} >/run/text; /usr/bin/dd if=/run/text of=/dev/dasda bs=4096 seek={block} conv=sync oflag=direct 2>/run/dd || {{ cat /run/dd; false; }}";

    private static string ReadBlock(int block) =>
        $"/usr/bin/dd if=/dev/dasda bs=4096 skip={block} count=1 iflag=direct 2>/dev/null | tr -d '\\0'";
}
