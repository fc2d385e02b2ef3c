using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>A guest whose subchannel is a real one to ccwfs: the kernel behind it is a second ccwfs with an emulated 3390.</summary>
public sealed class RealDeviceTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int Cylinders = 30, Pieces = 4; // MiB

    [Fact]
    public void A_guest_formats_writes_and_reads_a_volume_behind_two_translations()
    {
        string image = Volume.Create(Scratch, "v.ckd", Cylinders);
        using MountedCcwfs kernel = Mount(image);
        using (MountedCcwfs mounted = MountOver(kernel))
        {
            using (Guest guest = Boot(mounted, ["0.0.0000"]))
            {
                Assert.Matches(@"(?m)^0\.0\.0150 0\.0\.\d{4}  3390/0a 3990/e9 ", guest.Ok("lscss"));
                guest.Online(Volume.First);
                guest.Ok("dasdfmt -y -b 4096 -d cdl -M full /dev/dasda && dasdfmt --check /dev/dasda && fdasd -a /dev/dasda");
                guest.Ok("mkfs.ext4 -q -J size=4 /dev/dasda1 && mount /dev/dasda1 /mnt");
                guest.Ok($"{KnownBytes.Write("/mnt/known", Pieces)}\nsync; echo 3 >/proc/sys/vm/drop_caches\n{KnownBytes.Compare("/mnt/known", Pieces)}\numount /mnt");
                Assert.Contains("a VFIO client", kernel.Ccwfs("info", "0.0.0000").Ok().Output, StringComparison.Ordinal);
                guest.Halt();
            }

            // Another guest, other memory; and the device taken from under it, which the kernel's ccwfs asks for and the guest's QEMU gives.
            using Guest second = Boot(mounted, ["0.0.0000"]);
            second.Online(Volume.First);
            second.Ok($"mount -o ro /dev/dasda1 /mnt\n{KnownBytes.Compare("/mnt/known", Pieces)}\numount /mnt; e2fsck -fn /dev/dasda1; chccwdev -d {Volume.First}");
            kernel.Ccwfs("remove", "0.0.0000").Ok();
            second.Ok("for i in $(seq 300); do [ -e /sys/bus/ccw/devices/0.0.0150 ] || exit 0; sleep .1; done; exit 1");
            second.Halt();
        }
        kernel.Dispose();
        Volume.Check(image);
    }

    [Fact]
    public void Private_memory_is_refused_with_a_line_that_says_what_to_do()
    {
        using MountedCcwfs kernel = Mount(Volume.Create(Scratch, "v.ckd", Cylinders));
        using MountedCcwfs mounted = MountOver(kernel);
        using var qemu = Child.Start("/", null, Places.Program, "qemu", "--mount", mounted.MountPoint, "--private-memory", "0.0.0000", "--",
            "qemu-system-s390x", "-accel", "tcg", "-m", "512M", "-nodefaults", "-display", "none");
        Outcome outcome = Child.Finish(qemu, patience: Guest.Patience);
        Assert.NotEqual(0, outcome.Status);
        mounted.Logged("start it with ccwfs qemu");
    }
}
