using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.Fuzz;

/// <summary>
/// A 9336 as its manuals describe it, over an array of bytes, not made from the code of the device: what each command answers, and what the disk
/// holds then. Several devices share the disk.
/// </summary>
/// <param name="file">The bytes of the file; those after the disk's are nobody's.</param>
/// <param name="blockSize">Bytes of a block.</param>
/// <param name="blocks">Blocks of the disk.</param>
/// <param name="isReadOnly">By device: it refuses writes.</param>
internal sealed class FbaModel(byte[] file, int blockSize, uint blocks, bool[] isReadOnly)
{
    /// <summary>Sense: bytes 0 and 1; all others are zero.</summary>
    internal const string Reject = "80 00", WriteInhibited = "80 02", FileProtected = "00 04", Terminated = "10 00";

    private const byte InhibitWrites = 0x40, AllowAll = 0xC0;
    private readonly bool[] _hasLost = new bool[isReadOnly.Length]; // its reserve was taken away, and nobody has told it
    private int? _reservedBy;

    // Of the running program.
    private int _device;
    private bool _started;
    private (byte Mask, long Locator, long First, long Last)? _extent;
    private (long Block, int Count, bool Writes)? _located;

    /// <summary>The bytes.</summary>
    internal byte[] File => file;

    /// <summary>Runs a program of a device.</summary>
    internal ModelAnswer Run(int device, IReadOnlyList<ModelStep> steps)
    {
        (_device, _started, _extent, _located) = (device, false, null, null);
        return ModelChannel.Run(steps, Execute, static (status, sense) => (status, sense));
    }

    /// <summary>A system reset of a device: its reserve ends.</summary>
    internal void Reset(int device)
    {
        _hasLost[device] = false;
        _reservedBy = _reservedBy == device ? null : _reservedBy;
    }

    private (DeviceStatus Status, string Sense) Execute(byte code, ModelData data)
    {
        bool passesReserve = code is 0xE4 or 0x04 or 0x14;
        if (!passesReserve && _hasLost[_device])
        {
            _hasLost[_device] = false;
            return Check(Terminated);
        }
        if (!passesReserve && !_started && _reservedBy is { } holder && holder != _device)
            return (DeviceStatus.Busy, "");
        if (!MayStandHere(code))
            return Check(Reject);
        _started = true;
        (long Block, int Count, bool Writes)? located = _located;
        _located = null;
        string sense = code switch
        {
            0x63 => DefineExtent(data),
            0x43 => Locate(data),
            0x41 => Write(located!.Value, data),
            _ => Send(code, located, data),
        };
        return sense.Length > 0 ? Check(sense) : (ModelChannel.Good, "");
    }

    private bool MayStandHere(byte code) => code switch
    {
        0x03 or 0x04 or 0xE4 or 0x64 or 0xA4 => true,
        0x14 or 0xB4 => !_started,
        0x02 or 0x63 or 0x94 => _extent is null,
        0x43 => _extent is not null,
        0x42 => _located is { Writes: false },
        0x41 => _located is { Writes: true },
        _ => false,
    };

    /// <summary>Commands that send; what the disk is to the program, and whose it is, follows.</summary>
    private string Send(byte code, (long Block, int Count, bool Writes)? located, ModelData data)
    {
        switch (code)
        {
            case 0x03:
                return "";
            case 0x42:
                data.Send(Blocks(located!.Value.Block, located.Value.Count).ToArray());
                return "";
            case 0x02:
                _extent = (InhibitWrites, 0, 0, blocks - 1);
                data.Send(Blocks(0, 1).ToArray());
                return "";
            case 0xE4:
                data.Send([0xFF, 0x63, 0x10, 0x01, 0x93, 0x36, 0x10]);
                return "";
            case 0x64:
                data.Send(Characteristics());
                return "";
            case 0x14 when _reservedBy is { } holder && holder != _device:
                (_hasLost[holder], _hasLost[_device], _reservedBy) = (true, false, _device);
                break;
            case 0x14 or 0xB4:
                (_hasLost[_device], _reservedBy) = (false, _device);
                break;
            case 0x94:
                _reservedBy = _reservedBy == _device ? null : _reservedBy;
                break;
        }
        data.Send(new byte[24]); // of sense, and of the log: nothing is wrong
        return "";
    }

    private string DefineExtent(ModelData data)
    {
        byte[] bytes = data.Take(16);
        if (bytes.Length < 16)
            return Reject;
        (byte mask, int size) = (bytes[0], BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(2)));
        (long locator, long first, long last) = (Number(bytes, 4), Number(bytes, 8), Number(bytes, 12));
        if ((mask & 0x3B) != 0 || bytes[1] != 0 || (size != 0 && size != blockSize) || last < first)
            return Reject;
        if (locator + (last - first) >= blocks)
            return FileProtected;
        _extent = (mask, locator, first, last);
        return "";
    }

    private string Locate(ModelData data)
    {
        byte[] bytes = data.Take(8);
        if (bytes.Length < 8)
            return Reject;
        (byte mask, long locator, long first, long last) = _extent!.Value;
        (byte operation, int copies, int count, long block) = (bytes[0], bytes[1], (bytes[2] << 8) | bytes[3], Number(bytes, 4));
        bool writes = operation is 1 or 5, formats = operation == 4;
        if (operation is not (1 or 2 or 4 or 5 or 6) || count == 0 || (operation == 2 && (copies == 0 || copies % count != 0)))
            return Reject;
        if ((writes || formats) && isReadOnly[_device])
            return WriteInhibited;
        if ((writes && (mask & 0xC0) == InhibitWrites) || (formats && (mask & 0xC0) != AllowAll))
            return Reject;
        if (block < first || block + count - 1 > last)
            return FileProtected;
        _located = formats ? null : (locator + block - first, count, writes);
        return "";
    }

    /// <summary>What does not come is zeros; after an error of the channel what did not come whole is not written.</summary>
    private string Write((long Block, int Count, bool Writes) located, ModelData data)
    {
        Span<byte> place = Blocks(located.Block, located.Count);
        byte[] bytes = data.Take(place.Length);
        if (!data.IsGood)
        {
            int whole = bytes.Length / blockSize * blockSize;
            bytes.AsSpan(0, whole).CopyTo(place);
            return "";
        }
        bytes.CopyTo(place);
        place[bytes.Length..].Clear();
        return "";
    }

    private byte[] Characteristics()
    {
        byte[] bytes = new byte[32];
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (0x30, 0x08, 0x21, 0x11);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)blockSize);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(6), 111);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(10), 777);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(14), blocks);
        return bytes;
    }

    private Span<byte> Blocks(long block, int count) => file.AsSpan((int)(block * blockSize), count * blockSize);

    private static (DeviceStatus Status, string Sense) Check(string sense) => (ModelChannel.Good | DeviceStatus.UnitCheck, sense);

    private static long Number(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));
}
