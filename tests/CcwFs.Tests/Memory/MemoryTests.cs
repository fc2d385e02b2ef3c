using CcwFs.Memory;

namespace CcwFs.Tests.Memory;

/// <summary>The map of a guest's addresses, the pages that a program pins, and the arena of translated programs.</summary>
public sealed class MemoryTests
{
    private const ulong Page = IovaMap.PageSize;
    private readonly ArrayStore _store = new(new byte[16 * (int)Page]);
    private readonly IovaMap _map = new();

    [Theory]
    [InlineData(0x1000ul, 0ul, 0L, MemoryRights.ReadWrite)]           // empty
    [InlineData(0x1800ul, 0x1000ul, 0L, MemoryRights.ReadWrite)]      // unaligned address
    [InlineData(0x1000ul, 0x800ul, 0L, MemoryRights.ReadWrite)]       // unaligned length
    [InlineData(0x1000ul, 0x1000ul, 0L, MemoryRights.None)]           // no rights
    [InlineData(0xFFFF_FFFF_FFFF_F000ul, 0x2000ul, 0L, MemoryRights.Read)] // wraps
    [InlineData(0x1000ul, 0x1_1000ul, 0L, MemoryRights.Read)]         // longer than the store
    [InlineData(0x1000ul, 0x1000ul, 0x1_0000L, MemoryRights.Read)]    // behind the store
    [InlineData(0x1000ul, 0x1000ul, -0x1000L, MemoryRights.Read)]     // before the store
    [InlineData(0x1000ul, 0xFFFF_FFFF_FFFF_F000ul, 0x1000L, MemoryRights.Read)]
    public void An_impossible_mapping_is_invalid(ulong iova, ulong length, long offset, MemoryRights rights)
    {
        Assert.Equal(MapOutcome.Invalid, _map.Map(iova, length, _store, offset, rights));
        Assert.Empty(_map.Snapshot());
    }

    [Theory]
    [InlineData(0x4000ul, 0x4000ul, MapOutcome.Exists)]
    [InlineData(0x7000ul, 0x1000ul, MapOutcome.Exists)]
    [InlineData(0x3000ul, 0x2000ul, MapOutcome.Exists)]
    [InlineData(0x3000ul, 0x6000ul, MapOutcome.Exists)]
    [InlineData(0x3000ul, 0x1000ul, MapOutcome.Done)]
    [InlineData(0x8000ul, 0x1000ul, MapOutcome.Done)]
    [InlineData(0xFFFF_FFFF_FFFF_F000ul, 0x1000ul, MapOutcome.Done)]
    public void Mappings_do_not_overlap(ulong iova, ulong length, MapOutcome outcome)
    {
        _map.Map(0x4000, 0x4000, _store, 0, MemoryRights.ReadWrite);
        Assert.Equal(outcome, _map.Map(iova, length, _store, 0, MemoryRights.ReadWrite));
        Assert.Equal(_map.Snapshot().OrderBy(m => m.Start), _map.Snapshot());
    }

    [Theory]
    [InlineData(0x4000ul, 0x1000ul, MapOutcome.Invalid, 0ul)]     // head of a mapping
    [InlineData(0x5000ul, 0x1000ul, MapOutcome.Invalid, 0ul)]     // middle
    [InlineData(0x6000ul, 0x2000ul, MapOutcome.Invalid, 0ul)]     // tail and more
    [InlineData(0x4000ul, 0ul, MapOutcome.Invalid, 0ul)]
    [InlineData(0x4800ul, 0x1000ul, MapOutcome.Invalid, 0ul)]
    [InlineData(0xFFFF_FFFF_FFFF_F000ul, 0x2000ul, MapOutcome.Invalid, 0ul)]
    [InlineData(0x9000ul, 0x1000ul, MapOutcome.NotFound, 0ul)]
    [InlineData(0x4000ul, 0x3000ul, MapOutcome.Done, 0x3000ul)]
    [InlineData(0x3000ul, 0x10000ul, MapOutcome.Done, 0x4000ul)]  // both, with gaps around
    public void Only_whole_mappings_are_unmapped(ulong iova, ulong length, MapOutcome outcome, ulong unmapped)
    {
        _map.Map(0x4000, 0x3000, _store, 0, MemoryRights.ReadWrite);
        _map.Map(0x8000, 0x1000, _store, 0, MemoryRights.ReadWrite);
        int before = _map.Snapshot().Length;
        Assert.Equal(outcome, _map.Unmap(iova, length, out ulong bytes));
        Assert.Equal(unmapped, bytes);
        Assert.Equal(outcome == MapOutcome.Done, _map.Snapshot().Length < before);
    }

    [Fact]
    public void Owners_are_told_of_what_went_until_they_leave()
    {
        var owner = new Owner();
        _map.AddOwner(owner);
        _map.Map(0x4000, 0x1000, _store, 0, MemoryRights.ReadWrite);
        _map.Map(0x5000, 0x1000, _store, 0, MemoryRights.ReadWrite);
        _map.Unmap(0x4000, 0x2000, out _);
        Assert.Equal([(0x4000ul, 0x1000ul), (0x5000ul, 0x1000ul)], owner.Told);
        Assert.Equal(0, owner.MappingsThen);
        _map.RemoveOwner(owner);
        _map.Map(0x4000, 0x1000, _store, 0, MemoryRights.ReadWrite);
        _map.Unmap(0x4000, 0x1000, out _);
        Assert.Equal(2, owner.Told.Count);
    }

    [Fact]
    public void Reading_crosses_mappings_and_stops_at_gaps_rights_and_the_end_of_the_world()
    {
        byte[] a = [.. Enumerable.Repeat((byte)0xAA, (int)Page)], b = [.. Enumerable.Repeat((byte)0xBB, (int)Page)];
        _map.Map(0x1000, Page, new ArrayStore(a), 0, MemoryRights.ReadWrite);
        _map.Map(0x2000, Page, new ArrayStore(b), 0, MemoryRights.Read);
        _map.Map(0x3000, Page, _store, 0, MemoryRights.Write);
        _map.Map(0xFFFF_FFFF_FFFF_F000, Page, _store, 0, MemoryRights.ReadWrite);
        _map.Map(0, Page, _store, 0, MemoryRights.ReadWrite);
        byte[] two = new byte[2];
        Assert.Equal(MemoryFault.None, IovaMap.Read(_map.Snapshot(), 0x1FFF, two));
        Assert.Equal([0xAA, 0xBB], two);
        Assert.Equal(MemoryFault.Protected, IovaMap.Read(_map.Snapshot(), 0x2FFF, two));
        Assert.Equal(MemoryFault.Unmapped, IovaMap.Read(_map.Snapshot(), 0x4000, two));
        Assert.Equal(MemoryFault.Unmapped, IovaMap.Read(_map.Snapshot(), ulong.MaxValue, two));
        Assert.Equal(MemoryFault.None, IovaMap.Read(_map.Snapshot(), ulong.MaxValue - 1, two));
        Assert.Equal(MemoryFault.None, IovaMap.Read(_map.Snapshot(), 0x9999_0000, []));
        _map.Map(0x10_0000, Page, new GoneStore(), 0, MemoryRights.ReadWrite);
        Assert.Equal(MemoryFault.Gone, IovaMap.Read(_map.Snapshot(), 0x10_0000, two));
    }

    [Fact]
    public void A_store_that_is_not_a_number_of_pages_is_no_address_space() =>
        Assert.Throws<ArgumentException>(() => IovaMap.Identity(new ArrayStore(new byte[100])));

    [Fact]
    public void Pinned_pages_are_the_only_ones_that_resolve()
    {
        _map.Map(0x4000, 0x4000, _store, (long)Page, MemoryRights.ReadWrite);
        _map.Map(0x8000, Page, _store, 0, MemoryRights.Read);
        var pins = new PinRecord();
        pins.Clear(_map.Snapshot());
        Assert.Equal(MemoryFault.None, pins.Pin(0x5010, out ulong first));
        Assert.Equal(MemoryFault.None, pins.Pin(0x4FFF, out ulong second));
        Assert.Equal(MemoryFault.Protected, pins.Pin(0x8000, out _));
        Assert.Equal(MemoryFault.Unmapped, pins.Pin(0x9000, out _));
        Assert.Equal(MemoryFault.Unmapped, pins.Pin(ulong.MaxValue, out _));
        Assert.Equal((PinRecord.WindowBase + 0x10, PinRecord.WindowBase + Page + 0xFFF), (first, second));
        Assert.True(pins.TryResolve(first, out IMemoryStore store, out long offset, out int left));
        Assert.Equal((_store, 0x2010L, 0xFF0), (store, offset, left));
        Assert.True(pins.TryResolve(second, out _, out offset, out left));
        Assert.Equal((0x1FFFL, 1), (offset, left));
        Assert.True(pins.TryGuestAddress(first, out ulong guest) && guest == 0x5010);
        foreach (ulong address in (ulong[])[0, PinRecord.WindowBase - 1, PinRecord.WindowBase + (2 * Page), ulong.MaxValue])
            Assert.False(pins.TryResolve(address, out _, out _, out _));
        pins.Truncate(1);
        Assert.False(pins.TryResolve(second, out _, out _, out _));
        pins.Clear([]);
        Assert.False(pins.TryResolve(first, out _, out _, out _));
    }

    [Theory]
    [InlineData(0x5000ul, 1ul, true)]
    [InlineData(0x5FFFul, 1ul, true)]
    [InlineData(0x6000ul, 0x1000ul, false)]
    [InlineData(0x4000ul, 0x1000ul, false)]
    [InlineData(0x4000ul, 0x1001ul, true)]
    [InlineData(0ul, ulong.MaxValue, true)]
    public void A_range_is_pinned_when_one_of_its_pages_is(ulong iova, ulong length, bool pinned)
    {
        _map.Map(0x4000, 0x4000, _store, 0, MemoryRights.ReadWrite);
        var pins = new PinRecord();
        pins.Clear(_map.Snapshot());
        pins.Pin(0x5800, out _);
        Assert.Equal(pinned, pins.Contains(iova, length));
    }

    [Fact]
    public void The_arena_gives_aligned_addresses_that_keep_their_bytes_when_it_grows()
    {
        var arena = new HostArena();
        HostAddress first = arena.Allocate(5);
        arena.Bytes(first, 5).Fill(0x11);
        HostAddress second = arena.Allocate(100_000);
        Assert.Equal((HostArena.Base, HostArena.Base + 8), (first.Value, second.Value));
        Assert.Equal(new byte[] { 0x11, 0x11, 0x11, 0x11, 0x11 }, arena.Bytes(first, 5).ToArray());
        Assert.True(arena.Bytes(second, 100_001).IsEmpty);
        Assert.True(arena.Bytes(first.Plus(-1), 1).IsEmpty);
        Assert.True(arena.Bytes(new HostAddress(uint.MaxValue), 2).IsEmpty);
        arena.Reset();
        Assert.True(arena.Bytes(first, 1).IsEmpty);
        Assert.Equal(first, arena.Allocate(8));
    }

    [Theory]
    [InlineData(HostArena.Base, true)]
    [InlineData(HostArena.Base - 8, true)]
    [InlineData(HostArena.Base + 0x100_0000, true)]
    [InlineData(0u, false)]
    [InlineData(0x7FFF_FFF8u, false)]
    [InlineData(0xFFFF_FFF8u, false)]
    public void An_address_of_the_arena_is_known_whether_it_is_in_use_or_not(uint address, bool owned) =>
        Assert.Equal(owned, HostArena.Owns(new HostAddress(address)));

    private sealed class Owner : IPinOwner
    {
        public List<(ulong, ulong)> Told { get; } = [];

        public int MappingsThen { get; private set; } = -1;

        public void Unmapped(IovaMap map, ulong iova, ulong length)
        {
            Told.Add((iova, length));
            MappingsThen = map.Snapshot().Length; // no lock of the map is held, and it is changed already
        }
    }

    private sealed class GoneStore : IMemoryStore
    {
        public long Length => IovaMap.PageSize;

        public bool Read(long offset, Span<byte> destination) => false;

        public bool Write(long offset, ReadOnlySpan<byte> source) => false;
    }
}
