using System.Globalization;
using System.Text.RegularExpressions;

namespace CcwFs.Cli.Qemu;

/// <summary>The arguments that are added to a user's QEMU command. No I/O.</summary>
internal static partial class QemuArguments
{
    private const string Iommu = "iommufd0", Memory = "ccwfs-memory";
    private const string DefaultMemory = "128M"; // of a machine without -m (default_ram_size in hw/core/machine.c)

    /// <summary>
    /// What follows the user's arguments. <paramref name="sysfs"/> is where the channel subsystem's sysfs bus is for QEMU; <paramref name="iommu"/>
    /// and <paramref name="descriptors"/> are the numbers of the open files, the latter one a device.
    /// </summary>
    internal static IReadOnlyList<string> Added(
        IReadOnlyList<string> command, IReadOnlyList<QemuDevice> devices, string sysfs, int iommu, IReadOnlyList<int> descriptors, bool privateMemory)
    {
        List<string> added = [];
        if (!privateMemory && MemorySize(command) is { } size)
        {
            // A memfd with seals: ccwfs maps it in place, and nobody can shrink it below the mapping.
            added.AddRange(["-object", $"memory-backend-memfd,id={Memory},size={size},share=on,seal=on", "-machine", $"memory-backend={Memory}"]);
        }
        added.AddRange(["-object", string.Create(CultureInfo.InvariantCulture, $"iommufd,id={Iommu},fd={iommu}")]);
        for (int i = 0; i < devices.Count; i++)
        {
            QemuDevice device = devices[i];
            string path = Escaped($"{sysfs}/css/devices/{device.Id}/{device.Uuid}");
            string option =
                string.Create(CultureInfo.InvariantCulture, $"vfio-ccw,fd={descriptors[i]},iommufd={Iommu},sysfsdev={path},devno={device.Guest}");
            added.AddRange(["-device", string.Join(',', [option, .. device.Properties])]);
        }
        return added;
    }

    /// <summary>The size that the machine's memory backend needs, from -m; null when the user has chosen the memory's kind.</summary>
    internal static string? MemorySize(IReadOnlyList<string> command)
    {
        string size = DefaultMemory;
        for (int i = 0; i < command.Count; i++)
        {
            string value = i + 1 < command.Count ? command[i + 1] : "";
            switch (command[i])
            {
                case "-mem-path" or "--mem-path":
                case "-machine" or "--machine" or "-M" or "--M" when MemoryBackend().IsMatch(value):
                    return null;
                case "-m" or "--m":
                    Match match = SizeOfMemory().Match(value);
                    if (!match.Success)
                        return null; // QEMU will say what is wrong with it
                    size = match.Groups[1].Value;
                    break;
            }
        }
        return char.IsAsciiDigit(size[^1]) ? size + "M" : size; // without a unit, -m counts MiB and a backend bytes
    }

    /// <summary>A comma in a value of an option is written twice.</summary>
    private static string Escaped(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    [GeneratedRegex("(^|,)memory-backend=")]
    private static partial Regex MemoryBackend();

    [GeneratedRegex("^(?:size=)?([0-9]+(?:\\.[0-9]+)?[bBkKmMgGtTpPeE]?)(?:,|$)")]
    private static partial Regex SizeOfMemory();
}
