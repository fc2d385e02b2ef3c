using System.Globalization;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>Other layouts than the usual one, and more volumes than one.</summary>
public sealed class LayoutTests(ITestOutputHelper output) : GuestTest(output)
{
    [Fact]
    public void A_volume_in_the_Linux_disk_layout_keeps_its_bytes()
    {
        string image = Volume.Create(Scratch, "v.ckd", 40);
        using MountedCcwfs mounted = Mount(image);
        using Guest guest = Boot(mounted, ["0.0.0000"]);
        guest.Online(Volume.First);
        guest.Ok("dasdfmt -y -b 4096 -d ldl -M full /dev/dasda");
        Assert.Contains("LDL formatted", guest.Ok("dasdview -x /dev/dasda"), StringComparison.Ordinal);
        guest.Ok($"mkfs.ext4 -q /dev/dasda1; mount /dev/dasda1 /mnt\n{KnownBytes.Write("/mnt/known", 8)}\numount /mnt");
        guest.Ok($"chccwdev -d {Volume.First}; chccwdev -e {Volume.First}; mount -o ro /dev/dasda1 /mnt\n{KnownBytes.Compare("/mnt/known", 8)}\numount /mnt");
        guest.Halt();
        mounted.Dispose();
        Volume.Check(image);
    }

    [Fact]
    public void Tracks_copied_raw_make_the_same_volume()
    {
        string from = Volume.Create(Scratch, "from.ckd", 20, "--format", "cdl", "--volser", "RAWSRC");
        string to = Volume.Create(Scratch, "to.ckd", 20);
        using MountedCcwfs mounted = Mount(from, to);
        using Guest guest = Boot(mounted, ["0.0.0000", "0.0.0001"]);
        guest.Online("0.0.0150");
        guest.Ok($"fdasd -ak /dev/dasda; mkfs.ext4 -q /dev/dasda1; mount /dev/dasda1 /mnt\n{KnownBytes.Write("/mnt/known", 4)}\numount /mnt; chccwdev -d 0.0.0150");
        guest.Ok("for d in 0.0.0150 0.0.0151; do echo 1 >/sys/bus/ccw/devices/$d/raw_track_access; chccwdev -e $d; done");
        Assert.Equal("300 300", guest.Ok("""
            a=$(ls /sys/bus/ccw/devices/0.0.0150/block) b=$(ls /sys/bus/ccw/devices/0.0.0151/block)
            /usr/bin/dd if=/dev/$a of=/dev/$b bs=64k iflag=direct oflag=direct 2>&1 | sed -n 's/^\([0-9]*\)+0 records.*/\1/p' | tr '\n' ' '
            """).TrimEnd());
        guest.Ok("chccwdev -d 0.0.0150,0.0.0151; echo 0 >/sys/bus/ccw/devices/0.0.0151/raw_track_access");
        string copy = guest.Online("0.0.0151");
        guest.Ok($"mount -o ro /dev/{copy}1 /mnt\n{KnownBytes.Compare("/mnt/known", 4)}\numount /mnt");
        Assert.Contains("'RAWSRC'", guest.Ok($"dasdview -l /dev/{copy}"), StringComparison.Ordinal);
        guest.Halt();
        mounted.Dispose();
        Volume.Check(to);
        Child.Run("cmp", from, to).Ok();
    }

    [Fact]
    public void A_sparse_3390_54_is_formatted_in_no_time_and_takes_files()
    {
        string image = Scratch.At("v.ckd");
        Child.Ccwfs("dasd", "create", image, "--model", "3390-54", "--lazy").Ok();
        using MountedCcwfs mounted = Mount(image + ",ese");
        using Guest guest = Boot(mounted, ["0.0.0000"]);
        guest.Online(Volume.First);
        Assert.Equal("1", guest.Ok($"cat /sys/bus/ccw/devices/{Volume.First}/ese"));
        guest.Ok("dasdfmt -y -b 4096 -d cdl -M quick /dev/dasda; fdasd -a /dev/dasda");
        guest.Ok($"mkfs.ext4 -q -m 0 -N 1024 -J size=4 -E lazy_itable_init=1,lazy_journal_init=1 /dev/dasda1; mount /dev/dasda1 /mnt\n{KnownBytes.Write("/mnt/known", 4)}\numount /mnt");
        guest.Ok($"mount -o ro /dev/dasda1 /mnt\n{KnownBytes.Compare("/mnt/known", 4)}\ntest $(df -m /mnt | awk 'END {{ print $2 }}') -gt 40000; umount /mnt");
        guest.Halt();
        mounted.Dispose();
        long onDisk = long.Parse(Child.Run("du", "-m", image).Ok().Output.Split('\t')[0], CultureInfo.InvariantCulture);
        Assert.InRange(onDisk, 1, 300);
    }

    [Fact]
    public void Four_volumes_at_once_keep_their_bytes()
    {
        const int Volumes = 4, Each = 12;
        string[] images = [.. Enumerable.Range(0, Volumes).Select(i => Volume.Create(Scratch, $"v{i}.ckd", 40, "--format", "cdl"))];
        using MountedCcwfs mounted = Mount(images);
        using Guest guest = Boot(mounted, [.. Enumerable.Range(0, Volumes).Select(i => $"0.0.000{i}")]);
        guest.Ok($"chccwdev -e 0.0.0150-0.0.015{Volumes - 1}");
        string names = "a b c d";
        guest.Ok($"for v in {names}; do fdasd -a /dev/dasd$v; mkfs.ext4 -q /dev/dasd${{v}}1; mkdir /mnt/$v; mount /dev/dasd${{v}}1 /mnt/$v; done");
        string Together(Func<char, int, string> one) =>
            string.Join('\n', "abcd".Select((v, i) => $"{{ {one(v, i + 1)}; }} & jobs=\"$jobs $!\"")) + "\nfor j in $jobs; do wait $j; done";
        guest.Ok(Together((v, series) => KnownBytes.Write($"/mnt/{v}/known", Each, series)) + "\nsync; echo 3 >/proc/sys/vm/drop_caches");
        guest.Ok(Together((v, series) => KnownBytes.Compare($"/mnt/{v}/known", Each, series)));
        guest.Ok($"for v in {names}; do umount /mnt/$v; done");
        guest.Halt();
        mounted.Dispose();
        foreach (string image in images)
            Volume.Check(image);
    }
}
