using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Vfio;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>The ioctls, one method each.</summary>
public sealed partial class IommuClient
{
    private const IoasMapFlags KnownFlags = IoasMapFlags.FixedIova | IoasMapFlags.Writeable | IoasMapFlags.Readable;

    /// <summary>Finds memory, and where the client has it itself; null: not known.</summary>
    private delegate int MemorySource(out ClientRange? range, out ulong? user);

    private int Destroy(ref IommuRequest request)
    {
        uint id = request.As<IommuDestroy>().Id;
        IommuSpace? space;
        lock (_gate)
        {
            if (!_objects.TryGetValue(id, out space))
                return -(int)Errno.ENOENT;
            if (space is null || space.Attached > 0)
                return -(int)Errno.EBUSY; // a device goes with its file
            _objects.Remove(id);
            _account.Give(Resource.Memory, SpaceMemory);
        }
        UnmapAll(space);
        return 0;
    }

    private int Allocate(ref IommuRequest request)
    {
        ref IommuIoasAlloc structure = ref request.As<IommuIoasAlloc>();
        if (structure.Flags != 0)
            return -(int)Errno.EOPNOTSUPP;
        int result;
        lock (_gate)
            result = Add(new IommuSpace(), out structure.OutIoasId);
        if (result < 0)
            return result;
        result = request.Respond();
        if (result < 0)
        {
            lock (_gate)
            {
                if (_objects.Remove(structure.OutIoasId))
                    _account.Give(Resource.Memory, SpaceMemory);
            }
        }
        return result;
    }

    // One range, all there is: nothing is reserved where no IOMMU is.
    private int Ranges(ref IommuRequest request)
    {
        ref IommuIoasIovaRanges structure = ref request.As<IommuIoasIovaRanges>();
        if (structure.Reserved != 0)
            return -(int)Errno.EOPNOTSUPP;
        lock (_gate)
        {
            if (Find(structure.IoasId) is null)
                return -(int)Errno.ENOENT;
        }
        bool room = structure.NumIovas > 0;
        var whole = new IommuIovaRange { Start = 0, Last = ulong.MaxValue };
        int result = room ? request.Caller.Write(structure.AllowedIovas, MemoryMarshal.AsBytes(new ReadOnlySpan<IommuIovaRange>(in whole))) : 0;
        if (result < 0)
            return result;
        (structure.NumIovas, structure.OutIovaAlignment) = (1, IommuSpace.Alignment);
        result = request.Respond();
        return result < 0 || room ? result : -(int)Errno.EMSGSIZE;
    }

    private int Map(ref IommuRequest request)
    {
        ref IommuIoasMap structure = ref request.As<IommuIoasMap>();
        if (structure.Reserved != 0)
            return -(int)Errno.EOPNOTSUPP;
        (IoctlCaller caller, ulong address, ulong length, MemoryRights rights) =
            (request.Caller, structure.UserVa, structure.Length, Rights(structure.Flags));
        int result = MapMemory(caller.ThreadId, structure.IoasId, structure.Flags, address, length, ref structure.Iova,
            (out ClientRange? range, out ulong? user) =>
            {
                user = address;
                return _memory.Take(caller, address, length, rights, out range);
            });
        return result < 0 ? result : request.Respond();
    }

    private int MapFile(ref IommuRequest request)
    {
        ref IommuIoasMapFile structure = ref request.As<IommuIoasMapFile>();
        (IoctlCaller caller, int number, ulong start, ulong length, MemoryRights rights) =
            (request.Caller, structure.Fd, structure.Start, structure.Length, Rights(structure.Flags));
        int result =
            MapMemory(caller.ThreadId, structure.IoasId, structure.Flags, start, length, ref structure.Iova,
            (out ClientRange? range, out ulong? user) =>
        {
            (range, user) = (null, null);
            int taken = caller.TakeDescriptor(number, out FileDescriptor file);
            if (taken == 0 && file.Status(out FileStatus status) == 0
                && caller.FindMapping(status.Device, status.Inode, (long)start, length, out ulong found) == 0)
                user = found;
            if (taken == 0)
                return _memory.TakeFile(caller, file, start, length, rights, out range);
            file.Dispose();
            return taken;
        });
        return result < 0 ? result : request.Respond();
    }

    // The order of the refusals is iommufd's. What the memory is found by waits as long as the client likes: the gate is not held.
    private int MapMemory(uint thread, uint ioas, IoasMapFlags flags, ulong start, ulong length, ref ulong iova, MemorySource memory)
    {
        IommuSpace? space;
        int result = (flags & ~KnownFlags) != 0 ? -(int)Errno.EOPNOTSUPP
            : iova == ulong.MaxValue || length == ulong.MaxValue ? -(int)Errno.EOVERFLOW
            : Rights(flags) == MemoryRights.None ? -(int)Errno.EINVAL : 0;
        if (result < 0)
            return result;
        lock (_gate)
            space = Find(ioas);
        if (space is null)
            return -(int)Errno.ENOENT;
        if (unchecked(start + length) < start)
            return -(int)Errno.EOVERFLOW;
        if (length == 0 || length % IommuSpace.Alignment != 0)
            return -(int)Errno.EINVAL;
        bool isFixed = flags.HasFlag(IoasMapFlags.FixedIova);
        result = isFixed ? space.Check(iova, length) : space.Choose(start, length, out _);
        if (result == 0 && start % IommuSpace.Alignment != 0)
            result = -(int)Errno.EINVAL;
        if (result < 0)
            return result;
        result = memory(out ClientRange? range, out ulong? user);
        if (result < 0)
            return result;
        lock (_gate)
            result = Commit(ioas, space, isFixed, start, length, ref iova, Rights(flags), range!, user);
        if (result < 0)
        {
            _memory.GiveBack(range!);
            if (result == -(int)Errno.EFAULT)
                _log?.PrivateMemory(thread);
        }
        return result;
    }

    // Guarded by _gate: the space may have gone, and the place been taken, while the memory was looked for.
    private int Commit(uint ioas, IommuSpace space, bool isFixed, ulong start, ulong length, ref ulong iova, MemoryRights rights, ClientRange range,
        ulong? user)
    {
        if (Find(ioas) != space)
            return -(int)Errno.ENOENT;
        if (_objects.Values.Sum(at => at?.Ranges.Count ?? 0) >= MaxMappings)
            return -(int)Errno.ENOMEM;
        int result = isFixed ? space.Check(iova, length) : space.Choose(start, length, out iova);
        if (result < 0)
            return result;
        if (space.AttachedByAddress > 0 && rights == MemoryRights.ReadWrite && !IovaMap.HasAddresses(range.Store, range.Offset, (long)length))
            return -(int)Errno.EFAULT; // what the kernel says of memory that it cannot pin
        if (!_account.Takes(Resource.Memory, MemoryOf(range)))
            return -(int)Errno.ENOMEM;
        CodeStore store = new(range.Store, range.Offset, iova, user, _code);
        MapOutcome outcome = space.Space.Map.Map(iova, length, store, range.Offset, rights);
        if (outcome != MapOutcome.Done)
        {
            _account.Give(Resource.Memory, MemoryOf(range));
            return outcome == MapOutcome.Exists ? -(int)Errno.EEXIST : -(int)Errno.EINVAL;
        }
        space.Ranges.Add(new MappedRange(iova, iova + (length - 1), range));
        return 0;
    }

    private int Unmap(ref IommuRequest request)
    {
        ref IommuIoasUnmap structure = ref request.As<IommuIoasUnmap>();
        List<MappedRange> claimed = [];
        IommuSpace? space;
        lock (_gate)
        {
            space = Find(structure.IoasId);
            bool all = structure.Iova == 0 && structure.Length == ulong.MaxValue;
            int result = space is null ? -(int)Errno.ENOENT
                : all ? Math.Max(space.Claim(0, ulong.MaxValue, claimed), 0) // everything may be nothing
                : structure.Iova == ulong.MaxValue || structure.Length == ulong.MaxValue ? -(int)Errno.EOVERFLOW
                : structure.Length == 0 ? -(int)Errno.EINVAL
                : structure.Iova + (structure.Length - 1) < structure.Iova ? -(int)Errno.EOVERFLOW
                : space.Claim(structure.Iova, structure.Iova + (structure.Length - 1), claimed);
            if (result < 0)
                return result;
        }
        structure.Length = Remove(space!, claimed);
        return request.Respond();
    }

    private int SetGuestCode(ref IommuRequest request)
    {
        GuestCodeChannel code = request.As<GuestCodeChannel>();
        if ((code.Flags & ~GuestCodeChannel.FlagHardware) != 0)
            return -(int)Errno.EOPNOTSUPP;
        if (code.Flags != 0)
            return _code.SetHardware();
        IoctlCaller caller = request.Caller;
        FileDescriptor? otherEnd = null, marks = null;
        int result = caller.TakeDescriptor(code.Channel, out FileDescriptor channel);
        if (result == 0)
            result = caller.TakeDescriptor(code.OtherEnd, out otherEnd);
        if (result == 0 && code.Marks != GuestCodeChannel.NoDescriptor)
            result = caller.TakeDescriptor(code.Marks, out marks);
        if (result == 0)
            return _code.Set(channel, otherEnd!, marks);
        channel.Dispose();
        otherEnd?.Dispose();
        marks?.Dispose();
        return result;
    }

    // A mediated device is no device with an IOMMU: iommufd does not find it under that type.
    private static int HardwareInfo(ref IommuRequest request)
    {
        ref IommuHwInfo structure = ref request.As<IommuHwInfo>();
        return structure.Flags != 0 || structure.Reserved != 0 ? -(int)Errno.EOPNOTSUPP : -(int)Errno.ENOENT;
    }

    // Ranges that were claimed, and so are nobody else's: devices let go first, then their memory goes.
    private ulong Remove(IommuSpace space, List<MappedRange> claimed)
    {
        ulong bytes = 0;
        foreach (MappedRange range in claimed)
        {
            space.Space.Map.Unmap(range.Iova, range.Last - range.Iova + 1, out ulong unmapped);
            bytes += unmapped;
            _memory.GiveBack(range.Memory);
            _account.Give(Resource.Memory, MemoryOf(range.Memory));
        }
        return bytes;
    }

    private void UnmapAll(IommuSpace space)
    {
        List<MappedRange> claimed = [];
        lock (_gate)
            space.Claim(0, ulong.MaxValue, claimed);
        Remove(space, claimed);
    }

    private static long MemoryOf(ClientRange range) => MappingMemory + ((long)AreaMemory * range.Sources.Count);

    private static MemoryRights Rights(IoasMapFlags flags) =>
        (flags.HasFlag(IoasMapFlags.Readable) ? MemoryRights.Read : 0) | (flags.HasFlag(IoasMapFlags.Writeable) ? MemoryRights.Write : 0);
}
