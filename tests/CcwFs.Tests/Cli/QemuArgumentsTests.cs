using CcwFs.Cli.Qemu;
using CcwFs.Control;

namespace CcwFs.Tests.Cli;

/// <summary>How words and QEMU's own arguments become the arguments that are added.</summary>
public sealed class QemuArgumentsTests
{
    private const string Uuid = "11112222-3333-8444-8555-666677778888";

    private static readonly DeviceRow[] s_rows =
        [Row("0.0.0000", "0.0.0150"), Row("0.0.0001", "0.0.0151"), Row("1.0.0000", "1.0.1234"), Row("0.1.0000", "0.1.0150")];

    private static DeviceRow Row(string id, string device) =>
        new(id, device, "3390/0c", "3990/e9", false, "80", "80", "ff", "4000000000000000", "emulated", "idle", Uuid);

    private static string[] Split(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    [Theory]
    [InlineData("0.0.0000", "fe.0.0150")]
    [InlineData("1.0.0000", "fe.0.1234")] // another css is the guest's own
    [InlineData("0.1.0000", "fe.1.0150")] // the set stays
    [InlineData("1.0.0000,devno=0.0.1234", "0.0.1234")]
    [InlineData("0.0.0001,devno=fe.0.0150 0.0.0000,devno=fe.0.0151", "fe.0.0150 fe.0.0151")]
    [InlineData("", "fe.0.0150 fe.0.0151 fe.0.1234 fe.1.0150")]
    public void Guests_see_these_device_numbers(string words, string numbers) =>
        Assert.Equal(numbers, string.Join(' ', QemuDevice.Choose(Split(words), s_rows, []).Select(d => d.Guest.ToString())));

    [Theory]
    [InlineData("0.0.0000 0.0.0000", "", "named twice", 2)]
    [InlineData("0.0.0000 0.0.0001,devno=fe.0.0150", "", "0.0.0001 and 0.0.0000 would both be fe.0.0150", 1)]
    [InlineData("0.0.0000", "-device virtio-blk-ccw,devno=fe.0.0150,drive=d", "QEMU's own arguments", 1)]
    [InlineData("0.0.9999", "", "no subchannel 0.0.9999", 1)]
    [InlineData("0.0.1", "", "no subchannel id", 2)]
    [InlineData("0.0.0000,devno=150", "", "fe.0.1234", 2)]
    [InlineData("0.0.0000,devno", "", "fe.0.1234", 2)]
    [InlineData("0.0.0000,bootindex", "", "KEY=VALUE", 2)]
    [InlineData("0.0.0000,=1", "", "KEY=VALUE", 2)]
    [InlineData("0.0.0000,fd=3", "", "are set here", 2)]
    [InlineData("0.0.0000,sysfsdev=/", "", "are set here", 2)]
    public void Words_that_cannot_be_are_refused(string words, string command, string because, int status)
    {
        var refusal = Assert.Throws<CommandException>(() => QemuDevice.Choose(Split(words), s_rows, Split(command)));
        Assert.Contains(because, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(status, refusal.Status);
    }

    [Fact]
    public void Nothing_mounted_is_nothing_to_start_with() => Assert.Throws<CommandException>(() => QemuDevice.Choose([], [], []));

    [Theory]
    [InlineData("", "128M")]
    [InlineData("-m 512", "512M")]
    [InlineData("--m 1.5G", "1.5G")]
    [InlineData("-m 2g,slots=2,maxmem=4g", "2g")]
    [InlineData("-m size=1024,maxmem=2G", "1024M")]
    [InlineData("-m 512 -m 1G", "1G")]
    [InlineData("-m nonsense", null)]
    [InlineData("-m", null)]
    [InlineData("-m 1G -machine s390-ccw-virtio,memory-backend=mine", null)]
    [InlineData("-M memory-backend=mine", null)]
    [InlineData("-M s390-ccw-virtio -mem-path /dev/hugepages", null)]
    [InlineData("-append memory-backend=x -m 1G", "1G")]
    public void The_memory_is_as_large_as_asked_unless_the_user_brings_it(string command, string? size) =>
        Assert.Equal(size, QemuArguments.MemorySize(Split(command)));

    [Fact]
    public void Added_arguments_name_descriptors_paths_and_numbers()
    {
        IReadOnlyList<QemuDevice> devices = QemuDevice.Choose(["0.0.0001,bootindex=1,loadparm=2", "1.0.0000"], s_rows, []);
        string[] expected =
        [
            "-object", "memory-backend-memfd,id=ccwfs-memory,size=1G,share=on,seal=on", "-machine", "memory-backend=ccwfs-memory",
            "-object", "iommufd,id=iommufd0,fd=7",
            "-device", $"vfio-ccw,fd=8,iommufd=iommufd0,sysfsdev=/sys/bus/css/devices/0.0.0001/{Uuid},devno=fe.0.0151,bootindex=1,loadparm=2",
            "-device", $"vfio-ccw,fd=12,iommufd=iommufd0,sysfsdev=/sys/bus/css/devices/1.0.0000/{Uuid},devno=fe.0.1234",
        ];
        Assert.Equal(expected, QemuArguments.Added(["qemu", "-m", "1G"], devices, "/sys/bus", 7, [8, 12], privateMemory: false));
        Assert.Equal(expected[4..], QemuArguments.Added(["qemu", "-m", "1G"], devices, "/sys/bus", 7, [8, 12], privateMemory: true));
    }

    [Fact]
    public void A_comma_in_the_path_is_doubled()
    {
        IReadOnlyList<QemuDevice> devices = QemuDevice.Choose(["0.0.0000"], s_rows, []);
        Assert.Contains("sysfsdev=/a,,b/sys/bus/css/devices/0.0.0000/",
            QemuArguments.Added([], devices, "/a,b/sys/bus", 3, [4], privateMemory: true)[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-m", "-m")]
    [InlineData("", "''")]
    [InlineData("a b", "'a b'")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("$HOME;`x`*", "'$HOME;`x`*'")]
    [InlineData("$HOME;`x`\n*", "$'$HOME;`x`\\n*'")]
    [InlineData("it's\t\\\u001b8\u202e", "$'it\\'s\\t\\\\\\0338\\342\\200\\256'")]
    [InlineData("Größe\r", "$'Größe\\015'")]
    public void Words_are_quoted_for_a_shell(string word, string quoted) => Assert.Equal(quoted, ShellText.Quote(word));
}
