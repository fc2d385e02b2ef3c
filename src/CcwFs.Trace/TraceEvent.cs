using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.Trace;

/// <summary>What an event is. The numbers are part of the format: they stay what they are.</summary>
public enum TraceEvent : byte
{
    /// <summary>START SUBCHANNEL. Payload: the guest's ORB (12).</summary>
    Start = 1,

    /// <summary>
    /// A CCW of the program that was started, as the guest wrote it. Payload: its guest address (4), the CCW in format 1 (8), the command that it is
    /// part of (1), 1 where it continues that by data chaining (1), the number of areas (2); per area guest address (8) and bytes (4); then the first
    /// bytes that go to the device, if any were wanted. Areas are only there for a CCW with an IDAW list; pages side by side are one area.
    /// </summary>
    Ccw = 2,

    /// <summary>
    /// An emulated device has executed a command. Payload: guest address of its first CCW (4), command (1), device status (1), subchannel status (1),
    /// the unit of the place (1, <see cref="Subchannel.PlaceUnit"/>), the place (8), what is left of the last count (2), zeros (2).
    /// </summary>
    Command = 3,

    /// <summary>
    /// Data that a command has moved. Payload: guest address of its first CCW (4), command (1), zeros (3), the first bytes of it. What goes to the
    /// device comes with the <see cref="Ccw"/> instead, where it could be read before the program began.
    /// </summary>
    Data = 4,

    /// <summary>Status was taken (TEST SUBCHANNEL). Payload: nanoseconds since START or 0 (8), the IRB in guest addresses (96).</summary>
    Status = 5,

    /// <summary>HALT SUBCHANNEL. Payload: <see cref="Outcome"/>.</summary>
    Halt = 6,

    /// <summary>CLEAR SUBCHANNEL. Payload: <see cref="Outcome"/>.</summary>
    Clear = 7,

    /// <summary>RESUME SUBCHANNEL. Payload: <see cref="Outcome"/>.</summary>
    Resume = 8,

    /// <summary>A reset. Payload: 1 for a system reset, else 0 (1), zeros (3).</summary>
    Reset = 9,

    /// <summary>A channel report. Payload: the CRW (4).</summary>
    Report = 10,

    /// <summary>A layer has refused the program. Payload: guest address of the CCW (4), the CCW in format 1 (8), why, in UTF-8.</summary>
    Refused = 11,

    /// <summary>A fault was injected. Payload: the rule, in UTF-8.</summary>
    Injected = 12,

    /// <summary>
    /// Something about the client. Payload: <see cref="ClientAct"/> (1), zeros (3), for maps the IOVA (8) and the bytes (8).
    /// </summary>
    Client = 13,

    /// <summary>The reader was too slow. Payload: the number of events that it has lost (8).</summary>
    Lost = 14,

    /// <summary>The device has gone: the trace ends.</summary>
    Gone = 15,

    /// <summary>The function of this number was not initiated. Payload: condition code (1), zeros (3), errno or 0 (4).</summary>
    Outcome = 16,

    /// <summary>A START that could not be translated. Payload: errno (4), the guest's ORB (12), why, in UTF-8.</summary>
    NotTranslated = 17,

    /// <summary>
    /// An interrupt was signalled: to the client's eventfd, or to the readers of the interrupt's file. Payload: which one (1, 0 io, 1 crw, 2 req),
    /// zeros (3).
    /// </summary>
    InterruptGiven = 18,

    /// <summary>The IRB, or the channel report, that an interrupt was for was read. Payload as for <see cref="InterruptGiven"/>.</summary>
    InterruptTaken = 19,

    /// <summary>
    /// What a recording is of; its first event. Payload: type of the control unit (2), its model (1), type of the device (2), its model (1), zeros
    /// (2), the SCHIB (52), then lines <c>key=value</c> in UTF-8 (<see cref="Views.DevicePayload"/>).
    /// </summary>
    Device = 20,
}

/// <summary>More about an event.</summary>
[Flags]
public enum TraceFlags : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>There was more than the event holds.</summary>
    Cut = 1,

    /// <summary>It comes from a recording.</summary>
    Replayed = 2,

    /// <summary>The data went to storage, else to the device.</summary>
    ToStorage = 4,

    /// <summary>In place of the data there are the number of its bytes (4) and their SHA-256 (32).</summary>
    Digest = 8,
}

/// <summary>What a client did.</summary>
public enum ClientAct : byte
{
    /// <summary>It took the device.</summary>
    Took = 1,

    /// <summary>It gave the device back, or has died.</summary>
    GaveBack = 2,

    /// <summary>Memory of it was unmapped.</summary>
    Unmapped = 3,

    /// <summary>Memory of it was mapped, or it has attached an address space with it.</summary>
    Mapped = 4,
}

/// <summary>
/// What every event begins with, 20 bytes, big-endian: version (1), event (1), flags (2), channel subsystem (1), subchannel set (1), subchannel
/// number (2), number of the program on its subchannel, 0 for none (8), number of the CCW in it, FFFFFFFF for none (4). The same in the ring and in
/// pcapng.
/// </summary>
/// <param name="Event">What it is.</param>
/// <param name="Flags">More about it.</param>
/// <param name="Id">The subchannel.</param>
/// <param name="Program">The program's number.</param>
/// <param name="Ccw">The CCW's number.</param>
public readonly record struct TraceHeader(TraceEvent Event, TraceFlags Flags, SubchannelId Id, ulong Program, uint Ccw = TraceHeader.NoCcw)
{
    /// <summary>Bytes of a header.</summary>
    public const int Size = 20;

    /// <summary>The version written.</summary>
    public const byte Version = 1;

    /// <summary>No CCW.</summary>
    public const uint NoCcw = uint.MaxValue;

    /// <summary>Writes 20 bytes.</summary>
    public void Write(Span<byte> destination)
    {
        destination[0] = Version;
        destination[1] = (byte)Event;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)Flags);
        destination[4] = Id.CssId;
        destination[5] = Id.SetId;
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], Id.Number);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Program);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], Ccw);
    }

    /// <summary>Reads a header; false for too few bytes, another version or an impossible subchannel.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out TraceHeader header)
    {
        header = default;
        if (source.Length < Size || source[0] != Version || source[5] > SubchannelId.MaxSetId)
            return false;
        header = new TraceHeader(
            (TraceEvent)source[1], (TraceFlags)BinaryPrimitives.ReadUInt16BigEndian(source[2..]),
            new SubchannelId(source[4], source[5], BinaryPrimitives.ReadUInt16BigEndian(source[6..])),
            BinaryPrimitives.ReadUInt64BigEndian(source[8..]), BinaryPrimitives.ReadUInt32BigEndian(source[16..]));
        return true;
    }
}

/// <summary>An event: when it was, and its bytes.</summary>
/// <param name="time">Nanoseconds since 1970, of a clock that never goes back (<see cref="TraceClock"/>).</param>
/// <param name="header">What it is.</param>
/// <param name="payload">What else there is of it, as <see cref="TraceEvent"/> says; its length is not checked.</param>
public readonly ref struct TraceRecord(long time, TraceHeader header, ReadOnlySpan<byte> payload)
{
    /// <summary>Nanoseconds since 1970.</summary>
    public long Time { get; } = time;

    /// <summary>What it is.</summary>
    public TraceHeader Header { get; } = header;

    /// <summary>What else there is of it.</summary>
    public ReadOnlySpan<byte> Payload { get; } = payload;
}
