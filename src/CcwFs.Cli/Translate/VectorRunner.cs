using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Control;
using CcwFs.Memory;

namespace CcwFs.Cli.Translate;

/// <summary>
/// Runs one translator vector (conformance/translator: guest memory, mappings, ORB) through the translator and gives the result in the
/// vectors' schema. Queries (iova_pinned, scsw, scsw_raw) are those of the vector's own result.
/// </summary>
internal static class VectorRunner
{
    private const int MaxMemory = 1 << 20;

    /// <summary>The answer to one vector: {"name", "result", "iommufd" where that back end's outcome differs}.</summary>
    internal static JsonObject Run(JsonElement vector)
    {
        var space = new IovaMap();
        var memory = new SparseStore();
        foreach (JsonElement piece in vector.GetProperty("mem").EnumerateArray())
            memory.Write((long)Number(piece.GetProperty("addr")), Convert.FromHexString(piece.GetProperty("hex").GetString()!));
        foreach (JsonElement range in vector.GetProperty("mapped").EnumerateArray())
            Map(space, memory, range);
        Orb orb = Orb.Read(Convert.FromHexString(vector.GetProperty("orb").GetString()!));
        byte lpm = vector.TryGetProperty("sch_lpm", out JsonElement given) ? (byte)Number(given) : (byte)0x80;
        JsonElement? queries = vector.TryGetProperty("result", out JsonElement expected) ? expected : null;

        var translator = new Translator();
        var result = new JsonObject();
        var answer = new JsonObject { ["name"] = vector.GetProperty("name").GetString(), ["result"] = result };
        ProgramFault init = translator.Initialize(orb, space);
        result["init"] = Type1(init);
        var iommufd = new JsonObject { ["init"] = Iommufd(init) };
        if (init == ProgramFault.None)
        {
            ProgramFault prefetch = translator.Prefetch();
            result["prefetch"] = Type1(prefetch);
            iommufd["prefetch"] = Iommufd(prefetch);
            result["chains"] = prefetch == ProgramFault.None ? Chains(translator.Program) : TranslatedChains(translator.Program);
            if (prefetch == ProgramFault.None)
                AddProgram(result, translator.Program, lpm);
            AddQueries(result, translator.Program, queries);
        }
        if (!JsonNode.DeepEquals(iommufd["init"], result["init"]) || !JsonNode.DeepEquals(iommufd["prefetch"], result["prefetch"]))
            answer["iommufd"] = iommufd;
        translator.Free();
        return answer;
    }

    private static void Map(IovaMap space, SparseStore memory, JsonElement range)
    {
        ulong start = Number(range[0]), end = Number(range[1]);
        MemoryRights rights = range.GetArrayLength() < 3 ? MemoryRights.ReadWrite
            : range[2].GetString() == "r" ? MemoryRights.Read : MemoryRights.Write;
        if (space.Map(start, end - start, memory, (long)start, rights) != MapOutcome.Done)
            throw new CommandException($"mapping {range} is not possible");
    }

    private static void AddProgram(JsonObject result, HostProgram program, byte lpm)
    {
        program.TryGetOrb(0, lpm, out Orb orb);
        result["orb_out"] = new JsonObject
        {
            ["word1"] = $"0x{orb.Control:x8}",
            ["key"] = orb.Key,
            ["spnd"] = Bit(orb, OrbControl.Suspend),
            ["mod"] = Bit(orb, OrbControl.Modification),
            ["sync"] = Bit(orb, OrbControl.Synchronization),
            ["fmt"] = Bit(orb, OrbControl.Format1),
            ["pfch"] = Bit(orb, OrbControl.Prefetch),
            ["isic"] = Bit(orb, OrbControl.InitialStatus),
            ["alcc"] = Bit(orb, OrbControl.AddressLimit),
            ["ssic"] = Bit(orb, OrbControl.SuppressSuspended),
            ["c64"] = Bit(orb, OrbControl.Format2Idaws),
            ["i2k"] = Bit(orb, OrbControl.TwoKIdaws),
            ["lpm"] = orb.LogicalPathMask,
            ["ils"] = Bit(orb, OrbControl.LengthSuppression),
            ["orbx"] = Bit(orb, OrbControl.Extension),
        };
        result["pinned_pages"] = new JsonArray([.. Enumerable.Range(0, program.Pins.Count)
            .Select(program.Pins.GuestPage).Distinct().Order().Select(page => (JsonNode)Hex(page))]);
    }

    private static int Bit(Orb orb, uint bit) => (orb.Control & bit) != 0 ? 1 : 0;

    private static void AddQueries(JsonObject result, HostProgram program, JsonElement? queries)
    {
        if (queries is not { } asked)
            return;
        if (asked.TryGetProperty("iova_pinned", out JsonElement pinned))
        {
            result["iova_pinned"] = new JsonArray([.. pinned.EnumerateArray().Select(q => new JsonArray(
                Hex(Number(q[0])), Number(q[1]), program.IsIovaPinned(Number(q[0]), Number(q[1]))))]);
        }
        if (asked.TryGetProperty("scsw", out JsonElement scsw))
        {
            result["scsw"] = new JsonArray([.. scsw.EnumerateArray().Select(q => new JsonArray(
                q[0].GetInt32(), q[1].GetInt32(), ScswAddress(program, q[0].GetInt32(), q[1].GetUInt32())))]);
        }
        if (asked.TryGetProperty("scsw_raw", out JsonElement raw))
        {
            result["scsw_raw"] = new JsonArray([.. raw.EnumerateArray().Select(q => new JsonArray(
                Hex(Number(q[0])), Hex(program.ToGuest(new HostAddress((uint)Number(q[0]))).Value)))]);
        }
    }

    private static JsonNode? ScswAddress(HostProgram program, int chain, uint offset) =>
        chain < program.Chains.Length && program.TryToGuest(program.Chains[chain].HostHead.Plus((int)offset), out GuestCcwAddress guest)
            ? Hex(guest.Value) : null;

    private static JsonArray Chains(HostProgram program)
    {
        var chains = new JsonArray();
        foreach (ProgramCcw at in program.Ccws)
        {
            if (at.Index == 0)
                chains.Add((JsonNode)new JsonObject { ["iova"] = Hex(at.Guest.Value), ["ccws"] = new JsonArray() });
            chains[^1]!["ccws"]!.AsArray().Add((JsonNode)HostCcw(program, at));
        }
        return chains;
    }

    /// <summary>How many CCWs of each chain were translated before the one that could not be.</summary>
    private static JsonArray TranslatedChains(HostProgram program)
    {
        var chains = new JsonArray();
        int left = program.TranslatedCcws;
        foreach (ProgramChain chain in program.Chains)
        {
            int translated = Math.Min(left, chain.Length);
            chains.Add((JsonNode)new JsonObject { ["iova"] = Hex(chain.GuestHead.Value), ["translated"] = translated });
            left -= translated;
        }
        return chains;
    }

    private static JsonObject HostCcw(HostProgram program, in ProgramCcw at)
    {
        var json = new JsonObject { ["cmd"] = $"0x{at.Ccw.Command:x2}", ["flags"] = $"0x{(byte)at.Ccw.Flags:x2}", ["count"] = at.Ccw.Count };
        if (at.Ccw.IsTransferInChannel)
        {
            program.TryFindChain(new HostAddress(at.Ccw.DataAddress), out int target, out uint into);
            json["tic_target"] = new JsonArray(target, (int)(into / Ccw.Size));
            if (into % Ccw.Size != 0)
                json["tic_rem"] = (int)(into % Ccw.Size);
            return json;
        }
        var guest = new JsonArray();
        string raw = "";
        for (int i = 0; i < at.IdawCount; i++)
        {
            program.TryFetchIdaw(at.List.Plus(i * HostProgram.IdawSize), out ulong idaw);
            if (program.Pins.TryGuestAddress(idaw, out ulong address))
                guest.Add((JsonNode)Hex(address));
            else
                raw += idaw.ToString("x16", CultureInfo.InvariantCulture);
        }
        json["pinned"] = guest.Count > 0;
        json[guest.Count > 0 ? "idaws" : "idal_raw"] = guest.Count > 0 ? guest : raw;
        return json;
    }

    private static int Type1(ProgramFault fault) => fault switch
    {
        ProgramFault.None => 0,
        ProgramFault.Invalid or ProgramFault.Unmapped or ProgramFault.Overflow => -22,
        ProgramFault.Protected => -1,
        ProgramFault.Fault => -14,
        ProgramFault.Busy => -16,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };

    private static int Iommufd(ProgramFault fault) => fault switch
    {
        ProgramFault.Unmapped => -2,
        ProgramFault.Overflow => -75,
        _ => Type1(fault),
    };

    private static string Hex(ulong value) => $"0x{value:x}";

    private static ulong Number(JsonElement element) => element.ValueKind == JsonValueKind.Number
        ? element.GetUInt64()
        : Convert.ToUInt64(element.GetString(), 16);

    /// <summary>All addresses, zero where nothing was written.</summary>
    private sealed class SparseStore : IMemoryStore
    {
        private readonly Dictionary<long, byte[]> _pages = [];
        private int _bytes;

        public long Length => long.MaxValue;

        public bool Read(long offset, Span<byte> destination)
        {
            for (int i = 0; i < destination.Length; i++)
                destination[i] = _pages.TryGetValue((offset + i) >> 12, out byte[]? page) ? page[(offset + i) & 4095] : (byte)0;
            return true;
        }

        public bool Write(long offset, ReadOnlySpan<byte> source)
        {
            if ((_bytes += source.Length) > MaxMemory)
                throw new CommandException($"more than {MaxMemory} bytes of memory in a vector");
            for (int i = 0; i < source.Length; i++)
            {
                if (!_pages.TryGetValue((offset + i) >> 12, out byte[]? page))
                    _pages[(offset + i) >> 12] = page = new byte[4096];
                page[(offset + i) & 4095] = source[i];
            }
            return true;
        }
    }
}
