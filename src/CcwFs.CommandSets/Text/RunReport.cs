using System.Globalization;
using System.Text;
using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.CommandSets.Decode;

namespace CcwFs.CommandSets.Text;

/// <summary>What a program brought back by one input CCW.</summary>
/// <param name="Step">The CCW.</param>
/// <param name="Data">The bytes that came; at most the CCW's count.</param>
/// <param name="Exact">The number of bytes is known; false where SLI hid an earlier CCW's length (then it is the count, at most).</param>
public sealed record StepData(ProgramStep Step, ReadOnlyMemory<byte> Data, bool Exact);

/// <summary>Why a policy refused the program.</summary>
/// <param name="CcwAddress">Address of the CCW, in this program's addresses.</param>
/// <param name="Ccw">The CCW in words.</param>
/// <param name="Rule">The rule.</param>
public sealed record ProgramRefusal(uint CcwAddress, string Ccw, string Rule);

/// <summary>
/// The result of a program run: the IRB explained and the data read. Which CCWs ran is told by the IRB's CCW address (one after the last
/// one used, in this program's addresses); the last one's bytes by the residual count.
/// </summary>
public sealed class RunReport
{
    private readonly AssembledProgram _program;
    private readonly DecodedStructure _irb;
    private readonly Scsw _scsw;
    private readonly ProgramRefusal? _refusal;
    private readonly uint? _unfetched;

    private RunReport(AssembledProgram program, byte[] irb, Func<ProgramStep, int, ReadOnlyMemory<byte>> data, ProgramRefusal? refusal,
        uint? unfetched)
    {
        (_program, _refusal, _unfetched) = (program, refusal, unfetched);
        _scsw = Scsw.Read(irb);
        StructureDecoder.TryDecode("irb", irb, format1: true, program.Commands, out IReadOnlyList<DecodedStructure> decoded, out _);
        _irb = decoded[0];
        Reads = [.. FindReads(data)];
    }

    /// <summary>The data of every input CCW that ran, in the order of the source; CCWs with the skip flag store nothing and are left out.</summary>
    public IReadOnlyList<StepData> Reads { get; }

    /// <summary>The program ended without any error.</summary>
    public bool EndedWell => IrbSummary.IsWell(_scsw);

    /// <summary>
    /// Makes the report. False when <paramref name="irb"/> has not <see cref="Irb.Size"/> bytes, or <paramref name="storage"/>, the program's address
    /// space after the run, is not as long as <see cref="AssembledProgram.Storage"/>. <paramref name="refusal"/>: a policy refused the program, and
    /// why. <paramref name="unfetched"/>: address of the CCW that a prefetched program came to and that was not prefetched.
    /// </summary>
    public static bool TryCreate(
        AssembledProgram program, ReadOnlySpan<byte> irb, ReadOnlyMemory<byte> storage, out RunReport? report, out string error,
            ProgramRefusal? refusal = null,
        uint? unfetched = null)
    {
        ArgumentNullException.ThrowIfNull(program);
        report = null;
        error = storage.Length == program.Storage.Length ? "" : $"the storage has {storage.Length} bytes, the program {program.Storage.Length}";
        if (irb.Length == Irb.Size && error.Length > 0)
            return false;
        return TryCreate(program, irb, (step, length) => storage.Slice((int)step.DataAddress, length), out report, out error, refusal, unfetched);
    }

    /// <summary>
    /// The same for a program whose memory is not in one piece: <paramref name="data"/> gives the first bytes of a CCW's data after the run.
    /// </summary>
    public static bool TryCreate(
        AssembledProgram program, ReadOnlySpan<byte> irb, Func<ProgramStep, int, ReadOnlyMemory<byte>> data, out RunReport? report, out string error,
        ProgramRefusal? refusal = null, uint? unfetched = null)
    {
        ArgumentNullException.ThrowIfNull(program);
        error = irb.Length == Irb.Size ? "" : $"irb takes {Irb.Size} bytes, not {irb.Length}";
        report = error.Length == 0 ? new RunReport(program, irb.ToArray(), data, refusal, unfetched) : null;
        return report is not null;
    }

    /// <summary>
    /// Text: what a policy refused, the summary, the last CCW used, then a dump of every read; with <paramref name="fields"/> also every field of the
    /// IRB.
    /// </summary>
    public string ToText(bool fields)
    {
        var text = new StringBuilder();
        if (_refusal is { } refusal)
            text.Append(CultureInfo.InvariantCulture,
                $"The policy refused it ({refusal.Rule}) because of {refusal.Ccw} ({PlaceOf(refusal.CcwAddress)}at {refusal.CcwAddress:X8}).\n");
        text.Append(_irb.Summary).Append('\n');
        if (_unfetched is { } missed)
        {
            const string Why = "it stands behind a TIC that leads out of its chain";
            text.Append(_program.Unit == AssembledProgram.Lines
                ? $"The CCW that it came to ({PlaceOf(missed)}at {missed:X8}) was not prefetched: {Why}. With --fetch each CCW is fetched when its turn comes.\n"
                : $"It came to a CCW that was not packed with it: {Why} (behind offset {missed - Ccw.Size:X8}).\n");
        }
        else if (_refusal is null && !EndedWell && LastUsed() is >= 0 and int index && _program.Steps[index] is var last)
            text.Append($"Last CCW used: {last.Name} ({_program.Unit} {last.Line}, at {last.CcwAddress:X8}).\n");
        if (fields)
        {
            text.Append('\n');
            DecodeRenderer.AppendTable(text, _irb.Fields);
        }

        foreach (StepData read in Reads)
        {
            string count = read.Data.Length == read.Step.Count && read.Exact
                ? $"{read.Step.Count} bytes" : $"{(read.Exact ? "" : "at most ")}{read.Data.Length} of {read.Step.Count} bytes";
            text.Append($"\n{read.Step.Name} ({_program.Unit} {read.Step.Line}): {count} at {read.Step.DataAddress:X8}\n");
            HexDump.Append(text, read.Data.Span);
        }

        return text.ToString();
    }

    /// <summary>
    /// JSON: {"ended_well", "summary", "irb": the decoded structure, "sense": hex or null, "refusal": what a policy refused, {"ccw", "text", "rule"},
    /// or null, "unfetched": address of the CCW that was not prefetched, or null, "reads": [{"command", "line", "ccw", "address", "count",
    /// "transferred", "exact", "hex"}]}.
    /// </summary>
    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, DecodeRenderer.JsonOptions))
        {
            json.WriteStartObject();
            json.WriteBoolean("ended_well", EndedWell);
            json.WriteString("summary", _irb.Summary);
            ReadOnlySpan<byte> sense = IrbSummary.ConcurrentSense(_irb.Bytes.Span);
            if (sense.Length > 0)
                json.WriteString("sense", Convert.ToHexString(sense));
            else
                json.WriteNull("sense");
            WriteRefusal(json);
            json.WriteString("unfetched", _unfetched?.ToString("X8", CultureInfo.InvariantCulture));
            json.WriteStartArray("reads");
            foreach (StepData read in Reads)
                WriteRead(json, read);
            json.WriteEndArray();
            json.WritePropertyName("irb");
            DecodeRenderer.Write(json, _irb);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private void WriteRefusal(Utf8JsonWriter json)
    {
        if (_refusal is null)
        {
            json.WriteNull("refusal");
            return;
        }
        json.WriteStartObject("refusal");
        json.WriteString("ccw", _refusal.CcwAddress.ToString("X8", CultureInfo.InvariantCulture));
        json.WriteString("text", _refusal.Ccw);
        json.WriteString("rule", _refusal.Rule);
        json.WriteEndObject();
    }

    /// <summary>"line 2, ": where the CCW at an address is written; nothing for none of the program's.</summary>
    private string PlaceOf(uint address) =>
        _program.Steps.FirstOrDefault(step => step.CcwAddress == address) is { } step ? $"{_program.Unit} {step.Line}, " : "";

    private static void WriteRead(Utf8JsonWriter json, StepData read)
    {
        json.WriteStartObject();
        json.WriteString("command", read.Step.Name);
        json.WriteNumber("line", read.Step.Line);
        json.WriteString("ccw", read.Step.CcwAddress.ToString("X8", CultureInfo.InvariantCulture));
        json.WriteString("address", read.Step.DataAddress.ToString("X8", CultureInfo.InvariantCulture));
        json.WriteNumber("count", read.Step.Count);
        json.WriteNumber("transferred", read.Data.Length);
        json.WriteBoolean("exact", read.Exact);
        json.WriteString("hex", Convert.ToHexString(read.Data.Span));
        json.WriteEndObject();
    }

    /// <summary>The number of the CCW in front of the IRB's CCW address; -1 when that is not in the program.</summary>
    private int LastUsed()
    {
        for (int i = 0; i < _program.Steps.Count; i++)
        {
            if ((long)_program.Steps[i].CcwAddress + Ccw.Size == _scsw.CcwAddress)
                return i;
        }
        return -1;
    }

    private IEnumerable<StepData> FindReads(Func<ProgramStep, int, ReadOnlyMemory<byte>> data)
    {
        int last = LastUsed();
        for (int i = 0; i <= last && _scsw.DeferredConditionCode == 0; i++)
        {
            ProgramStep step = _program.Steps[i];
            if (step.Direction != CommandDirection.Input || step.Ccw.Has(CcwFlags.Skip))
                continue;
            bool isLast = i == last;
            // The residual counts only with primary status: before that the program is still running.
            bool counted = isLast && (_scsw.StatusControl & StatusControl.Primary) != 0;
            int transferred = Math.Clamp(counted ? step.Count - _scsw.Residual : step.Count, 0, step.Count);
            bool exact = counted || (!isLast && !step.Ccw.Has(CcwFlags.SuppressLength));
            if (transferred > 0)
                yield return new StepData(step, data(step, transferred), exact);
        }
    }
}
