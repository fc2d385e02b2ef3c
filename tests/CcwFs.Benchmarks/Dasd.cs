using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Benchmarks;

/// <summary>A 3390 with a CDL volume of 4 KiB blocks behind a whole device, without a mount; its programs are in a <see cref="Guest"/>.</summary>
internal sealed class Dasd : IDisposable
{
    /// <summary>Blocks of 4 KiB on a track.</summary>
    internal const int BlocksATrack = 12;

    private const int FirstTrack = 15, Tracks = 600; // more than the volume's cache holds

    private readonly Guest _guest;
    private readonly ChannelExecutor _executor = new();
    private readonly VfioCcwDevice _device;
    private readonly byte[] _io = new byte[RegionLayout.IoSize];

    internal Dasd(Guest guest, string image, bool readOnly)
        : this(guest, CkdImage.Open(image, readOnly))
    {
    }

    /// <summary><paramref name="layer"/>: what is put around the subchannel; null: nothing.</summary>
    internal Dasd(Guest guest, ITrackStore store, Func<ISubchannel, ISubchannel>? layer = null)
    {
        _guest = guest;
        var number = new DeviceId(0, 0, 0x150);
        var eckd = new EckdDevice(new EckdVolume(store), new EckdOptions(number));
        var subchannel = new EmulatedSubchannel(new SubchannelId(0, 0, 0), number, [0x40], eckd, _executor);
        _device = new VfioCcwDevice(layer is null ? subchannel : layer(subchannel), new AddressSpace(guest.Space), NullLogger.Instance);
    }

    public void Dispose()
    {
        _device.Dispose();
        _executor.Dispose();
    }

    /// <summary>
    /// Runs the program once for every so many tracks of the volume; <paramref name="prepare"/> is told the first. Gives the number of programs.
    /// </summary>
    internal int Sweep(int tracks, Action<int> prepare)
    {
        int programs = 0;
        for (int track = FirstTrack; track + tracks <= FirstTrack + Tracks; track += tracks, programs++)
        {
            prepare(track);
            RunOne();
        }
        return programs;
    }

    /// <summary>Writes a track's address, CCHH.</summary>
    internal static void Address(Span<byte> at, int track)
    {
        BinaryPrimitives.WriteUInt16BigEndian(at, (ushort)(track / 15));
        BinaryPrimitives.WriteUInt16BigEndian(at[2..], (ushort)(track % 15));
    }

    /// <summary>Runs the program once, to its end.</summary>
    internal void RunOne()
    {
        _io.AsSpan().Clear();
        _guest.Orb.Write(_io);
        Scsw.Build(0, FunctionControl.Start, 0, 0, 0, 0, 0, 0).Write(_io.AsSpan(RegionLayout.ScswOffset));
        if (_device.WriteRegion(RegionIndex.Io, 0, _io) != _io.Length)
            throw new InvalidOperationException("the program was not started");
        _device.GoOn(WorkThread.Caller);
        var scsw = default(Scsw);
        while ((scsw.StatusControl & StatusControl.Secondary) == 0)
        {
            _device.ReadRegion(RegionIndex.Io, 0, _io); // a long program goes on with the executor
            scsw = Scsw.Read(_io.AsSpan(RegionLayout.IrbOffset));
        }
        if (scsw.Device != (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd) || scsw.Subchannel != 0)
            throw new InvalidOperationException($"the program ended with {scsw}");
    }
}
