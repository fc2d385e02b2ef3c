using System.Runtime.InteropServices;
using CcwFs.ChannelIo;
using CcwFs.Linux;
using CcwFs.Subchannel;
using CcwFs.Vfio;
using CcwFs.Vfio.Backend;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>
/// The kernel below the system calls: a vfio-ccw device, an iommufd, a container and a group, with everything that was asked of them in
/// <see cref="Log"/>. Descriptors are real ones (eventfds), so that those of interrupts can be polled and what is left open can be counted.
/// </summary>
internal sealed class FakeKernel : ISystemCalls
{
    public const string Cdev = "/dev/vfio/devices/vfio7", Iommu = "/dev/iommu", Container = "/dev/vfio/vfio", Group = "/dev/vfio/3";
    public const string Uuid = "7e270a25-e163-4922-af60-757fc8ed48c6";
    private static readonly string[] s_reads = [.. Enum.GetNames<RegionIndex>().Select(n => "read " + n)],
        s_writes = [.. Enum.GetNames<RegionIndex>().Select(n => "write " + n)];
    private const uint Ioas = 5, BoundId = 6;

    private readonly PollWatch _watch = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<int, (string Role, FileDescriptor File)> _files = [];
    private readonly Dictionary<uint, int> _interrupts = [];
    private readonly Queue<Crw> _reports = new();
    private readonly byte[] _io = new byte[RegionLayout.IoSize];

    /// <summary>Every open, ioctl and write: who, what, and the bytes as they came.</summary>
    public List<string> Log { get; } = [];

    /// <summary>Off: asserting speed or allocation.</summary>
    public bool IsLogging { get; set; } = true;

    /// <summary>The kernel's maps: iova, length, address.</summary>
    public SortedDictionary<ulong, (ulong Length, ulong Address)> Maps { get; } = [];

    /// <summary>Regions that it has, io among them.</summary>
    public HashSet<RegionIndex> Regions { get; } = [RegionIndex.Io, RegionIndex.Cmd, RegionIndex.Schib, RegionIndex.Crw];

    public uint Interrupts { get; set; } = 3;

    /// <summary>Errnos (negative) in place of what an ioctl or a write of a region would give; a list is used up.</summary>
    public Dictionary<string, Queue<int>> Fails { get; } = [];

    /// <summary>What a region's GET_REGION_INFO gives in place of the real thing.</summary>
    public Func<uint, byte[], int>? RegionInfo { get; set; }

    public uint DeviceFlags { get; set; } = VfioDeviceInfo.FlagCcw | VfioDeviceInfo.FlagReset;

    public uint GroupFlags { get; set; } = VfioGroupStatus.FlagViable;

    public Schib Schib { get; set; } =
        new(new Pmcw(0, Pmcw.Enabled | Pmcw.DeviceNumberValid, 0x2B09, 0xC0, 0, 0, 0xC0, 0xFF, 0xC0, 0x4041_0000_0000_0000), default);

    /// <summary>A program is started on the thread of the start; the IRB comes when a test says so.</summary>
    public int Starts { get; private set; }

    public Action? Reading { get; set; }

    /// <summary>An errno (negative) for a program that the kernel refuses, or 0.</summary>
    public Func<Orb, int>? Judge { get; set; }

    /// <summary>Called with each program that is started, on the thread of the start.</summary>
    public Action? Started { get; set; }

    public int OpenFiles => _files.Values.Count(f => !f.File.IsClosed);

    /// <summary>The io region in the architecture's order.</summary>
    public byte[] Io => [.. Enumerable.Range(0, _io.Length).Select(i => _io[Order(RegionIndex.Io, i)])];

    public int NumberOf(string role) => _files.Single(f => f.Value.Role == role).Key;

    /// <summary>An IRB is there, and its interrupt.</summary>
    public void Interrupt(in Irb irb)
    {
        lock (_gate)
            ((ReadOnlySpan<byte>)irb).CopyTo(_io.AsSpan(RegionLayout.IrbOffset));
        Signal(DeviceInterrupt.Io);
    }

    public void Report(params Crw[] crws)
    {
        foreach (Crw crw in crws)
            _reports.Enqueue(crw);
        Signal(DeviceInterrupt.Crw);
    }

    public void Signal(DeviceInterrupt interrupt) => Assert.Equal(0, Descriptors.Signal(_files[_interrupts[(uint)interrupt]].File, 1));

    /// <summary>Memory as the device finds it, through the maps.</summary>
    public byte[] Memory(ulong iova, int length)
    {
        (ulong start, (ulong Length, ulong Address) map) = Maps.Last(m => m.Key <= iova);
        Assert.True(iova + (ulong)length <= start + map.Length, $"{iova:x} is not mapped");
        byte[] bytes = new byte[length];
        Marshal.Copy((nint)(map.Address + (iova - start)), bytes, 0, length);
        return bytes;
    }

    /// <summary>What the device sends, through the maps.</summary>
    public void Send(ulong iova, params byte[] bytes)
    {
        (ulong start, (ulong _, ulong Address) map) = Maps.Last(m => m.Key <= iova);
        Marshal.Copy(bytes, 0, (nint)(map.Address + (iova - start)), bytes.Length);
    }

    public int Open(string path, out FileDescriptor opened)
    {
        string role = path switch { Cdev => "device", Iommu => "iommu", Container => "container", Group => "group", _ => "" };
        opened = new FileDescriptor(-1);
        if (role.Length == 0)
            return -(int)Errno.ENOENT;
        Note($"open {path}");
        int result = Failure("open " + role);
        if (result == 0)
            opened = NewFile(role);
        return result;
    }

    public int Control(FileDescriptor file, uint command, ulong number)
    {
        string role = _files[file.Number].Role, name = Name(command, role);
        Note($"{role} {name} {number:x}");
        return Failure(name) is var failure && failure != 0 ? failure : name switch
        {
            "GetApiVersion" => VfioContainer.ApiVersion,
            "CheckExtension" => number == VfioContainer.Type1v2 ? 1 : 0,
            "SetIommu" or "Reset" => 0,
            _ => -(int)Errno.ENOTTY,
        };
    }

    public int Control(FileDescriptor file, uint command, Span<byte> structure)
    {
        string role = _files[file.Number].Role, name = Name(command, role);
        Note($"{role} {name} {Convert.ToHexStringLower(structure)}");
        if (Failure(name) is var failure && failure != 0)
            return failure;
        Span<uint> words = MemoryMarshal.Cast<byte, uint>(structure);
        switch (name)
        {
            case "BindIommufd":
                words[3] = BoundId;
                return 0;
            case "IoasAlloc":
                words[2] = Ioas;
                return 0;
            case "AttachIommufdPt" or "GroupSetContainer":
                return 0;
            case "GroupGetStatus":
                words[1] = GroupFlags;
                return 0;
            case "GroupGetDeviceFd":
                FileDescriptor device = NewFile("device");
                int number = device.Number;
                device.SetHandleAsInvalid(); // the caller's
                return number;
            case "GetInfo":
                (words[1], words[2], words[3]) = (DeviceFlags, 4, Interrupts);
                return 0;
            case "GetRegionInfo":
                return Region(words[2], structure);
            case "GetIrqInfo":
                (words[1], words[3]) = (VfioIrqInfo.FlagEventFd, 1);
                return words[2] < Interrupts ? 0 : -(int)Errno.EINVAL;
            case "SetIrqs":
                _interrupts[words[2]] = (int)words[5];
                return 0;
            case "IoasMap" or "MapDma":
                return Map(name, structure);
            case "IoasUnmap" or "UnmapDma":
                return Maps.Remove(MemoryMarshal.Read<ulong>(structure[8..])) ? 0 : -(int)Errno.ENOENT;
            default:
                return -(int)Errno.ENOTTY;
        }
    }

    public int ReadAt(FileDescriptor file, long offset, Span<byte> buffer)
    {
        var region = (RegionIndex)(offset >> 10);
        Reading?.Invoke();
        if (Failure(s_reads[(int)region]) is var failure && failure != 0)
            return failure > 0 ? failure - 1 : failure;
        Span<byte> bytes = stackalloc byte[RegionLayout.IoSize];
        bytes.Clear();
        if (region == RegionIndex.Schib)
            Schib.Write(bytes);
        if (region == RegionIndex.Crw && _reports.TryDequeue(out Crw crw))
            crw.Write(bytes);
        lock (_gate)
        {
            for (int i = 0; i < buffer.Length; i++)
                buffer[i] = region == RegionIndex.Io ? _io[(int)(offset & 1023) + i] : bytes[Order(region, (int)(offset & 1023) + i)];
        }
        return buffer.Length;
    }

    public int WriteAt(FileDescriptor file, long offset, ReadOnlySpan<byte> data)
    {
        var region = (RegionIndex)(offset >> 10);
        if (IsLogging)
            Note($"write {region} {offset & 1023} {Convert.ToHexStringLower(data)}");
        if (Failure(s_writes[(int)region]) is var failure && failure != 0)
            return failure > 0 ? failure - 1 : failure;
        if (region == RegionIndex.Io && Judge is { } judge && judge(OrbOf(data)) is var refused && refused != 0)
            return refused;
        Starts += region == RegionIndex.Io ? 1 : 0;
        lock (_gate)
        {
            if (region == RegionIndex.Io)
                data.CopyTo(_io.AsSpan((int)(offset & 1023)));
        }
        if (region == RegionIndex.Io)
            Started?.Invoke();
        return data.Length;
    }

    public int EventFd(out FileDescriptor created)
    {
        created = _watch.NewEvent();
        _files[created.Number] = ("event", created);
        return 0;
    }

    public int Read(FileDescriptor file, Span<byte> buffer) => file.Read(buffer);

    public int Signal(FileDescriptor file) => Descriptors.Signal(file, 1);

    public int Poll(ReadOnlySpan<FileDescriptor> files, Span<short> ready, int timeoutMilliseconds) =>
        _watch.Poll(files, ready, timeoutMilliseconds);

    public void Settle() => _watch.Settle();

    private static string Name(uint command, string role) =>
        role == "iommu" ? ((IommufdIoctl)command).ToString()
        : role is "container" or "group" ? ((VfioContainerIoctl)command).ToString()
        : ((VfioIoctl)command).ToString();

    private static int Order(RegionIndex region, int at) =>
        RegionByteOrder.Of(region, BitConverter.IsLittleEndian) is { IsEmpty: false } order ? order[at] : at;

    private static Orb OrbOf(ReadOnlySpan<byte> io)
    {
        byte[] bytes = new byte[RegionLayout.ScswOffset];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = io[Order(RegionIndex.Io, i)];
        return Orb.Read(bytes);
    }

    /// <summary>0, or what was arranged: a negative errno, or one more than a short count.</summary>
    private int Failure(string name) => Fails.TryGetValue(name, out Queue<int>? fails) && fails.TryDequeue(out int result) ? result : 0;

    private int Map(string name, Span<byte> structure)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(structure);
        (ulong iova, ulong length, ulong address) = name == "IoasMap" ? (words[4], words[3], words[2]) : (words[2], words[3], words[1]);
        Assert.Equal(0ul, (iova | length | address) % 4096);
        if (Maps.Any(m => m.Key < iova + length && m.Key + m.Value.Length > iova))
            return -(int)Errno.EEXIST;
        Maps.Add(iova, (length, address));
        return 0;
    }

    private int Region(uint index, Span<byte> structure)
    {
        if (RegionInfo is { } other)
        {
            byte[] bytes = structure.ToArray();
            int result = other(index, bytes);
            bytes.CopyTo(structure);
            return result;
        }
        var region = (RegionIndex)index;
        bool there = Regions.Contains(region);
        VfioRegionInfo info = MemoryMarshal.Read<VfioRegionInfo>(structure);
        (info.Size, info.Offset, info.Flags) =
            (there ? (ulong)RegionLayout.Size(region) : 0, (ulong)index << 10, VfioRegionInfo.FlagRead | VfioRegionInfo.FlagWrite);
        if (index > 0 && there)
        {
            info.Flags |= VfioRegionInfo.FlagCapabilities;
            (info.CapOffset, info.ArgSz) = (structure.Length >= 48 ? 32u : 0, Math.Max(info.ArgSz, 48));
            if (structure.Length >= 48)
                MemoryMarshal.Write(structure[32..], new VfioRegionInfoCapType { Id = 2, Version = 1, Type = 2, Subtype = index });
        }
        MemoryMarshal.Write(structure, info);
        return 0;
    }

    private FileDescriptor NewFile(string role)
    {
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: true, out FileDescriptor file));
        _files[file.Number] = (role, file);
        return file;
    }

    private void Note(string line)
    {
        if (IsLogging)
        {
            lock (_gate)
                Log.Add(line);
        }
    }
}
