using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <content>From guest addresses to host IDALs and pins: rules 5 to 8 of the conformance vectors.</content>
public sealed partial class Translator
{
    private ProgramFault TranslateTransfer(uint address, Ccw ccw)
    {
        int target = FindChain(ccw.DataAddress);
        if (target < 0)
            return ProgramFault.Fault;
        uint host = _chains[target].HostHead + (ccw.DataAddress - _chains[target].GuestHead);
        BinaryPrimitives.WriteUInt32BigEndian(Arena.Bytes(address, Ccw.Size)[4..], host);
        return ProgramFault.None;
    }

    /// <summary>Rules 6 and 7: every other CCW gets an IDAL; its pages are pinned when data moves.</summary>
    private ProgramFault TranslateData(uint address, Ccw ccw, byte command, in IdawFormat format)
    {
        ulong first = ccw.DataAddress;
        bool indirect = ccw.Has(CcwFlags.IndirectData);
        if (indirect)
        {
            MemoryFault fault = IovaMap.Read(_mappings, ccw.DataAddress, _idaw.AsSpan(0, format.Size));
            if (fault != MemoryFault.None)
                return ToFault(fault);
            first = format.Read(_idaw);
        }
        uint block = format.Block;
        int count = Blocks(first, ccw.Count, block);
        if (Pins.Count + count > PinRecord.MaxPages)
            return ProgramFault.Invalid;
        uint list = Arena.Allocate(count * IdawSize);
        int pinsBefore = Pins.Count;
        bool moves = MovesData(ccw, ccw.Command) || (command != ccw.Command && MovesData(ccw, command));
        ProgramFault outcome = indirect
            ? CopyIdal(ccw, moves, list, count, first, format)
            : MakeIdal(ccw, moves, list, count, format);
        if (outcome != ProgramFault.None)
        {
            Pins.Truncate(pinsBefore);
            return outcome;
        }
        (ccw with { Flags = ccw.Flags | CcwFlags.IndirectData, DataAddress = list }).WriteFormat1(Arena.Bytes(address, Ccw.Size));
        return ProgramFault.None;
    }

    /// <summary>IDAWs for <paramref name="count"/> bytes (at least one) from an address on: rule 6.</summary>
    internal static int Blocks(ulong first, ushort count, uint block) =>
        (int)(((first & (block - 1)) + Math.Max(count, (ushort)1) + block - 1) / block);

    /// <summary>A list made up from the data address: later IDAWs are block-aligned; 64-bit, or wrapping at 4G without format-2 IDAWs.</summary>
    private ProgramFault MakeIdal(Ccw ccw, bool moves, uint list, int count, in IdawFormat format)
    {
        Span<byte> host = Arena.Bytes(list, count * IdawSize);
        ulong guest = ccw.DataAddress;
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
    private ProgramFault CopyIdal(Ccw ccw, bool moves, uint list, int count, ulong first, in IdawFormat format)
    {
        Span<byte> host = Arena.Bytes(list, count * IdawSize);
        MemoryFault fault = IovaMap.Read(_mappings, ccw.DataAddress, host);
        if (fault != MemoryFault.None)
            return ToFault(fault);
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
        MemoryFault fault = Pins.Pin(guest, out ulong host);
        if (fault != MemoryFault.None)
            return ToFault(fault);
        BinaryPrimitives.WriteUInt64BigEndian(slot, host);
        return ProgramFault.None;
    }

    /// <summary>An idle CCW's list stays as the guest gave it, but must not name a pinned page or a place in the arena by chance.</summary>
    private static void HideWindow(Span<byte> idaws)
    {
        for (; !idaws.IsEmpty; idaws = idaws[IdawSize..])
        {
            ulong idaw = BinaryPrimitives.ReadUInt64BigEndian(idaws);
            if (PinRecord.InWindow(idaw) || (idaw <= uint.MaxValue && HostArena.Owns((uint)idaw)))
                BinaryPrimitives.WriteUInt64BigEndian(idaws, UnresolvableIdaw);
        }
    }

    /// <summary>Rule 7. A data-chained CCW goes on with the command that began the chain, as the hardware does (the kernel looks at its own code).</summary>
    internal static bool MovesData(Ccw ccw, byte command) =>
        ccw.Count != 0
        && command != CommandCode.NoOperation
        && !(ccw.Has(CcwFlags.Skip) && CommandCode.MovesToStorage(command));

    /// <summary>How a program's IDAWs look (ORB bits H and T).</summary>
    internal readonly struct IdawFormat(Orb orb)
    {
        public readonly bool Is64Bit = orb.Format2Idaws;
        public readonly int Size = orb.Format2Idaws ? 8 : 4;
        public readonly uint Block = orb.Format2Idaws && !orb.TwoKIdaws ? FourK : TwoK;

        public void Write(Span<byte> destination, ulong idaw)
        {
            if (Is64Bit)
                BinaryPrimitives.WriteUInt64BigEndian(destination, idaw);
            else
                BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)idaw);
        }

        public ulong Read(ReadOnlySpan<byte> source) =>
            Is64Bit ? BinaryPrimitives.ReadUInt64BigEndian(source) : BinaryPrimitives.ReadUInt32BigEndian(source);
    }
}
