using CcwFs.ChannelProgram.Packed;
using CcwFs.Control;

namespace CcwFs.Cli.Translate;

/// <summary>Writes packed programs, and images of the memory that they unpack to.</summary>
internal static class PackedFiles
{
    /// <summary>Largest address an image reaches (arbitrary: what file systems take as the size of a sparse file).</summary>
    private const ulong MaxImage = 1UL << 43;

    /// <summary>Writes a program to a file, or to standard output when that is no terminal; then nothing else is said.</summary>
    internal static void Write(PackedProgram program, bool withData, string? file, TextWriter output)
    {
        byte[] bytes = program.Write(withData);
        if (file is not null)
        {
            Store(file, stream => stream.Write(bytes));
            output.WriteLine(PackedListing.Summary(program, withData));
            return;
        }
        if (!Console.IsOutputRedirected)
            throw new CommandException("a packed program is not for a terminal: give a file with --output", CommandException.WrongUsage);
        using Stream standard = Console.OpenStandardOutput();
        standard.Write(bytes);
    }

    private static void Store(string file, Action<Stream> write)
    {
        try
        {
            WholeFile.Write(file, write);
        }
        catch (Exception failure) when (FileProblem.Is(failure))
        {
            throw new CommandException(FileProblem.Of(failure, file));
        }
    }

    /// <summary>Writes an image of guest memory from address 0 on, with holes, and says how the program in it is started.</summary>
    internal static string Unpack(PackedProgram program, uint? block, string file)
    {
        if (!RestoredProgram.TryRestore(program, block, out RestoredProgram? restored, out string error))
            throw new CommandException(error);
        MemoryRun last = restored!.Memory[^1];
        if (last.Address > MaxImage)
            throw new CommandException($"the program uses address {last.Address:X}; an image reaches to {MaxImage:X}, but ccwfs run takes the packed program");
        Store(file, image =>
        {
            foreach (MemoryRun run in restored.Memory)
            {
                image.Position = (long)run.Address;
                image.Write(run.Bytes);
            }
        });
        return $"unpacked to {file}: the CCWs are at {restored.Block:X8}; start them with the ORB {PackedListing.OrbText(restored.Orb)}";
    }
}
