using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Benchmarks;

/// <summary>Guest storage as ccwfs mount makes it, and a channel program in it.</summary>
internal sealed class Guest : IDisposable
{
    /// <summary>Where programs are.</summary>
    internal const uint Program = 0x1000;

    /// <summary>Where parameters are.</summary>
    internal const uint Parameters = 0x8000;

    /// <summary>Where a list of IDAWs is.</summary>
    internal const uint Idaws = 0x9000;

    /// <summary>Where data goes.</summary>
    internal const uint Data = 0x10_0000;

    private const uint Control = OrbControl.Format1 | OrbControl.Prefetch | OrbControl.Format2Idaws | OrbControl.LogicalPathMask;

    private readonly InPlaceStore _store;
    private int _ccws;

    internal Guest(long length)
    {
        _store = new InPlaceStore(SharedMemory.Create("bench", length));
        Space = IovaMap.Identity(_store);
    }

    internal IovaMap Space { get; }

    internal IMemoryStore Store => _store;

    internal Orb Orb { get; } = new(0, Control, Program);

    /// <summary>Adds a CCW behind the others.</summary>
    internal void Add(byte command, CcwFlags flags, int count, uint address)
    {
        Span<byte> bytes = stackalloc byte[Ccw.Size];
        new Ccw(command, flags, (ushort)count, address).WriteFormat1(bytes);
        _store.Write(Program + (_ccws++ * Ccw.Size), bytes);
    }

    /// <summary>Adds <paramref name="count"/> READ DATA of 4 KiB to following pages, chained but for the last.</summary>
    internal void AddReads(int count, bool last)
    {
        const byte ReadData = 0x06, ReadDataMultitrack = 0x86;
        for (int i = 0; i < count; i++)
        {
            bool chain = !last || i < count - 1;
            Add(count > 12 ? ReadDataMultitrack : ReadData, chain ? CcwFlags.ChainCommand : CcwFlags.None, 4096, Data + (uint)(i * 4096));
        }
    }

    /// <summary>Adds one READ TRACK DATA of so many pages, by an IDAW each, which ends the program.</summary>
    internal void AddTrackRead(int pages) => AddTrack(0xA6, Idaws, pages, last: true);

    /// <summary>Adds one WRITE TRACK DATA of so many pages, the one at this place in the program.</summary>
    internal void AddTrackWrite(int place, int pages, bool last) => AddTrack(0xA5, Idaws + ((uint)place * 128), pages, last);

    private void AddTrack(byte command, uint idaws, int pages, bool last)
    {
        Span<byte> idaw = stackalloc byte[sizeof(ulong)];
        for (int i = 0; i < pages; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(idaw, Data + ((ulong)i * 4096));
            _store.Write(idaws + (i * sizeof(ulong)), idaw);
        }
        Add(command, CcwFlags.IndirectData | (last ? CcwFlags.None : CcwFlags.ChainCommand), pages * 4096, idaws);
    }

    /// <summary>Forgets the program.</summary>
    internal void Clear() => _ccws = 0;

    public void Dispose() => _store.Dispose();
}
