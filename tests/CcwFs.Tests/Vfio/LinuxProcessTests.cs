using System.Text;
using CcwFs.Linux;

namespace CcwFs.Tests.Vfio;

/// <summary>What /proc says of a process.</summary>
public sealed class LinuxProcessTests
{
    [Theory]
    [InlineData("7fbe76b52000-7fbe76b54000 rw-s 00001000 00:01 10750                      /memfd:guest (deleted)", 0x7fbe76b52000ul, 0x7fbe76b54000ul,
        true, true, true, 0x1000L, 1ul, 10750ul)]
    [InlineData("00400000-00452000 r-xp 00000000 fe:02 173521 /usr/bin/a b\\012c", 0x400000ul, 0x452000ul, true, false, false, 0L, 0xfe_0000_0002ul,
        173521ul)]
    [InlineData("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]", 0xffffffffff600000ul, 0xffffffffff601000ul,
        false, false, false, 0L, 0ul, 0ul)]
    [InlineData("1000-2000 rw-p 00000000 103:05 4294967296", 0x1000ul, 0x2000ul, true, true, false, 0L, 0x103_0000_0005ul, 4294967296ul)]
    public void A_line_of_maps_is_read(string line, ulong start, ulong end, bool read, bool write, bool shared, long offset, ulong device,
        ulong inode)
    {
        Assert.True(MemoryArea.TryParse(Encoding.ASCII.GetBytes(line), out MemoryArea area));
        Assert.Equal(new MemoryArea(start, end, read, write, shared, offset, device, inode), area);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1000")]
    [InlineData("1000-2000")]
    [InlineData("1000-2000 rw-")]
    [InlineData("2000-1000 rw-p 00000000 00:00 0")]
    [InlineData("1000-2000 rw-p 00000000 00:00 ")]
    [InlineData("1000-2000 rw-p 00000000 0000 0")]
    [InlineData("1000-2000 rw-p ffffffffffffffff 00:00 0")]
    [InlineData("11000000000000000-2000 rw-p 0 00:00 0")]
    public void What_is_no_line_of_maps_is_refused(string line) => Assert.False(MemoryArea.TryParse(Encoding.ASCII.GetBytes(line), out _));

    [Fact]
    public void The_areas_of_a_range_are_found_in_their_order_and_counted()
    {
        using var client = new IommuTestClient();
        ulong at = client.Do("(A := mmap(0x5000), mprotect(A + 0x1000, 0x1000, 1), mprotect(A + 0x3000, 0x1000, 0))[0]");
        List<MemoryArea> areas = [];
        Assert.Equal(0, Areas((uint)client.Pid, at + 0x800, at + 0x4800, 10, areas));
        Assert.Equal([true, true, true, false, true], areas.Select(a => a.Readable));
        Assert.Equal([true, false, true, false, true], areas.Select(a => a.Writable));
        Assert.Equal([at + 0x1000, at + 0x2000, at + 0x3000, at + 0x4000], areas.Skip(1).Select(a => a.Start));
        areas.Clear();
        Assert.Equal(-7, Areas((uint)client.Pid, at, at + 0x5000, 4, areas));
        areas.Clear();
        Assert.Equal(0, Areas((uint)client.Pid, 0, 0x1000, 4, areas));
        Assert.Empty(areas);
    }

    [Fact]
    public void Thousands_of_areas_are_read()
    {
        using var client = new IommuTestClient();
        client.Do("B = mmap(0x8000000); [mprotect(B + i * 0x2000, 0x1000, 1) for i in range(6000)]");
        ulong at = client.Do("B");
        List<MemoryArea> areas = [];
        Assert.Equal(0, Areas((uint)client.Pid, at, at + (6000 * 0x2000), 20_000, areas));
        Assert.Equal(12_000, areas.Count);
        Assert.All(Enumerable.Range(0, 12_000), i => Assert.Equal(i % 2 == 1, areas[i].Writable));
    }

    [Fact]
    public void A_process_is_known_by_its_start()
    {
        using IommuTestClient first = new(), second = new();
        Assert.Equal(0, ProcessFiles.StartTime(first.Pid, out ulong start));
        first.ExecuteAnother(); // is the same process
        Assert.Equal((0, start), (ProcessFiles.StartTime(first.Pid, out ulong again), again));
        Assert.True(ProcessFiles.StartTime(second.Pid, out ulong later) == 0 && later >= start && start > 0);
        Assert.True(ProcessFiles.StartTime(int.MaxValue, out _) < 0);
    }

    private static int Areas(uint thread, ulong start, ulong end, int limit, List<MemoryArea> found)
    {
        int result = ProcessFiles.OpenAreas(thread, out FileDescriptor areas);
        using (areas)
            return result < 0 ? result : ProcessFiles.Areas(areas, start, end, limit, found);
    }

    [Fact]
    public void A_thread_that_is_not_there_gives_an_errno()
    {
        Assert.True(ProcessFiles.ThreadGroup(uint.MaxValue, out _) < 0);
        Assert.True(Areas(uint.MaxValue, 0, 1, 1, []) < 0);
        Assert.True(ProcessFiles.DescriptorsOf(uint.MaxValue, 1, []) < 0);
        Assert.True(ProcessFiles.OpenMemory(uint.MaxValue, out FileDescriptor none) < 0);
        Assert.True(none.IsInvalid);
        Assert.True(ProcessMemory.Read(uint.MaxValue, 0, new byte[1]) < 0);
        Assert.Equal(0, ProcessFiles.ThreadGroup((uint)Environment.ProcessId, out int self));
        Assert.Equal(Environment.ProcessId, self);
    }

    [Fact]
    public void The_descriptors_of_a_file_are_found()
    {
        using var client = new IommuTestClient();
        client.Do($"M = memfd('{client.Name}', 4096); D = os.dup(M); O = memfd('{client.Name}', 4096)");
        List<int> numbers = [];
        Assert.Equal(0, ProcessFiles.DescriptorsOf((uint)client.Pid, client.Do("os.fstat(M).st_ino"), numbers));
        Assert.Equal([(int)client.Do("M"), (int)client.Do("D")], numbers.Order());
    }
}
