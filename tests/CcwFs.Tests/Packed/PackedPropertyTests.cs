using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.ChannelProgram.Packed;
using CcwFs.Memory;

namespace CcwFs.Tests.Packed;

/// <summary>Random programs, and random damage to packed ones.</summary>
public sealed class PackedPropertyTests
{
    private const int Programs = 1_000, Rounds = 15_000; // some seconds
    private const int Size = 0x4_0000;
    private const uint Heads = 0x1000, HeadArea = 0x3000, Lists = 0x8000, Data = 0x1_0000;

    [Theory]
    [InlineData(1)]
    [InlineData(20_261_121)]
    public void Random_programs_come_back_and_translate_to_the_same(int seed)
    {
        var random = new Random(seed);
        int packed = 0;
        for (int round = 0; round < Programs; round++)
        {
            string name = $"seed {seed} round {round}";
            GuestImage image = Image(random);
            var orb = new Orb(0, Control(random), Heads + (8 * (uint)random.Next(0, 64)));
            if (!ProgramPacker.TryPack(orb, image.Read, out PackedProgram program, out IReadOnlyList<uint> addresses, out string error))
            {
                Assert.True(error.Length > 0 && !error.Contains('\n', StringComparison.Ordinal), name);
                continue;
            }
            packed++;
            Assert.True(PackedReader.TryRead(program.Write(withData: true), out PackedProgram read, out error), $"{name}: {error}");
            Assert.True(program.Orb == read.Orb && program.Ccws.SequenceEqual(read.Ccws), name);
            Assert.True(program.Segments.Select(GuestImage.Text).SequenceEqual(read.Segments.Select(GuestImage.Text)), name);
            Assert.True(RestoredProgram.TryRestore(read, null, out RestoredProgram? restored, out error), $"{name}: {error}");
            AssertTranslatesAlike(name, image, orb, restored!, addresses);
        }
        Assert.InRange(packed, Programs / 4, Programs);
    }

    /// <summary>Every CCW that the translator finds in the original is found in the restored one, with the same data, in guest addresses.</summary>
    private static void AssertTranslatesAlike(string name, GuestImage image, in Orb orb, RestoredProgram restored, IReadOnlyList<uint> addresses)
    {
        var map = new IovaMap();
        foreach (MemoryRun run in restored.Memory)
            map.Map(run.Address, (ulong)run.Bytes.Length, new ArrayStore(run.Bytes), 0, MemoryRights.ReadWrite);
        var first = new Translator();
        var second = new Translator();
        ProgramFault initialized = first.Initialize(orb, IovaMap.Identity(new ArrayStore(image.Bytes)));
        if (initialized == ProgramFault.Unmapped)
            return; // the 2K behind a head that vfio-ccw fetches in any case reach over the end of the image
        Assert.True(initialized == second.Initialize(restored.Orb, map) && initialized == ProgramFault.None, name);
        ProgramFault prefetched = first.Prefetch();
        Assert.True(second.Prefetch() == prefetched && prefetched == ProgramFault.None, $"{name}: {prefetched}");
        SortedDictionary<uint, string> original = Describe(first.Program, address => address), other = Describe(second.Program, address =>
        {
            uint offset = restored.ToOffset(address);
            return offset % 8 == 0 && offset / 8 < addresses.Count ? addresses[(int)(offset / 8)] : uint.MaxValue;
        });
        foreach ((uint address, string ccw) in original)
            Assert.True(other.TryGetValue(address, out string? there) && there == ccw, $"{name}: at {address:X8} '{ccw}' is '{there}'");
    }

    private static SortedDictionary<uint, string> Describe(HostProgram program, Func<uint, uint> toGuest)
    {
        SortedDictionary<uint, string> ccws = [];
        foreach (ProgramCcw at in program.Ccws)
        {
            Ccw ccw = at.Ccw;
            Assert.True(program.TryFetchCcw(at.Host, out Ccw fetched) && fetched == ccw);
            string text = $"{ccw.Command:X2} {(byte)ccw.Flags:X2} {ccw.Count:X4}";
            if (ccw.IsTransferInChannel)
                text += $" {toGuest(program.ToGuest(new HostAddress(ccw.DataAddress)).Value):X8}";
            ulong before = ulong.MaxValue;
            for (int n = 0; n < at.IdawCount; n++)
            {
                program.TryFetchIdaw(at.List.Plus(8 * n), out ulong idaw);
                if (!program.Pins.TryGuestAddress(idaw, out ulong guest))
                    continue;
                if (guest != (before & ~0x7FFul) + 0x800 && guest != (before & ~0xFFFul) + 0x1000)
                    text += $" {guest:X}"; // where it goes on without a gap, blocks of 2K and 4K are the same
                before = guest;
            }
            ccws[toGuest(at.Guest.Value)] = text;
        }
        return ccws;
    }

    private static uint Control(Random random)
    {
        uint format = random.Next(3) switch { 0 => OrbControl.Format2Idaws, 1 => OrbControl.Format2Idaws | OrbControl.TwoKIdaws, _ => 0 };
        return format | OrbControl.Prefetch | (random.Next(4) == 0 ? 0 : OrbControl.Format1) | (uint)(random.Next(2) * OrbControl.LengthSuppression);
    }

    /// <summary>An area full of CCWs, one of words that may be IDAWs, and noise; in both CCW formats most of it means something.</summary>
    private static GuestImage Image(Random random)
    {
        var image = new GuestImage(Size);
        random.NextBytes(image.Bytes.AsSpan((int)Data));
        for (uint at = Lists; at < Data; at += 8)
            image.Words(at, Data + (ulong)random.Next(0, Size - (int)Data - 0x2000) / 0x800 * 0x800);
        for (uint at = Heads; at < Heads + HeadArea; at += 8)
        {
            bool transfer = random.Next(6) == 0;
            uint address = transfer ? Heads + (8 * (uint)random.Next(0, 128)) : random.Next(3) == 0 ? Lists + (8 * (uint)random.Next(0, 0x400)) : Data
                + (uint)random.Next(0, 0x1_0000);
            byte command = transfer ? (byte)8 : (byte)random.Next(256);
            byte flags = transfer ? (byte)0 : (byte)(random.Next(256) & (address >= Data ? 0xF8 : 0xFC) & (random.Next(3) == 0 ? 0x3F : 0xFF));
            ushort count = transfer ? (ushort)0 : (ushort)(random.Next(8) == 0 ? 0 : random.Next(0x2000));
            image.Ccws(at, ((ulong)command << 56) | ((ulong)flags << 48) | ((ulong)count << 32) | address);
        }
        return image;
    }

    [Theory]
    [InlineData(2)]
    [InlineData(20_261_122)]
    public void Damaged_files_are_refused_or_read_and_never_more(int seed)
    {
        var random = new Random(seed);
        byte[][] files = [.. Enumerable.Range(0, 200).Select(_ => File(random))];
        int read = 0;
        for (int round = 0; round < Rounds; round++)
        {
            string name = $"seed {seed} round {round}";
            byte[] file = Damage(random, [.. files[random.Next(files.Length)]]);
            if (!PackedReader.TryRead(file, out PackedProgram program, out string error))
            {
                Assert.True(error.Length > 0 && !error.Contains('\n', StringComparison.Ordinal), name);
                continue;
            }
            read++;
            Assert.True(PackedReader.TryRead(program.Write(withData: true), out PackedProgram again, out error), $"{name}: {error}");
            Assert.True(program.Orb == again.Orb && program.Ccws.SequenceEqual(again.Ccws), name);
            if (!RestoredProgram.TryRestore(program, null, out RestoredProgram? restored, out error))
            {
                Assert.True(error.Length > 0, name);
                continue;
            }
            var map = new IovaMap();
            foreach (MemoryRun run in restored!.Memory)
                Assert.True(map.Map(run.Address, (ulong)run.Bytes.Length, new ArrayStore(run.Bytes), 0, MemoryRights.ReadWrite) == MapOutcome.Done,
                    name);
            var translator = new Translator();
            if (translator.Initialize(restored.Orb, map) == ProgramFault.None)
                Assert.True(translator.Prefetch() is ProgramFault.None or ProgramFault.Fault or ProgramFault.Unmapped, name);
        }
        Assert.InRange(read, Rounds / 20, Rounds);
    }

    private static byte[] File(Random random)
    {
        while (true)
        {
            var orb = new Orb(0, Control(random), Heads + (8 * (uint)random.Next(0, 64)));
            if (ProgramPacker.TryPack(orb, Image(random).Read, out PackedProgram program, out _, out _))
                return program.Write(withData: random.Next(4) != 0);
        }
    }

    private static byte[] Damage(Random random, byte[] file)
    {
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            // Mostly where the structure is: CCWs, their entries, segment headers.
            int at = random.Next(4) switch
            {
                0 => random.Next(64),
                1 => PackedProgram.EntriesOffset + random.Next(64),
                2 => Math.Min(PackedProgram.BlockSize + random.Next(12), file.Length - 1),
                _ => random.Next(file.Length),
            };
            file[at] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)(file[at] ^ (1 << random.Next(8)));
        }
        return random.Next(8) == 0 ? file[..random.Next(file.Length)] : file;
    }
}
