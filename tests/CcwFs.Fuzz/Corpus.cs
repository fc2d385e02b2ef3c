using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using CcwFs.ChannelIo;

namespace CcwFs.Fuzz;

/// <summary>One program to begin from: an ORB and pieces of guest memory.</summary>
/// <param name="Orb">The ORB.</param>
/// <param name="Memory">Address and bytes.</param>
public sealed record Seed(Orb Orb, IReadOnlyList<(uint Address, byte[] Bytes)> Memory);

/// <summary>The seeds: ECKD programs as drivers write them, and the programs of the captured translator vectors.</summary>
public static class Corpus
{
    private const uint Head = 0x1000, Data = 0x8000;
    private const uint Control = OrbControl.Format1 | OrbControl.Prefetch | OrbControl.Format2Idaws | 0x8000;

    /// <summary>Programs of <see cref="Eckd"/>, and of every .jsonl file of vectors in a directory, if one is given.</summary>
    public static List<Seed> Load(string? directory)
    {
        List<Seed> seeds = [.. Eckd()];
        if (directory is null)
            return seeds;
        foreach (string file in Directory.EnumerateFiles(directory, "translator*.jsonl").Order(StringComparer.Ordinal))
            seeds.AddRange(File.ReadLines(file).Select(Vector).OfType<Seed>());
        return seeds;
    }

    private static Seed? Vector(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        if (!document.RootElement.TryGetProperty("mem", out JsonElement memory))
            return null;
        List<(uint, byte[])> pieces = [];
        foreach (JsonElement piece in memory.EnumerateArray())
        {
            ulong address = ulong.Parse(piece.GetProperty("addr").GetString()!.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            byte[] bytes = Convert.FromHexString(piece.GetProperty("hex").GetString()!);
            if (address + (ulong)bytes.Length <= Fuzzer.MemorySize)
                pieces.Add(((uint)address, bytes));
        }
        return new Seed(Orb.Read(Convert.FromHexString(document.RootElement.GetProperty("orb").GetString()!)), pieces);
    }

    private static IEnumerable<Seed> Eckd()
    {
        string extent = "00C0000000000000" + "00000000" + "0003000E"; // tracks 0 to 3.14
        yield return Program((0xE4, "", 64));
        yield return Program((0x03, "", 1), (0x64, "", 64), (0xFA, "", 256));
        yield return Program((0x63, extent, 0), (0x47, "06000003" + "00000000" + "00000000" + "01FF0000", 0), (0x86, "", 4096), (0x86, "", 4096),
            (0x86, "", 4096));
        yield return Program((0x63, extent, 0), (0x47, "01800002" + "00000001" + "00000001" + "01FF1000", 0), (0x8D, new string('5', 8192), 0),
            (0x85, new string('A', 8192), 0));
        yield return Program((0x63, extent, 0), (0x47, "03800001" + "00010000" + "00010000" + "00FF1008", 0),
            (0x1D, "0001000001001000" + new string('C', 8192), 0));
        yield return Program((0x07, "000000010002", 0), (0x31, "0001000201", 0), (0x08, "", -1), (0x06, "", 4096));
        yield return Program((0x27, "1800000000000000" + "00000000", 0), (0x3E, "", 44));
        yield return Program((0x1F, "C0", 0), (0x1A, "", 5), (0x16, "", 16), (0x92, "", 8), (0x9E, "", 8192), (0x02, "", 24));
        string address = "00010002" + "00010002"; // seek and search: track 1.2
        yield return Program((0xE7, Prefix("40", "0C800002" + address + "01FF6000" + "00000000"), 0), (0xA6, "", 49152), (0xA6, "", 24576));
        yield return Program((0xE7, Prefix("80", "3F800002" + address + "01FF1000" + "00230000"), 0), (0xA5, "", 49152), (0xA5, "", 4096));
        yield return Program((0xE7, Prefix("40", "4C000002" + address + "00FF0000" + "00000000"), 0), (0xDE, "", 57326), (0xDE, "", 57326));
        yield return Program(
            (0xE7, Prefix("C0", "3F000001" + address + "00FF0000" + "00110002" + "8000"), 0),
            (0x95, "0001000200000008" + "0000000000000000" + "0001000201000004" + "A1A2A3A4" + "FFFFFFFFFFFFFFFF", 57326));
        yield return Program((0x63, extent, 0), (0x4B, "3F000002" + address + "00FF0000" + "000E0002" + "A000", 0), (0xDE, "", 57326),
            (0xDE, "", 57326));
        yield return Program((0x63, extent, 0), (0x4B, "06000002" + address + "00FF0000" + "00000000", 0), (0x12, "", 8), (0x86, "", 4096));
        yield return Program((0x07, "000000010002", 0), (0x5E, "", 57326));
        foreach (string suborder in (string[])["41", "0E", "01", "03", "1C", "52", "53", "00"])
            yield return Program((0x27, "180000000150" + suborder + "0001000000", 0), (0x3E, "", 512));
        yield return Program((0x27, "1D00000000000000C888" + new string('0', 114), 0), (0x54, "", 44));
        yield return Program((0xF7, "810000000150" + new string('0', 36), 0));
        yield return Program((0xF7, "810030000150" + new string('0', 28) + "00030000" + "0000000200010003" + "0001000000030000" + "0000000500000005",
            0));
        yield return Program((0x94, "", 32), (0x14, "", 32), (0xB4, "", 32), (0x34, "", 12), (0xAF, "800102030405060708090A0B", 0), (0x04, "", 32));
    }

    /// <summary>PREFIX of format 1 for tracks 0 to 3.14, with a file mask and LOCATE RECORD EXTENDED.</summary>
    private static string Prefix(string mask, string locate) =>
        "018050000100000000000000" + mask + "C0000000000000" + "00000000" + "0003000E" + new string('0', 32) + locate;

    /// <summary>A chain; length -1 is a transfer back to the command before.</summary>
    private static Seed Program(params (byte Command, string Out, int Length)[] commands)
    {
        List<(uint, byte[])> pieces = [];
        byte[] ccws = new byte[commands.Length * Ccw.Size];
        uint data = Data;
        for (int i = 0; i < commands.Length; i++)
        {
            (byte command, string bytes, int length) = commands[i];
            CcwFlags flags = CcwFlags.SuppressLength | (i + 1 < commands.Length ? CcwFlags.ChainCommand : CcwFlags.None);
            Ccw ccw = length < 0
                ? new Ccw(CommandCode.TransferInChannel, CcwFlags.None, 0, (uint)(Head + ((i - 1) * Ccw.Size)))
                : new Ccw(command, flags, (ushort)Math.Max(length, bytes.Length / 2), data);
            ccw.WriteFormat1(ccws.AsSpan(i * Ccw.Size));
            if (bytes.Length > 0)
                pieces.Add((data, Convert.FromHexString(bytes)));
            data += (uint)((Math.Max(length, bytes.Length / 2) + 0xFFF) & ~0xFFF);
        }
        pieces.Add((Head, ccws));
        return new Seed(new Orb(0, Control, Head), pieces);
    }

    /// <summary>For messages: what a case consists of, so that it can be made again.</summary>
    internal static string Describe(in Orb orb, ReadOnlySpan<byte> memory)
    {
        byte[] bytes = new byte[Orb.Size];
        orb.Write(bytes);
        int head = (int)Math.Min(orb.ProgramAddress, (uint)(memory.Length - 256));
        BinaryPrimitives.TryReadUInt64BigEndian(memory[head..], out ulong first);
        return $"orb {Convert.ToHexStringLower(bytes)} first ccw {first:x16} program {Convert.ToHexStringLower(memory.Slice(head, 256))}";
    }
}
