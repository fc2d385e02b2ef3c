using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <content>From guest addresses to host IDALs and pins: rules 5 to 7 of this room's README.</content>
public sealed partial class Translator
{
    private const int IdawSize = HostProgram.IdawSize;

    /// <summary>Rule 5: the first chain that contains the target.</summary>
    private ProgramFault TranslateTransfer(HostAddress at, Ccw ccw)
    {
        var target = new GuestCcwAddress(ccw.DataAddress);
        int number = FindChain(target);
        if (number < 0)
            return ProgramFault.Fault;
        ProgramChain chain = Program.Chains[number];
        HostAddress host = chain.HostHead.Plus((int)target.BytesBehind(chain.GuestHead));
        (ccw with { DataAddress = host.Value }).WriteFormat1(_arena.Bytes(at, Ccw.Size));
        return ProgramFault.None;
    }

    /// <summary>Rules 6 and 7: every other CCW gets an IDAL; its pages are pinned when data moves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ProgramFault TranslateData(HostAddress at, Ccw ccw, bool moves, in IdawFormat format)
    {
        ulong first = ccw.DataAddress;
        bool indirect = ccw.Has(CcwFlags.IndirectData);
        if (indirect)
        {
            MemoryFault fault = IovaMap.Read(Program.Mappings, ccw.DataAddress, _idaw.AsSpan(0, format.Size));
            if (fault != MemoryFault.None)
                return Faults.Of(fault);
            first = format.Read(_idaw);
        }
        int count = format.Blocks(first, ccw.Count);
        int pinsBefore = _pins.Count;
        if (pinsBefore + count > PinRecord.MaxPages)
            return ProgramFault.Invalid;
        HostAddress list = _arena.Allocate(count * IdawSize);
        ProgramFault outcome = indirect
            ? CopyIdal(ccw.DataAddress, moves, list, count, first, format)
            : MakeIdal(ccw.DataAddress, moves, list, count, format);
        if (outcome != ProgramFault.None)
        {
            _pins.Truncate(pinsBefore);
            return outcome;
        }
        (ccw with { Flags = ccw.Flags | CcwFlags.IndirectData, DataAddress = list.Value }).WriteFormat1(_arena.Bytes(at, Ccw.Size));
        return ProgramFault.None;
    }

    /// <summary>A list made up from the data address: later IDAWs are block-aligned; 64-bit, or wrapping at 4G without format-2 IDAWs.</summary>
    private ProgramFault MakeIdal(ulong guest, bool moves, HostAddress list, int count, in IdawFormat format)
    {
        Span<byte> host = _arena.Bytes(list, count * IdawSize);
        if (!moves)
            host.Clear();
        for (int i = 0; i < count; i++)
        {
            if (!moves)
            {
                format.Write(host[(i * format.Size)..], guest);
            }
            else
            {
                ProgramFault fault = PinIdaw(guest, host[(i * IdawSize)..]);
                if (fault != ProgramFault.None)
                    return fault;
            }
            guest = (guest & ~(ulong)(format.Block - 1)) + format.Block;
            if (!format.Is64Bit)
                guest = (uint)guest;
        }
        if (!moves)
            HideWindow(host);
        return ProgramFault.None;
    }

    /// <summary>
    /// The guest's own list. 8 bytes an IDAW are read for both formats, as the kernel does; the first IDAW is the one already
    /// read: what determined the count is what is used. When no data moves the bytes stay as they are.
    /// </summary>
    private ProgramFault CopyIdal(uint from, bool moves, HostAddress list, int count, ulong first, in IdawFormat format)
    {
        Span<byte> host = _arena.Bytes(list, count * IdawSize);
        MemoryFault fault = IovaMap.Read(Program.Mappings, from, host);
        if (fault != MemoryFault.None)
            return Faults.Of(fault);
        format.Write(host, first);
        if (!moves)
        {
            HideWindow(host);
            return ProgramFault.None;
        }
        for (int i = count - 1; i >= 0 && !format.Is64Bit; i--)
            BinaryPrimitives.WriteUInt64BigEndian(host[(i * IdawSize)..], format.Read(host[(i * format.Size)..]));
        for (int i = 0; i < count; i++)
        {
            Span<byte> slot = host[(i * IdawSize)..];
            ProgramFault outcome = PinIdaw(BinaryPrimitives.ReadUInt64BigEndian(slot), slot);
            if (outcome != ProgramFault.None)
                return outcome == ProgramFault.Unmapped && RunWraps(slot) ? ProgramFault.Overflow : outcome;
        }
        return ProgramFault.None;
    }

    /// <summary>True when the IDAWs from here on name page after page over the end of the 64-bit space (the kernel pins them as one run).</summary>
    private static bool RunWraps(ReadOnlySpan<byte> idaws)
    {
        for (; idaws.Length >= 2 * IdawSize; idaws = idaws[IdawSize..])
        {
            ulong page = BinaryPrimitives.ReadUInt64BigEndian(idaws) / IovaMap.PageSize;
            ulong next = BinaryPrimitives.ReadUInt64BigEndian(idaws[IdawSize..]) / IovaMap.PageSize;
            if (next == 0 && page == ulong.MaxValue / IovaMap.PageSize)
                return true;
            if (next != page + 1)
                return false;
        }
        return false;
    }

    private ProgramFault PinIdaw(ulong guest, Span<byte> slot)
    {
        MemoryFault fault = _pins.Pin(guest, out ulong host);
        if (fault != MemoryFault.None)
            return Faults.Of(fault);
        BinaryPrimitives.WriteUInt64BigEndian(slot, host);
        return ProgramFault.None;
    }

    /// <summary>An idle CCW's list stays as the guest gave it, but must not name a pinned page or a place in the arena by chance.</summary>
    private static void HideWindow(Span<byte> idaws)
    {
        for (; !idaws.IsEmpty; idaws = idaws[IdawSize..])
        {
            ulong idaw = BinaryPrimitives.ReadUInt64BigEndian(idaws);
            if (PinRecord.InWindow(idaw) || (idaw <= uint.MaxValue && HostArena.Owns(new HostAddress((uint)idaw))))
                BinaryPrimitives.WriteUInt64BigEndian(idaws, HostProgram.UnresolvableIdaw);
        }
    }
}
