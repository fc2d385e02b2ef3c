using CcwFs.CommandSets;
using CcwFs.Emulation.Fba;
using CcwFs.Tests.Eckd;

namespace CcwFs.Tests.Fba;

/// <summary>Every command of the 9336, and every refusal.</summary>
public sealed class FbaCommandTests : IDisposable
{
    private readonly FbaRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Each_command_that_is_described_has_a_handler_and_no_other()
    {
        for (int code = 0; code < 256; code++)
        {
            CommandDescription? row = Families.Fba.Find((byte)code);
            Assert.Equal(row is { Direction: not CommandDirection.Transfer } ? row.Name : null, FbaDevice.CommandName((byte)code));
        }
    }

    [Fact]
    public void Characteristics_are_those_of_a_9336_with_data_chaining()
    {
        string expected = "30082111" + "0200" + "0000006F" + "00000309" + "000003E8" + new string('0', 28);
        Assert.Equal(expected, Convert.ToHexString(_rig.Device.Run(Step.R(0x64, 32)).Ok().Data[0]));
        using var large = new FbaRig(uint.MaxValue, 4096);
        Assert.Equal("1000", Convert.ToHexString(large.Device.Run(Step.R(0x64, 32)).Ok().Data[0].AsSpan(4, 2)));
        Assert.Equal("FFFFFFFF", Convert.ToHexString(large.Device.Run(Step.R(0x64, 32)).Ok().Data[0].AsSpan(14, 4)));
        Assert.Equal("3008", Convert.ToHexString(_rig.Device.Run(Step.R(0x64, 2).WithSli()).Ok().Data[0]));
    }

    [Fact]
    public void The_buffered_log_is_empty() => Assert.Equal(new byte[24], _rig.Device.Run(Step.R(0xA4, 24)).Ok().Data[0]);

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    [InlineData(4096)]
    public void What_is_written_is_read(int size)
    {
        using var rig = new FbaRig(1000, size);
        byte[] bytes = FbaRig.Bytes(300 * size, 1); // more than one buffer
        rig.Put(7, bytes);
        Assert.Equal(bytes, rig.Get(7, 300));
        Assert.Equal(bytes[size..(2 * size)], rig.Get(8));
        Assert.Equal(new byte[size], rig.Get(307));
    }

    [Fact]
    public void Blocks_have_the_numbers_of_the_data_set()
    {
        byte[] bytes = FbaRig.Bytes(1024, 2);
        _rig.Device.Run(FbaRig.Extent(0, 100, 5000, 5009), FbaRig.Locate(FbaRig.Write, 2, 5003), Step.W(0x41, bytes)).Ok();
        Assert.Equal(bytes, _rig.Get(103, 2));
        _rig.Device.Run(FbaRig.Extent(0, 100, 5000, 5009), FbaRig.Locate(FbaRig.Read, 1, 4999), Step.R(0x42, 512)).Refused(0, 0x04, 1);
    }

    [Fact]
    public void One_extent_serves_several_locates()
    {
        byte[] one = FbaRig.Bytes(512, 1), two = FbaRig.Bytes(512, 2);
        Outcome outcome = _rig.Device.Run(
            FbaRig.Extent(0, 0, 0, 999), FbaRig.Locate(FbaRig.Write, 1, 1), Step.W(0x41, one), FbaRig.Locate(FbaRig.Verify, 1, 999),
                Step.W(0x41, two),
            FbaRig.Locate(FbaRig.Read, 1, 1), Step.R(0x42, 512), FbaRig.Locate(FbaRig.Replicated, 1, 999, replication: 3), Step.R(0x42, 512)).Ok();
        Assert.Equal((byte[][])[one, two], outcome.Data);
    }

    [Fact]
    public void Ipl_reads_the_first_block_and_lets_the_program_read_the_disk()
    {
        byte[] first = FbaRig.Bytes(512, 1), other = FbaRig.Bytes(512, 2);
        _rig.Put(0, first).Put(999, other);
        Outcome outcome = _rig.Device.Run(Step.R(0x02, 24).WithSli(), FbaRig.Locate(FbaRig.Read, 1, 999), Step.R(0x42, 512)).Ok();
        Assert.Equal((byte[][])[first[..24], other], outcome.Data);
        _rig.Device.Run(Step.R(0x02, 512), FbaRig.Locate(FbaRig.Write, 1, 0)).Refused(0x80, 0, 1);
        _rig.Device.Run(Step.R(0x02, 512), Step.R(0x42, 512)).Refused(0x80, 0, 1);
    }

    [Fact]
    public void What_a_write_does_not_give_is_zeros_to_the_last_located_block()
    {
        byte[] bytes = FbaRig.Bytes(10 * 512, 3);
        _rig.Put(0, bytes);
        Outcome cut = _rig.Device.Run(FbaRig.Extent(0, 0, 0, 9), FbaRig.Locate(FbaRig.Write, 5, 2), Step.Sized(0x41, 700, 0xAA).WithSli()).Ok();
        byte[] expected = [.. bytes[..1024], .. Enumerable.Repeat((byte)0xAA, 700), .. new byte[(5 * 512) - 700], .. bytes[(7 * 512)..]];
        Assert.Equal(expected, _rig.Get(0, 10));
        Assert.True(_rig.Device.Run(FbaRig.Extent(0, 0, 0, 9), FbaRig.Locate(FbaRig.Write, 5, 2), Step.Sized(0x41, 700, 0xAA)).IncorrectLength);
        Assert.False(cut.IncorrectLength);
    }

    [Fact]
    public void A_write_of_nothing_makes_all_located_blocks_zeros()
    {
        _rig.Put(0, FbaRig.Bytes(400 * 512, 4));
        _rig.Device.Run(FbaRig.Extent(0, 0, 0, 399), FbaRig.Locate(FbaRig.Write, 398, 1), Step.W(0x41).WithSli()).Ok();
        byte[] after = _rig.Get(0, 400);
        Assert.Equal(-1, after.AsSpan(512, 398 * 512).IndexOfAnyExcept((byte)0));
        Assert.NotEqual(-1, after.AsSpan(0, 512).IndexOfAnyExcept((byte)0));
        Assert.NotEqual(-1, after.AsSpan(399 * 512).IndexOfAnyExcept((byte)0));
        Assert.Contains(_rig.Device.Describe(), fact => fact.Key == "requests" && fact.Value.Contains("398 made zeros", StringComparison.Ordinal));
    }

    [Fact]
    public void A_program_may_read_less_than_it_has_located() =>
        Assert.Equal(1000,
            _rig.Device.Run(FbaRig.Extent(0x40, 0, 0, 9), FbaRig.Locate(FbaRig.Read, 5, 0), Step.R(0x42, 1000).WithSli()).Ok().Data[0].Length);

    [Fact]
    public void After_an_error_of_the_channel_whole_blocks_alone_are_written()
    {
        byte[] before = FbaRig.Bytes(4 * 512, 5), wanted = FbaRig.Bytes(4 * 512, 6);
        _rig.Put(0, before);
        _rig.Device.BeginProgram(0);
        foreach (Step step in (Step[])[FbaRig.Extent(0, 0, 0, 3), FbaRig.Locate(FbaRig.Write, 4, 0)])
            Assert.Equal(Outcome.Good, _rig.Device.Execute(step.Code, new FakeTransfer(step)));
        _rig.Device.Execute(0x41, new FakeTransfer(Step.W(0x41, wanted)) { BreakAfter = 1200 });
        _rig.Device.EndProgram(Outcome.Good);
        Assert.Equal((byte[])[.. wanted[..1024], .. before[1024..]], _rig.Get(0, 4));
    }

    public static TheoryData<string, byte[], byte, byte> WrongExtents => new()
    {
        { "reserved bits of the mask", Bytes(0x20, 0, 0, 9), 0x80, 0 },
        { "reserved bits of the mask", Bytes(0x01, 0, 0, 9), 0x80, 0 },
        { "a CE area", Bytes(0x08, 0, 0, 9), 0x80, 0 },
        { "another block size", Bytes(0, 0, 0, 9, 1024), 0x80, 0 },
        { "an end before its beginning", Bytes(0, 0, 9, 8), 0x80, 0 },
        { "a beginning behind the disk", Bytes(0, 1000, 0, 0), 0, 0x04 },
        { "an end behind the disk", Bytes(0, 999, 0, 1), 0, 0x04 },
        { "the largest of all", Bytes(0, uint.MaxValue, 0, uint.MaxValue), 0, 0x04 },
        { "the largest of all", Bytes(0, 1, 0, uint.MaxValue), 0, 0x04 },
        { "too few bytes", Bytes(0, 0, 0, 9)[..15], 0x80, 0 },
    };

    [Theory]
    [MemberData(nameof(WrongExtents))]
    public void A_wrong_extent_is_refused(string what, byte[] extent, byte sense0, byte sense1)
    {
        Assert.NotEmpty(what);
        _rig.Device.Run(Step.W(0x63, extent)).Refused(sense0, sense1, 0);
    }

    [Fact]
    public void Other_extents_are_taken()
    {
        _rig.Device.Run(FbaRig.Extent(0x84, 0, 0, 999)).Ok();
        _rig.Device.Run(FbaRig.Extent(0xC4, 999, uint.MaxValue, uint.MaxValue)).Ok();
        _rig.Device.Run(FbaRig.Extent(0, 0, 0, 0, blockSize: 0)).Ok();
    }

    public static TheoryData<byte, byte, int, uint, byte, byte, byte> WrongLocates => new()
    {
        { 0xC0, 0, 1, 10, 0, 0x80, 0 },                                // no operation
        { 0xC0, 3, 1, 10, 0, 0x80, 0 },
        { 0xC0, 0x16, 1, 10, 0, 0x80, 0 },                             // reserved bits
        { 0xC0, FbaRig.Read, 0, 10, 0, 0x80, 0 },                      // no block
        { 0xC0, FbaRig.Read, 1, 9, 0, 0, 0x04 },                       // before, behind and over the extent's end
        { 0xC0, FbaRig.Read, 1, 20, 0, 0, 0x04 },
        { 0xC0, FbaRig.Read, 11, 10, 0, 0, 0x04 },
        { 0xC0, FbaRig.Read, 65_535, 19, 0, 0, 0x04 },
        { 0xC0, FbaRig.Read, 1, uint.MaxValue, 0, 0, 0x04 },
        { 0xC0, FbaRig.Replicated, 2, 10, 0, 0x80, 0 },                // no replication, and one that is no multiple
        { 0xC0, FbaRig.Replicated, 2, 10, 3, 0x80, 0 },
        { 0x40, FbaRig.Write, 1, 10, 0, 0x80, 0 },                     // what the mask does not allow
        { 0x40, FbaRig.Verify, 1, 10, 0, 0x80, 0 },
        { 0x00, FbaRig.Format, 1, 10, 0, 0x80, 0 },
        { 0x80, FbaRig.Format, 1, 10, 0, 0x80, 0 },
        { 0x40, FbaRig.Format, 1, 10, 0, 0x80, 0 },
    };

    [Theory]
    [MemberData(nameof(WrongLocates))]
    public void A_wrong_locate_is_refused(byte mask, byte operation, int count, uint block, byte replication, byte sense0, byte sense1) =>
        _rig.Device.Run(FbaRig.Extent(mask, 0, 10, 19), FbaRig.Locate(operation, count, block, replication)).Refused(sense0, sense1, 1);

    [Fact]
    public void Too_few_bytes_of_locate_are_refused() =>
        _rig.Device.Run(FbaRig.Extent(0, 0, 0, 9), Step.W(0x43, FbaRig.Locate(FbaRig.Read, 1, 0).Out[..7])).Refused(0x80, 0, 1);

    [Fact]
    public void There_is_nothing_to_format_where_the_mask_allows_it()
    {
        byte[] bytes = FbaRig.Bytes(512, 1);
        _rig.Put(0, bytes).Device.Run(FbaRig.Extent(0xC0, 0, 0, 9), FbaRig.Locate(FbaRig.Format, 1, 0)).Ok();
        _rig.Device.Run(FbaRig.Extent(0xC0, 0, 0, 9), FbaRig.Locate(FbaRig.Format, 1, 0), Step.W(0x41, new byte[512])).Refused(0x80, 0, 2);
        Assert.Equal(bytes, _rig.Get(0));
    }

    public static TheoryData<string> WrongOrders =>
    [
        "locate", "read", "write", "extent extent", "extent ipl", "ipl extent", "ipl ipl", "extent release", "extent read", "extent write",
        "extent find nop read", "extent find read read", "extent find write", "extent seek read", "extent seek write write", "extent find ipl",
        "nop reserve", "nop steal", "extent reserve",
    ];

    [Theory]
    [MemberData(nameof(WrongOrders))]
    public void A_command_out_of_place_is_refused(string program)
    {
        Step[] steps = [.. program.Split(' ').Select(word => word switch
        {
            "extent" => FbaRig.Extent(0, 0, 0, 9),
            "locate" or "find" => FbaRig.Locate(FbaRig.Read, 1, 0),
            "seek" => FbaRig.Locate(FbaRig.Write, 1, 0),
            "read" => Step.R(0x42, 512),
            "write" => Step.Sized(0x41, 512, 1),
            "ipl" => Step.R(0x02, 512),
            "release" => Step.R(0x94, 24),
            "reserve" => Step.R(0xB4, 24),
            "steal" => Step.R(0x14, 24),
            _ => Step.Nop,
        })];
        _rig.Device.Run(steps).Refused(0x80, 0, steps.Length - 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_read_only_disk_inhibits_writes_and_no_more(bool device)
    {
        using FbaRig rig = device ? new FbaRig(readOnly: true)
            : new FbaRig(store: new MemoryBlockStore(new BlockGeometry(512, 100), isReadOnly: true));
        foreach (byte operation in (byte[])[FbaRig.Write, FbaRig.Verify, FbaRig.Format])
            rig.Device.Run(FbaRig.Extent(0xC0, 0, 0, 9), FbaRig.Locate(operation, 1, 0)).Refused(0x80, 0x02, 1);
        Assert.Equal(new byte[1024], rig.Get(0, 2));
        Assert.Contains(rig.Device.Describe(), fact => fact is { Key: "access", Value: "read-only" });
    }

    [Fact]
    public void Nothing_of_a_program_is_left_for_the_next()
    {
        _rig.Device.Run(FbaRig.Extent(0, 0, 0, 9), FbaRig.Locate(FbaRig.Read, 1, 0)).Ok();
        _rig.Device.Run(Step.R(0x42, 512)).Refused(0x80, 0, 0);
        _rig.Device.Run(FbaRig.Locate(FbaRig.Read, 1, 0)).Refused(0x80, 0, 0);
    }

    [Fact]
    public void Reads_and_writes_allocate_nothing()
    {
        byte[] bytes = FbaRig.Bytes(8 * 512, 1);
        FakeTransfer[] Transfers(Step step) => [.. Enumerable.Range(0, 16).Select(_ => new FakeTransfer(step))];
        FakeTransfer[] extents = Transfers(FbaRig.Extent(0, 0, 0, 9)), locates = Transfers(FbaRig.Locate(FbaRig.Write, 8, 0)),
            writes = Transfers(Step.W(0x41, bytes));
        int run = 0;
        bool good = true;
        void Write()
        {
            _rig.Device.BeginProgram(0);
            _rig.Device.Execute(0x63, extents[run]);
            _rig.Device.Execute(0x43, locates[run]);
            good &= _rig.Device.Execute(0x41, writes[run++]) == Outcome.Good;
            _rig.Device.EndProgram(Outcome.Good);
        }
        Write();
        Write();
        Assert.Equal(0, Allocations.Least(Write));
        Assert.True(good);
    }

    private static byte[] Bytes(byte mask, uint locator, uint first, uint last, ushort blockSize = 512) =>
        FbaRig.Extent(mask, locator, first, last, blockSize).Out;
}
