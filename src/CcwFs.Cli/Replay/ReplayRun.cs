using CcwFs.ChannelIo;
using CcwFs.CommandSets.Decode;
using CcwFs.Control;
using CcwFs.Replay;

namespace CcwFs.Cli.Replay;

/// <summary>The programs of a recording, run one after the other on a subchannel of a mount.</summary>
internal sealed class ReplayRun(string? mount, string id, RecordingReader recording, Comparison comparison)
{
    /// <summary>Programs that were answered as recorded.</summary>
    internal int Same { get; private set; }

    /// <summary>Programs that were answered in another way.</summary>
    internal int Diverged { get; private set; }

    /// <summary>How many programs were not run, by the reason, to stand after "it".</summary>
    internal Dictionary<string, int> LeftOut { get; } = [];

    /// <summary>Runs programs up to the next one that is answered in another way than it was; null: there is none any more.</summary>
    internal Divergence? Next()
    {
        while (recording.TryRead(out RecordedItem? item))
        {
            if (item is not RecordedProgram program)
                continue;
            string why = "was refused by a policy";
            RebuiltProgram? rebuilt = program.WasRefused ? null : RebuiltProgram.Make(program, out why);
            if (rebuilt is null)
            {
                LeftOut[why] = LeftOut.GetValueOrDefault(why) + 1;
                continue;
            }
            if (Run(program, rebuilt) is { } found)
            {
                Diverged++;
                return found;
            }
            Same++;
        }
        return null;
    }

    private Divergence? Run(RecordedProgram program, RebuiltProgram rebuilt)
    {
        byte[] orb = new byte[Orb.Size];
        rebuilt.Orb.Write(orb);
        ControlReply reply;
        try
        {
            reply = ControlClient.Run(mount, id, orb, [.. rebuilt.Memory.Select(part => new StorageRun(part.Address, part.Bytes))]);
        }
        catch (CommandException refused) when (refused.Message.Contains("cannot be translated", StringComparison.Ordinal))
        {
            Irb final = program.Final;
            string had = IrbSummary.Describe(final, recording.Commands.Sense);
            return new Divergence(program.Number, program.Orb.ProgramAddress, "START", "status", had, refused.Message);
        }
        if (reply.Irbs is not [.., { Length: Irb.Size * 2 } last])
            throw new CommandException("the mounted ccwfs gave no result; is it this version of ccwfs?");
        Irb irb = default;
        Convert.FromHexString(last).CopyTo(irb);
        return comparison.Find(program, rebuilt, irb, recording.Commands);
    }
}
