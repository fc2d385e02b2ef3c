using System.Text;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.CommandSets.Decode;

namespace CcwFs.CommandSets.Text;

/// <summary>One CCW as the text has it, before addresses are known.</summary>
internal sealed record ParsedCcw(ProgramWord Word, string Name, byte Code, CommandDirection Direction)
{
    internal CcwFlags Flags { get; set; }

    internal bool NoChain { get; set; }

    internal int Count { get; set; }

    /// <summary>What the data area holds at first; empty for reads.</summary>
    internal byte[] Data { get; set; } = [];

    /// <summary>Where a TIC goes.</summary>
    internal ProgramWord? Target { get; set; }

    internal string TargetLabel { get; set; } = "";
}

/// <summary>Turns lines into CCWs and labels.</summary>
internal sealed class ProgramParser(FileReader? readFile, CommandSet commands)
{
    /// <summary>The largest count of a CCW.</summary>
    private const int MaxCount = 0xFFFF;

    private long _dataBytes;

    internal List<ParsedCcw> Ccws { get; } = [];

    internal Dictionary<string, int> Labels { get; } = new(StringComparer.OrdinalIgnoreCase);

    internal void Line(string text, int line)
    {
        List<ProgramWord> words = ProgramWord.Split(text, line);
        int first = 0;
        for (; first < words.Count && words[first] is { Quoted: null } label && label.Bare.EndsWith(':'); first++)
        {
            if (!Labels.TryAdd(label.Bare[..^1], Ccws.Count))
                throw label.Error($"the label '{label.Bare[..^1]}' is there twice");
        }

        if (first < words.Count)
            Ccws.Add(Statement(words[first], words[(first + 1)..]));
    }

    private ParsedCcw Statement(ProgramWord word, List<ProgramWord> rest)
    {
        ParsedCcw ccw = Command(word);
        if (ccw.Direction == CommandDirection.Transfer)
        {
            Transfer(ccw, rest);
            return ccw;
        }

        ParameterBuilder? builder = ParameterBuilder.Find(commands.Find(ccw.Code));
        var parameters = new Dictionary<string, ProgramWord>();
        var data = new List<ProgramWord>();
        bool built = builder is not null && rest.Any(w => w.Key != "count" && builder.Keys.Contains(w.Key) && w.Value is not null);
        ProgramWord? count = null;
        foreach (ProgramWord operand in rest)
        {
            if (operand.Value is null)
                Flag(ccw, operand);
            else if (built && builder!.Keys.Contains(operand.Key))
                Add(parameters, operand);
            else if (operand.Key == "count")
                count = count is null ? operand : throw operand.Error("count= is there twice");
            else if (operand.Key is "data" or "zero")
                data.Add(operand);
            else
                throw operand.Error(Unknown(ccw, builder, operand));
        }

        if (built && data.Count > 0 && !builder!.Layout.TakesData)
            throw data[0].Error($"{ccw.Name} takes {string.Join(", ", builder.Keys.Select(k => k + "="))} or data=, not both");
        SetData(ccw, built ? builder : null, new Operands(word, parameters), data, count);
        return ccw;
    }

    private ParsedCcw Command(ProgramWord word)
    {
        if (word.Quoted is not null)
            throw word.Error("a command's name or code must come first");
        if (word.Value is not null)
        {
            return word.Key == "tic"
                ? new ParsedCcw(word, "TIC", CommandCode.TransferInChannel, CommandDirection.Transfer) { Target = word, TargetLabel = word.Value }
                : throw word.Error($"a command's name or code must come first, not '{word.Bare}'");
        }

        if (word.Key == "data" && Ccws.Count > 0 && Ccws[^1] is var previous && (previous.Flags & CcwFlags.ChainData) != 0)
            return new ParsedCcw(word, "DATA", previous.Code, previous.Direction);
        if (commands.Find(word.Bare) is { } command)
            return new ParsedCcw(word, command.Code == CommandCode.TransferInChannel ? "TIC" : command.Word, command.Code, command.Direction);
        if (!Operands.TryHexByte(word.Bare, out byte code) || word.Bare.Length < 2)
            throw word.Error($"'{word.Bare}' is no command: give a name such as SENSE_ID, or a code such as E4{Near(word.Bare)}");
        return new ParsedCcw(word, commands.WordOf(code), code, commands.DirectionOf(code));
    }

    private string Near(string text)
    {
        string upper = text.ToUpperInvariant().Replace('-', '_');
        string[] near =
            [.. commands.Rows.Where(c => !c.OnlyReal).Select(c => c.Word)
            .Where(n => upper.Length > 3 && n.Contains(upper[..4], StringComparison.Ordinal)).Take(4)];
        return near.Length == 0 ? "" : $" (there are {string.Join(", ", near)})";
    }

    private static void Transfer(ParsedCcw ccw, List<ProgramWord> rest)
    {
        foreach (ProgramWord word in rest)
        {
            if (ccw.Target is not null || word.Quoted is not null || (word.Value is not null && word.Key != "to"))
                throw word.Error("a TIC takes one label and no flags");
            ccw.Target = word;
            ccw.TargetLabel = word.Value ?? word.Bare;
        }

        if (ccw.Target is null)
            throw ccw.Word.Error("a TIC needs a label: TIC to=LABEL");
    }

    private static void Flag(ParsedCcw ccw, ProgramWord word)
    {
        if (word.Key == "nochain" && word.Quoted is null)
        {
            ccw.NoChain = true;
            return;
        }

        foreach ((string name, CcwFlags flag) in FlagWords.All)
        {
            if (name == word.Key && word.Quoted is null)
            {
                ccw.Flags |= flag;
                return;
            }
        }

        throw word.Error($"'{word.Bare}' is no flag: cd cc sli skip pci ida suspend mida nochain; values are written key=value");
    }

    private static void Add(Dictionary<string, ProgramWord> parameters, ProgramWord operand)
    {
        if (!parameters.TryAdd(operand.Key, operand))
            throw operand.Error($"{operand.Key}= is there twice");
    }

    private static string Unknown(ParsedCcw ccw, ParameterBuilder? builder, ProgramWord operand) =>
        $"{ccw.Name} has no {operand.Key}=; it takes {string.Join(", ", (builder?.Keys ?? []).Concat(["count", "data", "zero"]).Distinct().Select(k => k + "="))}";

    private void SetData(ParsedCcw ccw, ParameterBuilder? builder, Operands operands, List<ProgramWord> words, ProgramWord? count)
    {
        if (words.Count > 0 && ccw.Direction is not CommandDirection.Output)
            throw words[0].Error($"{ccw.Name} takes no data ({CommandSet.Words(ccw.Direction)})");
        using var data = new MemoryStream();
        foreach (ProgramWord word in words)
        {
            data.Write(Bytes(word));
            if (data.Length > MaxCount)
                throw word.Error($"a CCW takes at most {MaxCount} bytes: chain the rest with cd");
        }

        byte[] parameters = builder?.Build(operands, (int)data.Length) ?? [];
        ccw.Data = [.. parameters, .. data.ToArray()];
        if (ccw.Data.Length > MaxCount)
            throw ccw.Word.Error($"a CCW takes at most {MaxCount} bytes: chain the rest with cd");
        ccw.Count = count is not null ? (int)Operands.Number(count, MaxCount) : DefaultCount(ccw);
        if (ccw is { Direction: CommandDirection.Output, Data.Length: 0, Count: > 0 })
            throw ccw.Word.Error($"{ccw.Name} needs its data: data=…, or zero={ccw.Count} for zeros");
        _dataBytes += Math.Max(ccw.Count, ccw.Data.Length);
        if (_dataBytes > AssembledProgram.MaxStorage)
            throw ccw.Word.Error($"the program's data is over {AssembledProgram.MaxStorage >> 20} MiB");
    }

    private int DefaultCount(ParsedCcw ccw) => ccw.Direction switch
    {
        CommandDirection.None => 0,
        CommandDirection.Output when ccw.Data.Length > 0 => ccw.Data.Length,
        CommandDirection.Output =>
            throw ccw.Word.Error($"{ccw.Name} needs its data: data=HEX, data=\"text\", data=ebcdic:\"TEXT\", data=@FILE or zero=N"
            + (ParameterBuilder.Find(commands.Find(ccw.Code)) is { } b ? $"; or its parameters {string.Join(", ", b.Keys.Select(k => k + "="))}"
                : "")),
        _ when ccw.Name != "DATA" && commands.Find(ccw.Code) is { DefaultCount: > 0 } known => known.DefaultCount,
        _ => throw ccw.Word.Error($"{ccw.Name} needs count="),
    };

    private byte[] Bytes(ProgramWord word)
    {
        string value = word.Value ?? "";
        if (word.Key == "zero")
            return new byte[Operands.Number(word, MaxCount)];
        if (value.StartsWith('@'))
            return FileBytes(word, value[1..] + word.Quoted);
        if (word.Quoted is null)
            return Hex(word, value);
        switch (value.ToLowerInvariant())
        {
            case "" or "ascii:":
                return Ascii.IsValid(word.Quoted) ? Encoding.ASCII.GetBytes(word.Quoted)
                    : throw word.Error("the text is not ASCII: give bytes in hex, or ebcdic:");
            case "ebcdic:":
                return Ebcdic.TryEncode(word.Quoted, out byte[] bytes) ? bytes
                    : throw word.Error("the text has a character that EBCDIC (code page 037) lacks");
            default:
                throw word.Error($"'{value}' in front of a quote is ascii: or ebcdic:");
        }
    }

    private static byte[] Hex(ProgramWord word, string value) =>
        HexText.TryParse(value, out byte[] bytes, out string error) && bytes.Length > 0
            ? bytes : throw word.Error(error.Length > 0 ? $"data=: {error}" : "data= is empty");

    private byte[] FileBytes(ProgramWord word, string path)
    {
        if (readFile is null)
            throw word.Error("files cannot be read here");
        return readFile(path, MaxCount, out byte[] bytes, out string error)
            ? bytes : throw word.Error(error);
    }
}
