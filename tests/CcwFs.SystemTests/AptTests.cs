namespace CcwFs.SystemTests;

/// <summary>
/// What the scripts would install on other machines, by apt's own simulation. The lists of Apt/debian-*.txt are recorded from the real ones and cut
/// down, those of Apt/ubuntu-*.txt written by hand after what is known of these releases; <see cref="By_the_real_lists"/> fetches Debian's real ones.
/// </summary>
public sealed class AptTests : IDisposable
{
    /// <summary>QEMU 7.2, the parts that depend on each other.</summary>
    private const string OldCommon = "1:7.2+dfsg-7+deb12u18+b3", OldData = "1:7.2+dfsg-7+deb12u18", NewBackport = "1:10.0.2+ds-2+deb13u1~bpo12+1";
    private const string ThreeOfBackports =
        "qemu-system-s390x/bookworm-backports qemu-system-common/bookworm-backports qemu-system-data/bookworm-backports";

    private const string Keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

    /// <summary>apt reads lists again for every question; the real ones are fetched first.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly Scratch _scratch = new();
    private bool _isRecorded = true; // archives that were not recorded cannot be reached

    public AptTests() => _scratch.MakeDirectory("etc/apt/sources.list.d");

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("debian-12", "bookworm", ThreeOfBackports, "qemu-system-common " + NewBackport)]
    [InlineData("debian-13", "trixie", "qemu-system-s390x", "qemu-system-common 1:10.0.13+ds-0+deb13u1")]
    [InlineData("ubuntu-24.04", "noble noble-updates noble-backports", "qemu-system-s390x", "qemu-system-common 1:10.1.0+ds-5ubuntu2~cloud0")]
    [InlineData("ubuntu-26.04", "resolute", "qemu-system-s390x", "qemu-system-common 1:10.2.1+ds-1ubuntu3")]
    public void A_fresh_machine_gets_a_qemu_that_is_new_enough(string machine, string suites, string words, string common)
    {
        Become(machine, suites);
        Record(machine);
        string[] told = Told("choose_qemu");
        Assert.Equal(words, told[0]);
        Assert.Contains(common, told);
        Assert.Contains(told, line => line.StartsWith("qemu-system-s390x 1:1", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(
        "debian-12", "bookworm", "linux-image-s390x/bookworm-backports linux-image-6.12.95+deb12-s390x/bookworm-backports",
        "linux-image-s390x 6.12.95-1~bpo12+1")]
    [InlineData("debian-13", "trixie", "linux-image-s390x", "linux-image-s390x 6.12.57-1")]
    [InlineData("ubuntu-24.04", "noble", "linux-image-s390x", "linux-image-s390x 6.12.57-1")]
    [InlineData("ubuntu-26.04", "resolute", "linux-image-s390x", "linux-image-s390x 6.12.57-1")]
    public void A_fresh_machine_gets_a_guest_with_a_kernel_that_is_new_enough(string machine, string suites, string words, string kernel)
    {
        Become(machine, suites);
        Record(machine, "s390x");
        if (machine.StartsWith("ubuntu", StringComparison.Ordinal))
            Record("debian-13", "s390x");
        string[] told = Told("choose_guest", "s390x");
        Assert.StartsWith(words + " busybox-static ", told[0], StringComparison.Ordinal);
        Assert.Contains(kernel, told);
        Assert.Contains(told, line => line.StartsWith("s390-tools ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("qemu-system-x86")]
    [InlineData("qemu-system-misc")]
    public void Parts_of_qemu_that_are_installed_come_along(string part)
    {
        OldQemu("install");
        Install(part, "install", "qemu", OldCommon, $"qemu-system-common (= {OldCommon})");
        string[] told = Told("choose_qemu");
        Assert.Equal($"{ThreeOfBackports} {part}/bookworm-backports", told[0]);
        Assert.Contains($"{part} {NewBackport}", told);
        Assert.DoesNotContain(told, line => line.StartsWith("Remv", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_held_stays_and_is_said()
    {
        OldQemu("hold");
        string said = Refused("choose_qemu");
        Assert.Contains("qemu-system-common", said, StringComparison.Ordinal);
        Assert.Contains("held", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Package: *\nPin: release n=bookworm-backports\nPin-Priority: -1\n")] // never by itself
    [InlineData("Package: qemu-*\nPin: version 1:7.2*\nPin-Priority: 1001\n")]
    [InlineData("Package: *\nPin: release n=bookworm-backports\nPin-Priority: 600\n")] // always
    public void Pins_are_no_obstacle(string preferences)
    {
        Become("debian-12", "bookworm");
        Record("debian-12");
        File.WriteAllText(_scratch.At("preferences"), preferences);
        string[] told = Told("choose_qemu");
        Assert.Contains($"qemu-system-s390x {NewBackport}", told);
        Assert.Contains($"qemu-system-data {NewBackport}", told);
    }

    [Fact]
    public void An_archive_without_backports_is_said()
    {
        Become("debian-12", "bookworm");
        Record("debian-12");
        Directory.Delete(_scratch.At("lists/dists/bookworm-backports"), recursive: true);
        Assert.Contains("neither this distribution nor its backports gives qemu-system-s390x 9.0 or newer", Refused("choose_qemu"),
            StringComparison.Ordinal);
        Assert.Contains("an s390x kernel of Debian, 6.12 or newer", Refused("choose_guest", "s390x"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_archive_that_cannot_be_reached_is_said()
    {
        Become("debian-12", "bookworm");
        Assert.Contains("apt-get update", Refused("choose_qemu"), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_packages_go_with_what_is_installed()
    {
        Become("debian-12", "bookworm");
        Record("debian-12");
        Install("libfuse3-3", "install", "fuse3", "3.17.2-3~bpo12+1", "");
        string[] told = Told("apt_choose_all libfuse3-dev hercules || exit");
        Assert.Equal("-t bookworm-backports libfuse3-dev hercules", told[0]);
        Assert.Contains("libfuse3-dev 3.17.2-3~bpo12+1", told);
    }

    [Trait("Speed", "Slow")]
    [Theory]
    [InlineData("debian-12", "bookworm bookworm-updates", ThreeOfBackports)]
    [InlineData("debian-13", "trixie trixie-updates", "qemu-system-s390x")]
    public void By_the_real_lists(string machine, string suites, string words)
    {
        Become(machine, suites);
        _isRecorded = false;
        string[] told = Told("choose_qemu");
        Assert.Equal(words, told[0]);
        Assert.Contains(told, line => line.StartsWith("qemu-system-s390x 1:10.", StringComparison.Ordinal));
        Assert.Contains(told, line => line.StartsWith("libglib2.0-0", StringComparison.Ordinal)); // nothing at all is installed
        Assert.Contains(Told("choose_guest", "s390x"), line => line.StartsWith("linux-image-s390x 6.1", StringComparison.Ordinal));
    }

    /// <summary>Makes the scripts believe that this is another machine with nothing installed.</summary>
    private void Become(string machine, string suites)
    {
        File.WriteAllText(_scratch.At("etc/os-release"), $"ID={machine.Split('-')[0]}\nVERSION_CODENAME={suites.Split(' ')[0]}\n");
        string[] entry = ["Types: deb", "URIs: http://deb.debian.org/debian", $"Suites: {suites}", "Components: main", $"Signed-By: {Keyring}", ""];
        File.WriteAllText(_scratch.At("etc/apt/sources.list.d/own.sources"), string.Join('\n', entry));
        File.WriteAllText(_scratch.At("status"), "");
        File.WriteAllText(_scratch.At("preferences"), "");
    }

    /// <summary>Makes a recorded archive, for this machine's architecture without another.</summary>
    private void Record(string list, string? architecture = null)
    {
        architecture ??= Child.Run("dpkg", "--print-architecture").Ok().Output.Trim();
        Child.Run("python3", Tools + "/repository.py", $"{Tools}/{list}.txt", _scratch.At("lists"), architecture).Ok();
    }

    private void OldQemu(string want)
    {
        Become("debian-12", "bookworm");
        Record("debian-12");
        Install("qemu-system-common", want, "qemu", OldCommon, "");
        Install("qemu-system-data", "install", "qemu", OldData, "");
    }

    private void Install(string package, string want, string source, string version, string depends)
    {
        string[] stanza =
        [
            $"Package: {package}", $"Status: {want} ok installed", $"Source: {source}", $"Version: {version}", "Architecture: all",
                $"Depends: {depends}",
        ];
        File.AppendAllLines(_scratch.At("status"), [.. stanza.Where(line => !line.EndsWith(": ", StringComparison.Ordinal)), ""]);
    }

    private static string Tools { get; } = Places.Repository + "/tests/CcwFs.SystemTests/Apt";

    /// <summary>The words that a function of the scripts chose, then what apt would do by them.</summary>
    private string[] Told(string function, string? architecture = null) => Ask(function, architecture).Ok().Output.TrimEnd('\n').Split('\n');

    private string Refused(string function, string? architecture = null) => Ask(function, architecture).Refused(1);

    private Outcome Ask(string function, string? architecture)
    {
        Dictionary<string, string> environment = new() { ["REPOSITORY"] = Places.Repository, ["MACHINE"] = _scratch.Path };
        if (_isRecorded)
            environment["LISTS"] = _scratch.At("lists");
        string script = $"source '{Tools}/machine.sh'; on_machine {architecture ?? "$(dpkg --print-architecture)"}; {function}; told";
        return Child.Finish(Child.Start("/", environment, "bash", "-c", script), patience: s_patience);
    }
}
