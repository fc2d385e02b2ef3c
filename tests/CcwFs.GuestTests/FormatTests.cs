using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>Formats, partitions, file systems, and the same bytes for another boot and another program.</summary>
public sealed class FormatTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int Pieces = 64;     // of a MiB
    private const int Cylinders = 110; // room for these and a file system

    [Fact]
    public void Bytes_on_a_formatted_volume_are_the_same_after_another_boot_and_for_Hercules()
    {
        string image = Volume.Create(Scratch, "v.ckd", Cylinders);
        using MountedCcwfs mounted = Mount(image);
        using (Guest guest = Boot(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok("dasdfmt -y -b 4096 -d cdl -M full /dev/dasda && dasdfmt --check /dev/dasda");
            guest.Ok("dasdfmt -y -b 4096 -d cdl -M quick /dev/dasda && dasdfmt --check /dev/dasda");
            guest.Ok("fdasd -a /dev/dasda && mkfs.ext4 -q -J size=4 /dev/dasda1 && mount /dev/dasda1 /mnt");
            guest.Ok($"{KnownBytes.Write("/mnt/known", Pieces)}\nsync; umount /mnt");
            guest.Halt();
        }
        using (Guest guest = Boot(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok($"mount -o ro /dev/dasda1 /mnt\n{KnownBytes.Compare("/mnt/known", Pieces)}\numount /mnt; e2fsck -fn /dev/dasda1");
            guest.Halt();
        }
        mounted.Dispose();
        Volume.Check(image);
        Assert.Contains("LINUX.V0X0150.PART0001.NATIVE", Child.Run("dasdls", image).Ok().Output, StringComparison.Ordinal);
        Child.Run("dasdcopy", "-q", "-o", "ckd", image, Scratch.At("copy.ckd")).Ok();
        Child.Run("cmp", image, Scratch.At("copy.ckd")).Ok();
    }

    [Fact]
    public void A_volume_that_Hercules_formatted_for_Linux_comes_online_as_it_is()
    {
        string image = Scratch.At("h.ckd");
        Child.Run("dasdinit", "-linux", image, "3390", "HERC01", "60").Ok();
        using MountedCcwfs mounted = Mount(image);
        using Guest guest = Boot(mounted, ["0.0.0000"]);
        guest.Online(Volume.First);
        Assert.Matches(@"active +dasda +94:0 +ECKD +4096", guest.Ok("lsdasd"));
        guest.Ok("fdasd -a /dev/dasda && mkfs.ext4 -q /dev/dasda1 && mount /dev/dasda1 /mnt");
        guest.Ok($"{KnownBytes.Write("/mnt/known", 1)}\nsync; echo 3 >/proc/sys/vm/drop_caches\n{KnownBytes.Compare("/mnt/known", 1)}\numount /mnt");
        guest.Halt();
        mounted.Dispose();
        Volume.Check(image);
    }
}
