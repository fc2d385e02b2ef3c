using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Replay;

/// <summary>
/// Finds out which commands of a program a real device has executed: it does not tell of each, but the program and its last status do. Every command
/// before the last one has ended well. Where a search stands before a TIC that leads back, it has found what it looked for when the program came
/// behind it; how often it looked, nobody knows.
/// </summary>
internal static class CommandsOfStatus
{
    private const DeviceStatus Well = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;
    private const int MaxSteps = 4096; // arbitrary: more CCWs than a program of a driver has

    /// <summary>
    /// Adds the commands to the program. <paramref name="read"/>: what they have read, <paramref name="written"/>: what they have written, both by
    /// the addresses of their CCWs.
    /// </summary>
    internal static void Find(
        RecordedProgram program, CommandSet commands, IReadOnlyDictionary<uint, RecordedData> read,
        Func<RecordedProgram, uint, ReadOnlyMemory<byte>> written)
    {
        Dictionary<uint, RecordedCcw> ccws = [];
        foreach (RecordedCcw ccw in program.Ccws)
            ccws.TryAdd(ccw.Address, ccw);
        Irb first = program.Irbs.Find(irb => (irb.Scsw.StatusControl & StatusControl.Primary) != 0);
        Scsw scsw = first.Scsw;
        uint at = program.Orb.ProgramAddress;
        for (int step = 0; step < MaxSteps && ccws.TryGetValue(at, out RecordedCcw? begun); step++)
        {
            if (begun.Ccw.IsTransferInChannel)
            {
                at = begun.Ccw.DataAddress;
                continue;
            }
            RecordedCcw last = Last(ccws, begun);
            bool isLast = last.Address + Ccw.Size == scsw.CcwAddress || !last.Ccw.Has(CcwFlags.ChainCommand);
            bool skips = !isLast && commands.MaySkip(begun.Command) && LeadsBack(ccws, last.Address);
            program.Commands.Add(new RecordedCommand(
                begun.Address, begun.Command, isLast ? scsw.Device : skips ? Well | DeviceStatus.StatusModifier : Well)
            {
                Residual = isLast ? scsw.Residual : 0, Written = written(program, begun.Address), Read = read.GetValueOrDefault(begun.Address),
            });
            if (isLast)
                return;
            at = last.Address + (uint)((skips ? 2 : 1) * Ccw.Size);
        }
    }

    /// <summary>The last CCW of a command.</summary>
    private static RecordedCcw Last(Dictionary<uint, RecordedCcw> ccws, RecordedCcw first)
    {
        RecordedCcw last = first;
        for (int part = 0; part < MaxSteps && last.Ccw.Has(CcwFlags.ChainData) && Next(ccws, last.Address) is { } next; part++)
            last = next;
        return last;
    }

    private static RecordedCcw? Next(Dictionary<uint, RecordedCcw> ccws, uint address)
    {
        RecordedCcw? next = ccws.GetValueOrDefault(address + Ccw.Size);
        return next is { Ccw.IsTransferInChannel: true } ? ccws.GetValueOrDefault(next.Ccw.DataAddress) : next;
    }

    private static bool LeadsBack(Dictionary<uint, RecordedCcw> ccws, uint address) =>
        ccws.GetValueOrDefault(address + Ccw.Size) is { Ccw.IsTransferInChannel: true } transfer && transfer.Ccw.DataAddress <= address;
}
