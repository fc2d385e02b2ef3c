using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets.Decode;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Trace.Views;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mono.Unix.Native;

namespace CcwFs.Trace;

/// <summary>
/// Sees everything that passes between the regions of a device and its backend, and tells it to the flight recorder and to readers. It stands above
/// all other layers: it sees what a guest sends, and what a guest gets. Without a reader and without a flight recorder it hands on, and nothing else.
/// It changes nothing, and never waits.
/// </summary>
public sealed class TraceLayer : SubchannelLayer, IDeviceWatch
{
    /// <summary>Programs that the flight recorder keeps where nobody says how many.</summary>
    public const int DefaultFlight = 64;

    /// <summary>Most programs that the flight recorder keeps (arbitrary).</summary>
    public const int MaxFlight = 4096;

    /// <summary>Most bytes of data of a command that are traced: those of an event less its heads.</summary>
    public const int MaxData = TraceRing.MaxRecord - 512;

    /// <summary>Up to so many bytes of data of a command a reader keeps no more than others (arbitrary: some pages).</summary>
    public const int LittleData = 16 << 10;

    /// <summary>What <see cref="Describe"/> says of a flight recorder that keeps data.</summary>
    public const string WithData = "programs, with data";

    /// <summary>What a reader may keep that wants more than <see cref="LittleData"/>: bytes, arbitrary.</summary>
    public const int MuchMemory = 16 << 20;

    /// <summary>Bytes of a command's parameters that are always traced (arbitrary: PREFIX has 64 and a few).</summary>
    public const int ParameterBytes = 96;

    private const int BytesPerProgram = 4 << 10; // of the flight recorder, arbitrary: a chain of some 30 CCWs
    private const int ReadersLimit = 1 << 20;    // of a ring, arbitrary: what a reader may be late
    private const int LongestText = 512;                                // arbitrary

    private readonly Lock _gate = new();
    private readonly int _flightData;
    private readonly List<TraceReader> _readers = [];
    private readonly IDeviceWatch? _below; // the next layer that watches
    private readonly ILogger _logger;
    private readonly LogLimit _lines;
    private TraceRing? _ring;              // made by the first event that is kept; guarded by _gate when it changes
    private volatile int _dataWanted;
    private volatile bool _isRead;         // all events are wanted, by a reader or by a flight recorder with data
    private volatile BackendProgram? _program; // the one that runs
    private byte[] _readBack = [];         // for data that a program has read; under the caller's locks, as Test
    private bool _isTold;                  // the backend tells of the commands of the program that runs
    private ulong _number;                 // of programs
    private long _started;                 // when the last one was
    private bool _ended;                   // the last one has had its final status

    /// <summary>
    /// A layer whose flight recorder keeps <paramref name="flight"/> programs (0: none), with <paramref name="flightData"/> bytes of the data of each
    /// command. <paramref name="shown"/>: the subchannel as clients find it. <paramref name="logger"/>: is told where the flight recorder holds what
    /// a person should look at.
    /// </summary>
    public TraceLayer(ISubchannel next, SubchannelId shown, int flight, int flightData = 0, ILogger? logger = null)
        : base(next)
    {
        (Id, Flight, _below, _logger) = (shown, Math.Clamp(flight, 0, MaxFlight), next as IDeviceWatch, logger ?? NullLogger.Instance);
        _flightData = Flight == 0 ? 0 : Math.Clamp(flightData, 0, MaxData);
        CountReaders();
        _lines = LogLimit.Of(_logger, "programs that failed", shown);
    }

    /// <summary>The subchannel as clients find it.</summary>
    public SubchannelId Id { get; }

    /// <summary>How many programs the flight recorder keeps.</summary>
    public int Flight { get; }

    private bool IsOn => Flight > 0 || _isRead;

    /// <summary>
    /// One more reader: of the next event and all that follow, or of the last <paramref name="lastPrograms"/> programs that the flight recorder has,
    /// and all that follow.
    /// </summary>
    public TraceReader Read(int? lastPrograms = null)
    {
        lock (_gate)
        {
            var reader = new TraceReader(this, Ring(), lastPrograms);
            _readers.Add(reader);
            CountReaders();
            return reader;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Parameters of programs in memory that may wait are not read before they run: a layer never waits.</remarks>
    public override int DataWanted => IsOn ? Math.Max(OwnDataWanted, base.DataWanted) : base.DataWanted;

    /// <inheritdoc/>
    public override ProgramFault Prepare(BackendProgram program)
    {
        ProgramFault fault = base.Prepare(program);
        if (IsOn && fault == ProgramFault.None && program is HostProgram translated)
            program.Note<TraceNote>().Gather(translated, Identity.Commands, _dataWanted);
        return fault;
    }

    /// <inheritdoc/>
    public override FunctionResult Start(in Orb orb, BackendProgram program)
    {
        if (!IsOn)
            return base.Start(orb, program);
        TraceRing ring = Ring();
        ulong number = Begin(program);
        Span<byte> payload = stackalloc byte[Orb.Size];
        program.GuestOrb.Write(payload);
        ring.Add(_started, Header(TraceEvent.Start, number), payload);
        program.Find<TraceNote>()?.WriteTo(ring, _started, Id, number);
        FunctionResult result = base.Start(orb, program);
        if (!result.IsInitiated)
            Tell(TraceEvent.Outcome, number, result);
        return result;
    }

    /// <inheritdoc/>
    public override FunctionResult Resume() => Tell(TraceEvent.Resume, Current, base.Resume());

    /// <inheritdoc/>
    public override FunctionResult Halt() => Tell(TraceEvent.Halt, Current, base.Halt());

    /// <inheritdoc/>
    public override FunctionResult Clear() => Tell(TraceEvent.Clear, Current, base.Clear());

    /// <inheritdoc/>
    public override bool Test(out Irb irb)
    {
        if (!base.Test(out irb))
            return false;
        if (IsOn)
            TellStatus(irb);
        return true;
    }

    /// <inheritdoc/>
    public override bool Reset(bool system)
    {
        bool operational = base.Reset(system);
        _program = null;
        if (IsOn)
            Ring().Add(TraceClock.Now, Header(TraceEvent.Reset, 0), [system ? (byte)1 : (byte)0, 0, 0, 0]);
        return operational;
    }

    /// <inheritdoc/>
    public override void Unplug()
    {
        base.Unplug();
        _program = null;
        lock (_gate)
        {
            _ring?.Add(TraceClock.Now, Header(TraceEvent.Gone, 0), []);
            _ring?.Close();
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string>> Describe()
    {
        int readers;
        lock (_gate)
            readers = _readers.Count;
        return
        [
            .. base.Describe(), new("flight", Flight == 0 ? "off" : $"the last {Flight} {(_flightData == 0 ? "programs" : WithData)}"),
            new("trace", readers == 0 ? "nobody reads it" : $"{readers} readers"),
        ];
    }

    /// <inheritdoc/>
    public override void Report(Crw crw)
    {
        if (IsOn)
        {
            Span<byte> payload = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32BigEndian(payload, crw.Word);
            Ring().Add(TraceClock.Now, Header(TraceEvent.Report, 0), payload);
        }
        base.Report(crw);
    }

    /// <inheritdoc/>
    /// <remarks>The flight recorder keeps those alone that did not end in the ordinary way: what came before an error.</remarks>
    public override void Executed(in ExecutedCommand command)
    {
        const DeviceStatus Ordinary = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;
        bool isOrdinary = command.Status == Ordinary && command.Check == SubchannelStatus.None;
        _isTold |= _isRead;
        if ((_isRead || (Flight > 0 && !isOrdinary)) && _program is { } program)
            TellCommand(command, program.ToGuest(command.CcwAddress));
        else if (Flight > 0 && _program is { MayWait: true } waiting && !CommandCode.MovesToStorage(command.Command))
            TellData(command, waiting.ToGuest(command.CcwAddress), TraceClock.Now, Volatile.Read(ref _number));
        base.Executed(command);
    }

    /// <inheritdoc/>
    public override void Refused(uint address, Ccw ccw, string why)
    {
        if (IsOn)
        {
            Span<byte> payload = stackalloc byte[sizeof(uint) + Ccw.Size];
            BinaryPrimitives.WriteUInt32BigEndian(payload, address);
            ccw.WriteFormat1(payload[sizeof(uint)..]);
            Ring().Add(TraceClock.Now, Header(TraceEvent.Refused, Current), payload, Utf8(why));
        }
        base.Refused(address, ccw, why);
    }

    /// <inheritdoc/>
    public override void Injected(string rule)
    {
        if (IsOn)
            Ring().Add(TraceClock.Now, Header(TraceEvent.Injected, Current), Utf8(rule));
        base.Injected(rule);
    }

    /// <inheritdoc/>
    void IDeviceWatch.NotTranslated(in Orb orb, Errno errno, string why)
    {
        _below?.NotTranslated(orb, errno, why);
        if (!IsOn)
            return;
        Span<byte> payload = stackalloc byte[sizeof(uint) + Orb.Size];
        BinaryPrimitives.WriteInt32BigEndian(payload, (int)errno);
        orb.Write(payload[sizeof(uint)..]);
        Ring().Add(TraceClock.Now, Header(TraceEvent.NotTranslated, Interlocked.Increment(ref _number)), payload, Utf8(why));
    }

    /// <inheritdoc/>
    void IDeviceWatch.ClientTook()
    {
        _below?.ClientTook();
        Tell(ClientAct.Took);
    }

    /// <inheritdoc/>
    void IDeviceWatch.ClientGaveBack()
    {
        _below?.ClientGaveBack();
        Tell(ClientAct.GaveBack);
    }

    /// <inheritdoc/>
    void IDeviceWatch.Mapped(ulong iova, ulong length)
    {
        _below?.Mapped(iova, length);
        Tell(ClientAct.Mapped, iova, length);
    }

    /// <inheritdoc/>
    void IDeviceWatch.Unmapped(ulong iova, ulong length)
    {
        _below?.Unmapped(iova, length);
        Tell(ClientAct.Unmapped, iova, length);
    }

    /// <inheritdoc/>
    void IDeviceWatch.InterruptGiven(DeviceInterrupt interrupt)
    {
        _below?.InterruptGiven(interrupt);
        Tell(TraceEvent.InterruptGiven, interrupt);
    }

    /// <inheritdoc/>
    void IDeviceWatch.InterruptTaken(DeviceInterrupt interrupt)
    {
        _below?.InterruptTaken(interrupt);
        Tell(TraceEvent.InterruptTaken, interrupt);
    }

    /// <summary>A reader has other wishes.</summary>
    internal void CountReaders()
    {
        lock (_gate)
        {
            _isRead = _readers.Count > 0 || _flightData > 0;
            _dataWanted = Math.Max(_flightData, _readers.Count == 0 ? 0 : _readers.Max(reader => reader.DataWanted));
            if (_ring is { } ring && ring.Limit != RingLimit)
                ring.Limit = RingLimit;
        }
    }

    /// <summary>A reader has left.</summary>
    internal void Left(TraceReader reader)
    {
        lock (_gate)
        {
            _readers.Remove(reader);
            CountReaders();
            if (_readers.Count == 0 && Flight == 0)
                _ring = null;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _lines.Dispose();
        base.Dispose(disposing);
    }

    private int OwnDataWanted => _program is { MayWait: true } ? Math.Max(_dataWanted, ParameterBytes) : _dataWanted;

    private ulong Current => _ended ? 0 : Volatile.Read(ref _number);

    private TraceHeader Header(TraceEvent what, ulong program, TraceFlags flags = TraceFlags.None) => new(what, flags, Id, program);

    private int RingLimit => (int)BitOperations.RoundUpToPowerOf2(
        (ulong)Math.Max(_dataWanted > LittleData ? MuchMemory : ReadersLimit, (long)Flight * BytesPerProgram));

    private TraceRing Ring()
    {
        if (Volatile.Read(ref _ring) is { } ring)
            return ring;
        lock (_gate)
            return _ring ??= new TraceRing(Flight, RingLimit);
    }

    private ulong Begin(BackendProgram program)
    {
        ulong number = Interlocked.Increment(ref _number);
        (_program, _started, _ended, _isTold) = (program, TraceClock.Now, false, false);
        return number;
    }

    private FunctionResult Tell(TraceEvent function, ulong program, FunctionResult result)
    {
        if (!IsOn)
            return result;
        Span<byte> payload = stackalloc byte[8];
        payload.Clear();
        payload[0] = (byte)result.Condition;
        BinaryPrimitives.WriteInt32BigEndian(payload[4..], (int)result.Refusal);
        Ring().Add(TraceClock.Now, Header(function, program), payload);
        return result;
    }

    private void Tell(ClientAct act)
    {
        if (IsOn)
            Ring().Add(TraceClock.Now, Header(TraceEvent.Client, 0), [(byte)act, 0, 0, 0]);
    }

    /// <summary>For readers alone: the flight recorder would be full of it.</summary>
    private void Tell(ClientAct act, ulong iova, ulong length)
    {
        if (!_isRead)
            return;
        Span<byte> payload = stackalloc byte[20];
        payload.Clear();
        payload[0] = (byte)act;
        BinaryPrimitives.WriteUInt64BigEndian(payload[4..], iova);
        BinaryPrimitives.WriteUInt64BigEndian(payload[12..], length);
        Ring().Add(TraceClock.Now, Header(TraceEvent.Client, 0), payload);
    }

    /// <summary>For readers alone, as well.</summary>
    private void Tell(TraceEvent what, DeviceInterrupt interrupt)
    {
        if (_isRead)
            Ring().Add(TraceClock.Now, Header(what, 0), [(byte)interrupt, 0, 0, 0]);
    }

    private void TellStatus(Irb irb)
    {
        long now = TraceClock.Now;
        Scsw scsw = irb.Scsw;
        const FunctionControl Any = FunctionControl.Start | FunctionControl.Halt | FunctionControl.Clear;
        // Device end that comes after channel end answers no function any more, and is the program's all the same.
        bool isLate = scsw.Function == FunctionControl.None && (scsw.StatusControl & StatusControl.Secondary) != 0;
        bool isSolicited = isLate || (scsw.Function & Any) != 0;
        ulong program = isLate || (scsw.Function & FunctionControl.Start) != 0 ? Current : 0;
        if (program != 0 && _program is { } running)
        {
            if (_dataWanted > 0 && !_isTold && running is HostProgram translated)
                TellReadBack(translated, program, scsw, now);
            irb.Scsw = running.UpdateScsw(scsw);
        }
        Span<byte> since = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(since, program == 0 ? 0 : now - _started);
        Ring().Add(now, Header(TraceEvent.Status, program), since, irb);
        if (program != 0 && Flight > 0 && IsSerious(irb) && _lines.May())
            TraceLog.Serious(_logger, Id, program, IrbSummary.Describe(irb, Identity.Commands.Sense), Id);
        if (isSolicited && scsw.HasEnded)
            (_program, _ended) = (null, true);
    }

    /// <summary>
    /// A channel check, or a unit check that no driver causes in its ordinary work: bus out, equipment, data check, overrun (sense byte 0, bits 2 to
    /// 5, of every family).
    /// </summary>
    private static bool IsSerious(in Irb irb)
    {
        const SubchannelStatus Checks = SubchannelStatus.ChannelDataCheck | SubchannelStatus.ChannelControlCheck
            | SubchannelStatus.InterfaceControlCheck | SubchannelStatus.ChainingCheck;
        const byte Serious = 0x3C;
        return (irb.Scsw.Subchannel & Checks) != 0
            || ((irb.Scsw.Device & DeviceStatus.UnitCheck) != 0 && IrbSummary.ConcurrentSense(irb) is [var first, ..] && (first & Serious) != 0);
    }

    private void TellCommand(in ExecutedCommand command, GuestCcwAddress address)
    {
        long now = TraceClock.Now;
        ulong number = Volatile.Read(ref _number);
        TraceRing ring = Ring();
        Span<byte> payload = stackalloc byte[20];
        payload.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(payload, address.Value);
        payload[4] = command.Command;
        payload[5] = (byte)command.Status;
        payload[6] = (byte)command.Check;
        payload[7] = (byte)command.Place.Unit;
        BinaryPrimitives.WriteUInt64BigEndian(payload[8..], command.Place.Value);
        BinaryPrimitives.WriteUInt16BigEndian(payload[16..], command.Residual);
        ring.Add(now, Header(TraceEvent.Command, number), payload);
        if (CommandCode.MovesToStorage(command.Command) || _program is LiveProgram or { MayWait: true })
            TellData(command, address, now, number); // what went to the device came with its CCW elsewhere
    }

    private void TellData(in ExecutedCommand command, GuestCcwAddress address, long now, ulong number)
    {
        bool toStorage = CommandCode.MovesToStorage(command.Command);
        int wanted = toStorage || Identity.Commands.Find(command.Command)?.Layout is null ? _dataWanted : Math.Max(_dataWanted, ParameterBytes);
        ReadOnlySpan<byte> data = command.Data[..Math.Min(command.Data.Length, wanted)];
        if (data.IsEmpty)
            return;
        TraceFlags flags = (toStorage ? TraceFlags.ToStorage : TraceFlags.None) | (data.Length < command.Moved ? TraceFlags.Cut : TraceFlags.None);
        Ring().Add(now, Header(TraceEvent.Data, number, flags), DataHead(stackalloc byte[DataPayload.HeadSize], address, command.Command), data);
    }

    private static Span<byte> DataHead(Span<byte> head, GuestCcwAddress address, byte command)
    {
        head.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(head, address.Value);
        head[4] = command;
        return head;
    }

    /// <summary>What the commands of a real device have read lies in the guest's storage when its status comes.</summary>
    private void TellReadBack(HostProgram program, ulong number, Scsw scsw, long now)
    {
        if (program.MayWait || (scsw.StatusControl & StatusControl.Primary) == 0)
            return; // a layer never waits
        var commands = new ReadBack(program, scsw, _dataWanted, _readBack);
        Span<byte> head = stackalloc byte[DataPayload.HeadSize];
        while (commands.MoveNext())
        {
            TraceFlags flags = TraceFlags.ToStorage | (commands.IsCut ? TraceFlags.Cut : TraceFlags.None);
            Ring().Add(now, Header(TraceEvent.Data, number, flags), DataHead(head, commands.Address, commands.Command), commands.Data);
        }
        _readBack = commands.Buffer.Length > LittleData && !_isRead ? [] : commands.Buffer;
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text.Length > LongestText ? text[..LongestText] : text);
}
