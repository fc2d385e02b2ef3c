using System.Runtime.InteropServices;
using CcwFs.Memory;
using CcwFs.Vfio;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio;

/// <summary>A client tells how translations of its guest's code are dropped: what is taken, what is refused, and what it holds.</summary>
public sealed class GuestCodeIoctlTests : IDisposable
{
    private const ulong Page = 0x1000;
    private readonly IommuTestClient _client = new();
    private readonly IommuClient _iommu = new();
    private readonly uint _ioas;

    public GuestCodeIoctlTests()
    {
        _ioas = _client.Allocate(_iommu);
        _client.Do("import socket");
        _client.Do("A, B = socket.socketpair()");
    }

    public void Dispose()
    {
        _iommu.Dispose();
        Assert.Equal(0, _client.DescriptorsHeld());
        _client.Dispose();
    }

    [Fact]
    public void Nothing_is_known_before_and_without_marks_all_of_it_may_be_code()
    {
        IMemoryStore store = Map();
        Assert.Equal("unknown", _iommu.CodeKind);
        Assert.False(store.MayHoldCode(Offset, 1));
        Assert.Null(store.CodeAt(Offset, out _));
        Assert.Equal(0, Tell());
        Assert.Equal("all", _iommu.CodeKind);
        Assert.True(store.MayHoldCode(Offset, 1)); // also what was mapped before
        Assert.NotNull(store.CodeAt(Offset + 5, out ulong address));
        Assert.Equal(Iova + 5, address);
    }

    [Fact]
    public void Marks_of_the_emulators_own_pages_say_what_may_be_code()
    {
        IMemoryStore store = Map();
        Assert.Equal(0, Tell(marks: Marks()));
        Assert.Equal("plugin", _iommu.CodeKind);
        Assert.False(store.MayHoldCode(Offset, 4096));
        Mark(_client.Do("P") / Page + 1);
        Assert.False(store.MayHoldCode(Offset, 4096));
        Assert.True(store.MayHoldCode(Offset + 4096, 1));
        Assert.Equal((0, 1), (store.CodeCount(Offset), store.CodeCount(Offset + 4096 + 17)));
        store.ForgetCode(Offset + 4096, 2); // it was counted up meanwhile
        Assert.True(store.MayHoldCode(Offset + 4096, 1));
        store.ForgetCode(Offset + 4096, 1);
        Assert.False(store.MayHoldCode(Offset + 4096, 1));
    }

    [Theory]
    [InlineData("1234", GuestCodeMarks.ShortEnds + 0x1234)]
    [InlineData("12345678", -1)]
    public void The_end_of_a_branch_in_a_pages_first_bytes_says_so_too(string bytes, long at)
    {
        IMemoryStore store = Map();
        Assert.Equal(0, Tell(marks: Marks()));
        _client.Put(_client.Do("P"), Convert.FromHexString(bytes.PadRight(8, '9')));
        Mark((ulong)(at < 0 ? GuestCodeMarks.LongEnd(0x1234_5678) : at));
        Assert.True(store.MayHoldCode(Offset, 1));
        Assert.True(store.MayHoldCode(Offset + 3, 100));
        Assert.False(store.MayHoldCode(Offset + 4, 100));
        Assert.False(store.MayHoldCode(Offset + 4096, 100));
        _client.Put(_client.Do("P"), [0x55, 0x55, 0x55, 0x55]);
        Assert.False(store.MayHoldCode(Offset, 1));
    }

    [Fact]
    public void It_is_told_once()
    {
        Assert.Equal(0, Tell());
        Assert.Equal(-(int)Errno.EBUSY, Tell());
        Assert.Equal(-(int)Errno.EBUSY, Tell(flags: GuestCodeChannel.FlagHardware));
        Assert.Equal("all", _iommu.CodeKind);
    }

    [Fact]
    public void A_guest_that_the_processor_runs_needs_no_descriptors()
    {
        IMemoryStore store = Map();
        Assert.Equal(0, Tell(channel: "-1", other: "-1", flags: GuestCodeChannel.FlagHardware));
        Assert.Equal("kvm", _iommu.CodeKind);
        Assert.False(store.MayHoldCode(Offset, 1));
        Assert.Equal(-(int)Errno.EBUSY, Tell());
    }

    [Theory]
    [InlineData("A.fileno()", "B.fileno()", "-1", 2u, Errno.EOPNOTSUPP)]
    [InlineData("-1", "B.fileno()", "-1", 0u, Errno.EBADF)]
    [InlineData("A.fileno()", "999", "-1", 0u, Errno.EBADF)]
    [InlineData("0", "B.fileno()", "-1", 0u, Errno.EINVAL)]                         // a pipe
    [InlineData("socket.socket().fileno()", "B.fileno()", "-1", 0u, Errno.EBADF)]   // closed again
    [InlineData("T.fileno()", "B.fileno()", "-1", 0u, Errno.EINVAL)]                // TCP
    [InlineData("D.fileno()", "B.fileno()", "-1", 0u, Errno.EINVAL)]                // datagrams
    [InlineData("A.fileno()", "B.fileno()", "0", 0u, Errno.EINVAL)]                 // marks in a pipe
    // of huge pages: one that is not there kills who reads it
    [InlineData("A.fileno()", "B.fileno()", "memfd('ccwfs-t', 1 << 37, 2, 6)", 0u, Errno.EINVAL)]
    [InlineData("A.fileno()", "B.fileno()", "memfd('ccwfs-t', 1 << 37)", 0u, Errno.EPERM)]    // they can shrink
    [InlineData("A.fileno()", "B.fileno()", "memfd('ccwfs-t', 4096, 2)", 0u, Errno.EINVAL)]   // too short
    public void Descriptors_of_another_kind_are_refused(string channel, string other, string marks, uint flags, Errno error)
    {
        _client.Do("T, D = socket.socket(), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)");
        Assert.Equal(-(int)error, Tell(channel, other, marks, flags));
        Assert.Equal("unknown", _iommu.CodeKind);
        Assert.Equal(0, Tell()); // nothing is in the way
    }

    private const ulong Iova = 0x20_0000;
    private long Offset { get; set; }

    /// <summary>Two pages of private memory of the client, at P.</summary>
    private IMemoryStore Map()
    {
        _client.Do("P = mmap(0x2000)");
        Assert.Equal(0, _client.Map(_iommu, _ioas, _client.Do("P"), 2 * Page, Iova));
        Assert.Equal(0, _iommu.Attach(_ioas, out var space));
        Mapping mapping = Assert.Single(space!.Map.Snapshot());
        Offset = mapping.Offset;
        return mapping.Store;
    }

    private string Marks() => $"M := memfd('{_client.Name}', {GuestCodeMarks.Size}, 2)";

    private void Mark(ulong at) => _client.Do($"os.pwrite(M, b'\\x01', {at})");

    private int Tell(string channel = "A.fileno()", string other = "B.fileno()", string marks = "-1", uint flags = 0)
    {
        var code = new GuestCodeChannel
        {
            Size = (uint)Marshal.SizeOf<GuestCodeChannel>(), Flags = flags, Channel = Number(channel), OtherEnd = Number(other),
                Marks = Number(marks),
        };
        return _client.Ioctl(_iommu, IommufdIoctl.SetGuestCode, ref code);
    }

    private int Number(string text) => text == "-1" ? -1 : (int)_client.Do($"({text})");
}
