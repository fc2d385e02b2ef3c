using System.Globalization;
using System.Text.RegularExpressions;
using CcwFs.Control;
using CcwFs.Host;
using CcwFs.Linux;

namespace CcwFs.Cli.Qemu;

/// <summary>Asks a QEMU whether it can do what is needed; a refusal says what to do.</summary>
internal static partial class QemuProbe
{
    /// <summary>The first release with iommufd and fd= for vfio-ccw.</summary>
    internal const int OldestMajor = 9;

    private const string Good = "takes devices"; // as it is remembered

    /// <summary>Throws unless <paramref name="program"/> is a QEMU that takes these devices.</summary>
    internal static void Check(string program)
    {
        if (Execution.Find(program) is not { } path)
            throw new CommandException($"{program} is not found or not executable; install QEMU {OldestMajor}.0 or newer (Debian: qemu-system-s390x, or qemu-system-misc)");
        if (QemuMemory.Knows(Good, path))
            return;
        (_, string version, string error) = ChildProcess.Run(path, ["--version"]);
        Match match = Version().Match(version);
        if (!match.Success)
            throw new CommandException($"{program} is no QEMU: asked for its version, it said '{ChildProcess.FirstLine(version + error)}'");
        if (!int.TryParse(match.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int major) || major < OldestMajor)
            throw new CommandException($"{program} is QEMU {match.Groups[1].Value}.{match.Groups[2].Value}; it takes {OldestMajor}.0 or newer (Debian 12: from backports)");
        (int status, string properties, _) = ChildProcess.Run(path, ["-device", "vfio-ccw,help"]);
        if (status != 0)
            throw new CommandException($"{program} has no vfio-ccw device; take qemu-system-s390x of a build with it");
        // A QEMU without the iommufd object has not these properties either (CONFIG_IOMMUFD).
        if (!Property("iommufd").IsMatch(properties) || !Property("fd").IsMatch(properties))
            throw new CommandException($"{program} is built without iommufd; take a build with it");
        QemuMemory.Remember(Good, path);
    }

    private static Regex Property(string name) => new($@"^\s*{name}=", RegexOptions.Multiline);

    [GeneratedRegex(@"^QEMU emulator version (\d+)\.(\d+)")]
    private static partial Regex Version();
}
