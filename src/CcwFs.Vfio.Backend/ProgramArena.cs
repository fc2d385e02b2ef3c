using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Linux;
using CcwFs.Memory;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// Where the kernel finds a translated program: memory that it has mapped at the arena's own addresses, so that CCWs, TICs and lists stay as they
/// are. Only the IDAWs are another's: in place of a pinned page's number they hold the page's address in the kernel's map. Serialized by the owner.
/// </summary>
internal sealed class ProgramArena : IDisposable
{
    private const int KeptSize = 256 * 1024; // arbitrary: the memory of a larger program is given back with the next
    private const int IdawSize = HostProgram.IdawSize;

    private readonly SharedMemory _memory = SharedMemory.Create("ccwfs program", HostArena.Window);
    private byte[] _copy = [];
    private int _used;

    /// <summary>Address in this process of the arena's first byte.</summary>
    internal ulong Address => _memory.AddressOf(0);

    /// <summary>Takes a program in. False: a guest address of it has no place above <see cref="DmaMaps.GuestBase"/>.</summary>
    internal bool TryCopy(HostProgram program)
    {
        int used = program.Bytes.Length;
        if (_copy.Length < used || _copy.Length > Math.Max(used, KeptSize))
            _copy = new byte[Math.Max(used, 4 * IovaMap.PageSize)];
        Span<byte> copy = _copy.AsSpan(0, used);
        program.Bytes.CopyTo(copy);
        foreach (ref readonly ProgramCcw at in program.Ccws)
        {
            if (at.Ccw.IsTransferInChannel)
                continue;
            Span<byte> list = copy.Slice(HostArena.OffsetOf(at.List), at.IdawCount * IdawSize);
            if (!TryName(program.Pins, list))
                return false;
            Ccw kernels = ForKernel(at);
            kernels.WriteFormat1(copy[HostArena.OffsetOf(at.Host)..]);
            if (!CommandInEffect.MovesData(kernels, kernels.Command))
                list[..IdawSize].Fill(0xFF);
        }
        if (_used > KeptSize)
            FileDescriptor.PunchHole(_memory.File, 0, HostArena.Window);
        _memory.Write(0, copy);
        _used = used;
        return true;
    }

    /// <summary>
    /// Makes lists of 4K blocks out of the lists of 2K blocks of the program taken in last. False, and nothing is changed: some of its blocks do not
    /// lie side by side.
    /// </summary>
    internal bool TryJoinBlocks(HostProgram program)
    {
        Span<byte> copy = _copy.AsSpan(0, _used);
        if (!BlockJoin.Try(program, copy))
            return false;
        _memory.Write(0, copy);
        return true;
    }

    /// <summary>Writes at an offset.</summary>
    internal void Write(int offset, ReadOnlySpan<byte> bytes) => _memory.Write(offset, bytes);

    /// <summary>Reads at an offset.</summary>
    internal void Read(int offset, Span<byte> bytes) => _memory.Read(offset, bytes);

    /// <summary>Gives the IDAWs of a list that name pinned pages the kernel's addresses of these. False: one has none.</summary>
    private static bool TryName(PinRecord pins, Span<byte> idaws)
    {
        for (; !idaws.IsEmpty; idaws = idaws[IdawSize..])
        {
            ulong idaw = BinaryPrimitives.ReadUInt64BigEndian(idaws);
            if (!PinRecord.InWindow(idaw))
                continue; // it leads to a copy in the arena, or nowhere
            if (!pins.TryGuestAddress(idaw, out ulong guest) || guest > ulong.MaxValue - DmaMaps.GuestBase)
                return false;
            BinaryPrimitives.WriteUInt64BigEndian(idaws, DmaMaps.GuestBase + guest);
        }
        return true;
    }

    /// <summary>
    /// A CCW that goes on with chained data has the chain's command, whatever its own code says: the kernel, which decides by the CCW's own code what
    /// it pins (drivers/s390/cio/vfio_ccw_cp.c, ccw_does_data_transfer), and the channel, which ignores that code, are to agree. The list of a CCW
    /// that the kernel does not pin leads nowhere, for it would hand the addresses there to the channel as they are.
    /// </summary>
    private static Ccw ForKernel(in ProgramCcw at) => !at.Continues ? at.Ccw : at.Ccw with
    {
        Command = at.Command, Flags = CommandCode.MovesToStorage(at.Command) ? at.Ccw.Flags : at.Ccw.Flags & ~CcwFlags.Skip,
    };

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
