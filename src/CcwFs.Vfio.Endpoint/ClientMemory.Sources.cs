using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>The sources of a client and who holds them.</summary>
internal sealed partial class ClientMemory
{
    private const int SealsAgainstWriting = 8 | 16; // F_SEAL_WRITE, F_SEAL_FUTURE_WRITE
    private const OpenOptions AccessMode = (OpenOptions)3; // O_ACCMODE

    // Never held while the client's memory, descriptors or /proc are asked: they may wait.
    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong Device, ulong Inode), ClientSource> _files = []; // guarded by _gate: the newest of each file
    private readonly List<ClientSource> _sources = []; // guarded by _gate: all that live
    private bool _disposed; // guarded by _gate

    /// <summary>Closes everything.</summary>
    public void Dispose()
    {
        ClientSource[] all;
        lock (_gate)
        {
            _disposed = true;
            all = [.. _sources];
            _sources.Clear();
            _files.Clear();
        }
        foreach (ClientSource source in all)
            End(source);
    }

    private static bool IsReadWrite(FileDescriptor file)
    {
        int flags = file.OpenFlags();
        const OpenOptions Unfit = OpenOptions.Append | OpenOptions.Direct | OpenOptions.PathOnly; // pwrite would go elsewhere, or only by blocks
        return flags >= 0 && ((OpenOptions)flags & (AccessMode | Unfit)) == OpenOptions.ReadWrite;
    }

    // 0 without a source when the client has no fitting descriptor.
    private int HoldFile(IoctlCaller caller, in MemoryArea area, long offset, long size, out ClientSource? source)
    {
        if (Find((area.Device, area.Inode), offset + size, out source))
            return 0;
        List<int> numbers = [];
        if (caller.DescriptorsOf(area.Inode, numbers) < 0)
            return 0;
        foreach (int number in numbers)
        {
            int taken = caller.TakeDescriptor(number, out FileDescriptor file);
            if (taken == 0 && Fits(file, area, offset + size, out FileStatus status))
                return Share(file, status, out source);
            file.Dispose();
            if (taken < 0 && taken != -(int)Errno.EBADF)
                return taken;
        }
        return 0;
    }

    private static bool Fits(FileDescriptor file, in MemoryArea area, long end, out FileStatus status) =>
        file.Status(out status) == 0 && status.Device == area.Device && status.Inode == area.Inode && status.Type == FileStatus.TypeRegular
        && status.Size >= end && IsReadWrite(file) && file.FileSystemType(out long magic) == 0 && magic != FileSystems.HugePages
        && (Math.Max(file.Seals(), 0) & SealsAgainstWriting) == 0;

    private bool Find((ulong, ulong) file, long end, out ClientSource? source)
    {
        lock (_gate)
        {
            if (!_files.TryGetValue(file, out source) || source.Length < end)
            {
                source = null;
                return false;
            }
            source.Users++;
            return true;
        }
    }

    // A file open for reading and writing, taken over: mapped when it cannot be cut, else read and written.
    private int Share(FileDescriptor file, in FileStatus status, out ClientSource? source)
    {
        (ulong, ulong) identity = (status.Device, status.Inode);
        if (Find(identity, status.Size, out source))
        {
            file.Dispose();
            return 0;
        }
        int seals = Math.Max(file.Seals(), 0);
        if ((seals & SealsAgainstWriting) != 0)
            return Enter(new ClientSource(new DescriptorStore(file)) { Length = status.Size }, out source); // no way for areas that are still written

        // What there is no room for is read and written on its descriptor.
        bool inPlace = (seals & SharedMemory.SealAgainstShrinking) != 0 && IsSafeToMap(file) && account.TryTakeMapping(status.Size) == 0;
        if (!inPlace)
            return Enter(new ClientSource(new DescriptorStore(file)) { Length = status.Size, File = identity }, out source);
        int result = SharedMemory.Map(file, out SharedMemory? memory);
        if (result < 0)
        {
            account.GiveMapping(status.Size);
            return Refusal(result);
        }

        // It may have grown meanwhile; what counts is what was reserved.
        return Enter(new ClientSource(new InPlaceStore(memory!)) { Length = Math.Min(memory!.Length, status.Size), Mapped = status.Size,
            File = identity }, out source);
    }

    // The address is one that will be used: a byte of it tells whether the address space of an earlier call is alive. One that another process shares
    // outlives the execution of another program; what is written then is the memory that the client had, never that of the new program.
    private int HoldProcess(IoctlCaller caller, ulong address, out ClientSource? source)
    {
        source = null;
        int process = caller.ProcessId;
        ClientSource? known;
        lock (_gate)
        {
            known = _sources.FindLast(s => s.Process is not null && s.ProcessId == process);
            if (known is not null)
                known.Users++;
        }
        Span<byte> probe = stackalloc byte[1];
        if (known is not null)
        {
            if (Descriptors.Poll(known.Process!, Descriptors.PollIn, 0) == 0 && known.Store.Read((long)address, probe))
            {
                source = known;
                return 0;
            }
            Release([known]);
        }
        int result = caller.OpenProcess(out FileDescriptor handle);
        if (result < 0)
        {
            handle.Dispose();
            return Refusal(result);
        }
        result = caller.OpenMemory(out FileDescriptor memory);
        if (result == 0)
            return Enter(new ClientSource(new DescriptorStore(memory)) { Process = handle, ProcessId = process }, out source);
        memory.Dispose();
        handle.Dispose();
        return Refusal(result);
    }

    // Takes a new source in, held once; on failure it is disposed.
    private int Enter(ClientSource created, out ClientSource? source)
    {
        source = null;
        int result = account.TryTake(Resource.Descriptors, created.Descriptors);
        if (result < 0)
        {
            created.Dispose();
            account.GiveMapping(created.Mapped);
            return result;
        }
        lock (_gate)
        {
            result = _disposed ? -(int)Errno.ENODEV : _sources.Count == MaxSources ? -(int)Errno.ENOMEM : 0;
            if (result == 0)
            {
                _sources.Add(source = created);
                if (created.File is { } file)
                    _files[file] = created;
            }
        }
        if (result < 0)
            End(created);
        return result;
    }

    private void Release(IReadOnlyList<ClientSource> held)
    {
        List<ClientSource> ended = [];
        lock (_gate)
        {
            foreach (ClientSource source in held)
            {
                if (--source.Users > 0 || !_sources.Remove(source))
                    continue;
                if (source.File is { } file && _files.TryGetValue(file, out ClientSource? newest) && newest == source)
                    _files.Remove(file);
                ended.Add(source);
            }
        }
        foreach (ClientSource source in ended)
            End(source);
    }

    private void End(ClientSource source)
    {
        source.Dispose();
        account.Give(Resource.Descriptors, source.Descriptors);
        account.GiveMapping(source.Mapped);
    }

    /// <summary>
    /// No access to a mapping of this file kills, as long as the file is not cut: its pages are ordinary ones, and there are always some to be had.
    /// </summary>
    internal static bool IsSafeToMap(FileDescriptor file) =>
        PagesAreCertain() && file.FileSystemType(out long magic) == 0 && magic == FileSystems.TemporaryFiles;

    // Where the system counts memory strictly (overcommit_memory 2), a page that is touched first can be refused, and the touch kills.
    private static bool PagesAreCertain()
    {
        try
        {
            return !File.ReadAllText("/proc/sys/vm/overcommit_memory").StartsWith('2');
        }
        catch (IOException)
        {
            return false;
        }
    }
}
