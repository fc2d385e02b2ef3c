using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Tests.Eckd;

/// <summary>Programs of random commands, half of them with sensible parameters, from two devices in turn on one volume.</summary>
public sealed class HostileProgramTests
{
    private const int Commands = 40_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void No_program_breaks_the_device_or_leaves_a_track_that_cannot_be_read(int seed)
    {
        var random = new Random(seed);
        using Rig rig = new Rig(2, profile: EckdProfile.Full).Formatted(0, 3, 64, 4).Formatted(1, 12, 512).Formatted(16, 2, 4096);
        using EckdDevice other = rig.Add(0x0151);
        EckdDevice[] devices = [rig.Device, other];
        byte[] sense = new byte[32];
        int succeeded = 0;
        foreach (EckdDevice device in devices)
            device.BeginProgram(0);
        for (int i = 0; i < Commands; i++)
        {
            EckdDevice device = devices[random.Next(2)];
            Step step = RandomStep(random);
            var transfer = new FakeTransfer(step) { BreakAfter = random.Next(20) == 0 ? random.Next(64) : int.MaxValue };
            DeviceStatus status = device.Execute(step.Code, transfer);
            succeeded += (status & DeviceStatus.UnitCheck) == 0 ? 1 : 0;
            if (random.Next(6) != 0 && (status & ~DeviceStatus.StatusModifier) == Outcome.Good)
                continue;
            status = random.Next(10) == 0 ? Abandon(device, random) : device.EndProgram(status & ~DeviceStatus.StatusModifier);
            Assert.Equal((status & DeviceStatus.UnitCheck) != 0 ? 32 : 0, device.TakeSense(sense));
            device.BeginProgram(random.Next(8));
        }
        foreach (EckdDevice device in devices)
            device.AbandonProgram(true);
        Assert.InRange(succeeded, Commands / 10, Commands);
        var track = new CkdTrack(rig.Store.Geometry);
        for (int number = 0; number < rig.Store.Geometry.Tracks; number++)
            Assert.Null(track.Load(rig.Store, number));
        Assert.DoesNotContain(rig.Log.Lines, l => l.Contains("damaged", StringComparison.Ordinal));
    }

    private static DeviceStatus Abandon(EckdDevice device, Random random)
    {
        device.AbandonProgram(random.Next(2) == 0);
        device.TakeSense(new byte[32]);
        return DeviceStatus.None;
    }

    private static Step RandomStep(Random random)
    {
        int track = random.Next(20), record = random.Next(4);
        byte[] noise = new byte[random.Next(80)];
        random.NextBytes(noise);
        return random.Next(18) switch
        {
            0 => Step.Seek(track / 15, track % 15),
            1 => Step.Extent((byte)random.Next(256), 0, track),
            2 => Step.Extent(0xC0, 0, 29),
            3 => Step.Locate((byte)(random.Next(4) << 6 | new[] { 0, 1, 3, 6, 0x0B, 0x16 }[random.Next(6)]), random.Next(4), track, record),
            4 => Step.SearchId(track / 15, track % 15, record),
            5 => Step.W(0x39, 0, (byte)(track / 15), 0, (byte)(track % 15)),
            6 => Step.W(0x1D, [.. Step.Count(track / 15, track % 15, record, random.Next(4), random.Next(3000)), .. noise]),
            7 => Step.W(0x9D, [.. Step.Count(track / 15, track % 15, record, random.Next(256), random.Next(65536)), .. noise]),
            8 => Step.W(0x15, [.. Step.Count(track / 15, track % 15, 0, 0, random.Next(60)), .. noise]),
            9 => Step.R((byte)(0x06 | random.Next(4) << 3 | random.Next(2) << 7), random.Next(600)),
            10 => Step.W((byte)(random.Next(2) == 0 ? 0x85 : 0x8D), noise),
            11 => Step.W((byte)(random.Next(2) == 0 ? 0x05 : 0x0D), noise),
            12 => Step.W((byte)random.Next(256), noise),
            13 => TrackSteps.Random(random, track, record),
            14 => Step.R((byte)(random.Next(3) switch { 0 => 0xA6, 1 => 0xDE, _ => 0x5E }), random.Next(60_000)),
            15 => Step.W(0xA5, new byte[random.Next(8) * 512]),
            16 => Step.W(0x95,
                [.. Step.Count(0, 0, 0, 0, 8), .. new byte[8], .. Step.Count(9, 9, 1, random.Next(2), random.Next(70)), .. noise,
                .. TrackSteps.EndMark]),
            _ => Step.R((byte)random.Next(256), random.Next(1000)),
        };
    }
}
