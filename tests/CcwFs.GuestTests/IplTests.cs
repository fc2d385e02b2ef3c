using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>A system on a volume, loaded by QEMU's BIOS.</summary>
public sealed class IplTests(ITestOutputHelper output) : GuestTest(output)
{
    private const string Marker = "this system came from the volume";

    [Fact]
    public void A_system_written_with_zipl_is_loaded_up_to_its_login()
    {
        using MountedCcwfs mounted = Installed("exec /usr/bin/busybox getty 0 ttysclp0");
        using (Guest loaded = Boot(mounted, ["0.0.0000,bootindex=1"], new GuestOptions { Ipl = true }))
        {
            loaded.WaitForConsole(Marker);
            loaded.WaitForConsole("login:");
        }
    }

    /// <summary>
    /// Loader, kernel and decompressor come into memory where others were run before: what was translated of those must not be run again. It made a
    /// load take fifty times as long, or go wrong.
    /// </summary>
    [Fact]
    public void A_system_that_loads_itself_again_and_again_comes_up_as_fast_as_the_first_time()
    {
        const int Loads = 10;
        using MountedCcwfs mounted = Installed($"""
            n=$(cat /loads 2>/dev/null || echo 0)
            echo $((n + 1)) >/loads
            sync
            echo "load $n has come up" >/dev/console
            test $n -lt {Loads} || exec /usr/bin/busybox getty 0 ttysclp0
            echo 1 >/sys/firmware/reipl/ccw/clear
            exec /usr/bin/busybox reboot -f
            """);
        using Guest loaded = Boot(mounted, ["0.0.0000,bootindex=1"], new GuestOptions { Ipl = true, Reboots = true });
        using Process qemu = Process.GetProcessById(loaded.Pid);
        List<double> seconds = []; // of QEMU's processor time: how many others want the processor makes no difference
        for (int n = 0; n <= Loads; n++)
        {
            loaded.WaitForConsole(string.Create(CultureInfo.InvariantCulture, $"load {n} has come up"));
            qemu.Refresh();
            seconds.Add(qemu.TotalProcessorTime.TotalSeconds - seconds.Sum());
        }
        string all = string.Join(' ', seconds.Select(s => s.ToString("F1", CultureInfo.InvariantCulture)));
        Say($"seconds of processor time of each load: {all}");
        Assert.True(seconds.Skip(1).Max() < 4 * seconds[0], all); // without it the factor was 15 and more
    }

    /// <summary>A volume with a system that zipl has made loadable; its first process runs this script.</summary>
    private MountedCcwfs Installed(string script)
    {
        string image = Volume.Create(Scratch, "v.ckd", 100, "--format", "cdl", "--volser", "IPLVOL");
        MountedCcwfs mounted = Mount(image);
        using Guest guest = Boot(mounted, ["0.0.0000"], WithKernelAsDisk());
        guest.Online(Volume.First);
        guest.Ok("fdasd -a /dev/dasda; mkfs.ext4 -q /dev/dasda1; mount /dev/dasda1 /mnt");
        guest.Ok(RootFileSystem);
        guest.Ok($"cat >/mnt/init <<'END'\n#!/usr/bin/busybox sh\n{script}\nEND\nchmod +x /mnt/init");
        guest.Ok(InitialRamdisk);
        guest.Ok($"""
            head -c {new FileInfo(GuestImage.Kernel).Length} /dev/vda >/mnt/boot/kernel
            zipl -t /mnt/boot -i /mnt/boot/kernel -r /mnt/boot/ramdisk -P '{Guest.KernelWords}'
            umount /mnt
            """);
        guest.Halt();
        return mounted;
    }

    private GuestOptions WithKernelAsDisk()
    {
        string disk = Scratch.At("kernel.disk");
        File.Copy(GuestImage.Kernel, disk);
        return GuestDisk.Of(disk);
    }

    private const string RootFileSystem = $"""
        mkdir -p /mnt/boot /mnt/dev /mnt/proc /mnt/sys /mnt/usr/bin /mnt/etc
        cp /usr/bin/busybox /mnt/usr/bin
        echo '{Marker}' >/mnt/etc/issue
        """;

    private const string InitialRamdisk = $"""
        mkdir -p /tmp/i/usr/bin /tmp/i/usr/lib/modules /tmp/i/dev /tmp/i/proc /tmp/i/sys /tmp/i/root
        cd /tmp/i
        cp /usr/bin/busybox usr/bin
        cp -r /usr/lib/modules/* usr/lib/modules
        ln -s usr/lib lib
        mknod dev/console c 5 1
        cat >init <<'END'
        #!/usr/bin/busybox sh
        export PATH=/usr/bin
        busybox mount -t proc proc /proc
        busybox --install -s /usr/bin
        mount -t sysfs sysfs /sys
        mount -t devtmpfs devtmpfs /dev
        modprobe dasd_eckd_mod
        modprobe crc32c_generic
        modprobe ext4
        echo 1 >/sys/bus/ccw/devices/{Volume.First}/online
        until test -b /dev/dasda1; do usleep 20000; done
        mount /dev/dasda1 /root
        for d in dev proc sys; do mount --move /$d /root/$d; done
        exec switch_root /root /init
        END
        chmod +x init
        find . | cpio -o -H newc >/mnt/boot/ramdisk
        """;
}
