using System.CommandLine;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Packed;
using CcwFs.Cli.Translate;
using CcwFs.CommandSets.Text;
using CcwFs.CommandSets;
using CcwFs.Control;
using CcwFs.FileSystem;

namespace CcwFs.Cli.Verbs;

/// <summary><c>ccwfs run ID CCW…</c>: runs a channel program in an address space of its own and explains what came of it.</summary>
internal static class RunCommand
{
    private static readonly TimeSpan s_stillRunning = TimeSpan.FromSeconds(5); // arbitrary

    private static readonly CommandException s_fetchesNoPacked = new(
        "--fetch does not go with a packed program, which holds what was prefetched and no more; run the program's words",
            CommandException.WrongUsage);

    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        Argument<string> id = MountArguments.Id(mount);
        var fields = new Option<bool>("--fields") { Description = "Explain every field of the IRB." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var fetch = new Option<bool>("--fetch") { Description = "Have the channel fetch each CCW when its turn comes (ORB P bit off). Without it the program is prefetched, as the kernel's driver does." };
        var source = new ProgramSource();
        var command = new Command("run", "Run a channel program and print its result.") { id };
        source.AddTo(command);
        foreach (Option option in (Option[])[fetch, fields, json, mount])
            command.Options.Add(option);
        command.SetAction(result =>
        {
            string? mounted = result.GetValue(mount);
            string subchannel = result.GetValue(id)!;
            (AssembledProgram? text, PackedProgram? packed, IReadOnlyList<uint> addresses) =
                source.Get(result, () => CommandsOf(mounted, subchannel));
            using var patience = new Timer(
                _ => result.InvocationConfiguration.Error.WriteLine("ccwfs: the program still runs; Ctrl-C ends it"), null, s_stillRunning,
                    Timeout.InfiniteTimeSpan);
            RunReport report = text is not null
                ? Run(mounted, subchannel, result.GetValue(fetch) ? text with { OrbControl = text.OrbControl & ~OrbControl.Prefetch } : text)
                : PackedRun.Run(mounted, subchannel, result.GetValue(fetch) ? throw s_fetchesNoPacked : packed!, addresses,
                    CommandsOf(mounted, subchannel));
            TextWriter output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
                output.Write(report.ToJson() + "\n");
            else
                output.Write(report.ToText(result.GetValue(fields)));
            return report.EndedWell ? 0 : CommandException.Failed;
        });
        return command;
    }

    /// <summary>The command set of a mounted device, without which no word has a meaning; a ccwfs that does not say it has 3390s alone.</summary>
    private static CommandSet CommandsOf(string? mount, string id)
    {
        ControlReply reply = ControlClient.Send(mount, new ControlRequest { Verb = "info", Id = id });
        string? name = reply.Facts?.FirstOrDefault(fact => fact.Key == DeviceInfo.CommandsKey).Value;
        return name is null ? Families.Eckd : Families.Find(name) ?? Families.Basic;
    }

    private static RunReport Run(string? mount, string id, AssembledProgram program)
    {
        Span<byte> orb = stackalloc byte[Orb.Size];
        program.Orb(pathMask: 0).Write(orb); // the subchannel's own paths
        byte[] storage = [.. program.Storage];
        ControlReply reply = ControlClient.Run(mount, id, orb, [new StorageRun(0, storage)]);
        if (reply.Irbs is not [.., { } last]
            || !RunReport.TryCreate(program, Convert.FromHexString(last), storage, out RunReport? report, out _, reply.Refusal?.ToReport(),
                reply.UnfetchedCcw))
            throw new CommandException("the mounted ccwfs gave no result; is it this version of ccwfs?");
        return report!;
    }
}
