using CcwFs.Control;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Service.Control;

/// <summary>
/// The address space of a program of `run`: its parts stand one after the other in one piece of memory, which goes back to the system with this.
/// Charged to an account. Belongs to one control file, whose requests follow one another.
/// </summary>
internal sealed class ProgramSpace : IDisposable
{
    /// <summary>Most bytes (arbitrary: a program's 64 MiB, and for a packed one the pages around them).</summary>
    internal const int MaxBytes = 72 << 20;

    /// <summary>What one costs at least (arbitrary): a descriptor and a mapping of ours come with it.</summary>
    private const long LeastCharge = 1 << 20;

    private readonly ControlAccount _account;
    private readonly StoragePart[] _parts;
    private readonly InPlaceStore _memory;
    private readonly long _length;

    /// <summary>An address space of zeros.</summary>
    internal ProgramSpace(IReadOnlyList<StoragePart> parts, ControlAccount account)
    {
        if (parts.Count == 0 || parts.Any(part => part is not { Length: > 0 and <= MaxBytes } || part.Length % IovaMap.PageSize != 0))
            throw new CommandException($"the program's memory is a number of pages of {IovaMap.PageSize} bytes, in parts that have an address and a length");
        (_parts, _account, _length) = ([.. parts], account, parts.Sum(part => (long)part.Length));
        if (_length > MaxBytes)
            throw new CommandException($"the program needs {_length} bytes; it may have {MaxBytes}");
        if (!account.TryTake(Charge))
            throw new CommandException("too many programs are being run by this user, or by all together; wait for one of them to end");
        try
        {
            _memory = new InPlaceStore(SharedMemory.Create("ccwfs run", _length)); // a real device's kernel must find it
            Space = new AddressSpace(Map());
        }
        catch
        {
            _memory?.Dispose();
            account.Return(Charge);
            throw;
        }
    }

    /// <summary>As a device sees it.</summary>
    internal AddressSpace Space { get; }

    /// <summary>Copies bytes in; throws where the parts have no room for them.</summary>
    internal void Write(ulong address, ReadOnlySpan<byte> bytes) => _memory.Write(OffsetOf(address, bytes.Length), bytes);

    /// <summary>Copies bytes out; throws where the parts do not have them.</summary>
    internal void Read(ulong address, Span<byte> bytes) => _memory.Read(OffsetOf(address, bytes.Length), bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        _account.Return(Charge);
    }

    private long Charge => Math.Max(_length, LeastCharge);

    private long OffsetOf(ulong address, int length)
    {
        long offset = 0;
        foreach (StoragePart part in _parts)
        {
            if (address >= part.Address && address - part.Address < (ulong)part.Length && length <= part.Length - (int)(address - part.Address))
                return offset + (long)(address - part.Address);
            offset += part.Length;
        }
        throw new CommandException($"no part of the program's memory has {length} bytes at {address:X}");
    }

    private IovaMap Map()
    {
        var map = new IovaMap();
        long offset = 0;
        foreach (StoragePart part in _parts)
        {
            if (map.Map(part.Address, (ulong)part.Length, _memory, offset, MemoryRights.ReadWrite) != MapOutcome.Done)
                throw new CommandException($"the part of the program's memory at {part.Address:X} overlaps another, or is not at a page");
            offset += part.Length;
        }
        return map;
    }
}
