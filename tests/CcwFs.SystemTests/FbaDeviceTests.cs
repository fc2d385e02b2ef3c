using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary>Disks of blocks in a mount: their keys, files, sharing, and what a kill leaves.</summary>
public sealed class FbaDeviceTests : IDisposable
{
    private const int Block = 512;

    // What a script needs beside ccw.py.
    private const string Words = """
        def extent(first, last, mask=0xc0): return 0x63, 0, struct.pack('>BBHIII', mask, 0, 512, first, first, last)
        def find(operation, count, block): return 0x43, 0, struct.pack('>BBHI', operation, 0, count, block)
        def put(block, data, dev=DEV): ran(extent(block, block + len(data) // 512 - 1), find(5, len(data) // 512, block), (0x41, 0, data), dev=dev)
        def get(block, count=1, dev=DEV): return ran(extent(block, block + count - 1, 0x40), find(6, count, block), (0x42, 0, 512 * count), dev=dev)[0]

        """;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void List_info_and_run_show_a_9336_and_its_blocks_are_in_the_file()
    {
        string image = Make("disk.raw", 100);
        using MountedCcwfs mounted = new(["--device", "fba,image=" + image]);
        JsonElement device = Assert.Single(JsonDocument.Parse(mounted.Ccwfs("list", "--json").Ok().Output).RootElement.EnumerateArray());
        Assert.Equal(("9336/10", "6310/01", "emulated"), (Text("devtype"), Text("cutype"), Text("backend")));
        string info = mounted.Ccwfs("info", "0.0.0000").Ok().Output;
        Assert.All((string[])["9336-10 behind 6310-01", "100 of 512 bytes", image, "read and write"], fact =>
            Assert.Contains(fact, info, StringComparison.Ordinal));
        string data = string.Concat(Enumerable.Repeat("A5", Block));
        mounted.Ccwfs("run", "0.0.0000", "DEFINE_EXTENT begin=10 end=19 mask=all", "LOCATE op=write at=3 count=1", "WRITE data=" + data).Ok();
        Assert.Equal(Enumerable.Repeat((byte)0xA5, Block), Bytes(image, 13 * Block, Block));
        Assert.Contains("a5a5", mounted.Ccwfs("run", "0.0.0000", "DEFINE_EXTENT begin=13", "LOCATE at=0", "READ").Ok().Output,
            StringComparison.OrdinalIgnoreCase);
        string refused = mounted.Ccwfs("run", "0.0.0000", "DEFINE_EXTENT begin=13", "LOCATE at=1", "READ").Output;
        Assert.Contains("file protected", refused, StringComparison.Ordinal);
        string Text(string name) => device.GetProperty(name).GetString()!;
    }

    [Fact]
    public void Subchannels_share_a_file_a_policy_counts_blocks_and_a_disk_may_be_in_memory()
    {
        string image = Make("disk.raw", 100);
        using MountedCcwfs mounted =
            new(["--device", "fba,image=" + image, "--device", $"fba,image={image},extents=10-19", "--device", "fba,blocks=1000", "--device",
            "fba,block-size=4096"]);
        mounted.Python(Words + """
            one, other, memory = '0.0.0000', '0.0.0001', '0.0.0002'
            put(10, b'x' * 1024, dev=one)
            assert get(10, 2, dev=other) == b'x' * 1024
            put(19, b'y' * 512, dev=other)
            assert get(19, dev=one) == b'y' * 512
            status, _ = run(extent(20, 20), find(5, 1, 20), (0x41, 0, b'z' * 512), dev=other)
            assert status.dstat == 0x0e, hex(status.dstat)
            assert get(20, dev=one) == bytes(512)
            put(990, b'm' * 5120, dev=memory)
            assert get(999, dev=memory) == b'm' * 512
            status, _ = run(extent(1000, 1000), dev=memory)
            assert status.dstat == 0x0e and status.sense[:2] == bytes([0, 4]), status.sense.hex()
            """);
        Assert.Contains("65536 of 4096 bytes", mounted.Ccwfs("info", "0.0.0003").Ok().Output, StringComparison.Ordinal);
        Assert.Contains("block-size and blocks", mounted.Ccwfs("add", $"fba,image={image},blocks=50").Refused(1), StringComparison.Ordinal);
        Assert.Contains("another kind of volume", mounted.Ccwfs("add", $"dasd,image={image}").Refused(1), StringComparison.Ordinal);
        mounted.Ccwfs("remove", "0.0.0000").Ok();
        mounted.Ccwfs("remove", "0.0.0001").Ok();
        mounted.Ccwfs("add", $"fba,image={image},blocks=50,readonly").Ok();
    }

    [Fact]
    public void What_is_wrong_is_said_in_a_line_with_what_to_do()
    {
        using MountedCcwfs mounted = new([]);
        Say("fba,image=" + _scratch.At("none.raw"), "make it: truncate -s 1G FILE");
        Say($"fba,blocks=7,image={_scratch.At("none.raw")}", "make it: truncate -s 3584 FILE");
        Say("fba,image=" + _scratch.Path, "is a directory; a disk is kept in a plain file or a block device");
        File.WriteAllBytes(_scratch.At("odd.raw"), new byte[700]);
        Say("fba,image=" + _scratch.At("odd.raw"), "no whole blocks of 512 bytes; make the last one whole: truncate -s %512 FILE");
        File.WriteAllBytes(_scratch.At("empty.raw"), []);
        Say("fba,image=" + _scratch.At("empty.raw"), "it is empty; give it a size: truncate -s 1G FILE");
        const string Large = "fba,blocks=4294967295,block-size=4096", TooLarge = "half of what this machine has";
        Say(Large, TooLarge);
        Assert.Contains(TooLarge, Child.Ccwfs("mount", _scratch.MakeDirectory("m"), "--device", Large).Refused(1), StringComparison.Ordinal);
        Assert.Contains("512, 1024, 2048 or 4096", mounted.Ccwfs("add", "fba,block-size=513").Refused(2), StringComparison.Ordinal);
        Assert.Contains("a number from 1 to 4294967295", mounted.Ccwfs("add", "fba,blocks=4294967296").Refused(2), StringComparison.Ordinal);
        Assert.Contains("only a dasd has the key 'ese'", mounted.Ccwfs("add", "fba,ese").Refused(2), StringComparison.Ordinal);

        void Say(string spec, string said)
        {
            Assert.Contains(said, mounted.Ccwfs("add", spec).Refused(1), StringComparison.Ordinal);
            string config = _scratch.At("c.json");
            File.WriteAllText(config, JsonSerializer.Serialize(new { devices = new[] { spec } }));
            Assert.Contains(said, Child.Ccwfs("config", "check", config).Refused(1), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("fba,image=d.raw", "fba,image=d.raw,blocks=50", "100 blocks of 512 bytes")]
    [InlineData("fba,image=d.raw,blocks=50", "fba,image=d.raw", "50 blocks of 512 bytes")]
    [InlineData("fba,image=d.raw", "fba,image=link.raw,block-size=1024", "100 blocks of 512 bytes")]
    [InlineData("fba,image=d.raw,readonly", "fba,image=d.raw", "already open read-only by 0.0.0000; give readonly")]
    [InlineData("dasd,image=v.ckd", "fba,image=v.ckd", "already open by 0.0.0000 as another kind of volume than fba; remove that first")]
    [InlineData("fba,image=v.ckd", "dasd,image=v.ckd", "already open by 0.0.0000 as another kind of volume than dasd; remove that first")]
    [InlineData("fba,image=d.raw,sync=program", "fba,image=d.raw,sync=none", null)]
    [InlineData("fba,image=d.raw", "fba,image=d.raw,readonly,blocks=100,block-size=512", null)]
    public void Config_check_says_of_two_devices_on_an_image_what_a_mount_says(string one, string other, string? said)
    {
        File.CreateSymbolicLink(_scratch.At("link.raw"), Make("d.raw", 100));
        _scratch.MakeImage("v.ckd");
        (one, other) = (InScratch(one), InScratch(other));
        string config = _scratch.At("c.json");
        File.WriteAllText(config, JsonSerializer.Serialize(new { devices = new[] { one, other } }));
        using MountedCcwfs mounted = new(["--device", one]);
        Outcome added = mounted.Ccwfs("add", other), check = Child.Ccwfs("config", "check", config);
        if (said is null)
        {
            added.Ok();
            check.Ok();
            return;
        }
        string line = added.Refused(1)["ccwfs: ".Length..];
        Assert.Contains(said, line, StringComparison.Ordinal);
        Assert.EndsWith(line, check.Refused(1), StringComparison.Ordinal);
        string InScratch(string spec) => spec.Replace("image=", "image=" + _scratch.Path + "/", StringComparison.Ordinal);
    }

    /// <summary>Makes a loop device and a second node of it, which takes root; others have no right to one.</summary>
    [Fact]
    public void A_block_device_is_one_file_by_whatever_node_and_is_refused_to_write_while_another_program_has_it()
    {
        if (Environment.UserName != "root")
            return;
        string device = Child.Run("losetup", "-f", "--show", Make("disk.raw", 100)).Ok().Output.Trim(), node = _scratch.At("node");
        try
        {
            Child.Run("bash", "-c", $"mknod {node} b $(stat -c '0x%t 0x%T' {device})").Ok();
            File.CreateSymbolicLink(_scratch.At("link"), device);
            using MountedCcwfs mounted = new([]);
            using (Process user = mounted.StartPython($"f = os.open('{device}', os.O_RDWR | os.O_EXCL); print('has it', flush=True); sys.stdin.readline()"))
            {
                user.Says("has it");
                Assert.Contains("this machine uses it", mounted.Ccwfs("add", "fba,image=" + node).Refused(1), StringComparison.Ordinal);
                mounted.Ccwfs("add", $"fba,image={node},readonly,id=0.0.0009").Ok();
                Child.Finish(user, "\n"u8.ToArray()).Ok();
            }
            mounted.Ccwfs("remove", "0.0.0009").Ok();
            mounted.Ccwfs("remove", "0.0.0000").Ok();
            mounted.Ccwfs("add", "fba,image=" + device).Ok();
            mounted.Ccwfs("add", "fba,image=" + node).Ok();
            mounted.Ccwfs("add", $"fba,image={_scratch.At("link")},readonly").Ok();
            mounted.Python(Words + "put(3, b'b' * 512, dev='0.0.0000'); assert get(3, dev='0.0.0001') == get(3, dev='0.0.0002') == b'b' * 512");
            Assert.Contains("already open by 0.0.0000, 0.0.0001, 0.0.0002: there it has 100 blocks",
                mounted.Ccwfs("add", $"fba,image={node},blocks=50").Refused(1), StringComparison.Ordinal);
        }
        finally
        {
            Child.Run("losetup", "-d", device);
        }
    }

    [Fact]
    public void Keys_and_manual_know_the_kind()
    {
        string keys = Child.Ccwfs("config", "keys").Ok().Output;
        string own = keys[keys.IndexOf("A device of kind fba:", StringComparison.Ordinal)..];
        Assert.All((string[])["image PATH", "blocks N", "block-size 512|1024|2048|4096"], key => Assert.Contains(key, own, StringComparison.Ordinal));
        Assert.Contains("9336", Child.Ccwfs("help", "fba").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kill_leaves_what_was_acknowledged_and_whole_blocks()
    {
        const int Blocks = 2048; // a program writes all of them
        string image = Make("disk.raw", Blocks);
        string point = _scratch.MakeDirectory("m");
        int acknowledged = 0;
        for (int kill = 1; kill <= 4; kill++)
        {
            using MountedCcwfs mounted = new(["--device", "fba,image=" + image], mountPoint: point);
            using Process writer = mounted.StartPython(Words + $$"""
                n = {{acknowledged}}
                try:
                    while n < 200:
                        pieces = [(0x41, CD, bytes([n + 1]) * 32768)] * {{Blocks * Block / 32768}}
                        ran(extent(0, {{Blocks - 1}}), find(5, {{Blocks}}, 0), *pieces[1:], (0x41, 0, pieces[0][2]))
                        n += 1
                        print(n, flush=True)
                except (OSError, AssertionError):
                    pass
                """);
            int until = acknowledged + (kill * 3);
            string last = "";
            while (acknowledged < until && writer.NextLine() is { } line)
                acknowledged = int.Parse(last = line, CultureInfo.InvariantCulture);
            Assert.NotEmpty(last);
            mounted.Kill();
            string rest = writer.StandardOutput.ReadToEnd();
            acknowledged = rest.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line, CultureInfo.InvariantCulture))
                .Append(acknowledged).Max();
            writer.Ends();
            Child.Run("umount", "-l", point).Ok();
            byte[] all = File.ReadAllBytes(image);
            for (int block = 0; block < Blocks; block++)
            {
                ReadOnlySpan<byte> bytes = all.AsSpan(block * Block, Block);
                Assert.Equal(-1, bytes.IndexOfAnyExcept(bytes[0]));
                Assert.InRange(bytes[0], acknowledged, acknowledged + 1);
            }
        }
    }

    private string Make(string name, int blocks)
    {
        using FileStream file = File.Create(_scratch.At(name));
        file.SetLength((long)blocks * Block);
        return file.Name;
    }

    // Somebody has it locked.
    private static byte[] Bytes(string path, int offset, int length) => Convert.FromHexString(Child.Run(
        "bash", "-c", $"dd if='{path}' bs=1 skip={offset} count={length} status=none | od -An -v -tx1 | tr -d ' \\n'").Ok().Output);
}
