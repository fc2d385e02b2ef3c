using System.Globalization;
using System.Text;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>Linux' dasd_fba on disks of blocks in plain files.</summary>
public sealed class FbaTests(ITestOutputHelper output) : GuestTest(output)
{
    private const string Modules = "dasd_fba_mod,ext4,virtio_blk";
    private const long DiskBytes = 256 << 20;
    private const int Pieces = 16;     // MiB
    private const int FirstBlock = 10; // of the load, 4096 bytes each

    [Fact]
    public void A_guest_partitions_formats_writes_and_trims_and_the_file_is_what_virtio_shows_too()
    {
        string image = Make("disk.raw");
        using MountedCcwfs mounted = MountDevices("fba,image=" + image);
        using (Guest guest = Boot(mounted, ["0.0.0000"], new GuestOptions { Modules = Modules }))
        {
            Assert.Matches(@"(?m)^0\.0\.0150 0\.0\.\d{4}  9336/10 6310/01 ", guest.Ok("lscss"));
            Assert.Equal("dasda", guest.Online(Volume.First));
            Assert.Equal($"{DiskBytes}\n512\nFBA", guest.Ok($"blockdev --getsize64 /dev/dasda; cat /sys/block/dasda/queue/logical_block_size; tr -d ' ' </sys/bus/ccw/devices/{Volume.First}/discipline"));
            guest.Ok("printf 'label: gpt\\nstart=2048\\n' | sfdisk -q /dev/dasda && mkfs.ext4 -q /dev/dasda1 && mount /dev/dasda1 /mnt");
            guest.Ok($"{KnownBytes.Write("/mnt/known", Pieces)}\nsync; echo 3 >/proc/sys/vm/drop_caches\n{KnownBytes.Compare("/mnt/known", Pieces)}\numount /mnt");
            guest.Halt();
        }

        long full = AllocatedBytes(image);
        Assert.InRange(full, (long)Pieces << 20, DiskBytes);
        string[] virtio = ["-drive", $"file={image},if=none,id=file,format=raw,readonly=on,file.locking=off", "-device", "virtio-blk-ccw,drive=file"];
        using (Guest guest = Boot(mounted, ["0.0.0000"], new GuestOptions { Modules = Modules, Qemu = virtio }))
        {
            guest.Online(Volume.First);
            guest.Ok("mkdir -p /virtio; mount -o ro,noload /dev/vda1 /virtio && mount /dev/dasda1 /mnt");
            guest.Ok($"{KnownBytes.Compare("/mnt/known", Pieces)}\ncmp /mnt/known /virtio/known\numount /virtio");
            guest.Ok("rm /mnt/known; sync; fstrim /mnt; umount /mnt; e2fsck -fn /dev/dasda1");
            Assert.InRange(AllocatedBytes(image), 1, full - (Pieces << 19)); // the discards are done when they return
            guest.Halt();
        }
        Assert.Equal(DiskBytes, new FileInfo(image).Length);
    }

    [Fact]
    public void A_read_only_disk_gives_errors_and_one_that_is_taken_away_under_load_is_gone()
    {
        string image = Make("disk.raw"), other = Make("other.raw");
        using MountedCcwfs mounted = MountDevices("fba,image=" + image, "fba,readonly,image=" + other);
        using (Guest guest = Boot(mounted, ["0.0.0000", "0.0.0001"], new GuestOptions { Modules = Modules }))
        {
            string disk = guest.Online(Volume.First), locked = guest.Online("0.0.0151");
            guest.Ok($"/usr/bin/dd if=/dev/{locked} of=/dev/null bs=64k count=16 iflag=direct");
            guest.Run($"/usr/bin/dd if=/dev/zero of=/dev/{locked} bs=4096 count=1 oflag=direct").Failed();

            // Without failfast the driver holds requests back until the device returns.
            guest.Ok($"echo 1 >/sys/bus/ccw/devices/{Volume.First}/failfast");
            guest.Ok(NumberedBlocks.Load(disk, FirstBlock));
            mounted.Ccwfs("remove", "0.0.0000").Ok();
            guest.Ok("until test -e /run/failed; do usleep 20000; done");
            guest.Ok($"chccwdev -d {Volume.First}; until test ! -e /sys/bus/ccw/devices/{Volume.First}; do usleep 20000; done");
            int last = int.Parse(guest.Ok("cat /run/acknowledged"), CultureInfo.InvariantCulture);
            Assert.InRange(last, 3, NumberedBlocks.Count - 1);
            AssertAcknowledged(image, last);
            guest.Halt();
        }
        Assert.Equal(0, AllocatedBytes(other));
    }

    private static void AssertAcknowledged(string image, int last)
    {
        using FileStream file = File.OpenRead(image);
        byte[] block = new byte[4096];
        file.Position = FirstBlock * block.Length;
        for (int n = 0; n <= last; n++)
        {
            file.ReadExactly(block);
            Assert.Equal(n.ToString("D4096", CultureInfo.InvariantCulture), Encoding.ASCII.GetString(block));
        }
    }

    private string Make(string name)
    {
        using FileStream file = File.Create(Scratch.At(name));
        file.SetLength(DiskBytes);
        return file.Name;
    }

    private static long AllocatedBytes(string path) =>
        512 * long.Parse(Child.Run("stat", "-c", "%b", path).Ok().Output, CultureInfo.InvariantCulture);
}
