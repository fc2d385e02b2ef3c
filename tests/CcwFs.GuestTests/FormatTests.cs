namespace CcwFs.GuestTests;

/// <summary>Formats, partitions, file systems, and the same bytes for another boot and another program.</summary>
public sealed class FormatTests : IDisposable
{
    private const int Pieces = 64;     // of a MiB
    private const int Cylinders = 110; // room for these and a file system

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Bytes_on_a_formatted_volume_are_the_same_after_another_boot_and_for_Hercules()
    {
        string image = Volume.Create(_scratch, "v.ckd", Cylinders);
        using MountedCcwfs mounted = Volume.Mount(image);
        using (var guest = new Guest(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok("dasdfmt -y -b 4096 -d cdl -M full /dev/dasda && dasdfmt --check /dev/dasda");
            guest.Ok("dasdfmt -y -b 4096 -d cdl -M quick /dev/dasda && dasdfmt --check /dev/dasda");
            guest.Ok("fdasd -a /dev/dasda && mkfs.ext4 -q -J size=4 /dev/dasda1 && mount /dev/dasda1 /mnt");
            guest.Ok($"{KnownBytes.Write("/mnt/known", Pieces)}\nsync; umount /mnt");
            guest.Halt();
        }
        using (var guest = new Guest(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok($"mount -o ro /dev/dasda1 /mnt\n{KnownBytes.Compare("/mnt/known", Pieces)}\numount /mnt; e2fsck -fn /dev/dasda1");
            guest.Halt();
        }
        mounted.Dispose();
        Volume.Check(image);
        Assert.Contains("LINUX.V0X0150.PART0001.NATIVE", Child.Run("dasdls", image).Ok().Output, StringComparison.Ordinal);
        Child.Run("dasdcopy", "-q", "-o", "ckd", image, _scratch.At("copy.ckd")).Ok();
        Child.Run("cmp", image, _scratch.At("copy.ckd")).Ok();
    }

    [Fact]
    public void A_volume_that_Hercules_formatted_for_Linux_comes_online_as_it_is()
    {
        string image = _scratch.At("h.ckd");
        Child.Run("dasdinit", "-linux", image, "3390", "HERC01", "60").Ok();
        using MountedCcwfs mounted = Volume.Mount(image);
        using var guest = new Guest(mounted, ["0.0.0000"]);
        guest.Online(Volume.First);
        Assert.Matches(@"active +dasda +94:0 +ECKD +4096", guest.Ok("lsdasd"));
        guest.Ok("fdasd -a /dev/dasda && mkfs.ext4 -q /dev/dasda1 && mount /dev/dasda1 /mnt");
        guest.Ok($"{KnownBytes.Write("/mnt/known", 1)}\nsync; echo 3 >/proc/sys/vm/drop_caches\n{KnownBytes.Compare("/mnt/known", 1)}\numount /mnt");
        guest.Halt();
        mounted.Dispose();
        Volume.Check(image);
    }
}
