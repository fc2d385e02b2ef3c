using System.Globalization;
using System.Text;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>fio in guests: it writes blocks with checksums, and reads them again.</summary>
public sealed class FioTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int Cylinders = 100; // 70 MB of blocks of 4096 bytes
    private const int Least = 2048;    // KiB of a job; more where that many requests would not be half a queue
    private static readonly GuestOptions s_options = new() { HasFio = true };

    [Theory]
    [InlineData("direct=1", "", "")]
    [InlineData("direct=0", "--do_verify=0 --end_fsync=1", "--verify_only")] // what was written is read from the device, not from the page cache
    public void What_it_writes_is_there_at_every_size_and_depth(string way, string writing, string reading)
    {
        using MountedCcwfs mounted = Mount(NewVolume("v.ckd"));
        using Guest guest = Boot(mounted, ["0.0.0000"], s_options);
        var jobs = new StringBuilder(Global(way));
        string partition = Online(guest, 0);
        int offset = 0;
        foreach (int kilobytes in (int[])[4, 16, 64, 256, 1024])
        {
            foreach (int depth in (int[])[1, 4, 32])
            {
                int size = Math.Max(Least, kilobytes * depth / 2);
                jobs.Append(CultureInfo.InvariantCulture,
                    $"[{kilobytes}k-{depth}]\nstonewall\nfilename={partition}\nbs={kilobytes}k\niodepth={depth}\noffset={offset}k\nsize={size}k\n");
                offset += size;
            }
        }
        guest.Ok($"{Put(jobs)}fio {writing} /run/jobs >/run/said || {{ tail -n 50 /run/said; exit 1; }}");
        if (reading.Length > 0)
            guest.Ok($"echo 3 >/proc/sys/vm/drop_caches\nfio {reading} /run/jobs >/run/said || {{ tail -n 50 /run/said; exit 1; }}");
        guest.Halt();
    }

    [Fact]
    public void Four_volumes_of_a_guest_work_at_once()
    {
        string[] names = ["a", "b", "c", "d"];
        using MountedCcwfs mounted = Mount([.. names.Select(name => NewVolume(name + ".ckd"))]);
        using Guest guest = Boot(mounted, ["0.0.0000", "0.0.0001", "0.0.0002", "0.0.0003"], s_options);
        var jobs = new StringBuilder(Global(Mixed));
        for (int i = 0; i < names.Length; i++)
            jobs.Append(CultureInfo.InvariantCulture, $"[{names[i]}]\nfilename={Online(guest, i)}\n");
        guest.Ok(Run(jobs));
        guest.Halt();
        mounted.Dispose();
        foreach (string name in names)
            Volume.Check(Scratch.At(name + ".ckd"));
    }

    [Fact]
    public void Two_guests_of_a_mount_work_at_once()
    {
        using MountedCcwfs mounted = Mount(NewVolume("a.ckd"), NewVolume("b.ckd"));
        Guest[] guests = [Boot(mounted, ["0.0.0000"], s_options), Boot(mounted, ["0.0.0001"], s_options)];
        Parallel.For(0, guests.Length, number =>
        {
            using Guest guest = guests[number];
            guest.Ok(Run(new StringBuilder(Global(Mixed)).Append(CultureInfo.InvariantCulture, $"[one]\nfilename={Online(guest, number)}\n")));
            guest.Halt();
        });
    }

    /// <summary>Sizes and places as a busy system has them.</summary>
    private const string Mixed = "direct=1\nsize=12m\nbssplit=4k/60:32k/25:512k/15\niodepth=8";

    /// <summary>What all jobs have. Threads, because processes of fio share memory in a file system that the guest has not.</summary>
    private static string Global(string more) =>
        $"[global]\nthread\nioengine=libaio\nrw=randwrite\nverify=crc32c\nverify_fatal=1\nrandrepeat=1\n{more}\n";

    private static string Put(StringBuilder jobs) => $"cat >/run/jobs <<'END'\n{jobs}END\n";

    private static string Run(StringBuilder jobs) => $"{Put(jobs)}fio /run/jobs >/run/said || {{ tail -n 50 /run/said; exit 1; }}";

    private string NewVolume(string name) => Volume.Create(Scratch, name, Cylinders, "--format", "cdl");

    /// <summary>Sets a DASD online, with one partition on it; gives that partition's block device.</summary>
    private static string Online(Guest guest, int number)
    {
        string device = "/dev/" + guest.Online(string.Create(CultureInfo.InvariantCulture, $"0.0.{0x150 + number:x4}"));
        guest.Ok($"fdasd -a {device}");
        return device + "1";
    }
}
