using CcwFs.ChannelIo;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Channel;

/// <summary>
/// Data that goes where an emulator has translated code: it drops that first, exactly the bytes that will be written, and nothing is seen before.
/// </summary>
public sealed class GuestCodeTests : IDisposable
{
    private const byte Read = 0x02;
    private const int Marked = 0x8000, Plain = 0x2000;
    private readonly CodeMemory _memory = new();
    private readonly Machine _machine;
    private byte[] _data = new byte[4096];

    public GuestCodeTests()
    {
        _machine = new Machine(map: IovaMap.Identity(_memory));
        _data.AsSpan().Fill(0xD1);
        _machine.TestDevice.Commands[Read] = transfer =>
        {
            transfer.Send(_data);
            return TestDevice.Good;
        };
        _memory.Mark(Marked);
    }

    public void Dispose()
    {
        _memory.Answer();
        _machine.Dispose();
        _memory.Dispose();
    }

    [Fact]
    public void Nothing_is_dropped_where_no_code_was_and_the_thread_of_the_start_does_it()
    {
        Ccws(Ccw(Plain, 4096));
        int thread = Environment.CurrentManagedThreadId, by = 0;
        _machine.TestDevice.Commands[Read] = transfer =>
        {
            by = Environment.CurrentManagedThreadId;
            transfer.Send(_data);
            return TestDevice.Good;
        };
        AssertGood();
        Assert.Equal(thread, by);
        Assert.Empty(_memory.Dropped);
        Assert.Equal(_data, _memory.Bytes[Plain..(Plain + 4096)]);
    }

    [Fact]
    public void Translations_are_dropped_before_the_data_by_a_thread_that_nobody_waits_for()
    {
        Ccws(Ccw(Marked, 4096));
        AssertGood();
        Assert.Equal([new CodeRange(Marked, 4096)], _memory.Dropped);
        Assert.NotEqual(Environment.CurrentManagedThreadId, _memory.DroppedBy);
        Assert.True(_memory.WasUntouched); // no byte was there at the drop
        Assert.Equal(_data, _memory.Bytes[Marked..(Marked + 4096)]);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1)]
    public void A_short_record_leaves_the_bytes_behind_it_alone(int length)
    {
        _data = _data[..length];
        Ccws(Ccw(Marked + 2048, 4096 - 2048, sli: true));
        AssertGood();
        Assert.Equal([new CodeRange(Marked + 2048, length)], _memory.Dropped);
        Assert.Equal(CodeMemory.Fill, _memory.Bytes[Marked + 2048 + length]);
        Assert.Equal(CodeMemory.Fill, _memory.Bytes[Marked + 2047]);
    }

    [Fact]
    public void A_chain_is_dropped_in_one_go_and_only_where_code_may_be()
    {
        _data = new byte[4 * 4096];
        _data.AsSpan().Fill(0xD1);
        _memory.Mark(0x10000);
        _memory.Mark(0x11000);
        Ccws(Ccw(Plain, 4096, chain: true), Ccw(Marked, 4096, chain: true), Ccw(0x10000, 8192));
        AssertGood();
        Assert.Equal([new CodeRange(Marked, 4096), new CodeRange(0x10000, 8192)], _memory.Dropped);
        Assert.Equal(1, _memory.Drops);
    }

    [Fact]
    public void Commands_that_read_one_after_the_other_are_dropped_in_one_go()
    {
        _memory.Mark(0x10000);
        Ccws(Ccw(Marked, 4096, command: true), Ccw(Plain, 4096, command: true), Ccw(0x10000, 4096));
        AssertGood();
        Assert.Equal(1, _memory.Drops);
        Assert.Equal([new CodeRange(Marked, 4096), new CodeRange(0x10000, 4096)], _memory.Dropped);
        foreach (int address in (int[])[Marked, Plain, 0x10000])
            Assert.Equal(_data, _memory.Bytes[address..(address + 4096)]);
    }

    /// <summary>The second command reads over a part of what the first one has read.</summary>
    [Fact]
    public void The_last_data_stays()
    {
        byte next = 0;
        _machine.TestDevice.Commands[Read] = transfer =>
        {
            _data.AsSpan().Fill(++next);
            transfer.Send(_data);
            return TestDevice.Good;
        };
        Ccws(Ccw(Marked, 4096, command: true), Ccw(Marked + 1024, 4096, command: true), Ccw(Plain, 4096, command: true), Ccw(Plain + 2048, 4096));
        AssertGood();
        Assert.Equal([1, 2, 2, 0xEE, 3, 4],
            new[] { Marked + 1023, Marked + 1024, Marked + 5119, Marked + 5120, Plain + 2047, Plain + 2048 }.Select(a => (int)_memory.Bytes[a]));
    }

    [Theory]
    [InlineData(0x0122_0004_0000_8000)] // a write of what was read
    [InlineData(0x0302_0001_0000_0000)] // no operation
    [InlineData(0x0208_0004_0000_2000)] // program-controlled interruption
    [InlineData(0x0202_0004_0000_2000)] // suspend
    public void Data_is_there_before_anybody_can_ask_for_it(ulong next)
    {
        byte[] seen = [];
        _machine.TestDevice.Commands[0x01] = transfer =>
        {
            seen = new byte[4];
            transfer.Receive(seen);
            return TestDevice.Good;
        };
        _machine.TestDevice.Commands[0x03] = _ =>
        {
            seen = _memory.Bytes[Marked..(Marked + 4)];
            return TestDevice.Good;
        };
        _machine.IsEndless = true;
        Ccws(Ccw(Marked, 4096, command: true), next);
        _machine.StartAt(0x1000, Machine.Orb64 | (uint)OrbControl.Suspend);
        Assert.True(SpinWait.SpinUntil(() => _machine.HasSettled() || _machine.ReadIrb().Scsw.StatusControl != 0, Machine.Patience));
        Assert.Equal(_data, _memory.Bytes[Marked..(Marked + 4096)]);
        Assert.True(seen.Length == 0 || seen.AsSpan().SequenceEqual(_data.AsSpan(0, 4)));
        Assert.Equal(1, _memory.Drops);
    }

    [Fact]
    public void A_failed_drop_lets_no_command_behind_it_change_the_device()
    {
        bool written = false;
        _machine.TestDevice.Commands[0x01] = _ =>
        {
            written = true;
            return TestDevice.Good;
        };
        _memory.IsDeaf = true;
        Ccws(Ccw(Marked, 4096, command: true), Ccw(Plain, 4096, command: true), 0x0120_0004_0000_3000);
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000));
        Assert.Equal(SubchannelStatus.ChannelControlCheck, Status().Subchannel);
        Assert.False(written);
    }

    /// <summary>HALT comes while the second command is executed: the first one has ended, and its data is there.</summary>
    [Fact]
    public void Data_of_a_command_that_has_ended_is_there_when_halt_ends_the_program()
    {
        int reads = 0;
        _machine.TestDevice.Commands[Read] = transfer =>
        {
            if (++reads == 2)
                _machine.Emulated.Halt();
            else
                transfer.Send(_data);
            return TestDevice.Good;
        };
        Ccws(Ccw(Marked, 4096, command: true), Ccw(Plain, 4096, sli: true, command: true), Ccw(0x20000, 4096));
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000));
        Assert.Equal(2, reads);
        Assert.Equal((FunctionControl.Start | FunctionControl.Halt, 0x1010u), (_machine.ReadIrb().Scsw.Function, _machine.ReadIrb().Scsw.CcwAddress));
        Assert.Equal(_data, _memory.Bytes[Marked..(Marked + 4096)]);
    }

    /// <summary>Not prefetched, data chaining goes on with a CCW that the same command has just read.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_CCW_that_the_same_command_has_read_is_the_one_that_counts(bool isCode)
    {
        if (isCode)
            _memory.Mark(0x1000);
        _data = new byte[24];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(_data.AsSpan(8), Ccw(0x4000, 8));
        _data.AsSpan(16).Fill(0xD1);
        Ccws(Ccw(0x1000, 16, chain: true), Ccw(0x3000, 8));
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000, Machine.Orb64 & ~OrbControl.Prefetch));
        Assert.Equal((TestDevice.Good, SubchannelStatus.None), Status());
        Assert.Equal((0xD1, CodeMemory.Fill), (_memory.Bytes[0x4000], _memory.Bytes[0x3000]));
    }

    /// <summary>The page is translated between two looks at it: the last data stays the last.</summary>
    [Fact]
    public void Data_that_is_written_a_second_time_keeps_its_order()
    {
        byte next = 0;
        _machine.TestDevice.Commands[Read] = transfer =>
        {
            _data.AsSpan().Fill(++next);
            transfer.Send(_data);
            return TestDevice.Good;
        };
        _memory.TranslateAtCount = 1;
        Ccws(Ccw(Marked, 4096, command: true), Ccw(Marked, 4096));
        AssertGood();
        Assert.Equal(2, _memory.Bytes[Marked]);
    }

    [Fact]
    public void A_page_that_was_dropped_whole_is_no_code_any_more_and_one_that_was_not_is()
    {
        Ccws(Ccw(Marked, 4096));
        AssertGood();
        AssertGood();
        Assert.Equal(1, _memory.Drops);
        _memory.Mark(Marked);
        Ccws(Ccw(Marked, 4095, sli: true));
        AssertGood();
        AssertGood();
        Assert.Equal(3, _memory.Drops);
    }

    [Fact]
    public void Pages_without_code_are_written_by_the_thread_of_the_start_though_others_wait()
    {
        int here = Environment.CurrentManagedThreadId;
        Ccws(Ccw(Marked, 4096, command: true), Ccw(Plain, 4096));
        AssertGood();
        Assert.Equal((here, true), (_memory.WrittenBy[Plain], _memory.WrittenBy[Marked] != here));
    }

    [Fact]
    public void Skipped_bytes_are_not_touched()
    {
        Ccws(Ccw(Marked, 100, chain: true) | (ulong)CcwFlags.Skip << 48, Ccw(Marked + 100, 3996));
        AssertGood();
        Assert.Equal([new CodeRange(Marked + 100, 3996)], _memory.Dropped);
        Assert.Equal(CodeMemory.Fill, _memory.Bytes[Marked + 99]);
    }

    [Theory]
    [InlineData(Marked)]
    [InlineData(Plain)]
    public void What_is_translated_while_the_data_comes_is_dropped_again_with_the_data(int address)
    {
        _memory.TranslateAtNextWrite = true;
        Ccws(Ccw(address, 4096));
        AssertGood();
        if (address == Marked)
            Assert.Equal([((ulong)address, 4096)], _memory.WrittenThrough);
        else
            Assert.Equal([new CodeRange((ulong)address, 4096)], _memory.Dropped); // it was not known to be code before
        Assert.Equal(_data, _memory.Bytes[address..(address + 4096)]);
    }

    [Fact]
    public void Data_before_a_unit_check_is_dropped_for_too()
    {
        _machine.TestDevice.Commands[Read] = transfer =>
        {
            transfer.Send(_data.AsSpan(0, 8));
            return _machine.TestDevice.Reject() | DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;
        };
        Ccws(Ccw(Marked, 4096));
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000));
        Assert.Equal([new CodeRange(Marked, 8)], _memory.Dropped);
        Assert.Equal(DeviceStatus.UnitCheck, Status().Device & DeviceStatus.UnitCheck);
    }

    [Fact]
    public void Where_it_is_not_certain_the_program_ends_with_a_check_and_nothing_is_written()
    {
        _memory.IsDeaf = true;
        Ccws(Ccw(Marked, 4096));
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000));
        Assert.Equal(SubchannelStatus.ChannelControlCheck, Status().Subchannel);
        Assert.Equal(CodeMemory.Fill, _memory.Bytes[Marked]);
        _memory.IsDeaf = false;
        AssertGood();
    }

    [Fact]
    public void No_status_is_there_before_the_drop_is_done()
    {
        _machine.IsEndless = true;
        _memory.HoldDrops();
        Ccws(Ccw(Marked, 4096));
        _machine.StartAt(0x1000);
        _memory.AwaitDrop();
        Assert.Equal(DeviceState.Pending, _machine.Device.State);
        Assert.Equal(CodeMemory.Fill, _memory.Bytes[Marked]);
        _memory.Answer();
        Assert.True(SpinWait.SpinUntil(_machine.HasSettled, Machine.Patience));
        Assert.Equal(0xD1, _memory.Bytes[Marked]);
    }

    [Fact]
    public void A_reset_does_not_wait_for_the_drop_and_nothing_is_written_behind_it()
    {
        _machine.IsEndless = true;
        _memory.HoldDrops();
        Ccws(Ccw(Marked, 4096));
        _machine.StartAt(0x1000);
        _memory.AwaitDrop();
        _machine.Device.Reset();
        Assert.True(_memory.WasGivenUp);
        Assert.Equal(CodeMemory.Fill, _memory.Bytes[Marked]);
        _machine.IsEndless = false;
        _memory.Answer();
        AssertGood();
    }

    [Theory]
    [InlineData(1)] // HALT
    [InlineData(2)] // CLEAR
    public void Halt_and_clear_end_it_when_the_drop_is_done(uint command)
    {
        _machine.IsEndless = true;
        _memory.HoldDrops();
        Ccws(Ccw(Marked, 4096));
        _machine.StartAt(0x1000);
        _memory.AwaitDrop();
        Assert.Equal(RegionLayout.CmdSize, _machine.Command(command));
        Assert.Equal(DeviceState.Pending, _machine.Device.State);
        _memory.Answer();
        Assert.True(SpinWait.SpinUntil(_machine.HasSettled, Machine.Patience));
        _machine.IsEndless = false;
        AssertGood();
    }

    private void AssertGood()
    {
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000));
        Assert.Equal((TestDevice.Good, SubchannelStatus.None), Status());
    }

    private (DeviceStatus Device, SubchannelStatus Subchannel) Status()
    {
        Scsw scsw = _machine.ReadIrb().Scsw;
        return (scsw.Device, scsw.Subchannel);
    }

    private void Ccws(params ulong[] ccws)
    {
        for (int i = 0; i < ccws.Length; i++)
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(_memory.Bytes.AsSpan(0x1000 + (i * 8)), ccws[i]);
    }

    private static ulong Ccw(int address, int count, bool chain = false, bool sli = false, bool command = false) =>
        ((ulong)Read << 56) | ((ulong)((chain ? CcwFlags.ChainData : 0) | (sli ? CcwFlags.SuppressLength : 0) | (command ? CcwFlags.ChainCommand
            : 0)) << 48) | ((ulong)count << 32) | (uint)address;

    /// <summary>Memory of which an emulator has translated some pages.</summary>
    private sealed class CodeMemory : IMemoryStore, IGuestCode, IDisposable
    {
        internal const byte Fill = 0xEE;
        private readonly ArrayStore _inner;
        private readonly byte[] _counts = new byte[Machine.MemorySize / IovaMap.PageSize];
        private readonly ManualResetEventSlim _answered = new(true), _asked = new();

        internal CodeMemory()
        {
            Bytes.AsSpan(0x2000).Fill(Fill);
            _inner = new ArrayStore(Bytes);
        }

        public long Length => _inner.Length;

        internal byte[] Bytes { get; } = new byte[Machine.MemorySize];

        internal List<CodeRange> Dropped { get; } = [];

        internal List<(ulong Address, int Length)> WrittenThrough { get; } = [];

        internal int Drops { get; private set; }

        internal Dictionary<long, int> WrittenBy { get; } = [];

        internal int DroppedBy { get; private set; }

        internal bool WasUntouched { get; private set; }

        internal bool WasGivenUp { get; private set; }

        internal bool IsDeaf { get; set; }

        internal bool TranslateAtNextWrite { get; set; }

        /// <summary>Translates the page at this look at its count, from 0 on in a drop.</summary>
        internal int? TranslateAtCount { get; set; }

        public void Dispose()
        {
            _answered.Dispose();
            _asked.Dispose();
        }

        internal void Mark(int address) => _counts[address / IovaMap.PageSize]++;

        internal void HoldDrops() => _answered.Reset();

        internal void AwaitDrop() => Assert.True(_asked.Wait(Machine.Patience));

        internal void Answer() => _answered.Set();

        public bool MayHoldCode(long offset, int length) => _counts[offset / IovaMap.PageSize] != 0;

        public byte CodeCount(long offset)
        {
            if (TranslateAtCount is { } left)
            {
                TranslateAtCount = left == 0 ? null : left - 1;
                if (left == 0)
                    _counts[offset / IovaMap.PageSize]++;
            }
            return _counts[offset / IovaMap.PageSize];
        }

        public void ForgetCode(long offset, byte count)
        {
            if (CodeCount(offset) == count)
                _counts[offset / IovaMap.PageSize] = 0;
        }

        public IGuestCode? CodeAt(long offset, out ulong address)
        {
            address = (ulong)offset;
            return this;
        }

        public bool Read(long offset, Span<byte> destination) => _inner.Read(offset, destination);

        public bool Write(long offset, ReadOnlySpan<byte> source)
        {
            if (TranslateAtNextWrite)
                _counts[offset / IovaMap.PageSize]++;
            TranslateAtNextWrite = false;
            WrittenBy[offset] = Environment.CurrentManagedThreadId;
            return _inner.Write(offset, source);
        }

        public bool Drop(ReadOnlySpan<CodeRange> ranges, ICodeUser user)
        {
            _asked.Set();
            while (!_answered.Wait(1))
            {
                WasGivenUp = user.IsOver;
                if (WasGivenUp)
                    return false;
            }
            if (IsDeaf)
                return false;
            Drops++;
            DroppedBy = Environment.CurrentManagedThreadId;
            WasUntouched = true;
            foreach (CodeRange range in ranges)
            {
                Span<byte> bytes = Bytes.AsSpan((int)range.Address, range.Length);
                WasUntouched &= !bytes.ContainsAnyExcept(Fill);
                bytes.Clear();
                Dropped.Add(range);
            }
            return true;
        }

        bool IGuestCode.Write(ulong address, ReadOnlySpan<byte> bytes, ICodeUser user)
        {
            bytes.CopyTo(Bytes.AsSpan((int)address));
            WrittenThrough.Add((address, bytes.Length));
            return true;
        }
    }
}
