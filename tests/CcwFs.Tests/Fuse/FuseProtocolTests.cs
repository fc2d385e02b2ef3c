using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using CcwFs.Fuse;
using CcwFs.Fuse.Protocol;
using CcwFs.Tests.Linux;

namespace CcwFs.Tests.Fuse;

public sealed partial class FuseProtocolTests
{
    private const uint AtomicTruncate = 1 << 3; // FUSE_ATOMIC_O_TRUNC, which is not agreed on: O_TRUNC is to arrive as SETATTR with size 0

    // Operations of the header that the session has no row for, on purpose: they are answered ENOSYS.
    private static readonly string[] NotImplemented =
    [
        "SETXATTR", "REMOVEXATTR", "GETLK", "SETLK", "SETLKW", "BMAP", "NOTIFY_REPLY", "FALLOCATE", "LSEEK", "COPY_FILE_RANGE", "SETUPMAPPING",
        "REMOVEMAPPING", "SYNCFS", "STATX", "COPY_FILE_RANGE_64",
        "ACCESS", // does not come: mounts are made with default_permissions
    ];

    private static IEnumerable<FuseOperation> Rows =>
        Enumerable.Range(0, ushort.MaxValue).Select(code => FuseOperationTable.Find((uint)code)).OfType<FuseOperation>();

    [Fact]
    public void Every_operation_of_the_header_has_one_row_with_its_number_or_is_not_implemented_by_name()
    {
        string header = File.ReadAllText("/usr/include/linux/fuse.h");
        Dictionary<string, uint> wanted = OpcodeLine().Matches(header[header.IndexOf("enum fuse_opcode", StringComparison.Ordinal)..])
            .TakeWhile(match => match.Groups[1].Value != "NOTIFY_POLL")
            .DistinctBy(match => match.Groups[1].Value)
            .ToDictionary(match => match.Groups[1].Value, match => uint.Parse(match.Groups[2].Value));
        Assert.NotEmpty(wanted);
        Dictionary<string, uint> rows = Rows.ToDictionary(row => row.Name, row => (uint)row.Code);
        Assert.Empty(rows.Except(wanted));
        List<string> left = [.. wanted.Keys.Except(rows.Keys).Except(NotImplemented)];
        left.RemoveAll(name => name is "INIT_BSWAP_RESERVED");
        Assert.Empty(left);
        Assert.Empty(rows.Keys.Intersect(NotImplemented));
    }

    [Fact]
    public void Every_structure_and_constant_is_what_the_header_declares()
    {
        StringBuilder source = new("#include <stddef.h>\n#include <sys/types.h>\n#include <sys/stat.h>\n#include <linux/fuse.h>\n");
        int structures = 0;
        foreach (Type type in typeof(FuseInHeader).Assembly.GetExportedTypes()
            .Where(type => type.IsValueType && !type.IsEnum && type.Namespace == typeof(FuseInHeader).Namespace))
        {
            structures++;
            string name = type == typeof(FuseAttrWire) ? "fuse_attr" : Snake(type.Name);
            if (type != typeof(FuseInitIn))
                source.AppendLine($"_Static_assert(sizeof(struct {name}) == {Marshal.SizeOf(type)}, \"{name}\");");
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
            {
                string member = Snake(field.Name);
                string line = $"_Static_assert(offsetof(struct {name}, {member}) == {Marshal.OffsetOf(type, field.Name)}"
                    + $" && sizeof(((struct {name} *)0)->{member}) == {Marshal.SizeOf(field.FieldType)}, \"{name}.{member}\");";
                source.AppendLine(Guard(name, member) is { } minor ? $"#if FUSE_KERNEL_MINOR_VERSION >= {minor}\n{line}\n#endif" : line);
            }
        }
        Assert.InRange(structures, 28, 60); // those that the protocol room has
        foreach (FieldInfo constant in typeof(FuseConstants).GetFields())
            source.AppendLine($"_Static_assert({constant.Name} == {constant.GetRawConstantValue()}, \"{constant.Name}\");");
        foreach (FuseOperation row in Rows)
            source.AppendLine($"_Static_assert(FUSE_{row.Name} == {(uint)row.Code}, \"{row.Name}\");");
        source.AppendLine($"_Static_assert(FOPEN_DIRECT_IO == {FuseOpened.DirectIo} && FOPEN_NONSEEKABLE == {FuseOpened.NonSeekable}"
            + $" && FOPEN_STREAM == {FuseOpened.Stream}, \"FOPEN\");");
        source.AppendLine($"_Static_assert(FUSE_ATOMIC_O_TRUNC == {AtomicTruncate}, \"FUSE_ATOMIC_O_TRUNC\");");
        source.AppendLine($"_Static_assert(FATTR_MODE == {FuseSetAttr.ValidMode} && FATTR_UID == {FuseSetAttr.ValidUid}"
            + $" && FATTR_GID == {FuseSetAttr.ValidGid}, \"FATTR\");");
        (int status, string output) = CCompiler.Judge(source.ToString());
        Assert.True(status == 0, output);
    }

    [Theory]
    [InlineData(7u, 45u, 38u)]
    [InlineData(7u, 38u, 38u)]
    [InlineData(7u, 31u, 31u)]
    [InlineData(7u, 27u, 27u)]
    [InlineData(8u, 0u, 38u)]
    public void A_minor_version_is_agreed_on_down_to_27(uint major, uint minor, uint agreed)
    {
        FuseInitIn offer = new() { Major = major, Minor = minor, Flags = uint.MaxValue };
        Assert.Equal(0, FuseNegotiation.Agree(offer, new FuseSessionOptions(), out FuseInitOut reply));
        Assert.Equal((7u, agreed), (reply.Major, reply.Minor));
        Assert.Equal(0u, reply.Flags & AtomicTruncate);
    }

    [Theory]
    [InlineData(7u, 26u)]
    [InlineData(6u, 99u)]
    public void An_older_kernel_is_refused(uint major, uint minor) =>
        Assert.Equal(-71, FuseNegotiation.Agree(new FuseInitIn { Major = major, Minor = minor }, new FuseSessionOptions(), out _));

    [Fact]
    public void Only_flags_that_the_kernel_offers_are_taken()
    {
        FuseInitIn offer = new() { Major = 7, Minor = 31, Flags = FuseConstants.FUSE_MAX_PAGES };
        Assert.Equal(0, FuseNegotiation.Agree(offer, new FuseSessionOptions { PageSize = 4096 }, out FuseInitOut reply));
        Assert.Equal((FuseConstants.FUSE_MAX_PAGES, 1u << 20, (ushort)256), (reply.Flags, reply.MaxWrite, reply.MaxPages));
    }

    /// <summary>The kernel multiplies with its own pages, and never takes less than one.</summary>
    [Theory]
    [InlineData(1 << 20, 4096, 256)]
    [InlineData(1 << 20, 16_384, 64)]
    [InlineData(1 << 20, 65_536, 16)]
    [InlineData(4096, 65_536, 1)]
    public void A_read_has_as_many_of_the_kernels_pages_as_fit(int maxWrite, int pageSize, ushort pages)
    {
        FuseInitIn offer = new() { Major = 7, Minor = 31, Flags = FuseConstants.FUSE_MAX_PAGES };
        var options = new FuseSessionOptions { MaxWrite = maxWrite, PageSize = pageSize };
        Assert.Equal(0, FuseNegotiation.Agree(offer, options, out FuseInitOut reply));
        Assert.Equal((pages, (uint)maxWrite), (reply.MaxPages, reply.MaxWrite));
    }

    [Theory]
    [InlineData(false, 31)]
    [InlineData(true, 159)]
    public void A_directory_entry_that_does_not_fit_is_left_out_whole(bool plus, int room)
    {
        FuseEntry entry = new() { Node = 9, Attr = new FuseAttr { Node = 9, Mode = 0x8000 } };
        FuseDirectoryWriter writer = new(new byte[room], plus);
        Assert.False(writer.TryAdd("abc"u8, entry, 1));
        Assert.Equal(0, writer.Length);
        writer = new FuseDirectoryWriter(new byte[room + 1], plus);
        Assert.True(writer.TryAdd("abc"u8, entry, 1));
        Assert.False(writer.TryAdd("d"u8, entry, 2));
        Assert.Equal(room + 1, writer.Length);
        Assert.False(new FuseDirectoryWriter(new byte[4096], plus).TryAdd(new byte[256], entry, 1));
        Assert.False(new FuseDirectoryWriter(new byte[4096], plus).TryAdd(default, entry, 1));
    }

    [Fact]
    public void The_mount_table_is_read_with_its_escapes_and_optional_fields()
    {
        MountEntry entry = Assert.Single(MountTable.Parse(
        [
            @"36 35 0:98 / /mnt/a\040b\134c\011ä rw,noatime shared:1 master:2 - fuse.ccwfs my\040fs rw,user_id=0", "nonsense", "1 2 3 4 5 6 7",
        ]));
        Assert.Equal(new MountEntry("/mnt/a b\\c\tä", "fuse.ccwfs", "my fs", "0:98", "rw,user_id=0"), entry);
    }

    // Members that Debian 11's header (7.31 to 7.34) does not have.
    private static int? Guard(string structure, string member) => (structure, member) switch
    {
        ("fuse_in_header", "total_extlen" or "padding") => 38,
        ("fuse_init_out", "flags2") => 36,
        ("fuse_open_in", "open_flags") => 33,
        ("fuse_notify_inval_entry_out", "flags") => 38,
        ("fuse_attr", "flags") => 32,
        _ => null,
    };

    private static string Snake(string name) => Capital().Replace(name, "_$1").ToLowerInvariant();

    [GeneratedRegex("(?<!^)([A-Z])")]
    private static partial Regex Capital();

    [GeneratedRegex(@"^\s(?:FUSE|CUSE)_(\w+)\s*=\s*(\d+),", RegexOptions.Multiline)]
    private static partial Regex OpcodeLine();
}
