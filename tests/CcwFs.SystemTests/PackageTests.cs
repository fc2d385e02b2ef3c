using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>The .deb and the tarball, made once: installed, used, removed and purged in a copy of this system that is thrown away.</summary>
[Trait("Speed", "Slow")]
public sealed partial class PackageTests : IClassFixture<PackageTests.Packages>
{
    /// <summary>A build of all there is, on a busy machine.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private static readonly bool s_isArm64 = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>
    /// An overlay on the root directory: what changes is in $S/low/up. R is the copy; manual pages are not indexed, which takes long.
    /// </summary>
    private const string Copy = """
        set -euo pipefail
        mkdir $S/low; mount -t tmpfs ccwfs-test $S/low; mkdir $S/low/up $S/low/work $S/low/root
        mount -t overlay ccwfs-test -o lowerdir=/,upperdir=$S/low/up,workdir=$S/low/work $S/low/root
        R=$S/low/root
        mount -t proc proc $R/proc; mount --rbind /dev $R/dev; mount -t tmpfs ccwfs-test $R/run; mount -t tmpfs ccwfs-test $R/tmp
        rm -f $R/var/lib/man-db/auto-update
        within() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot $R "$@"; }
        added() { (cd $S/low/up; find . \( -type f -o -type l \) ! -path './var/lib/dpkg/*' ! -path './var/log/*' | sort); }
        mounted() {
            coproc M { exec 2>&1; within "$@"; }
            pid=$M_PID
            read -r line <&"${M[0]}"; echo "$line"
            within ccwfs run 0.0.0000 'SENSE_ID sli count=40' | sed -n 1p
            within ccwfs umount
            wait $pid
        }

        """;

    /// <summary>How Debian names this machine, and its libraries' directory.</summary>
    private static readonly string s_debian = s_isArm64 ? "arm64" : "amd64", s_multiarch = s_isArm64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";

    private readonly Packages _packages;

    public PackageTests(Packages packages) => _packages = packages;

    [Fact]
    public void The_deb_installs_works_is_removed_and_purged_without_a_trace()
    {
        string[] output = Bash("""
            cp $DEB $R/tmp/ccwfs.deb
            within dpkg -i /tmp/ccwfs.deb >$S/log 2>&1 || { cat $S/log; exit 1; }
            within ccwfs --version
            within ccwfs config check
            sed -i 's/"devices": \[/&"dasd"/' $R/etc/ccwfs/ccwfs.json
            mounted ccwfs mount --config /etc/ccwfs/ccwfs.json
            within man -w ccwfs-mount | xargs basename
            [[ -f $R/lib/systemd/system/ccwfs.service && -f $R/usr/share/bash-completion/completions/ccwfs ]]
            [[ -f $R/usr/lib/$MULTIARCH/wireshark/plugins/ccwfs.lua ]]
            within /usr/lib/$MULTIARCH/wireshark/extcap/ccwfs --extcap-interfaces >$S/interfaces
            grep -q '^extcap {version=' $S/interfaces
            within dpkg -V ccwfs || true
            within dpkg -r ccwfs >$S/log 2>&1 || { cat $S/log; exit 1; }
            added
            within dpkg -P ccwfs >$S/log 2>&1 || { cat $S/log; exit 1; }
            echo purged; added; [[ ! -e $R/etc/ccwfs && ! -e $R/usr/lib/ccwfs ]]
            """);
        Assert.Equal(
            [
                _packages.Version, "/etc/ccwfs/ccwfs.json: good", "mounts /run/ccwfs with no device",
                "mounted /run/ccwfs", "ended well: channel end, device end; residual 28.", "ccwfs-mount.1.gz",
                "??5?????? c /etc/ccwfs/ccwfs.json", "./etc/ccwfs/ccwfs.json", "purged",
            ], output);
    }

    [Fact]
    public void The_tarball_works_where_it_is_unpacked() => Assert.Equal(
        [_packages.Version, "mounted /run/ccwfs", "ended well: channel end, device end; residual 28."],
        Bash("""
            tar -xzf $TAR -C $R
            within ccwfs --version
            mounted ccwfs mount --device dasd
            """));

    [Fact]
    public void Names_versions_and_dependencies_are_those_of_this_source()
    {
        Assert.Equal($"ccwfs_{_packages.Version}_{s_debian}.deb", Path.GetFileName(_packages.Deb));
        Assert.Equal($"ccwfs-{_packages.Version}-{s_debian}.tar.gz", Path.GetFileName(_packages.Tarball));
        string control = Child.Run("dpkg-deb", "-f", _packages.Deb).Ok().Output;
        Assert.Contains($"Version: {_packages.Version}\n", control, StringComparison.Ordinal);
        Assert.Contains($"Architecture: {s_debian}\n", control, StringComparison.Ordinal);
        Assert.Matches("(?m)^Depends: .*fuse3", control);
        // Everything is root's, and nothing but the program itself, and what Wireshark starts, may be executed.
        string[] executable =
            [.. Child.Run("dpkg-deb", "-c", _packages.Deb).Ok().Output.Split('\n').Where(l => l.StartsWith("-rwx", StringComparison.Ordinal))];
        Assert.Single(executable, file => file.EndsWith("./usr/lib/ccwfs/ccwfs", StringComparison.Ordinal));
        Assert.Single(executable, file => file.Contains("/extcap/", StringComparison.Ordinal));
        Assert.Equal(2, executable.Length);
        // QEMU's plugin
        Assert.Contains("./usr/lib/ccwfs/ccwfs-code.so\n", Child.Run("dpkg-deb", "-c", _packages.Deb).Ok().Output, StringComparison.Ordinal);
        Assert.DoesNotContain("@", control.Replace("root@localhost", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private string[] Bash(string script) => Child.Finish(
        Child.Start("/",
            new Dictionary<string, string>
            {
                ["S"] = _packages.MakeDirectory(),
                ["DEB"] = _packages.Deb,
                ["TAR"] = _packages.Tarball,
                ["MULTIARCH"] = s_multiarch,
            },
            "unshare", "-m", "bash", "-c", Copy + script),
        patience: s_patience).Ok().Output.TrimEnd('\n').Split('\n');

    /// <summary>The packages of this source.</summary>
    public sealed partial class Packages : IDisposable
    {
        private readonly Scratch _scratch = new();

        public Packages()
        {
            string directory = Places.Packages ?? _scratch.Path;
            if (Places.Packages is null)
                Child.Finish(Child.Start("/", null, Places.Repository + "/scripts/package", directory), patience: s_patience).Ok();
            (Deb, Tarball) = (Directory.GetFiles(directory, "*.deb").Single(), Directory.GetFiles(directory, "*.tar.gz").Single());
            Version = VersionElement().Match(File.ReadAllText(Places.Repository + "/Directory.Build.props")).Groups[1].Value;
        }

        internal string Deb { get; }

        internal string Tarball { get; }

        internal string Version { get; }

        public void Dispose() => _scratch.Dispose();

        internal string MakeDirectory() => _scratch.MakeDirectory(Path.GetRandomFileName());

        [GeneratedRegex("<Version>(.*)</Version>")]
        private static partial Regex VersionElement();
    }
}
