using System.Globalization;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>What goes away under load: a volume, a path, QEMU, ccwfs.</summary>
public sealed class HardTimesTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int Cylinders = 40;
    private const int FirstBlock = 100; // of the load; behind the label and the VTOC

    private const string Progress =
        "n=$(cat /run/acknowledged); until test $(cat /run/acknowledged) -gt $((n + 3)); do test ! -e /run/failed; usleep 20000; done";
    private const string Failed = "until test -e /run/failed; do usleep 20000; done; cat /run/failed";

    [Fact]
    public void A_volume_taken_away_under_load_is_gone_for_the_guest_and_another_comes()
    {
        string image = Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl");
        string other = Volume.Create(Scratch, "other.ckd", Cylinders, "--format", "cdl", "--volser", "SECOND");
        using MountedCcwfs mounted = Mount(image);
        string monitor = mounted.Scratch.At("monitor");
        using Guest guest = Boot(mounted, ["0.0.0000"], new GuestOptions { Qemu = ["-qmp", $"unix:{monitor},server=on,wait=off"] });
        guest.Online(Volume.First);
        int acknowledged = TakeAway(mounted, guest, "dasda", Volume.First, "0.0.0000");

        mounted.Ccwfs("add", $"dasd,image={other},id=0.0.0007,devno=0.0.0222").Ok();
        Plug(mounted, monitor, "0.0.0007", "fe.0.0222");
        guest.Ok("until test -e /sys/bus/ccw/devices/0.0.0222/online; do usleep 20000; done");
        string name = guest.Online("0.0.0222");
        Assert.Contains("'SECOND'", guest.Ok($"dasdview -l /dev/{name}"), StringComparison.Ordinal);
        int acknowledgedThere = TakeAway(mounted, guest, name, "0.0.0222", "0.0.0007", "--force");
        guest.Halt();
        mounted.Dispose();
        AssertAcknowledged(image, acknowledged);
        AssertAcknowledged(other, acknowledgedThere);
    }

    [Fact]
    public void A_guest_goes_on_over_the_other_path_while_one_is_off()
    {
        string image = Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl");
        using MountedCcwfs mounted = Mount(image + ",chpids=40.41");
        using Guest guest = Boot(mounted, ["0.0.0000"]);
        guest.Online(Volume.First);
        guest.Ok(NumberedBlocks.Load("dasda", FirstBlock));
        foreach (string path in (string[])["40", "41"])
        {
            mounted.Ccwfs("path", "0.0.0000", path, "off").Ok();
            guest.Ok(Progress);
            mounted.Ccwfs("path", "0.0.0000", path, "on").Ok();
            guest.Ok(Progress);
        }
        guest.Ok("test ! -e /run/failed; kill $(cat /run/load.pid)");
        int acknowledged = Acknowledged(guest);
        guest.Halt();
        mounted.Dispose();
        AssertAcknowledged(image, acknowledged);
    }

    [Fact]
    public void A_killed_QEMU_leaves_nothing_and_the_device_is_free_at_once()
    {
        string image = Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl");
        using MountedCcwfs mounted = Mount(image);
        int acknowledged = KillUnderLoad(mounted);
        mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=7").Ok(); // busy, while a VFIO client has it
        JsonElement device = Assert.Single(JsonDocument.Parse(mounted.Ccwfs("list", "--json").Ok().Output).RootElement.EnumerateArray());
        Assert.Equal("idle", device.GetProperty("state").GetString());
        // What a killed client held ends with its descriptors, which the kernel closes when it has the time. The first client's end may have left
        // what ccwfs keeps for all, the second one's may not.
        List<string> first = Held(mounted);
        int again = KillUnderLoad(mounted);
        List<string> more;
        long deadline = Environment.TickCount64 + (long)Child.Patience.TotalMilliseconds;
        while ((more = Beyond(Held(mounted), first)).Count > 0 && Environment.TickCount64 < deadline)
            Thread.Sleep(PollEvery);
        Assert.Empty(more);
        Assert.DoesNotContain(first, name => name.Contains("memory-backend", StringComparison.Ordinal));
        Assert.DoesNotContain(first, name => name.StartsWith("/proc/", StringComparison.Ordinal)
            && !name.EndsWith("/mountinfo", StringComparison.Ordinal)); // its own mounts are watched
        acknowledged = Math.Max(acknowledged, again);
        mounted.Dispose();
        AssertAcknowledged(image, acknowledged);
    }

    [Fact]
    public void A_guest_whose_ccwfs_was_killed_gets_errors_and_its_acknowledged_writes_are_in_the_image()
    {
        string image = Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl");
        int acknowledged;
        using (MountedCcwfs mounted = Mount(image))
        using (Guest guest = Boot(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok($"cd /sys/bus/ccw/devices/{Volume.First}; echo 3 >expires; echo 2 >retries");
            guest.Ok(NumberedBlocks.Load("dasda", FirstBlock));
            mounted.Kill();
            guest.Ok("until test -e /run/failed; do usleep 20000; done", TimeSpan.FromMinutes(1));
            acknowledged = Acknowledged(guest);
            guest.Kill();
            Child.Run("umount", "-l", mounted.MountPoint).Ok();
        }
        AssertAcknowledged(image, acknowledged);
    }

    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(20); // the kernel has no event for that

    // Removes a subchannel under load; gives the last write that the guest takes for done.
    private static int TakeAway(MountedCcwfs mounted, Guest guest, string name, string device, params string[] subchannel)
    {
        // Without failfast the driver holds requests back until the device returns.
        guest.Ok($"echo 1 >/sys/bus/ccw/devices/{device}/failfast");
        guest.Ok(NumberedBlocks.Load(name, FirstBlock));
        mounted.Ccwfs("remove", subchannel).Ok();
        Assert.Contains("error writing", guest.Ok(Failed), StringComparison.Ordinal);
        Assert.Equal("no device", guest.Ok($"cat /sys/bus/ccw/devices/{device}/availability"));
        guest.Ok($"chccwdev -d {device}; until test ! -e /sys/bus/ccw/devices/{device}; do usleep 20000; done");
        Assert.Equal("[]", mounted.Ccwfs("list", "--json").Ok().Output.Trim());
        return Acknowledged(guest);
    }

    // Each name as often as it is there more often.
    private static List<string> Beyond(List<string> names, List<string> known)
    {
        List<string> left = [.. names];
        known.ForEach(name => left.Remove(name));
        return left;
    }

    private int KillUnderLoad(MountedCcwfs mounted)
    {
        using Guest guest = Boot(mounted, ["0.0.0000"]);
        guest.Online(Volume.First);
        guest.Ok(NumberedBlocks.Load("dasda", FirstBlock));
        int acknowledged = Acknowledged(guest);
        guest.Kill();
        return acknowledged;
    }

    private static int Acknowledged(Guest guest) => int.Parse(guest.Ok("cat /run/acknowledged"), CultureInfo.InvariantCulture);

    // The image holds what the guest was told is written, and its tracks are whole.
    private static void AssertAcknowledged(string image, int last)
    {
        Assert.InRange(last, 3, 4999);
        int n = 0;
        foreach (byte[] block in CkdImage.ReadBlocks(image, FirstBlock, last + 1))
            Assert.Equal(n++.ToString("D4096", CultureInfo.InvariantCulture), Encoding.ASCII.GetString(block));
        Volume.Check(image);
    }

    // What ccwfs has open and mapped; not the parts of the program and the sessions of /dev/fuse, which it opens when it first needs them.
    private static List<string> Held(MountedCcwfs mounted)
    {
        IEnumerable<string> open = new DirectoryInfo($"/proc/{mounted.Pid}/fd").EnumerateFileSystemInfos().Select(file => file.LinkTarget ?? "");
        IEnumerable<string> mapped = File.ReadLines($"/proc/{mounted.Pid}/maps")
            .Where(line => line.Contains("/memfd:memory-backend", StringComparison.Ordinal));
        return [.. open.Where(name => !name.EndsWith(".dll", StringComparison.Ordinal) && name != "/dev/fuse").Concat(mapped)];
    }

    // A file passed to the monitor beside its message needs SCM_RIGHTS, which .NET's sockets do not have.
    private static void Plug(MountedCcwfs mounted, string monitor, string id, string device) =>
        Child.Run("python3", "-c", """
            import glob, json, os, socket, sys
            mount, monitor, subchannel, device = sys.argv[1:]
            link = socket.socket(socket.AF_UNIX)
            link.connect(monitor)
            stream = link.makefile('r')
            def ask(name, files=[], **arguments):
                socket.send_fds(link, [json.dumps({'execute': name, 'arguments': arguments}).encode()], files)
                for line in stream:
                    answer = json.loads(line)
                    if 'error' in answer:
                        sys.exit(str(answer))
                    if 'return' in answer:
                        return
            stream.readline()
            ask('qmp_capabilities')
            file = os.open(f'{mount}/{subchannel}/device', os.O_RDWR)
            ask('getfd', [file], fdname='plugged')
            [uuid] = [os.path.basename(p) for p in glob.glob(f'{mount}/sys/bus/css/devices/{subchannel}/*-*-*')]
            ask('device_add', driver='vfio-ccw', fd='plugged', iommufd='iommufd0', devno=device,
                sysfsdev=f'/sys/bus/css/devices/{subchannel}/{uuid}')
            """, mounted.MountPoint, monitor, id, device).Ok();
}
