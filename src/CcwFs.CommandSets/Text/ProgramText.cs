using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.CommandSets.Text;

/// <summary>
/// Reads a file named by <c>data=@FILE</c>. False with one line in <paramref name="error"/> (what failed and why) when it cannot be read or
/// has more than <paramref name="limit"/> bytes. Does not throw.
/// </summary>
public delegate bool FileReader(string path, int limit, out byte[] bytes, out string error);

/// <summary>
/// The readable channel-program language. A line is one CCW: <c>[label:] COMMAND [flag…] [key=value…] [# comment]</c>. COMMAND is a name of
/// the device's <see cref="CommandSet"/> or two hex digits; TIC takes a label (<c>TIC to=loop</c>, or <c>tic=loop</c>); DATA goes on after a
/// CCW with cd. Flags: cd cc sli skip pci ida suspend (s) mida, and nochain: consecutive CCWs are command-chained without it.
/// <c>count=N</c> is decimal or 0x; output data is any number of <c>data=HEX</c>, <c>data="text"</c>, <c>data=ebcdic:"TEXT"</c>,
/// <c>data=@FILE</c>, <c>zero=N</c>, one after the other; it is filled up with zeros to the count. Some commands take their parameters as words
/// (<c>DEFINE_EXTENT begin=0/0 end=0/14 mask=read</c>). With <c>ida</c> the data is reached through format-2 IDAWs of 4K.
/// </summary>
public static class ProgramText
{
    /// <summary>Storage that vfio-ccw reads from the program's address on, even for one CCW.</summary>
    private const int FetchBytes = 2048;

    private const int PageSize = 4096;
    private const int IdawSize = 8;

    /// <summary>
    /// Assembles <paramref name="lines"/>, each of which may hold line breaks. False with one line "line L, column C: …" in <paramref name="error"/>
    /// when the text is wrong; then <paramref name="program"/> is empty.
    /// </summary>
    public static bool TryAssemble(IReadOnlyList<string> lines, FileReader? readFile, CommandSet commands, out AssembledProgram program,
        out string error)
    {
        ArgumentNullException.ThrowIfNull(lines);
        try
        {
            var parser = new ProgramParser(readFile, commands);
            int number = 0;
            foreach (string line in lines.SelectMany(l => l.Split('\n')))
                parser.Line(line, ++number);
            if (parser.Ccws.Count == 0)
                throw new ProgramTextException(1, 1, "there is no CCW in the program");
            program = Assemble(parser, commands);
            error = "";
            return true;
        }
        catch (ProgramTextException wrong)
        {
            program = new AssembledProgram([], 0, 0, []) { Commands = commands };
            error = wrong.OneLine;
            return false;
        }
    }

    /// <summary>The words that a command takes its parameters in, for help; none for most.</summary>
    public static IReadOnlyList<string> ParameterKeys(CommandDescription command) => ParameterBuilder.Find(command)?.Keys ?? [];

    private static AssembledProgram Assemble(ProgramParser parser, CommandSet commands)
    {
        List<ParsedCcw> ccws = parser.Ccws;
        var places = new (uint List, uint Data)[ccws.Count];
        long end = (long)ccws.Count * Ccw.Size;
        for (int i = 0; i < ccws.Count; i++)
            places[i] = Place(ccws[i], ref end);
        end = Align(Math.Max(end, ((long)ccws.Count * Ccw.Size) + FetchBytes), PageSize);
        if (end > AssembledProgram.MaxStorage)
            throw ccws[^1].Word.Error($"the program needs over {AssembledProgram.MaxStorage >> 20} MiB");

        byte[] storage = new byte[end];
        var steps = new ProgramStep[ccws.Count];
        uint control = OrbControl.Format1 | OrbControl.Prefetch;
        for (int i = 0; i < ccws.Count; i++)
        {
            ParsedCcw parsed = ccws[i];
            (uint list, uint data) = places[i];
            parsed.Data.CopyTo(storage, (int)data);
            Idaws(storage, list, data, parsed);
            uint address = parsed.Direction == CommandDirection.Transfer ? Target(parser, parsed) : list != 0 ? list : data;
            var ccw = new Ccw(parsed.Code, Chain(parsed, last: i == ccws.Count - 1), (ushort)parsed.Count, address);
            ccw.WriteFormat1(storage.AsSpan(i * Ccw.Size));
            steps[i] = new ProgramStep(parsed.Name, ccw, (uint)(i * Ccw.Size), data, parsed.Count, parsed.Direction, parsed.Word.Line);
            control |= ccw.Has(CcwFlags.IndirectData) ? OrbControl.Format2Idaws : 0;
            control |= ccw.Has(CcwFlags.Suspend) ? OrbControl.Suspend : 0;
        }

        return new AssembledProgram(storage, 0, control, steps) { Commands = commands };
    }

    private static (uint List, uint Data) Place(ParsedCcw ccw, ref long end)
    {
        int length = Math.Max(ccw.Count, ccw.Data.Length);
        if (length == 0)
            return (0, 0);
        bool indirect = (ccw.Flags & CcwFlags.IndirectData) != 0;
        long list = 0;
        if (indirect)
        {
            list = Align(end, IdawSize);
            end = list + ((length + PageSize - 1) / PageSize * IdawSize);
        }

        long data = Align(end, indirect || length >= PageSize ? PageSize : 8);
        end = data + length;
        return ((uint)list, (uint)data);
    }

    private static void Idaws(byte[] storage, uint list, uint data, ParsedCcw ccw)
    {
        if (list == 0)
            return;
        int pages = (Math.Max(ccw.Count, ccw.Data.Length) + PageSize - 1) / PageSize;
        for (int i = 0; i < pages; i++)
            BinaryPrimitives.WriteUInt64BigEndian(storage.AsSpan((int)list + (i * IdawSize)), data + ((ulong)i * PageSize));
    }

    private static uint Target(ProgramParser parser, ParsedCcw ccw)
    {
        if (!parser.Labels.TryGetValue(ccw.TargetLabel, out int index))
            throw ccw.Target!.Error($"there is no label '{ccw.TargetLabel}:'");
        return (uint)(index * Ccw.Size);
    }

    private static CcwFlags Chain(ParsedCcw ccw, bool last)
    {
        bool explicitly = (ccw.Flags & (CcwFlags.ChainData | CcwFlags.ChainCommand)) != 0;
        bool implied = !last && !explicitly && !ccw.NoChain && ccw.Direction != CommandDirection.Transfer;
        return ccw.Flags | (implied ? CcwFlags.ChainCommand : CcwFlags.None);
    }

    private static long Align(long value, int to) => (value + to - 1) / to * to;
}
