using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.ChannelProgram.Packed;
using CcwFs.CommandSets.Text;
using CcwFs.CommandSets;
using CcwFs.Control;

namespace CcwFs.Cli.Translate;

/// <summary>Runs a packed program in an address space of its own.</summary>
internal static class PackedRun
{
    /// <summary>
    /// Runs it and makes the report. CCW addresses are those of <paramref name="addresses"/>, one per CCW: offsets of the block, or where a guest had
    /// them.
    /// </summary>
    internal static RunReport Run(string? mount, string id, PackedProgram program, IReadOnlyList<uint> addresses, CommandSet commands)
    {
        if (!RestoredProgram.TryRestore(program, null, out RestoredProgram? restored, out string error))
            throw new CommandException(error);
        byte[] orb = new byte[Orb.Size];
        restored!.Orb.Write(orb);
        MemoryRun[] after = [.. restored.Memory.Select(run => run with { Bytes = [.. run.Bytes] })];
        ControlReply reply = ControlClient.Run(mount, id, orb, [.. after.Select(run => new StorageRun(run.Address, run.Bytes))]);
        if (reply.Irbs is not [.., { } last])
            throw new CommandException("the mounted ccwfs gave no result; is it this version of ccwfs?");
        byte[] irb = Convert.FromHexString(last);
        Scsw scsw = Scsw.Read(irb);
        (scsw with { CcwAddress = ToShown(restored.ToOffset(scsw.CcwAddress), addresses) }).Write(irb);
        ProgramRefusal? refusal = reply.Refusal?.ToReport();
        if (refusal is not null) // an address after a CCW is what can be turned
            refusal = refusal with { CcwAddress = ToShown(restored.ToOffset(refusal.CcwAddress + Ccw.Size), addresses) - Ccw.Size };
        uint? unfetched = reply.UnfetchedCcw is { } missed ? ToShown(restored.ToOffset(missed + Ccw.Size), addresses) - Ccw.Size : null;
        var shown = new AssembledProgram([], 0, program.Orb.Control, Steps(program, restored, addresses, commands))
        {
            Unit = "CCW",
            Commands = commands,
        };
        return RunReport.TryCreate(shown, irb, (step, length) => restored.Data(step.Line, length, after), out RunReport? report, out string wrong,
            refusal, unfetched)
            ? report!
            : throw new CommandException(wrong);
    }

    /// <summary>The address after the CCW that ends at an offset; a foreign address stays.</summary>
    private static uint ToShown(uint offset, IReadOnlyList<uint> addresses)
    {
        uint index = (offset - 1) / Ccw.Size; // of the last CCW used; offset 0 wraps to none
        return index < (uint)addresses.Count ? addresses[(int)index] + (offset - PackedProgram.OffsetOf((int)index)) : offset;
    }

    private static ProgramStep[] Steps(PackedProgram program, RestoredProgram restored, IReadOnlyList<uint> addresses, CommandSet commands) =>
    [
        .. CommandInEffect.Over(program.Ccws).Select((at, i) => new ProgramStep(
            at.Continues ? "DATA" : at.Ccw.IsTransferInChannel ? "TIC" : commands.WordOf(at.Command),
            at.Ccw, addresses[i], restored.DataAddress(i), at.Ccw.Count, commands.DirectionOf(at.Command), i)),
    ];
}
