using System.Text.Json;
using CcwFs.Subchannel;
using CcwFs.Tests.Vfio;
using CcwFs.Tests.Vfio.Backend;
using CcwFs.Vfio;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Subchannel;

/// <summary>The ways to the regions.</summary>
public enum RegionDoor
{
    /// <summary>Their files.</summary>
    Files,

    /// <summary>The device file.</summary>
    DeviceFile,

    /// <summary>The files of a second ccwfs, whose real device is the device file of the first.</summary>
    Backend,
}

/// <content>The way to the regions: their files, or the device file with the bytes in the order of this host.</content>
internal sealed partial class RegionCase
{
    private readonly RegionDoor _door;
    private readonly DeviceTestClient? _client; // of the device file
    private readonly LoopbackRig? _upper;       // the second ccwfs

    /// <summary>The device whose regions are looked at.</summary>
    private VfioCcwDevice Device => _upper?.Device ?? _machine.Device;

    /// <summary>What the first ccwfs has signalled has come up to the second.</summary>
    private void Settle() => _upper?.Settle();

    private int Write(RegionIndex region, int position, byte[] bytes)
    {
        if (_client is null)
            return _upper?.Write(region, position, bytes) ?? _machine.Write(region, position, bytes);
        (int at, byte[] own) = Translate(region, position, bytes);
        int result = _client.File.Write(((long)region << DeviceClient.OffsetShift) + at, own, out _);
        if (result >= 0 && _machine.Device.HasWork)
        {
            _machine.Device.GoOn(WorkThread.Caller);
            Assert.True(SpinWait.SpinUntil(_machine.HasSettled, Machine.Patience), "the program does not end");
        }
        return result;
    }

    private int Read(RegionIndex region, int position, byte[] bytes)
    {
        if (_client is null)
            return Device.ReadRegion(region, position, bytes);
        (int at, byte[] own) = Translate(region, position, bytes);
        int result = _client.File.Read(((long)region << DeviceClient.OffsetShift) + at, own);
        if (result >= 0)
            Translate(region, at, own).Bytes.CopyTo(bytes, 0); // the permutation is its own inverse
        return result;
    }

    private int Reset() => _client is null ? -(int)Device.Reset() : _client.Ioctl((uint)VfioIoctl.Reset, 0);

    private ulong Take(DeviceInterrupt line) => _client is null ? Machine.Take(Line(line)) : _client.Take(line);

    private ulong Await(DeviceInterrupt line) => _client is null ? _upper?.Await(Line(line)) ?? _machine.Await(Line(line)) : _client.Await(line);

    private InterruptLine Line(DeviceInterrupt line) => line switch
    {
        DeviceInterrupt.Io => Device.IoInterrupt,
        DeviceInterrupt.Crw => Device.CrwInterrupt,
        _ => Device.RequestInterrupt,
    };

    /// <summary>The same bytes as the device file has them; those of an access that is not wholly inside stay as they are.</summary>
    private static (int Position, byte[] Bytes) Translate(RegionIndex region, int position, byte[] bytes)
    {
        ReadOnlySpan<byte> order = RegionByteOrder.Of(region, BitConverter.IsLittleEndian);
        if (bytes.Length == 0 || position < 0 || position + bytes.Length > order.Length)
            return (position, bytes);
        int at = order.Slice(position, bytes.Length).ToArray().Min();
        byte[] translated = new byte[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
            translated[i] = bytes[order[at + i] - position];
        return (at, translated);
    }

    /// <summary>The bytes of an access that are no run in the other order.</summary>
    private string? CutField(JsonElement op)
    {
        if (_client is null || op.GetProperty("op").GetString() is not ("pread" or "pwrite"))
            return null;
        ReadOnlySpan<byte> order =
            RegionByteOrder.Of(Enum.Parse<RegionIndex>(op.GetProperty("region").GetString()!, ignoreCase: true), BitConverter.IsLittleEndian);
        (int position, int length) = ((int)Number(op, "pos"), (int)Number(op, "len"));
        if (length == 0 || position + length > order.Length)
            return null;
        byte[] places = order.Slice(position, length).ToArray();
        return places.Max() - places.Min() + 1 == length ? null : RegionExceptions.CutField;
    }
}
