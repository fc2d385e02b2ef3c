using System.CommandLine;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.ChannelProgram.Packed;
using CcwFs.Cli.Decode;
using CcwFs.CommandSets.Text;
using CcwFs.CommandSets;
using CcwFs.Control;

namespace CcwFs.Cli.Translate;

/// <summary>Where the verbs that take a channel program take it from: CCWs in words, a file, or an image of guest memory with an ORB.</summary>
internal sealed class ProgramSource
{
    private const int MaxText = 1 << 20; // arbitrary

    private readonly Argument<string[]> _ccws = new("CCW")
    {
        HelpName = "CCW",
        Description = "The CCWs of the program, one per argument, like 'SENSE_ID sli count=40'. 'ccwfs help programs' lists the commands and words.",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private readonly Option<string?> _file = new("--program")
    {
        Description = "A file with one CCW per line, or a packed program.",
        HelpName = "FILE",
    };
    private readonly Option<string?> _memory = new("--memory")
    {
        Description = "A file of guest memory from address 0 on. It holds the program that --orb starts.",
        HelpName = "FILE",
    };
    private readonly Option<string?> _orb = new("--orb") { Description = "The ORB for --memory: 12 bytes in hex.", HelpName = "HEX" };

    /// <summary>Adds the words and options to a verb.</summary>
    internal void AddTo(Command command)
    {
        command.Arguments.Add(_ccws);
        foreach (Option option in Options)
            command.Options.Add(option);
    }

    /// <summary>The words, for a verb that takes them for something else.</summary>
    internal string[] Words(ParseResult result) => result.GetValue(_ccws) ?? [];

    /// <summary>The options.</summary>
    internal Option[] Options => [_file, _memory, _orb];

    /// <summary>
    /// The program: text assembled, or a packed one with the addresses of its CCWs (offsets where it came packed). <paramref name="commands"/> is
    /// asked for the device's commands where there is text.
    /// </summary>
    internal (AssembledProgram? Text, PackedProgram? Packed, IReadOnlyList<uint> Addresses) Get(ParseResult result, Func<CommandSet> commands)
    {
        string[] ccws = Words(result);
        string? file = result.GetValue(_file), memory = result.GetValue(_memory), orb = result.GetValue(_orb);
        if (memory is null != orb is null)
            throw new CommandException("--memory and --orb go together: the ORB says where in the memory the program is",
                CommandException.WrongUsage);
        if ((ccws.Length > 0 ? 1 : 0) + (file is null ? 0 : 1) + (memory is null ? 0 : 1) != 1)
            throw new CommandException("give CCWs, a file with --program, or --memory with --orb, one of the three", CommandException.WrongUsage);
        if (memory is not null)
        {
            (PackedProgram guest, IReadOnlyList<uint> addresses) = FromMemory(memory, orb!);
            return (null, guest, addresses);
        }
        if (file is null)
            return (Assemble(ccws, null, commands()), null, []);
        byte[] bytes = Read(file, PackedProgram.MaxFileSize);
        if (!PackedReader.Recognizes(bytes))
        {
            return bytes.Length <= MaxText ? (Assemble([System.Text.Encoding.UTF8.GetString(bytes)], file, commands()), null, [])
                : throw new CommandException($"{file} has more than {MaxText} bytes of CCWs");
        }
        PackedProgram packed = FromPacked(bytes, file);
        return (null, packed, [.. Enumerable.Range(0, packed.Ccws.Count).Select(PackedProgram.OffsetOf)]);
    }

    /// <summary>Reads a packed program.</summary>
    internal static PackedProgram ReadPacked(string file) => FromPacked(Read(file, PackedProgram.MaxFileSize), file);

    /// <summary>Packs an assembled program.</summary>
    internal static PackedProgram Pack(AssembledProgram program) => Pack(program.Orb(pathMask: 0), Reader(program.Storage), null).Program;

    private static byte[] Read(string file, int limit) =>
        ProgramFiles.TryRead(file, limit, out byte[] bytes, out string reason) ? bytes : throw new CommandException(reason);

    private static PackedProgram FromPacked(byte[] bytes, string file) => PackedReader.TryRead(bytes, out PackedProgram program, out string error)
        ? program
        : throw new CommandException($"{file}: {error}");

    private static AssembledProgram Assemble(string[] ccws, string? file, CommandSet commands) =>
        ProgramText.TryAssemble(ccws, ProgramFiles.TryRead, commands, out AssembledProgram program, out string error)
        ? program
        : throw new CommandException(file is null ? error : $"{file}: {error}");

    private static (PackedProgram Program, IReadOnlyList<uint> Addresses) FromMemory(string path, string orbText)
    {
        if (!HexText.TryParse(orbText, out byte[] orb, out string wrong) || orb.Length != Orb.Size)
            throw new CommandException($"--orb takes {Orb.Size} bytes in hex{(wrong.Length > 0 ? ": " + wrong : $", not {orb.Length}")}",
                CommandException.WrongUsage);
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path);
            return Pack(Orb.Read(orb), Reader(file, RandomAccess.GetLength(file)), path);
        }
        catch (Exception failure) when (FileProblem.Is(failure))
        {
            throw new CommandException(FileProblem.Of(failure, path));
        }
    }

    private static (PackedProgram Program, IReadOnlyList<uint> Addresses) Pack(in Orb orb, GuestReader read, string? where) =>
        ProgramPacker.TryPack(orb, read, out PackedProgram program, out IReadOnlyList<uint> addresses, out string error)
            ? (program, addresses)
            : throw new CommandException(where is null ? error : $"{where}: {error}");

    private static GuestReader Reader(byte[] storage) => (address, destination) =>
    {
        if (address > (ulong)storage.Length || (ulong)destination.Length > (ulong)storage.Length - address)
            return false;
        storage.AsSpan((int)address, destination.Length).CopyTo(destination);
        return true;
    };

    private static GuestReader Reader(Microsoft.Win32.SafeHandles.SafeFileHandle file, long length) => (address, destination) =>
    {
        if (address > (ulong)length || (ulong)destination.Length > (ulong)length - address)
            return false;
        for (int done = 0, part; done < destination.Length; done += part)
        {
            part = RandomAccess.Read(file, destination[done..], (long)address + done);
            if (part == 0)
                return false; // cut meanwhile
        }
        return true;
    };
}
