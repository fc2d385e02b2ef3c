using System.Globalization;

namespace CcwFs.GuestTests;

/// <summary>Volumes that take space on demand, and volumes of more cylinders than 16 bits hold.</summary>
public sealed class SpaceTests : IDisposable
{
    private const string Blocks = "dd if=/dev/dasda of=/run/read bs=4096 iflag=direct 2>/dev/null";
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void An_extended_address_volume_is_formatted_at_once_and_used_to_its_last_track()
    {
        const int Cylinders = 262_668;
        string last = (((long)Cylinders * 15 * 12) - 12).ToString(CultureInfo.InvariantCulture); // first block of the last track
        string image = Volume.Create(_scratch, "large.ckd", Cylinders, "--lazy");
        using var mounted = new MountedCcwfs(["--device", $"dasd,image={image},ese", "-v"]);
        using (var guest = new Guest(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok("dasdfmt -y -b 4096 -d cdl -M quick /dev/dasda");
            Assert.Equal("193659863040", guest.Ok("blockdev --getsize64 /dev/dasda"));
            Assert.Equal("1", guest.Ok("cat /sys/bus/ccw/devices/0.0.0150/ese"));
            guest.Ok($"/usr/bin/{Blocks} skip={last} count=12; test $(stat -c %s /run/read) = 49152; ! tr -d '\\0' </run/read | grep -q .");
            guest.Ok($"echo last >/run/text; /usr/bin/dd if=/run/text of=/dev/dasda bs=4096 seek={last} conv=sync oflag=direct");
            guest.Ok("fdasd -a /dev/dasda && blockdev --rereadpt /dev/dasda && test -b /dev/dasda1");
            guest.Halt();
        }
        using (var guest = new Guest(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            Assert.Equal("last", guest.Ok($"/usr/bin/{Blocks} skip={last} count=1; tr -d '\\0' </run/read"));
            Assert.Equal("262668", guest.Ok("dasdview -i /dev/dasda | sed -n 's/.*number of cylinders.*dec \\([0-9]*\\).*/\\1/p'"));
            guest.Halt();
        }
    }

    /// <summary>Mounts a file system of a few megabytes, which takes root.</summary>
    [Fact]
    public void Writes_to_a_full_disk_wait_and_go_on_when_there_is_space_again()
    {
        string directory = _scratch.MakeDirectory("small");
        Child.Run("mount", "-t", "tmpfs", "-o", "size=4m", "ccwfs-test", directory).Ok();
        try
        {
            string image = Volume.Create(_scratch, "small/e.ckd", 60, "--lazy");
            using var mounted = new MountedCcwfs(["--device", $"dasd,image={image},ese", "-v"]);
            using var guest = new Guest(mounted, ["0.0.0000"]);
            guest.Online(Volume.First);
            guest.Ok("dasdfmt -y -b 4096 -d cdl -M quick /dev/dasda");
            Child.Run("bash", "-c", $"dd if=/dev/zero of={directory}/filler bs=4096 2>/dev/null; test -s {directory}/filler").Ok();
            guest.Ok($"{KnownBytes.Write("/run/known", 4)}\ntruncate -s 4M /run/known; {{ /usr/bin/dd if=/run/known of=/dev/dasda bs=64k seek=10 oflag=direct && echo done >/run/done; }} </dev/null >/run/log 2>&1 &");
            Assert.True(SpinWait.SpinUntil(() => mounted.Log.Contains("reported as out of space", StringComparison.Ordinal), Guest.Patience),
                mounted.Log);
            Assert.Contains("no space left", mounted.Ccwfs("info", "0.0.0000").Ok().Output, StringComparison.Ordinal);
            guest.Ok("test ! -e /run/done");
            File.Delete(directory + "/filler");
            Child.Run("mount", "-o", "remount,size=64m", directory).Ok();
            guest.Ok("until test -e /run/done; do usleep 100000; done");
            guest.Ok("until dmesg | grep -q 'Extent pool physical space constraint has been relieved'; do usleep 100000; done");
            guest.Ok("/usr/bin/dd if=/dev/dasda bs=64k skip=10 count=64 iflag=direct 2>/dev/null | cmp - /run/known");
            guest.Halt();
        }
        finally
        {
            Child.Run("umount", directory).Ok();
        }
    }
}
