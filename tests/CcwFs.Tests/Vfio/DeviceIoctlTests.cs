using System.Globalization;
using System.Text.Json;
using CcwFs.Linux;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using CcwFs.Vfio;

namespace CcwFs.Tests.Vfio;

/// <summary>
/// The captured cases of the kernel's device file that ask for info, set interrupts or leave the regions, through the device file of ours.
/// </summary>
public sealed class DeviceIoctlTests
{
    private const byte Fill = 0xA5; // what the capture put into its buffers

    // The fields of the structures, for captures are big-endian: vfio_region_info with its capability, and words for the others.
    private static readonly int[] s_regionInfo = [4, 4, 4, 4, 8, 8, 2, 2, 4, 4, 4];
    private static readonly int[] s_words = [4, 4, 4, 4, 4, 4];

    private static readonly Dictionary<string, (uint Command, uint[] Words)> s_unknown = new()
    {
        ["0x1234"] = (0x1234, []),
        ["VFIO_DEVICE_GET_PCI_HOT_RESET_INFO/_IO(';',112)"] = (0x3B70, []),
        ["VFIO_GET_API_VERSION on device fd"] = (0x3B64, []),
        ["VFIO_CHECK_EXTENSION on device fd"] = (0x3B65, []),
        ["VFIO_GROUP_GET_STATUS on device fd"] = (0x3B67, []),
        ["VFIO_DEVICE_FEATURE argsz 0"] = (0x3B75, [0, 0]),
        ["VFIO_DEVICE_FEATURE argsz 8 flags GET|0"] = (0x3B75, [8, 1 << 16]),
        ["VFIO_DEVICE_FEATURE argsz 8 flags GET|1(migration)"] = (0x3B75, [8, (1 << 16) | 1]),
        ["VFIO_DEVICE_FEATURE argsz 8 flags PROBE|0"] = (0x3B75, [8, 1 << 18]),
        ["TCGETS"] = (0x5401, []),
        ["FIONREAD"] = (0x541B, []),
    };

    public static TheoryData<string> Cases()
    {
        var names = new TheoryData<string>();
        foreach (JsonElement source in All())
        {
            string name = source.GetProperty("case").GetString()!;
            bool own = name is "irq.io_without_eventfd" or "irq.replace_eventfd"; // their steps are only told in words: EventfdTests
            if (!own
                && (name.StartsWith("info.", StringComparison.Ordinal) || name.StartsWith("irq.", StringComparison.Ordinal)
                || name == "rw.bad_index"))
                names.Add(name);
        }
        return names;
    }

    [Fact]
    public void A_hundred_and_one_captured_cases_are_run() => Assert.Equal(101, Cases().Count);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_captured_case_is_answered_as_the_kernel_does(string name)
    {
        using var machine = new Machine();
        using var client = new DeviceTestClient(machine.Device);
        foreach (JsonElement op in All().First(c => c.GetProperty("case").GetString() == name).GetProperty("ops").EnumerateArray())
        {
            string kind = op.GetProperty("op").GetString()!;
            switch (kind)
            {
                case "ioctl":
                    Assert.Equal(Expected(op), Info(client, name, op));
                    break;
                case "set_irqs":
                    byte[] data = Reordered(Convert.FromHexString(op.GetProperty("data").GetString()!), s_words);
                    using (var plain = OpenPlain(name, data))
                        Assert.Equal(Expected(op),
                            SetIrqs(client, Word(op, "argsz"), Word(op, "flags"), Word(op, "index"), Word(op, "start"), Word(op, "count"), data));
                    break;
                case "set_irqs argsz 20 EVENTFD count 0, fd -1 lies behind the header":
                    Assert.Equal(0, SetIrqs(client, 20, 0x24, 0, 0, 0, [0xFF, 0xFF, 0xFF, 0xFF]));
                    break;
                case "set_irqs NONE|TRIGGER":
                    Assert.Equal(0, SetIrqs(client, 20, 0x21, 0, 0, 1, []));
                    break;
                case "wait_io_irq" or "wait_crw_irq" or "wait_req_irq":
                    DeviceInterrupt line = kind[5] switch { 'i' => DeviceInterrupt.Io, 'c' => DeviceInterrupt.Crw, _ => DeviceInterrupt.Request };
                    Assert.Equal(op.GetProperty("count").GetUInt64(), client.Take(line));
                    break;
                case "pread" or "pwrite":
                    if (op.GetProperty("len") is { ValueKind: JsonValueKind.Number } length && op.GetProperty("abs").GetInt64() is >= 0 and var at)
                        Assert.Equal(Expected(op), kind == "pread" ? client.File.Read(at, new byte[length.GetInt32()])
                            : client.File.Write(at, new byte[length.GetInt32()], out _));
                    break;
                default:
                    Assert.Fail(kind);
                    break;
            }
        }
    }

    [Fact]
    public void Before_BIND_everything_but_BIND_is_EINVAL()
    {
        using var machine = new Machine();
        using var client = new DeviceTestClient(machine.Device, bind: false);
        foreach (uint command in (uint[])[0x3B6B, 0x3B6C, 0x3B6D, 0x3B6E, 0x3B6F, 0x3B75, 0x3B77, 0x3B78, 0x1234])
            Assert.Equal(-22, client.Ioctl(command, 0));
        Assert.Equal(-22, client.File.Read(0, new byte[124]));
        Assert.Equal(-22, client.File.Write(0, new byte[124], out _));
        Assert.Equal(0, client.Bind());
        Assert.Equal(-22, client.Bind());
        Assert.Equal(124, client.File.Read(0, new byte[124]));
    }

    [Theory]
    [InlineData(VfioIoctl.BindIommufd, 16)]
    [InlineData(VfioIoctl.AttachIommufdPt, 12)]
    [InlineData(VfioIoctl.DetachIommufdPt, 8)]
    public void A_short_argsz_or_a_flag_is_EINVAL_and_a_bad_pointer_EFAULT(VfioIoctl command, int size)
    {
        using var machine = new Machine();
        using var client = new DeviceTestClient(machine.Device, bind: command != VfioIoctl.BindIommufd);
        byte[] structure = new byte[size];
        Assert.Equal(-22, client.Ioctl(command, structure));
        Assert.Equal(-22, client.Ioctl(command, [.. DeviceTestClient.Words((uint)size, 1), .. new byte[size - 8]]));
        Assert.Equal(-14, client.Ioctl((uint)command, 8));
    }

    [Fact]
    public void An_address_space_that_is_none_is_ENOENT_and_a_detach_without_one_is_fine()
    {
        using var machine = new Machine();
        using var client = new DeviceTestClient(machine.Device);
        Assert.Equal(-2, client.Ioctl(VfioIoctl.AttachIommufdPt, DeviceTestClient.Words(12, 0, 77)));
        Assert.Equal(0, client.Ioctl(VfioIoctl.DetachIommufdPt, DeviceTestClient.Words(8, 0)));
    }

    private static IEnumerable<JsonElement> All() =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Vectors", "regions.jsonl")).Select(line => JsonDocument.Parse(line).RootElement);

    private static int Info(DeviceTestClient client, string name, JsonElement op)
    {
        string what = op.GetProperty("name").GetString()!;
        if (what.EndsWith("(bad pointer)", StringComparison.Ordinal))
            return client.Ioctl((uint)(what[..7] switch { "GET_INF" => VfioIoctl.GetInfo, "GET_REG" => VfioIoctl.GetRegionInfo, "GET_IRQ" =>
                VfioIoctl.GetIrqInfo, _ => VfioIoctl.SetIrqs }), 8);
        if (s_unknown.TryGetValue(what, out (uint Command, uint[] Words) unknown))
            return client.Ioctl((VfioIoctl)unknown.Command, DeviceTestClient.Words([.. unknown.Words, 0, 0]));
        (VfioIoctl command, int[] fields) = what switch
        {
            "VFIO_DEVICE_GET_INFO" => (VfioIoctl.GetInfo, s_words),
            "VFIO_DEVICE_GET_REGION_INFO" => (VfioIoctl.GetRegionInfo, s_regionInfo),
            "VFIO_DEVICE_GET_IRQ_INFO" => (VfioIoctl.GetIrqInfo, s_words),
            _ => throw new InvalidOperationException(what),
        };

        // info.WHAT<index>.argsz<n>: what the structure held before.
        string[] parts = name.Split('.');
        byte[] after = Convert.FromHexString(op.GetProperty("after").GetString()!);
        byte[] structure = new byte[after.Length];
        structure.AsSpan().Fill(Fill);
        DeviceTestClient.Words(uint.Parse(parts[2]["argsz".Length..], CultureInfo.InvariantCulture)).CopyTo(structure, 0);
        if (command != VfioIoctl.GetInfo)
            BitConverter.GetBytes((int)long.Parse(parts[1].TrimStart("regionirq".ToCharArray()), CultureInfo.InvariantCulture)).CopyTo(structure, 8);
        int result = client.Ioctl(command, structure);
        Assert.Equal(Convert.ToHexStringLower(after), Convert.ToHexStringLower(Reordered(structure, fields)));
        return result;
    }

    private static int SetIrqs(DeviceTestClient client, uint argsz, uint flags, uint index, uint start, uint count, byte[] data) =>
        client.Ioctl(VfioIoctl.SetIrqs, [.. DeviceTestClient.Words(argsz, flags, index, start, count), .. data]);

    /// <summary>The capture's "not an eventfd" is a descriptor of its own; here it is a plain file of ours.</summary>
    private static FileDescriptor? OpenPlain(string name, byte[] data)
    {
        if (name != "irq.eventfd.notevent")
            return null;
        Assert.Equal(0, FileDescriptor.Open("/dev/null", OpenOptions.ReadOnly, 0, out FileDescriptor plain));
        BitConverter.GetBytes(plain.Number).CopyTo(data, 0);
        return plain;
    }

    /// <summary>
    /// Host order to big-endian and back, field by field; what is behind the fields stays, and fill bytes look the same in any order.
    /// </summary>
    private static byte[] Reordered(byte[] bytes, int[] fields)
    {
        byte[] result = (byte[])bytes.Clone();
        int at = 0;
        foreach (int width in fields.TakeWhile(w => BitConverter.IsLittleEndian && at + w <= bytes.Length))
        {
            Array.Reverse(result, at, width);
            at += width;
        }
        return result;
    }

    private static uint Word(JsonElement op, string name) => unchecked((uint)op.GetProperty(name).GetInt64());

    private static int Expected(JsonElement op) =>
        op.GetProperty("ret").GetInt32() is var result && result == -1 ? -op.GetProperty("errno").GetInt32() : result;
}
