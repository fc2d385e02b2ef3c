using System.Buffers.Binary;
using CcwFs.ChannelIo;
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
        Continue(program, copy);
        if (_used > KeptSize)
            FileDescriptor.PunchHole(_memory.File, 0, HostArena.Window);
        _memory.Write(0, copy);
        _used = used;
        return true;
    }

    /// <summary>
    /// Makes lists of 4K blocks out of the lists of 2K blocks of the program taken in last. False, and nothing is changed: some of its blocks do not lie side by side.
    /// </summary>
    internal bool TryJoinBlocks(Translator program)
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

    /// <summary>
    /// A CCW that goes on with chained data has the chain's command, whatever its own code says: the kernel, which decides by the CCW's own code what it pins, and the
    /// channel, which ignores that code, are to agree. The list of a CCW that it does not pin leads nowhere, for it would hand the addresses there to the channel as they are.
    /// </summary>
    private static void Continue(Translator program, Span<byte> copy)
    {
        for (int c = 0; c < program.ChainCount; c++)
        {
            byte command = 0;
            bool chained = false;
            for (int i = 0; i < program.Length(c); i++)
            {
                Span<byte> at = copy[(int)(program.HostHead(c) + (uint)(i * Ccw.Size) - HostArena.Base)..];
                Ccw ccw = Ccw.ReadFormat1(at);
                if (ccw.IsTransferInChannel)
                {
                    chained = false; // the chain goes on elsewhere, with whatever code is there
                    continue;
                }
                bool goesOn = ccw.Has(CcwFlags.ChainData);
                if (chained)
                    ccw = ccw with { Command = command, Flags = CommandCode.MovesToStorage(command) ? ccw.Flags : ccw.Flags & ~CcwFlags.Skip };
                else
                    command = ccw.Command;
                ccw.WriteFormat1(at);
                if (!IsPinned(ccw))
                    copy.Slice((int)(ccw.DataAddress - HostArena.Base), IdawSize).Fill(0xFF);
                chained = goesOn;
            }
        }
    }

    /// <summary>The kernel pins a CCW's pages and gives its list their addresses (drivers/s390/cio/vfio_ccw_cp.c, ccw_does_data_transfer).</summary>
    private static bool IsPinned(Ccw ccw) =>
        ccw.Count != 0 && ccw.Command != CommandCode.NoOperation && !(ccw.Has(CcwFlags.Skip) && CommandCode.MovesToStorage(ccw.Command));

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
