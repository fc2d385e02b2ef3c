namespace CcwFs.Cli.Docs;

/// <summary>What a verb's manual page says beyond its help texts.</summary>
/// <param name="Paragraphs">How it behaves.</param>
/// <param name="Examples">Command lines.</param>
internal sealed record VerbText(string[] Paragraphs, string[] Examples)
{
    private static readonly VerbText s_none = new([], []);

    private static readonly Dictionary<string, VerbText> s_texts = new()
    {
        ["mount"] = new(
            [
                "Mounts the channel subsystem and stays in the foreground, or with --daemon in the background; \"mounted MOUNTPOINT\" is printed once the tree "
                + "is ready. SIGINT and SIGTERM unmount; of a busy mount they name the holders and detach it lazily. A second one, a second or more later, ends it at once, and says "
                + "which images are not closed.",
                "With --config, SIGHUP reads the configuration again: devices whose SPEC is not in it any more are removed, new ones are added, others go on undisturbed. A configuration with an error changes nothing; the errors are logged. Without --config, SIGHUP unmounts, unless it is a daemon. See ccwfs.json(5).",
                "Relative paths start from the directory in which ccwfs was started.",
            ],
            ["ccwfs mount --device dasd,image=/var/lib/ccwfs/v.ckd,devno=0.0.0150", "ccwfs mount --config /etc/ccwfs/ccwfs.json --daemon --log journal"]),
        ["umount"] = new([
                "Unmounts, and returns when the process behind the mount is gone and its images are free. A busy mount is detached lazily "
                + "after its holders were named; reads that wait end.",
                "Where the same file system is mounted at another place, or files of it are open by a mount in another mount namespace (a container, a "
                + "service with PrivateTmp), these are named, ccwfs goes on for them, and the exit status is 1; it ends by itself with the last of them. It is "
                + "1 too when something went wrong as the images were closed, or ccwfs does not answer."],
            ["ccwfs umount /run/ccwfs"]),
        ["list"] = new(
            ["Prints a row a subchannel, in the columns of lscss(8), real and emulated ones. With --all also the I/O subchannels of this host that are in no mount, with the driver that has them."],
            ["ccwfs list --json", "ccwfs list --all"]),
        ["info"] = new(["Prints what there is to know about a subchannel, its device and its client."], ["ccwfs info 0.0.0000"]),
        ["add"] = new(
            ["Plugs a device in. A relative path of an image starts from the working directory; the image is opened with the rights of the caller. The device is not part of the configuration: a reload leaves it alone, and the next mount does not have it."],
            ["ccwfs add dasd,image=v.ckd,id=0.0.0005"]),
        ["remove"] = new(
            ["Unplugs a device. The directory is gone at once. A VFIO client, QEMU say, is asked to let go and works on until it has; with --force the device is gone from under it."],
            ["ccwfs remove 0.0.0005"]),
        ["attach"] = new(
            [
                "Passes a device of this host through: the device is set offline, its subchannel bound to the kernel's vfio_ccw, a mediated device made and added to the mount. What is done already is left; when a step fails the others are undone, and the error says which and why. The lines for QEMU and libvirt are printed.",
                "A device is named 0.0.2b09 or 2b09, a subchannel 0.0.0313, with dev: or sch: before it where a number is both; a mediated device by its uuid. An image's path, with a slash in it or of a file that is there, is added as by ccwfs add dasd,image=PATH.",
                "With --persist driverctl(8) and mdevctl(8) are told where both are installed; a systemd unit runs ccwfs attach at boot where they are not, or do not do all of it: a hidden device (cio_ignore), and one that is shown in a mount. What was before is kept in /var/lib/ccwfs/attached for detach; after a reboot it counts for --persist alone.",
                "Attach and detach of a host, or of images of one mount, run one at a time; the next waits as long as --wait says, then tells which process is at work.",
            ],
            ["ccwfs attach 0.0.2b09 --dry-run", "ccwfs attach 0.0.2b09 --persist", "ccwfs attach v.ckd --keys id=0.0.0005"]),
        ["detach"] = new(
            [
                "Undoes ccwfs attach, also one that was not completed or that another tool made: the subchannel leaves the mount, its mediated device goes, its driver takes it back, and the device is online and hidden again if it was. A step that fails ends it; run it again once that is solved.",
                "What is there and not attached is success, what is neither on the host nor in the mount is not. So detach can be repeated by device, by subchannel and by the uuid that a subchannel gets by itself; another uuid is unknown once its mediated device is gone. Of a device that is gone or hidden, what attach left is taken away.",
                "A hidden device is put on the list of cio_ignore again, and purged, unless that would take another device away; a line says so then.",
            ],
            ["ccwfs detach 0.0.2b09"]),
        ["path"] = new(["A channel path of an emulated device goes or comes back, with the channel reports that a real one gives."], ["ccwfs path 0.0.0000 40 off"]),
        ["run"] = new(
            [
                "Runs a channel program in an address space of its own and prints the decoded interruption-response block, the sense and the data read. The exit status is 0 when the program ended well.",
                "A packed program (ccwfs-translate(1)) that came with its data runs like one of text; its CCW addresses are offsets in its block.",
            ],
            ["ccwfs run 0.0.0000 'SENSE_ID sli count=40'", "ccwfs run 0.0.0000 --program FILE.ccw"]),
        ["decode"] = new(["Explains a structure, given in hex or as raw bytes on standard input."], ["dd if=/run/ccwfs/0.0.0000/schib status=none | ccwfs decode schib"]),
        ["translate"] = new(
            [
                "With --format packed, puts a channel program (words, a file, or guest memory and the ORB that starts it) into one block of 4096 bytes: up to 255 format-1 CCWs and a NOP in the lower half, an entry of 8 bytes each, which holds the address of its data or IDAW list, in the upper half. With --with-data the data that the device will be given follows, so that the program can be run elsewhere; what the device stores needs none.",
                "With --from packed, prints such a file CCW by CCW; --unpack writes an image of memory that the program can be started in.",
                "With --vectors, answers conformance vectors, a JSON object a line, with what the translator makes of them.",
            ],
            ["ccwfs translate --format packed --with-data -o label.ccw 'READ_IPL sli count=24'", "ccwfs translate --from packed label.ccw --unpack image", "ccwfs translate --vectors FILE"]),
        ["qemu"] = new(
            ["Starts a stock QEMU with the named subchannels, or all, as vfio-ccw devices, and becomes it. The guest's memory is shared with ccwfs unless --private-memory is given."],
            ["ccwfs qemu 0.0.0000,bootindex=1 -- qemu-system-s390x -m 512M -nographic"]),
        ["dasd"] = new(
            ["Makes and examines images of volumes (CKD_P370), as Hercules has them too.",
                "check looks at every track, and judges the redo file beside the image (PATH.redo) as the next open to write does: what is put in place or "
                    + "dropped then is a note, and one for which the image is refused is a finding. The exit status is 1 when there are findings."],
            ["ccwfs dasd create v.ckd --model 3390-3 --format cdl --volser VOL001"]),
        ["config"] = new(
            ["Looks a configuration over before it is used: prints what it would mount, or every error, each with file and line. What only the kernel or another program can tell, a locked image say, is told by the mount."],
            ["ccwfs config check /etc/ccwfs/ccwfs.json && systemctl reload ccwfs"]),
    };

    /// <summary>The text of a verb; empty when its help texts say all.</summary>
    internal static VerbText Of(string verb) => s_texts.GetValueOrDefault(verb, s_none);
}
