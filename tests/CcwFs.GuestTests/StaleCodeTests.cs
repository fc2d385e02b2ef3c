using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>
/// A guest whose code QEMU translates runs what is in its memory, though the device writes there past QEMU. The program in the guest is Code/stale.c.
/// </summary>
public sealed class StaleCodeTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int Cylinders = 20;
    private const string Stale = "/run/stale";

    [Theory] // blocks of 4096, with and without the plugin: below
    [InlineData("plugin", 512)]
    [InlineData("plugin", 1024, "--private-memory")]
    [InlineData("all", 2048, "--no-plugin", "--private-memory")]
    public void Code_that_is_read_over_other_code_is_run(string kind, int block, params string[] options)
    {
        using MountedCcwfs mounted = Mount(Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl"));
        using Guest guest = BootWithProgram(mounted, ["0.0.0000"], new GuestOptions { Verb = options });
        Assert.Matches($"(?m)^guest code +{kind}$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        guest.Online(Volume.First);
        guest.Ok($"dasdfmt -y -b {block} -d cdl -M full /dev/dasda");
        AssertRight(guest.Run($"{Stale} direct /dev/dasda {block}"), cases: 24);
        guest.Halt();
        Assert.DoesNotContain("may run code that is no longer", mounted.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void So_is_code_of_tracks_and_of_files_and_of_two_volumes_at_once()
    {
        using MountedCcwfs mounted = Mount(
            Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl"), Volume.Create(Scratch, "files.ckd", Cylinders, "--format", "cdl"));
        using Guest guest = BootWithProgram(mounted, ["0.0.0000", "0.0.0001"], new GuestOptions());
        guest.Online(Volume.First);
        guest.Online("0.0.0151");
        guest.Ok("fdasd -a /dev/dasdb; mkfs.ext4 -q /dev/dasdb1; mount /dev/dasdb1 /mnt");
        AssertRight(guest.Run($"{Stale} mapped /mnt/a /mnt/b"), cases: 1);
        AssertRight(guest.Run($"""
            {Stale} direct /dev/dasda 4096 >/run/first & first=$!
            {Stale} direct /dev/dasdb 4096
            second=$?; wait $first && cat /run/first && exit $second
            """), cases: 48);

        // Modules from the volume, one after the other in the same memory.
        guest.Ok("""
            for m in fsm tape_class ccwgroup; do cp $(find /usr/lib/modules/ -name $m.ko) /mnt; done
            for i in $(seq 10); do
                for m in fsm tape_class ccwgroup; do
                    echo 3 >/proc/sys/vm/drop_caches
                    insmod /mnt/$m.ko
                    rmmod $m
                done
            done
            test -z "$(dmesg | grep -iE 'oops|illegal operation|specification exception')"
            """);

        // One record of known code on each of two tracks, and the same read as whole tracks.
        guest.Ok("""
            for k in 0 1; do
                { printf 'STALECODE!\xa7\x29\x00'; printf "\\x$(printf %02x $((10 + k)))"; printf '\x07\xfe'; } >/run/code
                dd if=/run/code of=/dev/dasda bs=4096 seek=$(((60 + k) * 12)) conv=sync oflag=direct iflag=fullblock 2>/dev/null
            done
            chccwdev -d 0.0.0150
            echo 1 >/sys/bus/ccw/devices/0.0.0150/raw_track_access
            chccwdev -e 0.0.0150
            """);
        AssertRight(guest.Run($"{Stale} track /dev/dasda"), cases: 1);
        guest.Halt();
    }

    [Fact]
    public void Two_guests_each_run_what_they_read_also_after_QEMU_was_stopped_for_longer_than_ccwfs_waits()
    {
        using MountedCcwfs mounted = Mount(
            Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl"), Volume.Create(Scratch, "w.ckd", Cylinders, "--format", "cdl"));
        using Guest first = BootWithProgram(mounted, ["0.0.0000"], new GuestOptions { Verb = ["--no-plugin"] });
        using Guest second = BootWithProgram(mounted, ["0.0.0001"], new GuestOptions());
        foreach ((Guest guest, string volume) in new[] { (first, Volume.First), (second, "0.0.0151") })
        {
            guest.Online(volume);
            guest.Ok($"while ! test -e /run/enough; do {Stale} direct /dev/dasda 4096 || break; done >/run/said 2>&1 & echo $! >/run/pid");
        }
        foreach (int seconds in (int[])[1, 1, 12]) // ccwfs waits for 10
            StopFor(first.Pid, TimeSpan.FromSeconds(seconds));
        foreach (Guest guest in (Guest[])[first, second])
        {
            guest.Ok("touch /run/enough; while test -e /proc/$(cat /run/pid); do usleep 20000; done");
            AssertRight(guest.Run("cat /run/said; ! grep -v ': 0 of' /run/said"), cases: 24); // one round at least: a busy machine makes no more
            guest.Halt();
        }
    }

    // The time is what is tested: nothing else ends it.
    private static void StopFor(int process, TimeSpan time)
    {
        Child.Run("kill", "-STOP", $"{process}").Ok();
        Thread.Sleep(time);
        Child.Run("kill", "-CONT", $"{process}").Ok();
    }

    /// <summary>As with a real device: nobody knows before what will be read.</summary>
    [Fact]
    public void So_is_code_that_comes_through_a_second_ccwfs()
    {
        using MountedCcwfs kernel = Mount(Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl"));
        using MountedCcwfs mounted = MountOver(kernel);
        using Guest guest = BootWithProgram(mounted, ["0.0.0000"], new GuestOptions());
        Assert.Matches("(?m)^guest code +plugin$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        guest.Online(Volume.First);
        AssertRight(guest.Run($"{Stale} direct /dev/dasda 4096"), cases: 24);
        guest.Halt();
    }

    /// <summary>The program does find wrong calls: a guest with a qtest of its own gets no channel, and is told so.</summary>
    [Fact]
    public void Without_a_channel_the_guest_runs_stale_code_and_the_log_says_so()
    {
        using MountedCcwfs mounted = Mount(Volume.Create(Scratch, "v.ckd", Cylinders, "--format", "cdl"));
        using Guest guest = BootWithProgram(
            mounted, ["0.0.0000"], new GuestOptions { Qemu = ["-chardev", "null,id=own", "-qtest", "chardev:own", "-qtest-log", "none"] });
        Assert.Matches("(?m)^guest code +unknown$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        guest.Online(Volume.First);
        Answer answer = guest.Run($"{Stale} direct /dev/dasda 4096");
        Assert.Equal(1, answer.Status);
        Assert.Contains("may run code that is no longer in its memory", mounted.Log, StringComparison.Ordinal);
        guest.Halt();
    }

    private static void AssertRight(Answer answer, int cases)
    {
        string text = answer.Ok();
        Assert.True(Regex.Count(text, @"(?m): 0 of \d+ calls wrong$") >= cases, text);
    }

    /// <summary>Boots a guest in which <see cref="Stale"/> is the program.</summary>
    private Guest BootWithProgram(MountedCcwfs mounted, string[] devices, GuestOptions options)
    {
        string program = Scratch.At("stale"), compiler = RuntimeInformation.ProcessArchitecture == Architecture.S390x ? "gcc" : "s390x-linux-gnu-gcc";
        Child.Run(compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o", program,
            $"{Places.Repository}/tests/CcwFs.GuestTests/Code/stale.c").Ok();
        GuestOptions withDisk = GuestDisk.Of(program);
        Guest guest = Boot(mounted, devices, withDisk with { Qemu = [.. withDisk.Qemu, .. options.Qemu], Verb = options.Verb });
        guest.Ok($"cp /dev/vda {Stale}; chmod +x {Stale}");
        return guest;
    }
}
