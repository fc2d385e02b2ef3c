using System.Buffers.Binary;
using System.Diagnostics;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Memory;
using CcwFs.Policy;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Fuzz;

/// <summary>What is fuzzed.</summary>
public enum FuzzTarget
{
    /// <summary>Initialize to free, without execution.</summary>
    Translator,

    /// <summary>START to final status on an emulated 3390.</summary>
    Interpreter,
}

/// <summary>The volume that programs run on.</summary>
/// <param name="Profile">What the control unit has.</param>
/// <param name="SpaceEfficient">An ESE volume.</param>
/// <param name="Cylinders">Its size.</param>
/// <param name="WritableCylinder">The only one that a policy lets programs write; null: no policy.</param>
public sealed record FuzzDasd(EckdProfile Profile = EckdProfile.Full, bool SpaceEfficient = false, int Cylinders = 5, int? WritableCylinder = null);

/// <summary>An invariant did not hold.</summary>
/// <param name="message">Which.</param>
/// <param name="program">What it did not hold for.</param>
public sealed class FuzzException(string message, string program) : Exception(message)
{
    /// <summary>The program.</summary>
    public string Case { get; } = program;
}

/// <summary>
/// Mutates programs of a corpus and runs them. Invariants: no exception; a bounded time (with CLEAR for a program that loops); nothing is written
/// outside the pages that the program pinned, nor to a track that a policy forbids; the pins are given back; no address of the arena leaves. Rounds
/// depend on the seed alone.
/// </summary>
public sealed class Fuzzer : IDisposable
{
    /// <summary>Guest memory, all of it mapped: read-write, then 64 KiB each that the device may only read and only write.</summary>
    public const int MemorySize = 0x8_0000;

    private const int ReadWriteSize = MemorySize - 0x2_0000;
    private static readonly TimeSpan s_loop = TimeSpan.FromMilliseconds(3);   // then CLEAR
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);   // then it hangs

    private readonly FuzzTarget _target;
    private readonly Random _random;
    private readonly List<Seed> _corpus;
    private readonly byte[] _memory = new byte[MemorySize];
    private readonly byte[] _before = new byte[MemorySize];
    private readonly bool[] _pinned = new bool[MemorySize / IovaMap.PageSize];
    private readonly IovaMap _map = new();
    private readonly Translator _translator = new();
    private readonly ChannelExecutor _executor = new();
    private readonly Observer _subchannel;
    private readonly WatchedStore _store;
    private readonly VfioCcwDevice _device;
    private Orb _orb;

    /// <summary>A fuzzer whose programs follow from <paramref name="seed"/>; they run on a volume as <paramref name="dasd"/> says.</summary>
    public Fuzzer(FuzzTarget target, int seed, IReadOnlyList<Seed> corpus, FuzzDasd? dasd = null)
    {
        dasd ??= new FuzzDasd();
        (_target, _random, _corpus) = (target, new Random(seed), [.. corpus]);
        var store = new ArrayStore(_memory);
        _map.Map(0, ReadWriteSize, store, 0, MemoryRights.ReadWrite);
        _map.Map(ReadWriteSize, 0x1_0000, store, ReadWriteSize, MemoryRights.Read);
        _map.Map(ReadWriteSize + 0x1_0000, 0x1_0000, store, ReadWriteSize + 0x1_0000, MemoryRights.Write);
        CkdGeometry geometry = CkdGeometry.Model3390(dasd.Cylinders);
        _store =
            new WatchedStore(new MemoryTrackStore(geometry, VolumeLayout.Create(geometry, VolumeFormat.Cdl, volser: "FUZZ01")),
            dasd.WritableCylinder);
        var volume = new EckdVolume(_store);
        var options = new EckdOptions(new DeviceId(0, 0, 0x150), Profile: dasd.Profile, SpaceEfficient: dasd.SpaceEfficient);
        _subchannel =
            new Observer(new EmulatedSubchannel(new SubchannelId(0, 0, 1), options.Device, [0x10, 0x11], new EckdDevice(volume, options), _executor));
        var policy = new PolicyLayer(_subchannel, NullLogger.Instance);
        _device = new VfioCcwDevice(policy, new AddressSpace(_map), NullLogger.Instance);
        ExtentRanges? writable = null;
        if (dasd.WritableCylinder is { } cylinder)
            ExtentRanges.TryParse(cylinder.ToString(System.Globalization.CultureInfo.InvariantCulture), Families.Eckd, out writable);
        policy.Policy = new DevicePolicy(Families.Eckd) { Extents = writable };
    }

    /// <summary>Programs made.</summary>
    public int Rounds { get; private set; }

    /// <summary>Programs that the translator and the subchannel accepted.</summary>
    public int Started { get; private set; }

    /// <summary>Tracks that programs have written.</summary>
    public int TracksWritten => _store.Written;

    /// <summary>Programs that looped and were cleared.</summary>
    public int Cleared { get; private set; }

    /// <summary>Runs for so long; throws <see cref="FuzzException"/>.</summary>
    public void Run(TimeSpan time)
    {
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        while (Stopwatch.GetTimestamp() < end)
        {
            Rounds++;
            Make();
            try
            {
                if (_target == FuzzTarget.Translator)
                    Translate();
                else
                    Execute();
            }
            catch (Exception e) when (e is not FuzzException)
            {
                throw new FuzzException(e.ToString(), Corpus.Describe(_orb, _before));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _device.Dispose();
        _executor.Dispose();
    }

    private void Make()
    {
        _memory.AsSpan().Clear();
        Seed seed = _corpus[_random.Next(_corpus.Count)];
        _orb = seed.Orb;
        foreach ((uint address, byte[] bytes) in seed.Memory)
            bytes.CopyTo(_memory, address);
        for (int i = _random.Next(8); i > 0; i--)
            Mutate(seed);
        _memory.CopyTo(_before, 0);
    }

    private void Mutate(Seed seed)
    {
        (uint address, byte[] bytes) = seed.Memory.Count > 0 ? seed.Memory[_random.Next(seed.Memory.Count)] : (0x1000u, new byte[8]);
        uint at = address + (uint)_random.Next(Math.Max(bytes.Length, 1));
        Span<byte> ccw = _memory.AsSpan((int)Math.Min(at & ~7u, MemorySize - 8), 8);
        switch (_random.Next(10))
        {
            case 0:
                _memory[Math.Min(at, MemorySize - 1)] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                _memory[Math.Min(at, MemorySize - 1)] = (byte)_random.Next(256);
                break;
            case 2:
                ccw[1] ^= (byte)(1 << _random.Next(8)); // a flag
                break;
            case 3:
                ccw[0] = (byte)_random.Next(256);
                break;
            case 4:
                BinaryPrimitives.WriteUInt16BigEndian(ccw[2..], (ushort)Interesting(0x1_0000));
                break;
            case 5:
                BinaryPrimitives.WriteUInt32BigEndian(ccw[4..], Interesting(MemorySize));
                break;
            case 6:
                new Ccw(CommandCode.TransferInChannel, CcwFlags.None, 0, address + (uint)(_random.Next(64) * Ccw.Size)).WriteFormat1(ccw);
                break;
            case 7:
                _orb = _orb with { Control = _orb.Control ^ (1u << _random.Next(32)) };
                break;
            case 8:
                _orb = _orb with
                {
                    ProgramAddress = _random.Next(2) == 0 ? _orb.ProgramAddress + (uint)_random.Next(-16, 64) : Interesting(MemorySize),
                };
                break;
            default: // another seed's piece over this one
                Seed other = _corpus[_random.Next(_corpus.Count)];
                foreach ((uint where, byte[] piece) in other.Memory)
                    piece.CopyTo(_memory, where);
                break;
        }
    }

    private uint Interesting(int limit) => _random.Next(6) switch
    {
        0 => 0,
        1 => (uint)limit - 1,
        2 => uint.MaxValue - (uint)_random.Next(16),
        3 => (uint)(_random.Next(limit) & ~0xFFF),
        4 => (uint)(_random.Next(limit) & ~7),
        _ => (uint)_random.Next(limit),
    };

    private void Translate()
    {
        HostProgram program = _translator.Program;
        ProgramFault fault = _translator.Initialize(_orb, _map);
        if (fault == ProgramFault.None && _translator.Prefetch() == ProgramFault.None)
        {
            Started++;
            Check(program.TryGetOrb(1, 0x80, out Orb host) && program.ToGuest(new HostAddress(host.ProgramAddress)).Value == _orb.ProgramAddress,
                "the program's address is lost");
        }
        for (int i = 0; i < 16; i++)
        {
            HostAddress probe = new HostAddress(HostArena.Base).Plus(_random.Next(-64, 0x10000));
            Check(!HostArena.Owns(new HostAddress(program.ToGuest(probe).Value)) || program.TryToGuest(probe, out _),
                "an address of the arena leaves");
        }
        _translator.Free();
        Check(program.Pins.Count == 0, "pins are left");
        Check(_memory.AsSpan().SequenceEqual(_before), "the translator wrote guest memory");
    }

    private void Execute()
    {
        Span<byte> io = stackalloc byte[RegionLayout.IoSize];
        io.Clear();
        _orb.Write(io);
        BinaryPrimitives.WriteUInt32BigEndian(io[RegionLayout.ScswOffset..], (uint)FunctionControl.Start << 12);
        Array.Clear(_pinned);
        _subchannel.Pinned = _pinned;
        int result = _device.WriteRegion(RegionIndex.Io, 0, io);
        bool begun = _device.HasWork;
        if (begun)
        {
            Started++;
            _device.GoOn(WorkThread.Caller);
            Finish();
        }
        Check(begun == (result == RegionLayout.IoSize) && _device.State == DeviceState.Idle, $"result {result}, state {_device.State}");
        Check(_store.Outside < 0, $"track {_store.Outside} was written, which the policy forbids");
        Check(_subchannel.Program is not HostProgram { Pins.Count: > 0 }, "pins are left");
        while (_device.IoInterrupt.TryTake(out _))
        {
            _device.ReadRegion(RegionIndex.Io, 0, io);
            uint address = Scsw.Read(io[RegionLayout.IrbOffset..]).CcwAddress;
            Check(!IsOfArena(address) || IsOfArena(_orb.ProgramAddress) || !_orb.Prefetch, $"an address of the arena leaves: {address:x8}");
        }
        for (int page = 0; page < _pinned.Length; page++)
        {
            int at = page * IovaMap.PageSize;
            Check(_pinned[page] || _memory.AsSpan(at, IovaMap.PageSize).SequenceEqual(_before.AsSpan(at, IovaMap.PageSize)),
                $"page {at:x} was written and not pinned");
        }
    }

    /// <summary>Waits for the final status; a program that loops or is suspended is cleared.</summary>
    private void Finish()
    {
        if (WaitIdle(s_loop))
            return;
        Cleared++;
        Span<byte> clear = stackalloc byte[RegionLayout.CmdSize];
        clear.Clear();
        System.Runtime.InteropServices.MemoryMarshal.Write(clear, RegionLayout.CommandClear);
        int result = _device.WriteRegion(RegionIndex.Cmd, 0, clear);
        if (result >= 0)
            _device.GoOn(WorkThread.Caller);
        Check(WaitIdle(s_patience), $"CLEAR ({result}) does not end the program");
    }

    private bool WaitIdle(TimeSpan time)
    {
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        var spin = new SpinWait();
        while (_device.State != DeviceState.Idle)
        {
            if (Stopwatch.GetTimestamp() > end)
                return false;
            spin.SpinOnce(sleep1Threshold: -1);
        }
        return true;
    }

    private static bool IsOfArena(uint address) => HostArena.Owns(new HostAddress(address));

    private void Check(bool holds, string what)
    {
        if (!holds)
            throw new FuzzException(what, Corpus.Describe(_orb, _before));
    }

    /// <summary>The subchannel, with a look at what each program pins.</summary>
    private sealed class Observer(ISubchannel next) : SubchannelLayer(next)
    {
        internal bool[] Pinned { get; set; } = [];

        internal BackendProgram? Program { get; private set; }

        public override FunctionResult Start(in Orb orb, BackendProgram program)
        {
            Program = program;
            if (program is not HostProgram { Pins: var pins })
                Pinned.AsSpan().Fill(true); // its pages are pinned one by one
            else
                for (int i = 0; i < pins.Count; i++)
                    Pinned[pins.GuestPage(i) / IovaMap.PageSize] = true;
            return base.Start(orb, program);
        }
    }
}
