using System.Runtime.InteropServices;

namespace CcwFs.SystemTests;

/// <summary>The package for arm64: made, looked at, and its program run, by QEMU where this is another kind of machine.</summary>
[Trait("Speed", "Slow")]
public sealed class Arm64PackageTests(Arm64PackageTests.Package package) : IClassFixture<Arm64PackageTests.Package>
{
    private const string Sense = "800000000000000400000000000000000000000000000000";

    private const string Libraries = "/usr/aarch64-linux-gnu/lib"; // of the cross compiler

    /// <summary>
    /// What stands before the program. With a directory for libraries (-L) QEMU would open the root directory there; so the linker is started.
    /// </summary>
    private static string[] Machine => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? []
        : ["qemu-aarch64", Libraries + "/ld-linux-aarch64.so.1", "--library-path", Libraries];

    [Theory]
    [InlineData("ccwfs")]
    [InlineData("ccwfs-code.so")] // QEMU's plugin
    public void It_has_code_of_that_machine(string file)
    {
        const int MachineAt = 18, Arm64 = 183; // e_machine and EM_AARCH64 (elf.h)
        byte[] head = new byte[MachineAt + sizeof(ushort)];
        using (FileStream code = File.OpenRead($"{package.Root}/usr/lib/ccwfs/{file}"))
            code.ReadExactly(head);
        Assert.Equal("\u007FELF"u8, head.AsSpan(0, 4));
        Assert.Equal(Arm64, BitConverter.ToUInt16(head, MachineAt));
    }

    [Fact]
    public void It_is_named_for_that_machine_and_says_what_it_needs()
    {
        Assert.EndsWith("_arm64.deb", package.Deb, StringComparison.Ordinal);
        string control = Child.Run("dpkg-deb", "-f", package.Deb).Ok().Output;
        Assert.Contains("Architecture: arm64\n", control, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^Depends: fuse3, libc6 \(>= 2\.\d+\), libssl3 \| libssl3t64$", control);
        Assert.True(File.Exists(package.Root + "/usr/lib/aarch64-linux-gnu/wireshark/plugins/ccwfs.lua"));
        Assert.True(File.Exists(package.Root + "/usr/lib/aarch64-linux-gnu/wireshark/extcap/ccwfs"));
        Assert.True(new FileInfo(package.Root + "/usr/share/man/man1/ccwfs-mount.1.gz").Length > 1000);
    }

    [Fact]
    public void Its_program_says_what_that_of_this_machine_says()
    {
        // A checkout's own build has its commit after the version.
        Assert.Equal(Child.Ccwfs("--version").Ok().Output.TrimEnd('\n').Split('+')[0] + "\n", Ccwfs("--version").Ok().Output);
        foreach (string[] words in (string[][])[["decode", "sense", Sense], ["config", "keys"], ["help", "tour"]])
            Assert.Equal(Child.Ccwfs(words).Ok().Output, Ccwfs(words).Ok().Output);
        Assert.Equal(Child.Ccwfs("decode", "nothing", "00").Refused(2), Ccwfs("decode", "nothing", "00").Refused(2));
        Assert.Equal(Child.Ccwfs("dasd", "info", "/dev/null").Refused(1), Ccwfs("dasd", "info", "/dev/null").Refused(1));
    }

    [Fact]
    public void Its_images_are_those_of_this_machine()
    {
        using var scratch = new Scratch();
        string image = scratch.At("v.ckd");
        Ccwfs("dasd", "create", image, "--cylinders", "2", "--format", "cdl", "--volser", "ARM640").Ok();
        Assert.Contains("0 findings", Ccwfs("dasd", "check", image).Ok().Output, StringComparison.Ordinal);
        Assert.Contains("0 findings", Child.Ccwfs("dasd", "check", image).Ok().Output, StringComparison.Ordinal);
        Assert.Equal(Child.Ccwfs("dasd", "info", image).Ok().Output, Ccwfs("dasd", "info", image).Ok().Output);
        Ccwfs("dasd", "create", image, "--cylinders", "2").Refused(1); // it is there
    }

    [Fact]
    public void It_serves_a_mount_to_programs_of_both_machines()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"], through: Machine, program: package.Program);
        string[] sense = ["run", "0.0.0000", "SENSE_ID sli count=40", "--mount", mounted.MountPoint];
        Outcome own = Ccwfs(sense).Ok(), ours = Child.Ccwfs(sense).Ok();
        Assert.StartsWith("ended well: channel end, device end; residual 28.\n", own.Output, StringComparison.Ordinal);
        Assert.Equal(ours.Output, own.Output);
        Assert.Equal(Child.Ccwfs("list", "--mount", mounted.MountPoint).Ok().Output, Ccwfs("list", "--mount", mounted.MountPoint).Ok().Output);
    }

    private Outcome Ccwfs(params string[] words)
    {
        string[] command = [.. Machine, package.Program, .. words];
        return Child.Run(command[0], command[1..]);
    }

    /// <summary>The package of this source.</summary>
    public sealed class Package : IDisposable
    {
        /// <summary>A build of all there is, on a busy machine.</summary>
        private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

        private readonly Scratch _scratch = new();

        public Package()
        {
            string[] words = ["-r", "linux-arm64", _scratch.Path];
            Child.Finish(Child.Start("/", null, Places.Repository + "/scripts/package", words), patience: s_patience).Ok();
            (Deb, Root) = (Directory.GetFiles(_scratch.Path, "*.deb").Single(), _scratch.At("root"));
            Child.Run("dpkg-deb", "-x", Deb, Root).Ok();
            Assert.Single(Directory.GetFiles(_scratch.Path, "*-arm64.tar.gz"));
        }

        internal string Deb { get; }

        /// <summary>What is in it.</summary>
        internal string Root { get; }

        internal string Program => Root + "/usr/lib/ccwfs/ccwfs";

        public void Dispose() => _scratch.Dispose();
    }
}
