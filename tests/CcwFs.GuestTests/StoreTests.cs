using System.Security.Cryptography;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>Volumes that are no CKD images: raw files, block devices, overlays.</summary>
public sealed class StoreTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int Cylinders = 60, Pieces = 8;
    private const int CylinderBytes = 15 * 12 * 4_096;

    /// <summary>Where the one partition begins: after two tracks.</summary>
    private const int PartitionAt = 2 * 12 * 4_096;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_raw_volume_has_the_bytes_that_Linux_shows_on_a_disk_of_virtio_too(bool isBlockDevice)
    {
        string raw = Scratch.At("v.raw"), device = raw;
        using (FileStream file = File.Create(raw))
            file.SetLength((long)Cylinders * CylinderBytes);
        try
        {
            if (isBlockDevice)
                device = Child.Run("losetup", "-f", "--show", raw).Ok().Output.Trim();
            FormatAndFill(device, raw);
        }
        finally
        {
            if (device != raw)
                Child.Run("losetup", "-d", device);
        }
        Child.Run("e2fsck", "-fn", $"{raw}?offset={PartitionAt}").Ok();
        using MountedCcwfs other = MountDevices("dasd"); // a guest is one of a mount
        using Guest virtio = Boot(other, [], new GuestOptions
        {
            Modules = "virtio_blk,ext4",
            Qemu =
            [
                "-drive", $"file={raw},if=none,id=disk,format=raw,readonly=on", "-device",
                $"virtio-blk-ccw,drive=disk,logical_block_size=4096,physical_block_size=4096,secs=12,heads=15,cyls={Cylinders}",
            ],
        });
        virtio.Ok($"mount -o ro /dev/vda1 /mnt\n{KnownBytes.Compare("/mnt/known", Pieces)}\numount /mnt");
        virtio.Halt();
    }

    /// <summary>Formats it as a guest does, writes known bytes, and compares all of it with what the guest reads of it.</summary>
    private void FormatAndFill(string device, string raw)
    {
        string redo = device == raw ? "" : $",redo={Scratch.At("v.redo")}";
        using MountedCcwfs mounted = MountDevices($"dasd,image={device},format=raw{redo}");
        using Guest guest = Boot(mounted, ["0.0.0000"]);
        guest.Online(Volume.First);
        guest.Ok("dasdfmt -y -b 4096 -d cdl -M full /dev/dasda && dasdfmt --check /dev/dasda");
        guest.Ok("fdasd -a /dev/dasda && mkfs.ext4 -q -J size=4 /dev/dasda1 && mount /dev/dasda1 /mnt");
        guest.Ok($"{KnownBytes.Write("/mnt/known", Pieces)}\nsync; umount /mnt");
        string sum = guest.Ok("blockdev --flushbufs /dev/dasda; dd if=/dev/dasda bs=737280 2>/dev/null | sha256sum").Split(' ')[0];
        guest.Halt();
        mounted.Dispose();
        Assert.Equal(sum, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(raw))));
        Assert.False(File.Exists(Scratch.At("v.redo")));
    }

    [Fact]
    public void Guests_on_overlays_of_one_base_have_each_their_own_volume()
    {
        const int Guests = 3;
        string image = Volume.Create(Scratch, "base.ckd", Cylinders, "--format", "cdl");
        using (MountedCcwfs mounted = Mount(image))
        using (Guest guest = Boot(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok("fdasd -a /dev/dasda && mkfs.ext4 -q -J size=4 /dev/dasda1 && mount /dev/dasda1 /mnt");
            guest.Ok($"{KnownBytes.Write("/mnt/known", 1)}\nsync; umount /mnt");
            guest.Halt();
            mounted.Dispose();
        }
        byte[] before = SHA256.HashData(File.ReadAllBytes(image));
        string[] specs =
        [
            $"dasd,image={image},overlay={Scratch.At("%d.overlay")},count={Guests}",
            $"dasd,image={image},overlay=tmp",
        ];
        for (int round = 0; round < 2; round++)
        {
            using MountedCcwfs mounted = MountDevices(specs);
            for (int number = 0; number <= Guests; number++)
            {
                using Guest guest = Boot(mounted, [$"0.0.000{number}"]);
                guest.Online($"0.0.015{number}");
                guest.Ok($"mount /dev/dasda1 /mnt\n{KnownBytes.Compare("/mnt/known", 1)}");
                string there = guest.Ok("cat /mnt/mine 2>/dev/null || echo none").Trim();
                Assert.Equal(round == 0 || number == Guests ? "none" : $"{number}", there);
                guest.Ok($"echo {number} >/mnt/mine; sync; umount /mnt; e2fsck -fn /dev/dasda1");
                guest.Halt();
            }
            mounted.Dispose();
        }
        Assert.Equal(before, SHA256.HashData(File.ReadAllBytes(image)));
        Assert.Equal(
            ["0.overlay", "1.overlay", "2.overlay", "base.ckd"],
            [.. Directory.GetFiles(Path.GetDirectoryName(image)!).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]);
    }
}
