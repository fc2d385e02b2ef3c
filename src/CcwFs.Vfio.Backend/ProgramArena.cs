using System.Buffers.Binary;
using CcwFs.ChannelProgram;
using CcwFs.Linux;
using CcwFs.Memory;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// Where the kernel finds a translated program: memory that it has mapped at the arena's own addresses, so that CCWs, TICs and lists stay as they are. Only the
/// IDAWs are another's: in place of a pinned page's number they hold the page's address in the kernel's map. Serialized by the owner.
/// </summary>
internal sealed class ProgramArena : IDisposable
{
    private const int KeptSize = 256 * 1024; // arbitrary: the memory of a larger program is given back with the next
    private const int IdawSize = 8;

    private readonly SharedMemory _memory = SharedMemory.Create("ccwfs program", HostArena.Window);
    private byte[] _copy = [];
    private int _used;

    /// <summary>Address in this process of the arena's first byte.</summary>
    internal ulong Address => _memory.AddressOf(0);

    /// <summary>Takes a program in. False: a guest address of it has no place above <see cref="DmaMaps.GuestBase"/>.</summary>
    internal bool TryCopy(Translator program)
    {
        int used = program.Arena.Used;
        if (_copy.Length < used || _copy.Length > Math.Max(used, KeptSize))
            _copy = new byte[Math.Max(used, 4 * IovaMap.PageSize)];
        Span<byte> copy = _copy.AsSpan(0, used);
        program.Arena.Bytes(HostArena.Base, used).CopyTo(copy);
        var walk = default(Translator.ListWalk);
        while (program.NextPinnedList(ref walk, out uint list, out int count))
        {
            Span<byte> idaws = copy.Slice((int)(list - HostArena.Base), count * IdawSize);
            for (; !idaws.IsEmpty; idaws = idaws[IdawSize..])
            {
                if (!program.Pins.TryGuestAddress(BinaryPrimitives.ReadUInt64BigEndian(idaws), out ulong guest) || guest > ulong.MaxValue - DmaMaps.GuestBase)
                    return false;
                BinaryPrimitives.WriteUInt64BigEndian(idaws, DmaMaps.GuestBase + guest);
            }
        }
        if (_used > KeptSize)
            FileDescriptor.PunchHole(_memory.File, 0, HostArena.Window);
        _memory.Write(0, copy);
        _used = used;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
