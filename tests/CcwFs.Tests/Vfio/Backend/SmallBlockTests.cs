using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Memory;
using CcwFs.Tests.Eckd;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>A kernel that takes no IDAWs of 2K blocks (before Linux 6.3) is given 4K blocks, where that is the same.</summary>
public sealed class SmallBlockTests : IDisposable
{
    private const uint Format1Idaws = OrbControl.Format1 | OrbControl.Prefetch | 0x8000;
    private readonly LogLines _log = new();
    private readonly BackendRig _rig;

    public SmallBlockTests() => _rig = new BackendRig(logger: _log);

    private FakeKernel Kernel => _rig.Kernel;

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(0x2100, 0x1800, "2100 3000")]      // half a block, then a whole one
    [InlineData(0x2900, 0x1800, "2900 3000 4000")] // the second half first
    [InlineData(0x2000, 0x0001, "2000")]
    public void Data_at_an_address_is_given_in_4K_blocks(uint address, int count, string blocks)
    {
        _rig.Ccws(0x1000, 0x0260_0000_0000_0000 | ((ulong)count << 32) | address, 0x0320_0001_0000_0000);
        RefusesSmallBlocks();
        Assert.Equal(124, _rig.Start(control: Format1Idaws));
        Assert.Equal(OrbControl.Format2Idaws, Orb.Read(Kernel.Io).Control & (OrbControl.Format2Idaws | OrbControl.TwoKIdaws));
        ulong[] expected = [.. blocks.Split(' ').Select(b => BackendRig.GuestBase + Convert.ToUInt64(b, 16))];
        Assert.Equal(expected, Idaws(expected.Length));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void Once_known_it_is_not_asked_again()
    {
        _rig.Ccws(0x1000, 0x0220_1000_0000_2000);
        RefusesSmallBlocks();
        Assert.Equal(124, _rig.Start(control: Format1Idaws));
        Kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        _rig.Await(_rig.Device.IoInterrupt);
        Kernel.Log.Clear();
        Assert.Equal(124, _rig.Start(control: Format1Idaws));
        Assert.Single(Kernel.Log);
    }

    [Fact]
    public void Blocks_of_a_list_that_lie_side_by_side_are_joined()
    {
        List(0x2800, 0x3000, 0x3800, 0x9000);
        RefusesSmallBlocks();
        Assert.Equal(124, _rig.Start(control: Format1Idaws));
        Assert.Equal([BackendRig.GuestBase + 0x2800, BackendRig.GuestBase + 0x3000, BackendRig.GuestBase + 0x9000], Idaws(3));
    }

    [Theory]
    [InlineData(0x2000, 0x4000, 0x4800, 0x5000)] // the second half is not there
    [InlineData(0x2800, 0x4800, 0x5000, 0x5800)] // a first half is not
    [InlineData(0x2000, 0x2800, 0x3000, 0x4800)]
    public void Others_are_refused_and_a_line_says_what_to_use(uint a, uint b, uint c, uint d)
    {
        List(a, b, c, d);
        RefusesSmallBlocks();
        Assert.Equal(-(int)Errno.EOPNOTSUPP, _rig.Start(control: Format1Idaws));
        Assert.Equal(-(int)Errno.EOPNOTSUPP, _rig.Start(control: Format1Idaws));
        Assert.Contains("use format-2 IDAWs of 4K (ORB H on, T off)", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Requests_that_the_kernel_refuses_do_not_fill_the_log()
    {
        const int Requests = 25, Lines = 10;
        _rig.Ccws(0x1000, 0x0220_1000_0000_2000);
        for (int i = 0; i < Requests; i++)
        {
            Kernel.Fails["write Io"] = new([-(int)Errno.EDOM]);
            Assert.Equal(-(int)Errno.EIO, _rig.Start());
        }
        Assert.Equal(Lines, _log.Lines.Count);
        _rig.Subchannel.Dispose();
        Assert.EndsWith($"{Requests - Lines} more lines about what the kernel refuses were left out", _log.Lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Errno.EINVAL)]
    [InlineData(Errno.E2BIG)]
    public void A_kernel_that_takes_fewer_chains_is_named_when_it_refuses(Errno refusal)
    {
        const int Chains = 17;
        for (uint i = 0; i < Chains; i++)
            _rig.Ccws(0x1000 + (i * 0x100), 0x0340_0000_0000_0000, 0x0800_0000_0000_0000 | (0x1100UL + (i * 0x100)));
        _rig.Ccws(0x1000 + (Chains * 0x100), 0x0300_0000_0000_0000);
        Kernel.Fails["write Io"] = new([-(int)refusal]);
        Assert.Equal(-(int)Errno.EINVAL, _rig.Start());
        Assert.Contains($"TICs link {Chains + 1} chains; kernels from 2026 on take at most 16", Assert.Single(_log.Lines), StringComparison.Ordinal);
        Assert.Equal(124, _rig.Start());
    }

    [Fact]
    public void A_program_of_4K_blocks_that_is_not_supported_is_just_that()
    {
        _rig.Ccws(0x1000, 0x0220_1000_0000_2000);
        Kernel.Fails["write Io"] = new([-(int)Errno.EOPNOTSUPP]);
        Assert.Equal(-(int)Errno.EOPNOTSUPP, _rig.Start());
        Assert.Empty(_log.Lines);
    }

    private void RefusesSmallBlocks() => Kernel.Judge = orb => (orb.Control & OrbControl.TwoKIdaws) != 0 ? -(int)Errno.EOPNOTSUPP : 0;

    /// <summary>A CCW with a format-1 list: READ of 8 KiB.</summary>
    private void List(params uint[] blocks)
    {
        _rig.Ccws(0x1000, 0x0224_2000_0000_8000);
        byte[] list = new byte[4 * blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(list.AsSpan(4 * i), blocks[i]);
        _rig.Memory.Write(0x8000, list);
    }

    private ulong[] Idaws(int count)
    {
        uint list = Ccw.ReadFormat1(Kernel.Memory(HostArena.Base, Ccw.Size)).DataAddress;
        return [.. Enumerable.Range(0, count).Select(i => BinaryPrimitives.ReadUInt64BigEndian(Kernel.Memory(list + (uint)(i * 8), 8)))];
    }
}
