using System.Diagnostics;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>What a Linux does with a DASD, recorded and played again.</summary>
public sealed class ReplayTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int Cylinders = 30, Pieces = 2; // MiB

    [Fact]
    public void What_a_guest_wrote_is_written_again_and_a_recorded_real_device_can_be_mounted()
    {
        string image = Volume.Create(Scratch, "v.ckd", Cylinders), equal = Volume.Create(Scratch, "w.ckd", Cylinders);
        string written = Scratch.At("written.recording"), read = Scratch.At("read.recording");
        using (MountedCcwfs mounted = Mount(image, equal))
        {
            using (Process record = Record(mounted, written))
            {
                using Guest guest = Boot(mounted, ["0.0.0000"]);
                guest.Online(Volume.First);
                guest.Ok("dasdfmt -y -b 4096 -d cdl -M full /dev/dasda && fdasd -a /dev/dasda && mkfs.ext4 -q -J size=4 /dev/dasda1");
                guest.Ok($"mount /dev/dasda1 /mnt\n{KnownBytes.Write("/mnt/known", Pieces)}\numount /mnt");
                guest.Halt();
                End(record);
            }
            string said = mounted.Ccwfs("replay", written, "--on", "0.0.0001", "--ignore", "times,serials").Ok().Output;
            Assert.Matches(@"^\d{3,} programs were answered as recorded", said);
        }
        Assert.Equal(File.ReadAllBytes(image), File.ReadAllBytes(equal));

        using (MountedCcwfs kernel = Mount(image))
        using (MountedCcwfs mounted = MountOver(kernel))
        using (Process record = Record(mounted, read, "--data"))
        {
            using Guest guest = Boot(mounted, ["0.0.0000"]);
            LookAt(guest);
            End(record);
        }
        using MountedCcwfs replayed = MountDevices($"replay,file={read},loose");
        using Guest second = Boot(replayed, ["0.0.0000"]);
        LookAt(second);
        Assert.Matches("diverged +never", replayed.Ccwfs("info", "0.0.0000").Ok().Output);
    }

    private static void LookAt(Guest guest)
    {
        guest.Online(Volume.First);
        guest.Ok($"mount -o ro,noload /dev/dasda1 /mnt\n{KnownBytes.Compare("/mnt/known", Pieces)}\numount /mnt");
        guest.Halt();
    }

    private static Process Record(MountedCcwfs mounted, string recording, params string[] options)
    {
        Process record = Child.Start("/", null, Places.Program, ["record", "0.0.0000", recording, .. options, "--mount", mounted.MountPoint]);
        Assert.Equal("recording; Ctrl-C ends it", record.StandardError.ReadLineAsync().WaitAsync(Child.Patience).GetAwaiter().GetResult());
        return record;
    }

    private static void End(Process record)
    {
        Child.Run("kill", "-TERM", record.Id.ToString()).Ok();
        Child.Finish(record).Ok();
    }
}
