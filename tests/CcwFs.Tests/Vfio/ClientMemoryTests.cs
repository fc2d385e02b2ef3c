using CcwFs.Vfio;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Vfio;

/// <summary>Guest memory in a client's process: each kind read and written both ways, and each kind attacked.</summary>
public sealed class ClientMemoryTests : IDisposable
{
    private const int Ok = 0, NoMemory = -12, Fault = -14;
    private const ulong Size = 0x4000;
    private const int SealShrink = 2;

    private readonly string _directory = Directory.CreateTempSubdirectory("ccwfs-client-").FullName;
    private readonly IommuTestClient _client = new();
    private readonly IommuClient _iommu = new();
    private readonly uint _ioas;
    private readonly IommuSpaceProbe _device;

    public ClientMemoryTests()
    {
        _ioas = _client.Allocate(_iommu);
        _device = new IommuSpaceProbe(_iommu, _ioas);
    }

    private string FileName => $"{_directory}/{_client.Name}";

    public void Dispose()
    {
        _client.Dispose();
        _iommu.Dispose();
        Assert.Equal((0, 0), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        Directory.Delete(_directory, recursive: true);
    }

    // The number of descriptors tells the way: a file's own, or the process's memory and its pidfd.
    public static TheoryData<string, int, int> Kinds => new()
    {
        { "mmap(0x4000, 3, SHARED, memfd(N, 0x4000, 2))", 1, 1 },             // (a) sealed against shrinking
        { "mmap(0x4000, 3, SHARED, memfd(N, 0x8000, 6), 0x4000)", 1, 1 },     // (a) from the middle of the file
        { "mmap(0x4000, 3, SHARED, memfd(N, 0x4000))", 1, 0 },                // (b) a memory file that may shrink
        { "mmap(0x4000, 3, SHARED, memfd(N, 0x8000), 0x4000)", 1, 0 },        // (b) from the middle
        { "mmap(0x4000, 3, SHARED, openfile(F, os.O_RDWR | os.O_CREAT, 0x4000))", 1, 0 },               // (b) any file
        { "mmap(0x4000, 3, SHARED, openfile(F, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0x4000))", 2, 0 }, // (c) its pwrite would append
        { "mmap(0x4000, 3, SHARED, memfd(N, 0x3800, 2))", 2, 0 },             // (c) the last page is not whole in the file
        // (c) sealed against new writers after it was mapped
        { "(M := memfd(N, 0x4000, 2), mmap(0x4000, 3, SHARED, M), fcntl.fcntl(M, 1033, 16))[1]", 2, 0 },
        { "mmap(0x4000, 3, SHARED | ANONYMOUS)", 2, 0 },                      // (c) no descriptor
        { "closed()", 2, 0 },                                                 // (c) no descriptor any more
        { "mmap(0x4000)", 2, 0 },                                             // (c) private
        { "mmap(0x4000, 3, PRIVATE, openfile(F, os.O_RDWR | os.O_CREAT, 0x4000))", 2, 0 },              // (c) a private copy of a file
        { "mmap(0x4000, 3, PRIVATE, memfd(N, 0x4000, 2))", 2, 0 },            // (c) a private copy of a sealed one
    };

    private ulong Area(string expression)
    {
        _client.Do($"N, F = '{_client.Name}', '{FileName}'");
        _client.Do("closed = lambda: (fd := memfd(N, 0x4000, 2), at := mmap(0x4000, 3, SHARED, fd), os.close(fd))[1]");
        return _client.Do(expression);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_the_client_writes_the_device_reads_and_the_other_way_round(string expression, int descriptors, int mappings)
    {
        ulong area = Area(expression);
        _client.Put(area, [1, 2, 3]);
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, Size, 0x10_0000));
        Assert.Equal((descriptors, mappings), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        Assert.Equal([1, 2, 3, 0], _device.Read(0x10_0000, 4)!);
        Assert.True(_device.Write(0x10_1FFE, 5, 6, 7, 8));
        Assert.Equal([0, 5, 6, 7, 8, 0], _client.Get(area + 0x1FFD, 6));
        _client.Put(area + 0x2FFF, [9, 10]);
        Assert.Equal([9, 10], _device.Read(0x10_2FFF, 2)!);
        Assert.True(_device.Write(0x10_37FF, 11));
        Assert.Equal([11], _client.Get(area + 0x37FF, 1));
        Assert.Equal(Ok, _client.Unmap(_iommu, _ioas, 0x10_0000, Size, out _));
        Assert.Equal((0, 0), (_client.DescriptorsHeld(), _client.MappingsHeld()));
    }

    [Fact]
    public void Huge_pages_are_read_and_written_through_the_process()
    {
        const string Pool = "/proc/sys/vm/nr_hugepages";
        string before = File.ReadAllText(Pool).Trim();
        File.WriteAllText(Pool, $"{int.Parse(before) + 2}");
        try
        {
            ulong file = _client.Do($"memfd('{_client.Name}', 0x200000, 2, 6)"); // MFD_HUGETLB | MFD_ALLOW_SEALING
            ulong area = _client.Do($"mmap(0x200000, 3, SHARED, {file})");
            Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, 0x20_0000, 0));
            Assert.Equal(Ok, _client.MapFile(_iommu, _ioas, (int)file, 0x10_0000, 0x10_0000, 0x40_0000));
            Assert.Equal((2, 0), (_client.DescriptorsHeld(), _client.MappingsHeld()));
            Assert.True(_device.Write(0x1F_FFFF, 7));
            Assert.Equal([7], _client.Get(area + 0x1F_FFFF, 1));
            Assert.Equal([7], _device.Read(0x4F_FFFF, 1)!);
            _client.Do($"munmap({area}, 0x200000)");
            Assert.False(_device.Write(0, 1));
            Assert.Equal(-22, _client.MapFile(_iommu, _ioas, (int)file, 0, 0x10_0000, 0x60_0000)); // no mapping to go through
        }
        finally
        {
            File.WriteAllText(Pool, before);
        }
    }

    [Fact]
    public void A_range_over_areas_of_all_kinds_is_one()
    {
        _client.Do("A = mmap(0x6000)");
        _client.Do($"mmap(0x1000, 3, SHARED | FIXED, memfd('{_client.Name}', 0x1000, 2), 0, A + 0x1000)");
        _client.Do($"mmap(0x2000, 3, SHARED | FIXED, memfd('{_client.Name}', 0x4000), 0x2000, A + 0x2000)");
        _client.Do($"mmap(0x1000, 3, SHARED | FIXED, memfd('{_client.Name}', 0x1000, 2), 0, A + 0x4000)");
        ulong area = _client.Do("A");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, 0x6000, 0x10_0000));
        Assert.Single(_device.Space.Map.Snapshot());
        Assert.Equal((5, 2), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        byte[] pattern = new byte[0x6000];
        new Random(1).NextBytes(pattern);
        _client.Put(area, pattern);
        Assert.Equal(pattern, _device.Read(0x10_0000, 0x6000));
        Assert.Equal(pattern[0x1FFF..0x4001], _device.Read(0x10_1FFF, 0x2002));
        new Random(2).NextBytes(pattern);
        Assert.True(_device.Write(0x10_0000, pattern));
        Assert.Equal(pattern, _client.Get(area, 0x6000));
        Assert.Equal(-2, _client.Unmap(_iommu, _ioas, 0x10_0000, 0x1000, out _)); // no part of it is a mapping
    }

    [Fact]
    public void Ranges_of_one_file_share_a_mapping_and_ranges_of_one_process_its_memory()
    {
        ulong area = _client.Do($"mmap(0x10000, 3, SHARED, memfd('{_client.Name}', 0x10000, 2))");
        ulong other = _client.Do("mmap(0x10000)");
        for (ulong i = 0; i < 16; i++)
        {
            Assert.Equal(Ok, _client.Map(_iommu, _ioas, area + (i * 0x1000), 0x1000, i * 0x2000));
            Assert.Equal(Ok, _client.Map(_iommu, _ioas, other + (i * 0x1000), 0x1000, 0x10_0000 + (i * 0x2000)));
        }
        Assert.Equal((3, 1), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        Assert.Equal(Ok, _client.Unmap(_iommu, _ioas, 0, 0x1E000, out _));
        Assert.Equal((3, 1), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        Assert.Equal(Ok, _client.Unmap(_iommu, _ioas, 0x1E000, 0x1000, out _));
        Assert.Equal((2, 0), (_client.DescriptorsHeld(), _client.MappingsHeld()));
    }

    [Fact]
    public void A_sealed_file_that_grew_is_mapped_anew()
    {
        _client.Do($"M = memfd('{_client.Name}', 0x1000, 2)");
        ulong area = _client.Do("mmap(0x2000, 3, SHARED, M)");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, 0x1000, 0));
        _client.Do("os.ftruncate(M, 0x2000)");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, 0x2000, 0x10000));
        Assert.Equal((2, 2), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        Assert.True(_device.Write(0x11000, 3) && _device.Write(0, 4));
        Assert.Equal([3], _client.Get(area + 0x1000, 1));
        Assert.Equal([4], _device.Read(0x10000, 1)!);
        Assert.Equal(Ok, _client.Unmap(_iommu, _ioas, 0, 0x1000, out _));
        Assert.True(_device.Write(0x10000, 5));
    }

    [Fact]
    public void A_client_that_executes_a_setuid_program_gains_nothing()
    {
        // The same addresses are mapped in the next program, at a place of our choice.
        const ulong At = 0x3_0000_0000;
        string anywhere = $"mmap(0x4000, 3, PRIVATE | ANONYMOUS | FIXED, -1, 0, {At})";
        _client.Do(anywhere);
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, At, Size, 0));
        Assert.True(_device.Write(0, 1, 2, 3));
        _client.ExecuteAnother();
        _client.Do(anywhere);
        _client.Put(At, [0x5A, 0x5A, 0x5A]);
        Assert.False(_device.Write(0, 1, 2, 3));
        Assert.Null(_device.Read(0, 3));
        Assert.Equal([0x5A, 0x5A, 0x5A], _client.Get(At, 3));

        // What the new program maps itself is its own, and the old one's stays gone.
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, At, Size, 0x10_0000));
        Assert.Equal([0x5A], _device.Read(0x10_0000, 1)!);
        Assert.False(_device.Write(0, 1));
    }

    [Theory]
    [InlineData("mmap(0x4000, 1)", IoasMapFlags.Readable | IoasMapFlags.Writeable)]
    [InlineData("mmap(0x4000, 1)", IoasMapFlags.Writeable)]
    [InlineData("mmap(0x4000, 0)", IoasMapFlags.Readable)]
    [InlineData("mmap(0x4000, 1, SHARED, openfile(F, os.O_RDONLY))", IoasMapFlags.Writeable)]
    [InlineData("mmap(0x4000, 1, PRIVATE, openfile(F, os.O_RDONLY))", IoasMapFlags.Writeable)]
    [InlineData("mmap(0x4000, 1, SHARED, openfile(F, os.O_RDWR))", IoasMapFlags.Writeable)]
    [InlineData("(A := mmap(0x4000), mprotect(A + 0x3000, 0x1000, 1))[0]", IoasMapFlags.Writeable)]
    [InlineData("(A := mmap(0x4000), munmap(A + 0x2000, 0x1000))[0]", IoasMapFlags.Readable)]
    [InlineData("(A := mmap(0x8000), munmap(A, 0x1000))[0]", IoasMapFlags.Readable)]
    [InlineData("(A := mmap(0x8000), munmap(A + 0x3000, 0x5000))[0]", IoasMapFlags.Readable)]
    [InlineData("0x7fff00000000000", IoasMapFlags.Readable)]
    [InlineData("0xffffffffff600000", IoasMapFlags.Readable)]
    [InlineData("0xffff888000000000", IoasMapFlags.Readable)]
    public void Memory_that_the_client_may_not_use_so_itself_is_refused(string expression, IoasMapFlags flags)
    {
        File.WriteAllBytes(FileName, new byte[Size]);
        Assert.Equal(Fault, _client.Map(_iommu, _ioas, Area(expression), Size, 0, flags));
        Assert.Empty(_device.Space.Map.Snapshot());
        Assert.Equal(0, _client.DescriptorsHeld());
        Assert.Equal(new byte[Size], File.ReadAllBytes(FileName));
    }

    [Fact]
    public void Read_only_memory_is_mapped_for_reading_and_a_private_copy_of_a_file_never_reaches_the_file()
    {
        File.WriteAllBytes(FileName, [.. Enumerable.Repeat((byte)7, (int)Size)]);
        _client.Do($"R = openfile('{FileName}', os.O_RDONLY)");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, _client.Do("mmap(0x4000, 1, SHARED, R)"), Size, 0, IoasMapFlags.Readable));
        Assert.Equal([7], _device.Read(0x3FFF, 1)!);
        ulong copy = _client.Do("mmap(0x4000, 3, PRIVATE, R)");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, copy, Size, 0x10_0000));
        Assert.True(_device.Write(0x10_0000, 9));
        Assert.Equal([9], _client.Get(copy, 1));
        Assert.DoesNotContain((byte)9, File.ReadAllBytes(FileName));
    }

    [Fact]
    public void A_read_only_file_that_takes_the_place_of_mapped_memory_is_not_written()
    {
        File.WriteAllBytes(FileName, new byte[Size]);
        _client.Do("A = mmap(0x4000)");
        ulong area = _client.Do("A");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, Size, 0));
        _client.Do($"mmap(0x4000, 1, SHARED | FIXED, openfile('{FileName}', os.O_RDONLY), 0, A)");
        Assert.False(_device.Write(0, 9));
        _client.Do($"mmap(0x4000, 1, PRIVATE | FIXED, openfile('{FileName}', os.O_RDONLY), 0, A)");
        _device.Write(0, 9); // to the client's copy, if the kernel allows it
        Assert.Equal(new byte[Size], File.ReadAllBytes(FileName));
    }

    [Fact]
    public void A_shared_area_without_descriptor_that_became_read_only_is_not_written()
    {
        ulong area = Area("closed()");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, Size, 0));
        Assert.True(_device.Write(0, 1));
        _client.Do($"mprotect({area}, 0x4000, 1)");
        Assert.False(_device.Write(0, 2));
        Assert.Equal([1], _client.Get(area, 1));
    }

    [Theory]
    [InlineData("memfd(N, 0x4000)")]
    [InlineData("openfile(F, os.O_RDWR | os.O_CREAT, 0x4000)")]
    public void A_file_that_the_client_cuts_is_gone_and_comes_back_with_its_length(string file)
    {
        _client.Do($"N, F = '{_client.Name}', '{FileName}'");
        _client.Do($"M = {file}");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, _client.Do("mmap(0x4000, 3, SHARED, M)"), Size, 0));
        _client.Do("os.ftruncate(M, 0x1000)");
        Assert.Null(_device.Read(0x2000, 8));
        Assert.Null(_device.Read(0xFFC, 8));
        Assert.NotNull(_device.Read(0, 8));
        _client.Do("os.ftruncate(M, 0x4000)");
        Assert.Equal(new byte[8], _device.Read(0x2000, 8)!);
    }

    [Fact]
    public void A_sealed_file_cannot_be_cut_and_its_mapping_survives_holes_and_the_client()
    {
        _client.Do($"M = memfd('{_client.Name}', 0x4000, {SealShrink})");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, _client.Do("mmap(0x4000, 3, SHARED, M)"), Size, 0));
        Assert.Throws<InvalidOperationException>(() => _client.Do("os.ftruncate(M, 0x1000)"));
        Assert.True(_device.Write(0, 5));
        _client.Do("libc.fallocate(M, 3, ctypes.c_long(0), ctypes.c_long(0x4000))"); // FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
        Assert.Equal([0], _device.Read(0, 1)!);
        _client.Kill();
        Assert.True(_device.Write(0x3000, 6));
        Assert.Equal([6], _device.Read(0x3000, 1)!);
    }

    [Fact]
    public void The_memory_of_a_client_that_died_is_gone()
    {
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, _client.Do("mmap(0x4000)"), Size, 0));
        _client.Kill();
        Assert.Null(_device.Read(0, 1));
        Assert.False(_device.Write(0, 1));
    }

    [Fact]
    public async Task A_process_that_dies_under_a_copy_leaves_it_false()
    {
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, _client.Do("mmap(0x4000000)"), 0x400_0000, 0));
        byte[] much = new byte[0x400_0000];
        int rounds = 0;
        Task copies = Task.Run(() =>
        {
            while (_device.Write(0, much))
                Interlocked.Increment(ref rounds);
        });
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref rounds) > 2, Fuse.Mounted.Patience));
        _client.Kill();
        await copies.WaitAsync(Fuse.Mounted.Patience);
    }

    [Fact]
    public void More_files_than_the_limit_are_refused_and_room_comes_back()
    {
        _client.Do($"areas = [mmap(0x1000, 3, SHARED, memfd('{_client.Name}', 0x1000, 2)) for i in range({ClientMemory.MaxSources + 1})]");
        for (int i = 0; i < ClientMemory.MaxSources; i++)
            Assert.Equal(Ok, _client.Map(_iommu, _ioas, _client.Do($"areas[{i}]"), 0x1000, (ulong)i * 0x1000));
        ulong last = _client.Do("areas[-1]");
        Assert.Equal(NoMemory, _client.Map(_iommu, _ioas, last, 0x1000, 0x1000_0000));
        Assert.Equal(ClientMemory.MaxSources, _client.DescriptorsHeld());
        Assert.Equal(Ok, _client.Unmap(_iommu, _ioas, 0, 0x1000, out _));
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, last, 0x1000, 0x1000_0000));
    }

    [Fact]
    public void A_file_sealed_against_new_writers_is_still_written_through_an_older_mapping()
    {
        _client.Do($"M = memfd('{_client.Name}', 0x4000, 2); A = mmap(0x4000, 3, SHARED, M); fcntl.fcntl(M, 1033, 16)"); // F_SEAL_FUTURE_WRITE
        Assert.Equal(Ok, _client.MapFile(_iommu, _ioas, (int)_client.Do("M"), 0, Size, 0, IoasMapFlags.Readable));
        ulong area = _client.Do("A");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, Size, 0x10_0000));
        Assert.True(_device.Write(0x10_0000, 4));
        Assert.Equal([4], _client.Get(area, 1));
        Assert.Equal([4], _device.Read(0, 1)!);
    }

    [Fact]
    public void A_sealed_file_too_long_to_map_is_read_and_written()
    {
        _client.Do($"M = memfd('{_client.Name}', 1 << 43, 2)");
        ulong area = _client.Do("mmap(0x4000, 3, SHARED, M, 1 << 42)");
        Assert.Equal(Ok, _client.Map(_iommu, _ioas, area, Size, 0));
        Assert.Equal((1, 0), (_client.DescriptorsHeld(), _client.MappingsHeld()));
        Assert.True(_device.Write(0x3FFF, 8));
        Assert.Equal([8], _client.Get(area + 0x3FFF, 1));
    }

    [Fact]
    public void Copies_allocate_nothing()
    {
        foreach (string kind in (string[])["mmap(0x4000, 3, SHARED, memfd(N, 0x4000, 2))", "mmap(0x4000, 3, SHARED, memfd(N, 0x4000))",
            "mmap(0x4000)"])
        {
            Assert.Equal(Ok, _client.Map(_iommu, _ioas, Area(kind), Size, 0));
            CcwFs.Memory.Mapping mapping = _device.Space.Map.Snapshot()[0];
            byte[] block = new byte[0x1000];
            bool good = mapping.Store.Read(mapping.Offset, block) && mapping.Store.Write(mapping.Offset, block);
            long allocated = Allocations.Least(() =>
            {
                for (int i = 0; i < 100; i++)
                    good &= mapping.Store.Read(mapping.Offset, block) && mapping.Store.Write(mapping.Offset, block);
            });
            Assert.True(good);
            Assert.Equal(0, allocated);
            Assert.Equal(Ok, _client.Unmap(_iommu, _ioas, 0, Size, out _));
        }
    }
}
