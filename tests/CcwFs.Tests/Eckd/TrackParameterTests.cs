using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Eckd;

/// <summary>
/// Parameters of PREFIX and LOCATE RECORD EXTENDED that are refused, one row a case; and the way of a whole track through the channel.
/// </summary>
public sealed class TrackParameterTests
{
    private static readonly byte[] _locate = TrackSteps.LocateBytes(0x0C, 1, 1, 0);
    private static readonly byte[] _full = TrackSteps.LocateBytes(0x3F, 1, 1, 0, extended: 0x11, set: 0x8000);
    private static readonly byte[] _write = TrackSteps.LocateBytes(0x3F, 1, 1, 0, 64, 0x23);

    private static readonly Dictionary<string, (Step Step, byte Sense0, byte Sense1, byte Sense7)> _cases = new()
    {
        ["format 2"] = (Head(0, 2), 0x80, 0, 0x04),
        ["a reserved validity bit"] = (Head(1, 0x81), 0x80, 0, 0x04),
        ["format 1 without an extent"] = (Head(1, 0), 0x80, 0, 0x04),
        ["another base device"] = (Head(2, 0x51, 0xA0), 0x80, 0, 0x04),
        ["another base subsystem"] = (Head(4, 0x02, 0xA0), 0x80, 0, 0x04),
        ["an alias of another base device"] = (Head(2, 0x51, 0x90), 0x80, 0, 0x04),
        ["a reserved byte"] = (Head(11, 1), 0x80, 0, 0x04),
        ["an extent behind the volume"] = (TrackSteps.Prefix(0x40, 0, 150, _locate), 0x80, 0, 0x04),
        ["a bad mask"] = (TrackSteps.Prefix(0x20, 0, 2, _locate), 0x80, 0, 0x04),
        ["63 bytes"] = (Short(TrackSteps.Prefix(0x40, 0, 2, _locate), 63), 0x80, 0, 0x03),
        ["11 bytes"] = (Short(TrackSteps.Prefix(0x40, 0, 2, _locate), 11), 0x80, 0, 0x03),
        ["65 bytes where parameters follow"] = (Short(TrackSteps.Prefix(0xC0, 0, 2, _full), 65), 0x80, 0, 0x03),
        ["a track outside the extent"] = (TrackSteps.Prefix(0x40, 0, 0, _locate), 0, 0x04, 0),
        ["an unknown operation"] = (With(_locate, 0, 0x0D), 0x80, 0, 0x04),
        ["read tracks from data"] = (With(_locate, 0, 0x8C), 0x80, 0, 0x04),
        ["read tracks from index"] = (With(_locate, 0, 0xCC), 0x80, 0, 0x04),
        ["write track data from home address"] = (With(_write, 0, 0x7F), 0x80, 0, 0x04),
        ["no track"] = (With(_locate, 3, 0), 0x80, 0, 0x04),
        ["an imbedded command"] = (With(_locate, 1, 0x20), 0x80, 0, 0x04),
        ["an imbedded command that is not announced"] = (With(_locate, 2, 0xA6), 0x80, 0, 0x04),
        ["check bytes"] = (With(_locate, 1, 0x08), 0x80, 0, 0x04),
        ["an imbedded count"] = (With(_locate, 1, 0x04), 0x80, 0, 0x04),
        ["an imbedded count that is not announced"] = (With(_locate, 16, 1), 0x80, 0, 0x04),
        ["the reserved auxiliary bit"] = (With(_locate, 1, 0x02), 0x80, 0, 0x04),
        ["a read count behind tracks"] = (With(_locate, 1, 0x01), 0x80, 0, 0x04),
        ["length valid and none"] = (With(_locate, 1, 0x80), 0x80, 0, 0x04),
        ["a length that is not announced"] = (With(_locate, 15, 1), 0x80, 0, 0x04),
        ["sector 224"] = (With(_locate, 13, 224), 0x80, 0, 0x04),
        ["an extended operation of an ordinary one"] = (With(_locate, 17, 0x23), 0x80, 0, 0x04),
        ["parameters of an ordinary operation"] = (With(_locate, 19, 1), 0x80, 0, 0x04),
        ["an unknown extended operation"] = (With(_write, 17, 0x24), 0x80, 0, 0x04),
        ["parameters of write track data"] = (With(_write, 18, 0xFF), 0x80, 0, 0x04),
        ["write track data without a length"] = (TrackSteps.Prefix(0x80, 0, 2, TrackSteps.LocateBytes(0x3F, 1, 1, 0, extended: 0x23)), 0x80, 0, 0x04),
        ["more than a block"] = (TrackSteps.Prefix(0x80, 0, 2, _write, 63), 0x80, 0, 0x04),
        ["a bit map of no bytes"] = (With(_full, 19, 0), 0x80, 0, 0x04),
        ["a bit map of three bytes"] = (With(_full, 19, 3), 0x80, 0, 0x04),
        ["a bit map without the located track"] = (With(_full, 20, 0x40), 0x80, 0, 0x04),
        ["a bit map of two for one track"] = (With(_full, 20, 0xC0), 0x80, 0, 0x04),
        ["a bit map of one for two tracks"] = (With(_full, 3, 2), 0x80, 0, 0x04),
        ["a record that is not there"] = (With(_locate, 12, 9), 0, 0x08, 0),
    };

    public static TheoryData<string> Names() => [.. _cases.Keys];

    private static Step Head(int index, byte value, byte validity = 0x80)
    {
        Step step = TrackSteps.Prefix(0x40, 0, 2, _locate, validity: validity);
        step.Out[index] = value;
        return step;
    }

    private static Step With(byte[] locate, int index, byte value)
    {
        byte[] changed = [.. locate];
        changed[index] = value;
        return TrackSteps.Prefix(0xC0, 0, 2, changed);
    }

    private static Step Short(Step step, int length) => step with { Out = step.Out[..length] };

    [Theory]
    [MemberData(nameof(Names))]
    public void PREFIX_refuses(string name)
    {
        using var rig = new Rig();
        (Step step, byte sense0, byte sense1, byte sense7) = _cases[name];
        rig.Device.Run(step).Fails(sense0, sense1, sense7, 0);
    }

    [Theory]
    [InlineData(0xA0)]
    [InlineData(0xF0)]
    public void PREFIX_takes_its_own_address_as_base_and_a_time_stamp(byte validity)
    {
        using Rig rig = new Rig().Formatted(1, 2, 64);
        rig.Device.Run(TrackSteps.Prefix(0x40, 1, 1, _locate, validity: validity), Step.R(0xA6, 128)).Ok();
    }

    [Fact]
    public void The_minimal_profile_locates_no_tracks()
    {
        using var rig = new Rig(profile: EckdProfile.Minimal);
        rig.Device.Run(Step.Extent(0x40, 0, 1), Step.Locate(0x0C, 1, 0, 0)).Fails(0x80, 0, 0x04, 1);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(2048)]
    public void A_whole_track_goes_through_scattered_IDAWs(int block)
    {
        const uint Head = 0x1000, Parameters = 0x2000, List = 0x3000, Pages = 0x1_0000;
        const int Room = 57_326;
        using var rig = new Rig();
        rig.Filled(1, 12, 4096);
        byte[] track = rig.Device.Run(TrackSteps.ReadTracks(1, 1), Step.R(0xDE, Room).WithSli()).Ok().Data[0];
        using var machine = new Machine(rig.Device);
        uint control = Machine.Orb64 | (block == 2048 ? OrbControl.TwoKIdaws : 0);
        int blocks = (Room + block - 1) / block;
        for (int i = 0; i < blocks; i++)
            BinaryPrimitives.WriteUInt64BigEndian(machine.Memory.AsSpan((int)List + (8 * i)), Pages + (ulong)((blocks - i) * 2 * block));

        Irb irb = Run(TrackSteps.ReadTracks(1, 1), 0xDE);
        Assert.Equal((ushort)(Room - track.Length), irb.Scsw.Residual);
        Assert.Equal(track, Gather()[..track.Length]);
        Run(TrackSteps.WriteTracks(20, 20), 0x95);
        Assert.Equal(track, rig.Device.Run(TrackSteps.ReadTracks(20, 20), Step.R(0xDE, Room).WithSli()).Ok().Data[0]);

        Irb Run(Step prefix, byte command)
        {
            prefix.Out.CopyTo(machine.Memory, (int)Parameters);
            new Ccw(0xE7, CcwFlags.ChainCommand, (ushort)prefix.Out.Length, Parameters).WriteFormat1(machine.Memory.AsSpan((int)Head));
            new Ccw(command, CcwFlags.IndirectData | CcwFlags.SuppressLength, Room, List).WriteFormat1(machine.Memory.AsSpan((int)Head + Ccw.Size));
            Irb result = machine.Run(Head, control);
            Assert.Equal((DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd, SubchannelStatus.None), (result.Scsw.Device, result.Scsw.Subchannel));
            return result;
        }

        byte[] Gather() =>
            [.. Enumerable.Range(0, blocks).SelectMany(i => machine.Memory.AsSpan((int)Pages + ((blocks - i) * 2 * block), block).ToArray())];
    }
}
