using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram.Packed;

/// <summary>Turns a program in guest memory into a packed one, with its data.</summary>
public static class ProgramPacker
{
    /// <summary>
    /// Packs the program that <paramref name="orb"/> starts. False with one line in <paramref name="error"/> when it has more CCWs than fit, names
    /// memory that is not there, or cannot be said in the format. <paramref name="addresses"/>: where each CCW was. The logical-path mask and the
    /// interruption parameter stay behind: they belong to one host.
    /// </summary>
    public static bool TryPack(in Orb orb, GuestReader read, out PackedProgram program, out IReadOnlyList<uint> addresses, out string error)
    {
        ArgumentNullException.ThrowIfNull(read);
        List<Ccw> ccws = [];
        List<uint> at = [];
        List<PackedSegment> segments = [];
        addresses = at;
        error = Collect(orb, read, ccws, at, segments) ?? "";
        program = error.Length == 0 ? new PackedProgram(Normal(orb, ccws), ccws, segments) : new PackedProgram(PackedProgram.DefaultOrb, [], []);
        return error.Length == 0;
    }

    private static string? Collect(in Orb orb, GuestReader read, List<Ccw> ccws, List<uint> addresses, List<PackedSegment> segments)
    {
        if (orb.TransportMode)
            return "the ORB is for a transport-mode program, which has no CCWs";
        var guest = new GuestProgram();
        if (guest.Fetch(orb, read) is { } unread)
            return unread;
        if (guest.Count > PackedProgram.MaxCcws)
        {
            string count = guest.Count == GuestProgram.MaxCounted ? $"{guest.Count} CCWs or more" : $"{guest.Count} CCWs";
            return $"the program has {count}; a packed one holds {PackedProgram.MaxCcws}";
        }
        List<DataArea> areas = [];
        return guest.Flatten(ccws, addresses) ?? DataAreas.Find(ccws, orb, read, areas) ?? Copy(areas, read, segments);
    }

    /// <summary>Copies what must travel; what only needs room must be there, as it must be for the original to run.</summary>
    private static string? Copy(List<DataArea> areas, GuestReader read, List<PackedSegment> segments)
    {
        byte[] room = new byte[DataAreas.MaxLength];
        foreach (DataArea area in areas)
        {
            if (!read(area.Address, room.AsSpan(0, area.Length)))
                return $"CCW {area.Ccw} uses {area.Length} bytes at {area.Address:X8} that are not in the guest's memory";
        }
        DataArea[] sorted = [.. areas.Where(a => a.NeedsBytes).OrderBy(a => a.Address)];
        long total = 0;
        for (int first = 0, next; first < sorted.Length; first = next)
        {
            ulong end = sorted[first].Address + (ulong)sorted[first].Length;
            for (next = first + 1; next < sorted.Length && sorted[next].Address <= end; next++)
                end = Math.Max(end, sorted[next].Address + (ulong)sorted[next].Length);
            ulong length = end - sorted[first].Address;
            total += (long)length;
            if (total > PackedProgram.MaxData)
                return $"the program's data are over {PackedProgram.MaxData >> 20} MiB";
            byte[] bytes = new byte[length];
            read(sorted[first].Address, bytes);
            segments.Add(new PackedSegment(sorted[first].Address, bytes));
        }
        return null;
    }

    /// <summary>The ORB in the block's terms. The IDAW format is the usual one where nothing depends on it.</summary>
    private static Orb Normal(Orb orb, List<Ccw> ccws)
    {
        uint control = (orb.Control & ~OrbControl.LogicalPathMask) | OrbControl.Format1;
        bool depends = ccws.Exists(c => !c.IsTransferInChannel && (c.Has(CcwFlags.IndirectData) || c.DataAddress > uint.MaxValue - c.Count));
        if (!depends)
            control = (control | OrbControl.Format2Idaws) & ~OrbControl.TwoKIdaws;
        return new Orb(0, control, 0);
    }
}
