using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Trace.Views;

namespace CcwFs.Trace;

/// <summary>
/// The CCW events of a program, made while its memory may be waited for. The bytes of all of them one after the other, each as
/// <see cref="TraceEvent.Ccw"/> says, with its flags (2) and length (2) before it. Used again: it allocates nothing when it has its size.
/// </summary>
internal sealed class TraceNote : ProgramNote
{
    /// <summary>Most areas of a CCW that are told (arbitrary).</summary>
    internal const int MaxAreas = 16;

    private const int EntryHead = 8; // flags and length
    private const int CcwHead = CcwPayload.HeadSize, AreaSize = CcwPayload.AreaSize;
    private const int MaxBytes = 4 << 20; // of a program, after which data is left out (arbitrary): a START is not to wait for copies
    private const int KeptBytes = 64 << 10; // arbitrary; a larger array is given back

    private byte[] _bytes = [];
    private int _used;

    /// <summary>
    /// The program as it was translated. The first bytes of parameters are always copied, other data as much as is wanted; nothing of memory that may
    /// wait.
    /// </summary>
    internal void Gather(HostProgram program, CommandSet commands, int dataWanted)
    {
        _used = 0;
        foreach (ref readonly ProgramCcw ccw in program.Ccws)
        {
            Ccw guest = program.GuestCcw(ccw.Number);
            bool toDevice = !CommandCode.MovesToStorage(ccw.Command) && !guest.IsTransferInChannel;
            int parameters = commands.Find(ccw.Command)?.Layout is null ? 0 : TraceLayer.ParameterBytes;
            int wanted = !toDevice || program.MayWait ? 0 : Math.Max(dataWanted, parameters);
            wanted = Math.Min(wanted, guest.Count);
            bool isCut = wanted > parameters && _used > MaxBytes;
            if (isCut)
                wanted = Math.Min(wanted, parameters);
            Span<byte> entry = Take(EntryHead + CcwHead + (MaxAreas * AreaSize) + wanted);
            Span<byte> payload = entry[EntryHead..];
            BinaryPrimitives.WriteUInt32BigEndian(payload, ccw.Guest.Value);
            guest.WriteFormat1(payload[4..]);
            payload[12] = ccw.Command;
            payload[13] = ccw.Continues ? (byte)1 : (byte)0;
            int areas = guest.Has(CcwFlags.IndirectData) ? WriteAreas(program, ccw, payload[CcwHead..], ref isCut) : 0;
            BinaryPrimitives.WriteUInt16BigEndian(payload[14..], (ushort)areas);
            int length = CcwHead + (areas * AreaSize);
            int data = wanted == 0 ? 0 : new DataPieces(program, ccw).Read(payload.Slice(length, wanted));
            isCut |= data > 0 && data < guest.Count;
            length += data;
            BinaryPrimitives.WriteInt32BigEndian(entry, (int)(isCut ? TraceFlags.Cut : TraceFlags.None));
            BinaryPrimitives.WriteInt32BigEndian(entry[4..], length);
            _used += EntryHead + length;
        }
    }

    /// <summary>Gives the events to a ring.</summary>
    internal void WriteTo(TraceRing ring, long time, SubchannelId id, ulong program)
    {
        ReadOnlySpan<byte> left = _bytes.AsSpan(0, _used);
        for (uint number = 0; left.Length > 0; number++)
        {
            var flags = (TraceFlags)BinaryPrimitives.ReadInt32BigEndian(left);
            int length = BinaryPrimitives.ReadInt32BigEndian(left[4..]);
            ring.Add(time, new TraceHeader(TraceEvent.Ccw, flags, id, program, number), left.Slice(EntryHead, length));
            left = left[(EntryHead + length)..];
        }
    }

    /// <inheritdoc/>
    public override void End()
    {
        _used = 0;
        if (_bytes.Length > KeptBytes)
            _bytes = [];
    }

    private static int WriteAreas(HostProgram program, in ProgramCcw ccw, Span<byte> destination, ref bool isCut)
    {
        int areas = 0;
        ulong begin = 0, end = 0;
        foreach (DataPiece piece in new DataPieces(program, ccw))
        {
            if (areas > 0 && piece.Guest == end)
            {
                end += (ulong)piece.Length;
                BinaryPrimitives.WriteUInt32BigEndian(destination[(((areas - 1) * AreaSize) + 8)..], (uint)(end - begin));
                continue;
            }
            if (areas == MaxAreas)
            {
                isCut = true;
                break;
            }
            (begin, end) = (piece.Guest, piece.Guest + (ulong)piece.Length);
            BinaryPrimitives.WriteUInt64BigEndian(destination[(areas * AreaSize)..], begin);
            BinaryPrimitives.WriteUInt32BigEndian(destination[((areas * AreaSize) + 8)..], (uint)piece.Length);
            areas++;
        }
        return areas;
    }

    private Span<byte> Take(int size)
    {
        if (_bytes.Length - _used < size)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _used + size));
        return _bytes.AsSpan(_used, size);
    }
}
