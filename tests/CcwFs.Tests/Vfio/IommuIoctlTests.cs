using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Vfio;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio;

/// <summary>The ioctls of the iommu file: sizes, flags, numbers, errnos. Each comes from a real process.</summary>
public sealed class IommuIoctlTests : IDisposable
{
    private const IoasMapFlags Both = IoasMapFlags.Readable | IoasMapFlags.Writeable;
    private const ulong Page = 0x1000;

    private readonly IommuTestClient _client = new();
    private readonly ClientAccounts _accounts = ClientAccounts.Make();
    private readonly IommuClient _iommu;
    private readonly uint _ioas;

    public IommuIoctlTests()
    {
        _iommu = new IommuClient(null, _accounts.Of(Descriptors.EffectiveUser, (uint)Environment.ProcessId));
        _ioas = _client.Allocate(_iommu);
    }

    /// <summary>Bytes of each ioctl's structure, and the least that are accepted: <see cref="IommuHeaderTests"/> compares them.</summary>
    public static TheoryData<IommufdIoctl, int, int> Rows => new()
    {
        { IommufdIoctl.Destroy, 8, 8 },
        { IommufdIoctl.IoasAlloc, 12, 12 },
        { IommufdIoctl.IoasIovaRanges, 32, 32 },
        { IommufdIoctl.IoasMap, 40, 40 },
        { IommufdIoctl.IoasMapFile, 40, 40 },
        { IommufdIoctl.IoasUnmap, 24, 24 },
        { IommufdIoctl.SetGuestCode, 20, 20 },
        { IommufdIoctl.GetHwInfo, 40, 32 },
    };

    public void Dispose()
    {
        _client.Dispose();
        _iommu.Dispose();
        Assert.Equal((0, 0), (_client.DescriptorsHeld(), _accounts.Users)); // whatever was counted is given back
    }

    private int Raw(uint command, ulong address, bool byNumber = false)
    {
        IoctlCaller caller = _client.Caller();
        caller.ByNumber = byNumber;
        int result = _iommu.Ioctl(caller, command, address);
        caller.Answered();
        return result;
    }

    /// <summary>Gives the bytes that were mapped.</summary>
    private ulong UnmapAll()
    {
        Assert.Equal(0, _client.Unmap(_iommu, _ioas, 0, ulong.MaxValue, out ulong unmapped));
        return unmapped;
    }

    private int Raw(IommufdIoctl command, byte[] structure) =>
        Raw((uint)command, _client.Do($"put('{Convert.ToHexString(structure)}')"));

    // All ones but for the size: a structure that no handler accepts, so that what it says is that it was called.
    private static byte[] Structure(int size, byte fill)
    {
        byte[] bytes = new byte[size];
        bytes.AsSpan().Fill(fill);
        MemoryMarshal.Write(bytes, (uint)size);
        return bytes;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Sizes_are_judged_before_anything_else(IommufdIoctl command, int size, int minSize)
    {
        Assert.Equal(-(int)Errno.EINVAL, Raw(command, Structure(minSize - 1, 0xFF)));
        Assert.Equal(-(int)Errno.EINVAL, Raw(command, new byte[64]));
        int known = Raw(command, Structure(size, 0xFF));
        Assert.Contains(known, (int[])[-(int)Errno.EOPNOTSUPP, -(int)Errno.ENOENT]);
        byte[] longer = Structure(size + 9, 0xFF);
        Assert.Equal(-(int)Errno.E2BIG, Raw(command, longer));
        longer.AsSpan(size).Clear();
        longer[^1] = 1;
        Assert.Equal(-(int)Errno.E2BIG, Raw(command, longer));
        longer[^1] = 0;
        Assert.Equal(known, Raw(command, longer));
        Assert.Equal(-(int)Errno.E2BIG, Raw(command, Structure(IommuClient.MaxStructure + 1, 0)));
        byte[] endless = new byte[64];
        MemoryMarshal.Write(endless, uint.MaxValue);
        Assert.Equal(-(int)Errno.E2BIG, Raw(command, endless));
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_bad_pointer_is_a_fault(IommufdIoctl command, int size, int minSize)
    {
        _client.Do("A = mmap(0x2000); munmap(A + 0x1000, 0x1000)");
        ulong end = _client.Do("A + 0x1000");
        _client.Put(end - 4, BitConverter.GetBytes((uint)size));
        foreach (ulong address in (ulong[])[0, 1, end, end - 2, end - 4, 0xFFFF_8880_0000_0000, ulong.MaxValue])
            Assert.Equal(-(int)Errno.EFAULT, Raw((uint)command, address));
        Assert.True(minSize > 4);
    }

    [Theory]
    [InlineData(0x3B82u)]       // IOAS_ALLOW_IOVAS
    [InlineData(0x3B83u)]       // IOAS_COPY
    [InlineData(0x3B87u)]       // OPTION
    [InlineData(0x3B88u)]       // VFIO_IOAS
    [InlineData(0x3B89u)]       // HWPT_ALLOC
    [InlineData(0x3B64u)]       // VFIO_GET_API_VERSION, of the container's compatibility
    [InlineData(0xC008_3B81u)]  // the right number with a size
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    public void Other_ioctls_are_not_known(uint command) => Assert.Equal(-(int)Errno.ENOTTY, Raw(command, _client.Do("buffer")));

    [Fact]
    public void Numbers_are_given_from_1_on_and_again_and_are_shared_with_devices()
    {
        Assert.Equal(1u, _ioas);
        Assert.Equal(0, _iommu.AddDevice(out uint device));
        Assert.Equal((2u, 3u), (device, _client.Allocate(_iommu)));
        Assert.Equal(-(int)Errno.EBUSY, Destroy(device));
        Assert.Equal(-(int)Errno.ENOENT, _iommu.Attach(device, out _));
        Assert.Equal(-(int)Errno.ENOENT, _client.Map(_iommu, device, _client.Do("buffer"), Page, 0));
        Assert.Equal(0, Destroy(1));
        Assert.Equal(-(int)Errno.ENOENT, Destroy(1));
        Assert.Equal(1u, _client.Allocate(_iommu));
        _iommu.RemoveDevice(1); // no device
        _iommu.RemoveDevice(device);
        Assert.Equal(device, _client.Allocate(_iommu));
        Assert.Equal(-(int)Errno.ENOENT, Destroy(0));
    }

    [Fact]
    public void More_objects_than_the_limit_are_refused()
    {
        for (int i = 1; i < IommuClient.MaxObjects; i++)
            Assert.Equal(0, _iommu.AddDevice(out _));
        Assert.Equal(-(int)Errno.ENOMEM, _iommu.AddDevice(out _));
        var structure = new IommuIoasAlloc { Size = 12 };
        Assert.Equal(-(int)Errno.ENOMEM, _client.Ioctl(_iommu, IommufdIoctl.IoasAlloc, ref structure));
    }

    [Fact]
    public void A_number_that_cannot_be_told_is_not_taken()
    {
        ulong readOnly = _client.Do("(A := mmap(0x1000), put('0c00000000000000', A), mprotect(A, 0x1000, 1))[0]");
        Assert.Equal(-(int)Errno.EFAULT, Raw((uint)IommufdIoctl.IoasAlloc, readOnly));
        Assert.Equal(2u, _client.Allocate(_iommu));
        var structure = new IommuIoasAlloc { Size = 12, Flags = 1 };
        Assert.Equal(-(int)Errno.EOPNOTSUPP, _client.Ioctl(_iommu, IommufdIoctl.IoasAlloc, ref structure));
    }

    [Fact]
    public void An_attached_address_space_is_busy_and_knows_its_errno()
    {
        var device = new IommuSpaceProbe(_iommu, _ioas);
        Assert.Equal(Errno.ENOENT, device.Space.Unmapped);
        Assert.Equal(0, _iommu.Attach(_ioas, out AddressSpace? again));
        Assert.Same(device.Space, again);
        Assert.Equal(-(int)Errno.EBUSY, Destroy(_ioas));
        _iommu.Detach(_ioas);
        Assert.Equal(-(int)Errno.EBUSY, Destroy(_ioas));
        _iommu.Detach(_ioas);
        Assert.Equal(0, _client.Map(_iommu, _ioas, _client.Do("mmap(0x1000)"), Page, 0));
        Assert.Equal(0, Destroy(_ioas));
        Assert.Empty(device.Space.Map.Snapshot());
        Assert.Equal([(0ul, Page)], device.Told);
        Assert.Equal((-(int)Errno.ENOENT, 0), (_iommu.Attach(_ioas, out _), _client.DescriptorsHeld()));
    }

    [Fact]
    public void The_ranges_of_iovas_are_asked_for_twice()
    {
        ulong array = _client.Do("mmap(0x1000)");
        var structure = new IommuIoasIovaRanges { Size = 32, IoasId = _ioas, AllowedIovas = array };
        Assert.Equal(-(int)Errno.EMSGSIZE, _client.Ioctl(_iommu, IommufdIoctl.IoasIovaRanges, ref structure));
        Assert.Equal((1u, Page), (structure.NumIovas, structure.OutIovaAlignment));
        Assert.Equal(0, _client.Ioctl(_iommu, IommufdIoctl.IoasIovaRanges, ref structure));
        Assert.Equal(1u, structure.NumIovas);
        Assert.Equal([0, ulong.MaxValue], MemoryMarshal.Cast<byte, ulong>(_client.Get(array, 16)).ToArray());
        structure.AllowedIovas = 8;
        Assert.Equal(-(int)Errno.EFAULT, _client.Ioctl(_iommu, IommufdIoctl.IoasIovaRanges, ref structure));
        structure.IoasId = 99;
        Assert.Equal(-(int)Errno.ENOENT, _client.Ioctl(_iommu, IommufdIoctl.IoasIovaRanges, ref structure));
        structure.Reserved = 1;
        Assert.Equal(-(int)Errno.EOPNOTSUPP, _client.Ioctl(_iommu, IommufdIoctl.IoasIovaRanges, ref structure));
    }

    [Theory]
    [InlineData(0x4000ul, 0x1000ul, Errno.EEXIST)]
    [InlineData(0x3000ul, 0x2000ul, Errno.EEXIST)]
    [InlineData(0x5000ul, 0x2000ul, Errno.EEXIST)]
    [InlineData(0ul, 0x10000ul, Errno.EEXIST)]
    [InlineData(0x4800ul, 0x1000ul, Errno.EINVAL)]
    [InlineData(0x8000ul, 0x800ul, Errno.EINVAL)]
    [InlineData(0x8000ul, 0x1001ul, Errno.EINVAL)]
    [InlineData(0x8000ul, 0ul, Errno.EINVAL)]
    [InlineData(0xFFFF_FFFF_FFFF_F000ul, 0x2000ul, Errno.EOVERFLOW)]
    [InlineData(0xFFFF_FFFF_FFFF_FFFFul, 0x1000ul, Errno.EOVERFLOW)]
    [InlineData(0x8000ul, 0xFFFF_FFFF_FFFF_FFFFul, Errno.EOVERFLOW)]
    [InlineData(0x8000ul, 0xFFFF_FFFF_FFFF_F000ul, Errno.EOVERFLOW)] // the address wraps
    [InlineData(0x8000ul, 0x7FFF_FFFF_FFFF_0000ul, Errno.EFAULT)]
    [InlineData(0xFFFF_FFFF_FFFF_F000ul, 0x1000ul, (Errno)0)]
    [InlineData(0x3000ul, 0x1000ul, (Errno)0)]
    [InlineData(0x6000ul, 0x1000ul, (Errno)0)]
    public void Maps_at_a_given_iova_end_as_in_the_kernel(ulong iova, ulong length, Errno error)
    {
        _client.Do("A = mmap(0x10000)");
        ulong area = _client.Do("A");
        Assert.Equal(0, _client.Map(_iommu, _ioas, area, 0x2000, 0x4000));
        Assert.Equal(-(int)error, _client.Map(_iommu, _ioas, area, length, iova));
        Assert.Equal(2, _client.DescriptorsHeld());
        Assert.Equal(0x2000 + (error == 0 ? length : 0), UnmapAll());
    }

    [Theory]
    [InlineData(8u, 0u, 0u, Errno.EOPNOTSUPP)]
    [InlineData(0x8000_0007u, 0u, 0u, Errno.EOPNOTSUPP)]
    [InlineData(7u, 1u, 0u, Errno.EOPNOTSUPP)]
    [InlineData(1u, 0u, 0u, Errno.EINVAL)]
    [InlineData(0u, 0u, 0u, Errno.EINVAL)]
    [InlineData(7u, 0u, 77u, Errno.ENOENT)]
    [InlineData(7u, 0u, 0u, (Errno)0)]
    public void Flags_and_numbers_of_a_map_are_judged(uint flags, uint reserved, uint other, Errno error)
    {
        var structure = new IommuIoasMap
        {
            Size = 40,
            Flags = (IoasMapFlags)flags,
            IoasId = other == 0 ? _ioas : other,
            Reserved = reserved,
            UserVa = _client.Do("mmap(0x1000)"),
            Length = Page,
            Iova = Page,
        };
        Assert.Equal(-(int)error, _client.Ioctl(_iommu, IommufdIoctl.IoasMap, ref structure));
    }

    [Fact]
    public void An_address_that_is_not_a_page_is_invalid() =>
        Assert.Equal(-(int)Errno.EINVAL, _client.Map(_iommu, _ioas, _client.Do("mmap(0x2000) + 0x800"), Page, 0));

    [Fact]
    public void The_right_of_a_mapping_is_what_the_client_gave()
    {
        ulong area = _client.Do("mmap(0x2000)");
        Assert.Equal(0, _client.Map(_iommu, _ioas, area, Page, 0, IoasMapFlags.Readable));
        Assert.Equal(0, _client.Map(_iommu, _ioas, area, Page, Page, IoasMapFlags.Writeable));
        _iommu.Attach(_ioas, out AddressSpace? space);
        Assert.Equal([MemoryRights.Read, MemoryRights.Write], space!.Map.Snapshot().Select(m => m.Rights));
    }

    [Fact]
    public void An_iova_of_our_choice_is_the_lowest_hole_as_well_aligned_as_the_memory_and_never_0()
    {
        ulong area = _client.Do("mmap(0x400000)");
        area = (area + 0x1F_FFFF) & ~0x1F_FFFFul;
        Assert.Equal((0, Page), Choose(area, Page));
        Assert.Equal((0, 2 * Page), Choose(area, Page));
        Assert.Equal((0, 4 * Page), Choose(area, 2 * Page));
        Assert.Equal((0, 3 * Page), Choose(area + Page, Page));
        Assert.Equal((0, 0x20_0000ul), Choose(area, 0x20_0000));
        Assert.Equal((0, 6 * Page), Choose(area + Page, 3 * Page));
        Assert.Equal(0, _client.Unmap(_iommu, _ioas, 2 * Page, Page, out _));
        Assert.Equal((0, 2 * Page), Choose(area, Page));
        Assert.Equal((-(int)Errno.EINVAL, ulong.MaxValue - 1), Choose(area + 0x800, Page, ulong.MaxValue - 1));
        Assert.Equal(-(int)Errno.EOVERFLOW, Choose(0, 1ul << 63).Result);
    }

    private (int Result, ulong Iova) Choose(ulong address, ulong length, ulong iova = 0)
    {
        var structure = new IommuIoasMap { Size = 40, Flags = Both, IoasId = _ioas, UserVa = address, Length = length, Iova = iova };
        return (_client.Ioctl(_iommu, IommufdIoctl.IoasMap, ref structure), structure.Iova);
    }

    [Theory]
    [InlineData(0x4000ul, 0x2000ul, (Errno)0, 0x2000ul)]
    [InlineData(0x4000ul, 0x1000ul, Errno.ENOENT, 0ul)]       // a part
    [InlineData(0x5000ul, 0x10000ul, Errno.ENOENT, 0ul)]      // a part, and a whole
    [InlineData(0x4800ul, 0x10000ul, Errno.ENOENT, 0ul)]
    [InlineData(0x3801ul, 0x3000ul, (Errno)0, 0x2000ul)]      // more than a whole need not be pages
    [InlineData(0x8000ul, 0x1000ul, Errno.ENOENT, 0ul)]       // nothing
    [InlineData(0x1000ul, 0x100000ul, (Errno)0, 0x3000ul)]
    [InlineData(0ul, ulong.MaxValue, (Errno)0, 0x3000ul)]
    [InlineData(0x4000ul, 0ul, Errno.EINVAL, 0ul)]
    [InlineData(0x4000ul, ulong.MaxValue, Errno.EOVERFLOW, 0ul)]
    [InlineData(ulong.MaxValue, 0x1000ul, Errno.EOVERFLOW, 0ul)]
    [InlineData(0x4000ul, ulong.MaxValue - 1, Errno.EOVERFLOW, 0ul)]
    public void Unmapping_ends_as_in_the_kernel(ulong iova, ulong length, Errno error, ulong bytes)
    {
        ulong area = _client.Do("mmap(0x3000)");
        Assert.Equal(0, _client.Map(_iommu, _ioas, area, 0x2000, 0x4000));
        Assert.Equal(0, _client.Map(_iommu, _ioas, area, 0x1000, 0x7000));
        Assert.Equal(-(int)error, _client.Unmap(_iommu, _ioas, iova, length, out ulong unmapped));
        Assert.Equal(error == 0 ? bytes : length, unmapped);
        Assert.Equal(0x3000 - bytes, UnmapAll());
    }

    [Fact]
    public void Unmapping_everything_may_be_nothing_and_needs_an_address_space()
    {
        Assert.Equal(0, _client.Unmap(_iommu, _ioas, 0, ulong.MaxValue, out ulong unmapped));
        Assert.Equal(0ul, unmapped);
        Assert.Equal(-(int)Errno.ENOENT, _client.Unmap(_iommu, 9, 0, ulong.MaxValue, out _));
    }

    [Fact]
    public void A_device_lets_go_before_its_memory_goes()
    {
        var device = new IommuSpaceProbe(_iommu, _ioas);
        ulong area = _client.Do("mmap(0x1000)");
        Assert.Equal(0, _client.Map(_iommu, _ioas, area, Page, 0));
        IMemoryStore store = device.Space.Map.Snapshot()[0].Store;
        long offset = device.Space.Map.Snapshot()[0].Offset;
        bool then = false;
        device.WhenUnmapped = () => then = store.Write(offset, [5]);
        Assert.Equal(0, _client.Unmap(_iommu, _ioas, 0, Page, out _));
        Assert.True(then);
        Assert.False(store.Write(offset, [6]));
        Assert.Equal([5], _client.Get(area, 1));
    }

    [Fact]
    public void Disposal_ends_attached_spaces_too_and_what_comes_later_is_refused()
    {
        var device = new IommuSpaceProbe(_iommu, _ioas);
        ulong shared = _client.Do($"mmap(0x1000, 3, SHARED, memfd('{_client.Name}', 0x1000, 2))");
        Assert.Equal(0, _client.Map(_iommu, _ioas, shared, Page, 0));
        Assert.Equal(0, _client.Map(_iommu, _ioas, _client.Do("mmap(0x1000)"), Page, Page));
        IMemoryStore[] stores = [.. device.Space.Map.Snapshot().Select(m => m.Store)];
        _iommu.Dispose();
        Assert.Equal(2, device.Told.Count);
        Assert.Empty(device.Space.Map.Snapshot());
        Assert.Equal((0, 0), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        Assert.All(stores, store => Assert.False(store.Read(0, new byte[1])));
        var structure = new IommuIoasAlloc { Size = 12 };
        Assert.Equal(-(int)Errno.ENODEV, _client.Ioctl(_iommu, IommufdIoctl.IoasAlloc, ref structure));
        Assert.Equal(-(int)Errno.ENOENT, _client.Map(_iommu, _ioas, shared, Page, 0));
        _iommu.Detach(_ioas);
        _iommu.Dispose();
    }

    [Fact]
    public void A_client_cannot_reach_the_address_spaces_of_another()
    {
        using var other = new IommuClient();
        using var stranger = new IommuTestClient();
        Assert.Equal(-(int)Errno.ENOENT, stranger.Map(other, _ioas, stranger.Do("buffer"), Page, 0));
        Assert.Equal(-(int)Errno.ENOENT, other.Attach(_ioas, out _));
        Assert.Equal(_ioas, stranger.Allocate(other));
        other.Attach(_ioas, out AddressSpace? theirs);
        _iommu.Attach(_ioas, out AddressSpace? ours);
        Assert.NotSame(ours, theirs);
    }

    [Fact]
    public void More_mappings_than_the_limit_are_refused()
    {
        ulong structure = _client.Do("mmap(0x1000)");
        var map = new IommuIoasMap { Size = 40, Flags = Both, IoasId = _ioas, UserVa = _client.Do("mmap(0x1000)"), Length = Page };
        _client.Put(structure, MemoryMarshal.AsBytes(new Span<IommuIoasMap>(ref map)));
        for (int i = 0; i < IommuClient.MaxMappings; i++)
            Assert.Equal(0, Raw((uint)IommufdIoctl.IoasMap, structure));
        Assert.Equal(-(int)Errno.ENOMEM, Raw((uint)IommufdIoctl.IoasMap, structure));
        Assert.Equal(2, _client.DescriptorsHeld());
        Assert.Equal(0, _client.Unmap(_iommu, _ioas, 0, ulong.MaxValue, out ulong unmapped));
        Assert.Equal(((ulong)IommuClient.MaxMappings * Page, 0), (unmapped, _client.DescriptorsHeld()));
    }

    [Theory]
    [InlineData("memfd(N, 0x4000, 2)", 0x1000ul, 0x3000ul, Both, (Errno)0, 1)]
    [InlineData("memfd(N, 0x4000)", 0x1000ul, 0x3000ul, Both, (Errno)0, 0)]
    [InlineData("memfd(N, 0x4000, 2)", 0x2000ul, 0x3000ul, Both, Errno.EINVAL, 0)]       // behind the end
    [InlineData("memfd(N, 0x4000, 2)", 0x5000ul, 0x1000ul, Both, Errno.EINVAL, 0)]
    [InlineData("memfd(N, 0x4000, 2)", 0x800ul, 0x1000ul, Both, Errno.EINVAL, 0)]
    [InlineData("memfd(N, 0x4000, 2)", 0xFFFF_FFFF_FFFF_F000ul, 0x1000ul, Both, Errno.EOVERFLOW, 0)]
    [InlineData("os.open('/dev/null', os.O_RDWR)", 0ul, 0x1000ul, Both, Errno.EINVAL, 0)]
    [InlineData("os.open('/proc/self/mem', os.O_RDWR)", 0ul, 0x1000ul, Both, Errno.EINVAL, 0)]
    [InlineData("os.open('/etc/passwd', os.O_RDONLY)", 0ul, 0x1000ul, IoasMapFlags.Readable, Errno.EINVAL, 0)]
    [InlineData("os.open('/proc/self/fd/%d' % memfd(N, 0x4000, 2), os.O_RDONLY)", 0ul, 0x4000ul, Both, Errno.EPERM, 0)]
    [InlineData("os.open('/proc/self/fd/%d' % memfd(N, 0x4000, 2), os.O_RDONLY)", 0ul, 0x4000ul, IoasMapFlags.Readable, (Errno)0, 0)]
    [InlineData("os.open('/proc/self/fd/%d' % memfd(N, 0x4000, 2), os.O_WRONLY)", 0ul, 0x4000ul, IoasMapFlags.Writeable, Errno.EPERM, 0)]
    [InlineData("999", 0ul, 0x1000ul, Both, Errno.EBADF, 0)]
    [InlineData("0xffffffff", 0ul, 0x1000ul, Both, Errno.EBADF, 0)]
    public void A_file_is_mapped_by_its_descriptor(string file, ulong start, ulong length, IoasMapFlags flags, Errno error, int mappings)
    {
        _client.Do($"N = '{_client.Name}'");
        int number = (int)_client.Do($"(M := {file})");
        Assert.Equal(-(int)error, _client.MapFile(_iommu, _ioas, number, start, length, 0x10_0000, flags));
        Assert.Equal((error == 0 ? 1 : 0, mappings), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        if (error != 0)
            return;
        var device = new IommuSpaceProbe(_iommu, _ioas);
        if (flags == Both)
        {
            _client.Do($"os.pwrite({number}, b'xyz', {start + 5})");
            Assert.True(device.Write(0x10_0000, (byte)'a', (byte)'b'));
            Assert.Equal((ulong)('b' + ('a' << 8)), _client.Do($"int.from_bytes(os.pread({number}, 2, {start}), 'big')"));
            Assert.Equal("xyz"u8.ToArray(), device.Read(0x10_0005, 3));
        }
        Assert.Equal([0, 0], device.Read(0x10_0000 + length - 2, 2)!);
        Assert.Equal(0, _client.Unmap(_iommu, _ioas, 0x10_0000, length, out _));
        Assert.Equal((0, 0), (_client.DescriptorsHeld(), _client.MappingsHeld()));
    }

    [Fact]
    public void A_mediated_device_has_no_hardware_information()
    {
        _iommu.AddDevice(out uint device);
        var structure = new IommuHwInfo { Size = 40, DeviceId = device };
        Assert.Equal(-(int)Errno.ENOENT, _client.Ioctl(_iommu, IommufdIoctl.GetHwInfo, ref structure));
        structure.Flags = 2;
        Assert.Equal(-(int)Errno.EOPNOTSUPP, _client.Ioctl(_iommu, IommufdIoctl.GetHwInfo, ref structure));
    }

    [Fact]
    public async Task A_client_whose_memory_blocks_holds_up_nobody()
    {
        _client.Do("T = mmap(0x2000)");
        ulong trap = _client.Do("T");
        _client.Do("U = fault(T, 0x2000)");
        Task<int> blocked = Task.Factory.StartNew(() => Raw((uint)IommufdIoctl.IoasAlloc, trap, byNumber: true), TaskCreationOptions.LongRunning);
        _iommu.Attach(_ioas, out _);
        _iommu.Detach(_ioas);
        Assert.Equal(2u, _client.Allocate(_iommu));
        using (var other = new IommuClient())
        using (var stranger = new IommuTestClient())
            Assert.Equal(0, stranger.Map(other, stranger.Allocate(other), stranger.Do("mmap(0x1000)"), Page, 0));
        Assert.False(blocked.IsCompleted);
        _client.Kill();

        // The dying process lets go of the page in one of three ways; a page of zeros is a size that is too small.
        Assert.Contains(await blocked.WaitAsync(Fuse.Mounted.Patience), (int[])[-(int)Errno.EFAULT, -(int)Errno.EINTR, -(int)Errno.EINVAL]);
    }

    [Fact]
    public async Task Maps_unmaps_and_disposal_may_meet()
    {
        const int Threads = 4, Rounds = 150;
        ulong buffer = _client.Do("mmap(0x1000)");
        ulong[] places = [_client.Do("mmap(0x1000)"), _client.Do($"mmap(0x1000, 3, SHARED, memfd('{_client.Name}', 0x1000, 2))")];
        for (uint i = 0; i < Threads; i++)
        {
            // A map and its unmap for each thread, in memory that only it uses.
            ulong iova = (i % 2) * Page; // two threads contend for each place
            _client.Put(Slot(i, 0),
                Bytes(new IommuIoasMap { Size = 40, Flags = Both | IoasMapFlags.FixedIova, IoasId = _ioas, UserVa = places[i / 2], Length = Page,
                Iova = iova }));
            _client.Put(Slot(i, 1), Bytes(new IommuIoasUnmap { Size = 24, IoasId = _ioas, Iova = iova, Length = Page }));
        }
        Task<int>[] threads =
            [.. Enumerable.Range(0, Threads).Select(i => Task.Factory.StartNew(() => Hammer((uint)i), TaskCreationOptions.LongRunning))];
        int[] done = await Task.WhenAll(threads).WaitAsync(Fuse.Mounted.Patience);
        Assert.All(done, count => Assert.True(count > 0, "a thread never had its turn"));
        UnmapAll();
        Assert.Equal((0ul, 0, 0), (UnmapAll(), _client.DescriptorsHeld(), _client.MappingsHeld()));
        threads = [.. Enumerable.Range(0, Threads).Select(i => Task.Factory.StartNew(() => Hammer((uint)i), TaskCreationOptions.LongRunning))];
        _iommu.Dispose();
        await Task.WhenAll(threads).WaitAsync(Fuse.Mounted.Patience);
        Assert.Equal((0, 0, 0), (_accounts.Users, _client.DescriptorsHeld(), _client.MappingsHeld()));

        int Hammer(uint thread)
        {
            int mapped = 0;
            for (int i = 0; i < Rounds; i++)
            {
                int result = Raw((uint)IommufdIoctl.IoasMap, Slot(thread, 0));
                Assert.Contains(result, (int[])[0, -(int)Errno.EEXIST, -(int)Errno.ENOENT, -(int)Errno.ENODEV]);
                mapped += result == 0 ? 1 : 0;
                Assert.Contains(Raw((uint)IommufdIoctl.IoasUnmap, Slot(thread, 1)), (int[])[0, -(int)Errno.ENOENT]);
            }
            return mapped;
        }

        ulong Slot(uint thread, uint number) => buffer + (thread * 128) + (number * 64);
    }

    private static byte[] Bytes<T>(T structure)
        where T : struct => MemoryMarshal.AsBytes(new Span<T>(ref structure)).ToArray();

    private int Destroy(uint id)
    {
        var structure = new IommuDestroy { Size = 8, Id = id };
        return _client.Ioctl(_iommu, IommufdIoctl.Destroy, ref structure);
    }
}
