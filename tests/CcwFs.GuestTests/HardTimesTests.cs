using System.Globalization;
using System.Text.Json;

namespace CcwFs.GuestTests;

/// <summary>What goes away under load: a volume, a path, QEMU, ccwfs.</summary>
public sealed class HardTimesTests : IDisposable
{
    private const int Cylinders = 40;

    // Writes numbered blocks one after the other; /run/acknowledged holds the last that was. Ends at the first error.
    private const string Load = """
        cat >/run/load <<'END'
        n=0
        while [ $n -lt 5000 ]; do
            printf '%04096d' $n | /usr/bin/dd of=/dev/dasda bs=4096 seek=$((100 + n)) oflag=direct iflag=fullblock 2>/run/error || { mv /run/error /run/failed; break; }
            echo $n >/run/acknowledged.new
            mv /run/acknowledged.new /run/acknowledged
            n=$((n + 1))
        done
        END
        rm -f /run/failed
        bash /run/load </dev/null >/dev/null 2>&1 &
        until [ -e /run/acknowledged ] && [ $(cat /run/acknowledged) -ge 3 ]; do usleep 50000; done
        """;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_volume_taken_away_under_load_is_gone_for_the_guest_and_another_comes()
    {
        string image = Volume.Create(_scratch, "v.ckd", Cylinders, "--format", "cdl");
        string other = Volume.Create(_scratch, "other.ckd", Cylinders, "--format", "cdl", "--volser", "SECOND");
        using MountedCcwfs mounted = Volume.Mount(image);
        string monitor = mounted.Scratch.At("monitor");
        using var guest = new Guest(mounted, ["0.0.0000"], new GuestOptions { Qemu = ["-qmp", $"unix:{monitor},server=on,wait=off"] });
        guest.Online(Volume.First);
        guest.Ok(Load);
        mounted.Ccwfs("remove", "0.0.0000").Ok();
        guest.Ok($"until test -e /run/failed && test ! -e /sys/bus/ccw/devices/{Volume.First}; do usleep 100000; done");
        int acknowledged = int.Parse(guest.Ok("cat /run/acknowledged"), CultureInfo.InvariantCulture);

        mounted.Ccwfs("add", $"dasd,image={other},id=0.0.0007,devno=0.0.0222").Ok();
        Plug(mounted, monitor, "0.0.0007", "fe.0.0222");
        guest.Ok("until test -e /sys/bus/ccw/devices/0.0.0222/online; do usleep 100000; done");
        string name = guest.Online("0.0.0222");
        Assert.Contains("'SECOND'", guest.Ok($"dasdview -l /dev/{name}"), StringComparison.Ordinal);
        guest.Halt();
        mounted.Dispose();
        AssertAcknowledged(image, acknowledged);
    }

    [Fact]
    public void A_guest_goes_on_over_the_other_path_while_one_is_off()
    {
        string image = Volume.Create(_scratch, "v.ckd", Cylinders, "--format", "cdl");
        using MountedCcwfs mounted = Volume.Mount(image + ",chpids=40.41");
        using var guest = new Guest(mounted, ["0.0.0000"]);
        guest.Online(Volume.First);
        guest.Ok(Load);
        foreach (string path in (string[])["40", "41"])
        {
            mounted.Ccwfs("path", "0.0.0000", path, "off").Ok();
            guest.Ok(Progress);
            mounted.Ccwfs("path", "0.0.0000", path, "on").Ok();
            guest.Ok(Progress);
        }
        guest.Ok("test ! -e /run/failed; kill %1 2>/dev/null || pkill -f /run/load; sync");
        int acknowledged = int.Parse(guest.Ok("cat /run/acknowledged"), CultureInfo.InvariantCulture);
        guest.Halt();
        mounted.Dispose();
        AssertAcknowledged(image, acknowledged);
    }

    [Fact]
    public void A_killed_QEMU_leaves_nothing_and_the_device_is_free_at_once()
    {
        string image = Volume.Create(_scratch, "v.ckd", Cylinders, "--format", "cdl");
        using MountedCcwfs mounted = Volume.Mount(image);
        int before = Descriptors(mounted);
        int acknowledged;
        using (var guest = new Guest(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok(Load);
            acknowledged = int.Parse(guest.Ok("cat /run/acknowledged"), CultureInfo.InvariantCulture);
            guest.Kill();
        }
        using (var next = new Guest(mounted, ["0.0.0000"]))
        {
            next.Online(Volume.First);
            next.Ok(Verify(acknowledged));
            next.Kill();
        }
        // What a killed client held ends with its descriptors, which the kernel closes when it has the time.
        long deadline = Environment.TickCount64 + (long)Child.Patience.TotalMilliseconds;
        while (Descriptors(mounted) > before && Environment.TickCount64 < deadline)
            Thread.Yield();
        Assert.Equal(before, Descriptors(mounted));
        JsonElement device = Assert.Single(JsonDocument.Parse(mounted.Ccwfs("list", "--json").Ok().Output).RootElement.EnumerateArray());
        Assert.Equal("idle", device.GetProperty("state").GetString());
        mounted.Dispose();
        AssertAcknowledged(image, acknowledged);
    }

    [Fact]
    public void A_guest_whose_ccwfs_was_killed_gets_errors_and_its_acknowledged_writes_are_in_the_image()
    {
        string image = Volume.Create(_scratch, "v.ckd", Cylinders, "--format", "cdl");
        int acknowledged;
        using (MountedCcwfs mounted = Volume.Mount(image))
        using (var guest = new Guest(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok($"cd /sys/bus/ccw/devices/{Volume.First}; echo 3 >expires; echo 2 >retries");
            guest.Ok(Load);
            mounted.Kill();
            guest.Ok("until test -e /run/failed; do usleep 100000; done", TimeSpan.FromMinutes(1));
            acknowledged = int.Parse(guest.Ok("cat /run/acknowledged"), CultureInfo.InvariantCulture);
            guest.Kill();
            Child.Run("umount", "-l", mounted.MountPoint).Ok();
        }
        AssertAcknowledged(image, acknowledged);
    }

    private const string Progress = "n=$(cat /run/acknowledged); until test $(cat /run/acknowledged) -gt $((n + 3)); do test ! -e /run/failed; usleep 50000; done";

    private static string Verify(int acknowledged) => $$"""
        n=0
        while [ $n -le {{acknowledged}} ]; do
            printf '%04096d' $n
            n=$((n + 1))
        done >/run/wanted
        echo 3 >/proc/sys/vm/drop_caches
        cmp -n $(({{acknowledged}} * 4096 + 4096)) /run/wanted /dev/dasda 0 409600
        """;

    // Another guest reads the image; the volume's tracks are whole.
    private static void AssertAcknowledged(string image, int acknowledged)
    {
        using (MountedCcwfs mounted = Volume.Mount(image))
        using (var guest = new Guest(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok(Verify(acknowledged));
            guest.Halt();
        }
        Volume.Check(image);
    }

    private static int Descriptors(MountedCcwfs mounted) => Directory.GetFileSystemEntries($"/proc/{mounted.Pid}/fd").Length;

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
