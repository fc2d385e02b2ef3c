using System.CommandLine;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.Cli.Control;
using CcwFs.Cli.Decode;

namespace CcwFs.Cli.Verbs;

/// <summary><c>ccwfs run ID CCW…</c>: runs a readable channel program in an address space of its own and explains what came of it.</summary>
internal static class RunCommand
{
    private const int MaxProgramFile = 1 << 20; // arbitrary

    private static readonly TimeSpan s_stillRunning = TimeSpan.FromSeconds(5); // arbitrary

    internal static Command Create()
    {
        Option<string?> mount = ControlClient.MountOption();
        Argument<string> id = ControlClient.IdArgument(mount);
        var ccws = new Argument<string[]>("ccw") { Description = "CCWs, one an argument: 'SENSE_ID sli count=40'", Arity = ArgumentArity.ZeroOrMore };
        var file = new Option<string?>("--program") { Description = "A file of CCWs, one a line" };
        var fields = new Option<bool>("--fields") { Description = "Explain every field of the IRB" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("run", "Run a channel program and print the decoded IRB, the sense and the data read") { id, ccws, file, fields, json, mount };
        command.SetAction(result =>
        {
            AssembledProgram program = Assemble(result.GetValue(ccws) ?? [], result.GetValue(file));
            using var patience = new Timer(
                _ => result.InvocationConfiguration.Error.WriteLine("ccwfs: the program still runs; Ctrl-C ends it"), null, s_stillRunning, Timeout.InfiniteTimeSpan);
            RunReport report = Run(result.GetValue(mount), result.GetValue(id)!, program);
            TextWriter output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
                output.WriteLine(report.ToJson());
            else
                output.Write(report.ToText(result.GetValue(fields)));
            return report.EndedWell ? 0 : CommandException.Failed;
        });
        return command;
    }

    private static AssembledProgram Assemble(string[] ccws, string? file)
    {
        if (ccws.Length == 0 == file is null)
            throw new CommandException("give CCWs, or a file of them with --program, one of the two", CommandException.WrongUsage);
        if (file is not null)
        {
            if (!ProgramFiles.TryRead(file, MaxProgramFile, out byte[] bytes, out string reason))
                throw new CommandException(reason);
            ccws = [System.Text.Encoding.UTF8.GetString(bytes)];
        }
        return ProgramText.TryAssemble(ccws, ProgramFiles.TryRead, out AssembledProgram program, out string error)
            ? program
            : throw new CommandException(file is null ? error : $"{file}: {error}");
    }

    private static RunReport Run(string? mount, string id, AssembledProgram program)
    {
        Span<byte> orb = stackalloc byte[Orb.Size];
        program.Orb(pathMask: 0).Write(orb); // the subchannel's own paths
        ControlReply reply = ControlClient.Send(mount, new ControlRequest { Verb = "run", Id = id, Orb = Convert.ToHexString(orb), Storage = program.Storage });
        if (reply.Irbs is not [.., { } last] || !RunReport.TryCreate(program, Convert.FromHexString(last), reply.Storage, out RunReport? report, out _))
            throw new CommandException("the mounted ccwfs gave no result; is it this version of ccwfs?");
        return report!;
    }
}
