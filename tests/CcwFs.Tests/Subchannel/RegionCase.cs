using System.Globalization;
using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Vfio;
using CcwFs.Tests.Vfio.Backend;

namespace CcwFs.Tests.Subchannel;

/// <summary>
/// Runs one captured case, on the region files, through the device file of a client, or on the region files of a second ccwfs whose real device that
/// is, and lists what differs. What the driver does not decide is counted by reason in <see cref="LeftOut"/>.
/// </summary>
internal sealed partial class RegionCase : IDisposable
{
    private readonly JsonElement _case;
    private readonly string _name;
    private readonly Machine _machine;
    private readonly GuestBlock _low = new(0x10_0000), _adjacent = new(0x1_0000), _readOnly = new(0x1_0000), _writeOnly = new(0x1_0000),
        _extra = new(0x1_0000);
    private readonly HashSet<int> _volatile = [];
    private readonly IovaMap _map = new();
    private bool _wroteCommand, _afterStart, _unplugged, _ownStatus;

    public RegionCase(JsonElement source, RegionDoor door, bool layered)
    {
        _case = source;
        _name = source.GetProperty("case").GetString()!;
        if (source.TryGetProperty("volatile_ops", out JsonElement indices))
            _volatile.UnionWith(indices.EnumerateArray().Select(i => i.GetInt32()));
        _map.Map(0, 0x10_0000, _low.Store, 0, MemoryRights.ReadWrite);
        _map.Map(0x10_0000, 0x1_0000, _adjacent.Store, 0, MemoryRights.ReadWrite);
        _map.Map(0x20_0000, 0x1_0000, _readOnly.Store, 0, MemoryRights.Read);
        _map.Map(0x30_0000, 0x1_0000, _writeOnly.Store, 0, MemoryRights.Write);
        var device = source.GetProperty("dev").GetString() == "rng" ? new TestDevice() : new TestDevice(0x3832, 0x02);
        foreach (byte write in (ReadOnlySpan<byte>)[0x01, 0x05, 0x31])
            device.Commands[write] = Receive;
        _door = door;
        _machine = new Machine(device, suppressSuspended: true, map: door == RegionDoor.Backend ? null : _map, layered: layered);
        PokeSegments();
        if (door == RegionDoor.Backend)
            _upper = new LoopbackRig(_machine, _map, layered);
        if (door != RegionDoor.DeviceFile)
            return;
        _client = new DeviceTestClient(_machine.Device);
        Assert.True(_machine.Device.Attach(_client.File, new AddressSpace(_map))); // with type1's errnos, as captured
    }

    public List<string> Differences { get; } = [];

    public List<string> LeftOut { get; } = [];

    public int Compared { get; private set; }

    public void Run()
    {
        JsonElement ops = _case.GetProperty("ops");
        int count = ops.GetArrayLength();
        for (int i = 0; i < count; i++)
        {
            if (RegionExceptions.Cause(_name, i) is { } cause)
                Cause(cause);
            JsonElement op = ops[i];
            string kind = op.GetProperty("op").GetString()!;
            if ((RegionExceptions.Reason(_name, i, op, _door) ?? CutField(op)) is { } reason)
            {
                LeftOut.Add(reason);
                if (reason == RegionExceptions.CutField)
                    return; // what follows is about bytes that are not there
                if (op.TryGetProperty("ret", out _)
                    && reason is RegionExceptions.Hardware or RegionExceptions.Positive or RegionExceptions.Defect or RegionExceptions.DeferredCode)
                    Perform(i, kind, op, compare: false);
                continue;
            }
            Perform(i, kind, op, compare: true);
        }
        if (RegionExceptions.EndReason(_name, _door) is { } open)
            LeftOut.Add(open);
        else if (_case.TryGetProperty("end", out JsonElement end) && !RegionExceptions.IsEndOpen(_name, _case))
            CompareEnd(end);
    }

    public void Dispose()
    {
        _client?.Dispose();
        _upper?.Dispose();
        _machine.Dispose();
        foreach (GuestBlock block in (GuestBlock[])[_low, _adjacent, _readOnly, _writeOnly, _extra])
            block.Dispose();
    }

    private static DeviceStatus Receive(Emulation.Channel.IDataTransfer data)
    {
        Span<byte> buffer = stackalloc byte[256];
        data.ReceiveAvailable(buffer);
        return TestDevice.Good;
    }

    /// <summary>Programs that the capture built itself and only names.</summary>
    private void PokeSegments()
    {
        int segments = _name.StartsWith("deep.tic_segments_", StringComparison.Ordinal)
            ? int.Parse(_name.AsSpan("deep.tic_segments_".Length), CultureInfo.InvariantCulture)
            : _name == "chain.many_tic_segments_600" ? 20 : 0;
        for (int i = 0; i < segments; i++)
        {
            uint at = (uint)(0x1_0000 + (i * 64));
            bool last = i == segments - 1;
            Poke(at, last ? 0x0320_0001_0000_2000ul : 0x0360_0001_0000_2000ul);
            if (!last)
                Poke(at + 8, 0x0800_0000_0000_0000ul | (at + 64));
        }
        if (_name == "chain.256_ending_in_tic_to_new_segment")
        {
            PokeNops(0x1000, 256, 0x2000);
            Poke(0x1000 + (255 * 8), 0x0800_0000_0000_4000);
        }
        for (uint i = 0; i < 300 && _name == "chain.cd_256_sid"; i++)
            Poke(0x1000 + (i * 8), 0xE480_0001_0000_5000);
    }

    private void PokeNops(uint at, int count, uint address)
    {
        for (int i = 0; i < count; i++, at += 8)
            Poke(at, (i == count - 1 ? 0x0320_0001_0000_0000ul : 0x0360_0001_0000_0000ul) | address);
    }

    private void Poke(ulong iova, ulong ccw)
    {
        byte[] bytes = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, ccw);
        Guest(iova, out int offset).Put(offset, bytes);
    }

    private GuestBlock Guest(ulong iova, out int offset)
    {
        (GuestBlock block, ulong start) = iova switch
        {
            < 0x10_0000 => (_low, 0ul),
            < 0x20_0000 => (_adjacent, 0x10_0000ul),
            < 0x30_0000 => (_readOnly, 0x20_0000ul),
            _ => (_writeOnly, 0x30_0000ul),
        };
        offset = (int)(iova - start);
        return block;
    }

    private void Cause(string cause)
    {
        switch (cause)
        {
            case "attention":
                _machine.TestDevice.Unsolicited!(DeviceStatus.Attention);
                Settle();
                _ownStatus = true;
                break;
            case "device end":
                _machine.TestDevice.Unsolicited!(DeviceStatus.DeviceEnd);
                Settle();
                _ownStatus = true;
                break;
            case "unplug":
                _machine.Device.Unplug();
                Settle();
                _unplugged = true;
                break;
            case "reset":
                Reset();
                break;
            case "ccw in the extra map":
                _extra.Put(0x1000, Convert.FromHexString(_name.Contains("fmt0", StringComparison.Ordinal) ? "E400200020000040" : "E420004000002000"));
                break;
            default:
                throw new InvalidOperationException(cause);
        }
    }

    private void Perform(int index, string kind, JsonElement op, bool compare)
    {
        Compared += compare && kind is not ("note" or "poke" or "fill" or "poke_nop_chain" or "oprobe") ? 1 : 0;
        bool afterStart = _afterStart;
        _afterStart = false;
        switch (kind)
        {
            case "pwrite":
                Access(index, op, compare, isWrite: true);
                break;
            case "pread":
                Access(index, op, compare, isWrite: false);
                _afterStart = afterStart;
                break;
            case "poke":
                Guest(Number(op, "iova"), out int at).Put(at, Convert.FromHexString(op.GetProperty("hex").GetString()!));
                break;
            case "fill":
                Guest(Number(op, "iova"), out int from).Put(from, [.. Enumerable.Repeat((byte)Number(op, "byte"), (int)Number(op, "len"))]);
                break;
            case "poke_nop_chain":
                PokeNops((uint)Number(op, "iova"), (int)Number(op, "ccws"), (uint)Number(op, "cda"));
                break;
            case "peek":
                Check(index, "memory", op.GetProperty("hex").GetString()!,
                    Convert.ToHexStringLower(Guest(Number(op, "iova"), out int peeked).Get(peeked, (int)Number(op, "len"))));
                break;
            case "extra map + 0x2000":
                string extra = op.GetProperty("hex").GetString()!;
                Check(index, "extra memory", extra, Convert.ToHexStringLower(_extra.Get(0x2000, extra.Length / 2)));
                break;
            case "wait_io_irq":
                CheckCount(index, op, DeviceInterrupt.Io);
                break;
            case "wait_crw_irq":
                CheckCount(index, op, DeviceInterrupt.Crw);
                break;
            case "wait_req_irq":
                CheckCount(index, op, DeviceInterrupt.Request);
                break;
            case "reset":
                CheckResult(index, op, Reset(), compare);
                break;
            case "map_dma" or "unmap_dma":
                CheckResult(index, op, kind == "map_dma" ? MapDma(op) : UnmapDma(index, op), compare);
                break;
            case "fsm":
                CheckState(index, op.GetProperty("state").GetString()!, afterStart);
                break;
            case "oprobe":
                Helper(op.GetProperty("cmd").GetString()!.Split(' '));
                break;
            case "note":
                break;
            default:
                Differences.Add($"{_name}[{index}]: no way to do '{kind}'");
                break;
        }
    }

    private void Access(int index, JsonElement op, bool compare, bool isWrite)
    {
        RegionIndex region = Enum.Parse<RegionIndex>(op.GetProperty("region").GetString()!, ignoreCase: true);
        int position = (int)Number(op, "pos");
        byte[] bytes = new byte[(int)Number(op, "len")];
        if (isWrite)
        {
            if (op.TryGetProperty("data", out JsonElement data))
            {
                byte[] given = Swapped(region, position, Convert.FromHexString(data.GetString()!));
                given.AsSpan(0, Math.Min(given.Length, bytes.Length)).CopyTo(bytes);
            }
            _wroteCommand |= region == RegionIndex.Cmd;
            int result = Write(region, position, bytes);
            _afterStart = region == RegionIndex.Io && result >= 0;
            _ownStatus &= result < 0 || region != RegionIndex.Io;
            CheckResult(index, op, result, compare);
            return;
        }
        int read = Read(region, position, bytes);
        CheckResult(index, op, read, compare);
        if (!compare || read <= 0 || region == RegionIndex.Schib || (region == RegionIndex.Cmd && !_wroteCommand))
            return;
        byte[] expected = Convert.FromHexString(op.GetProperty("data").GetString()!);
        CompareBytes(index, region, position, expected, Swapped(region, position, bytes), _volatile.Contains(index));
    }

    /// <summary>Host-endian fields of the regions are big-endian in the captures.</summary>
    private static byte[] Swapped(RegionIndex region, int position, byte[] bytes)
    {
        int first = region switch { RegionIndex.Io => RegionLayout.IoRetCodeOffset, RegionIndex.Cmd => 0, _ => int.MaxValue };
        if (!BitConverter.IsLittleEndian || first == int.MaxValue)
            return bytes;
        byte[] swapped = (byte[])bytes.Clone();
        for (int at = 0; at < bytes.Length; at++)
        {
            int offset = position + at;
            int other = (offset & ~3) + (3 - (offset & 3)) - position;
            if (offset >= first && other >= 0 && other < bytes.Length)
                swapped[other] = bytes[at];
        }
        return swapped;
    }

    private void CompareBytes(int index, RegionIndex region, int position, byte[] expected, byte[] actual, bool varies)
    {
        if (region == RegionIndex.Io)
        {
            int from = Math.Max(position, RegionLayout.IrbOffset), to = Math.Min(position + expected.Length, RegionLayout.IoRetCodeOffset);
            if (to > from)
            {
                CompareIrb(index, expected.AsSpan(from - position, to - from), actual.AsSpan(from - position, to - from), varies,
                    from == RegionLayout.IrbOffset);
                expected.AsSpan(from - position, to - from).Clear();
                actual.AsSpan(from - position, to - from).Clear();
            }
        }
        Check(index, region.ToString(), Convert.ToHexStringLower(expected), Convert.ToHexStringLower(actual));
    }

    /// <summary>
    /// What the driver decides about an IRB: whether there is one, and its CCW address in guest terms when the program came to the same end.
    /// </summary>
    private void CompareIrb(int index, Span<byte> expected, Span<byte> actual, bool varies, bool fromStart)
    {
        const byte StatusPending = 1;
        bool isInterrupt = fromStart && expected.Length >= 8 && (expected[3] & StatusPending) != 0;
        if (!isInterrupt)
        {
            Check(index, "irb", Convert.ToHexStringLower(expected), Convert.ToHexStringLower(actual));
            return;
        }
        if ((actual[3] & StatusPending) == 0)
            Differences.Add($"{_name}[{index}]: no status in the irb");
        bool same = expected.Length >= 12 && expected[8..10].SequenceEqual(actual[8..10]) && (expected[2] & 0x40) != 0;
        bool injected = _name.StartsWith("inj.", StringComparison.Ordinal);
        if (injected && !varies)
            Check(index, "injected irb", Convert.ToHexStringLower(expected), Convert.ToHexStringLower(actual));
        else if (injected)
            Check(index, "ccw address, not of ours", "00000000", Convert.ToHexStringLower(actual[4..8]));
        else if (same && !varies)
            Check(index, "ccw address", Convert.ToHexStringLower(expected[4..8]), Convert.ToHexStringLower(actual[4..8]));
    }

    private int MapDma(JsonElement op)
    {
        ulong size = Number(op, "size"), iova = Number(op, "iova");
        GuestBlock block = iova == 0x10_0000 ? _adjacent : _extra;
        IMemoryStore store = size <= (ulong)block.Length ? block.Store : new ArrayStore(new byte[Math.Min(size, Machine.MemorySize)]);
        return _map.Map(iova, size, store, 0, (MemoryRights)(Number(op, "flags") & 3)) switch
        {
            MapOutcome.Done => 0,
            MapOutcome.Exists => -17,
            MapOutcome.Invalid => -22,
            MapOutcome unknown => throw new InvalidOperationException($"{unknown}"),
        };
    }

    private int UnmapDma(int index, JsonElement op)
    {
        MapOutcome outcome = _map.Unmap(Number(op, "iova"), Number(op, "size"), out ulong unmapped);
        if (op.GetProperty("ret").GetInt32() == 0 && unmapped != Number(op, "unmapped"))
            Differences.Add($"{_name}[{index}]: {unmapped} bytes unmapped");
        return outcome is MapOutcome.Done or MapOutcome.NotFound ? 0 : -22; // type1: nothing there is no error
    }

    private void Helper(string[] words)
    {
        Help(words);
        Settle();
    }

    private void Help(string[] words)
    {
        switch (words[0])
        {
            case "mask":
                _machine.Subchannel.Mask();
                break;
            case "unmask":
                _machine.Subchannel.Unmask();
                break;
            case "irq":
                _machine.Subchannel.Inject([.. words[2..].Select(h => Injected(h, 0, hasAddress: false))]);
                break;
            case "irqc":
                _machine.Subchannel.Inject(Injected(words[3], uint.Parse(words[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                    hasAddress: true));
                break;
            case "dis" or "ena":
                _machine.Subchannel.IsDisabled = words[0] == "dis";
                break;
            case "chp" when words[2] is "0" or "1":
                _machine.Subchannel.Report(Crw.ChannelPath(byte.Parse(words[3], CultureInfo.InvariantCulture), words[2] == "0" ? Crw.Initialized
                    : Crw.PermanentError));
                break;
            case "chp" or "csense": // vary queues nothing; concurrent sense is the hardware's
                break;
            case "lpm": // a path that comes back
                if (_name.StartsWith("disabled", StringComparison.Ordinal))
                {
                    _machine.Subchannel.Report(Crw.ChannelPath(0, Crw.Initialized));
                    Settle();
                    Read(RegionIndex.Crw, 0, new byte[RegionLayout.CrwSize]);
                    Take(DeviceInterrupt.Crw);
                }
                break;
            default:
                Differences.Add($"{_name}: no way to do '{words[0]}'");
                break;
        }
    }

    private Irb Injected(string hex, uint offset, bool hasAddress)
    {
        var irb = default(Irb);
        Convert.FromHexString(hex).CopyTo(irb[..]);
        if (hasAddress)
            irb.Scsw = irb.Scsw with { CcwAddress = ((HostProgram)_machine.Subchannel.Program!).Chains[0].HostHead.Plus((int)offset).Value };
        return irb;
    }

    private void CheckCount(int index, JsonElement op, DeviceInterrupt line)
    {
        ulong expected = Number(op, "count");
        // The device's own status, and the end of a long program, come by another thread.
        bool isLate = expected > 0 && !_machine.Subchannel.IsMasked && (_ownStatus || Device.State == DeviceState.Pending || _upper is not null);
        ulong actual = isLate ? Await(line) : Take(line);
        Check(index, "signals", $"{expected}", $"{actual}");
    }

    private void CheckState(int index, string state, bool afterStart)
    {
        string actual = Device.State switch // the kernel's numbers (enum vfio_ccw_state); its standby, 1, is a device that no client has
        {
            DeviceState.NotOperational => "0",
            DeviceState.Idle => "2",
            DeviceState.Processing => "3",
            DeviceState.Pending => "4",
            _ => throw new InvalidOperationException($"state {Device.State}"),
        };
        string expected = state.StartsWith("error", StringComparison.Ordinal) ? "0" : state["state=".Length..].Split(' ')[0];
        if (!(afterStart && expected is "2" or "4" && actual is "2" or "4"))
            Check(index, "state", expected, actual);
    }

    private void CheckResult(int index, JsonElement op, int actual, bool compare)
    {
        int expected = op.GetProperty("ret").GetInt32();
        if (expected == -1)
            expected = -op.GetProperty("errno").GetInt32();
        if (compare)
            Check(index, "result", $"{expected}", $"{actual}");
    }

    private void CompareEnd(JsonElement end)
    {
        const int End = RegionExceptions.End;
        Compared++;
        byte[] io = Convert.FromHexString(end.GetProperty("io").GetString()!);
        byte[] actual = new byte[RegionLayout.IoSize];
        Read(RegionIndex.Io, 0, actual);
        CompareBytes(End, RegionIndex.Io, 0, io, Swapped(RegionIndex.Io, 0, actual), varies: _volatile.Count > 0);
        byte[] command = new byte[RegionLayout.CmdSize];
        Read(RegionIndex.Cmd, 0, command);
        if (_wroteCommand)
            CompareBytes(End, RegionIndex.Cmd, 0, Convert.FromHexString(end.GetProperty("cmd").GetString()!), Swapped(RegionIndex.Cmd, 0, command),
                varies: false);
        Check(End, "io signals left", $"{end.GetProperty("io_irq").GetUInt64()}", $"{Take(DeviceInterrupt.Io)}");
        Check(End, "crw signals left", $"{end.GetProperty("crw_irq").GetUInt64()}", $"{Take(DeviceInterrupt.Crw)}");
        if (!_unplugged)
            Check(End, "req signals left", $"{end.GetProperty("req_irq").GetUInt64()}", $"{Take(DeviceInterrupt.Request)}");
        CheckState(End, end.GetProperty("fsm").GetString()!, afterStart: false);
    }

    private void Check(int index, string what, string expected, string actual)
    {
        if (expected != actual)
            Differences.Add($"{_name}[{index}] {what}: expected {expected}, got {actual}");
    }

    private static ulong Number(JsonElement op, string name) => op.GetProperty(name).GetUInt64();
}
