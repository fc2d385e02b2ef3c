using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.ChannelProgram;
using CcwFs.ChannelProgram.Packed;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;

namespace CcwFs.Cli.Translate;

/// <summary>A packed program for people and for programs, with the names of a family's commands.</summary>
internal sealed class PackedListing
{
    private readonly PackedProgram _program;
    private readonly CommandSet _commands;
    private readonly bool[] _continues; // the CCW before by data chaining
    private readonly RestoredProgram? _restored; // null: not all that the device is given came with it

    internal PackedListing(PackedProgram program, CommandSet commands)
    {
        (_program, _commands) = (program, commands);
        _continues = [.. CommandInEffect.Over(program.Ccws).Select(at => at.Continues)];
        RestoredProgram.TryRestore(program, null, out _restored, out _);
    }

    /// <summary>One line a CCW, with its offset, that of its entry, and its parameters; then the ORB and the segments as dumps.</summary>
    internal string ToText()
    {
        var text = new StringBuilder(Summary(_program, withData: true)).Append('\n');
        text.Append("CCW  offset  entry\n");
        for (int i = 0; i < _program.Ccws.Count; i++)
        {
            string entry = _program.Ccws[i].IsTransferInChannel ? "" : PackedProgram.EntryOf(i).ToString(CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"{i,3}  {PackedProgram.OffsetOf(i),6}  {entry,5}  {Line(_program.Ccws[i])}");
            text.Append(Parameters(i) is { } parameters ? $"  # {parameters}\n" : "\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"     {PackedProgram.OffsetOf(_program.Ccws.Count),6}         NO_OPERATION, appended\n");
        foreach (PackedSegment segment in _program.Segments)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{segment.Bytes.Length} bytes at {segment.Address:X8}\n");
            HexDump.Append(text, segment.Bytes.Span);
        }
        return text.ToString();
    }

    /// <summary>What it is, in one line; its data count where they are with it.</summary>
    internal static string Summary(PackedProgram program, bool withData) => string.Create(CultureInfo.InvariantCulture,
        $"packed program: {Count(program.Ccws.Count, "CCW")}, {DataText(program, withData)}; ORB {OrbText(program.Orb)}");

    /// <summary>
    /// {"orb": hex, "ccws": [{"offset", "entry", "hex": format 1 with the guest's address, "text", "parameters": in one line, where they are known}],
    /// "segments": [{"address", "hex"}]}; a TIC has no entry.
    /// </summary>
    internal string ToJson()
    {
        var ccws = new JsonArray();
        byte[] bytes = new byte[Ccw.Size];
        for (int i = 0; i < _program.Ccws.Count; i++)
        {
            _program.Ccws[i].WriteFormat1(bytes);
            ccws.Add((JsonNode)new JsonObject
            {
                ["offset"] = PackedProgram.OffsetOf(i),
                ["entry"] = _program.Ccws[i].IsTransferInChannel ? null : PackedProgram.EntryOf(i),
                ["hex"] = Convert.ToHexString(bytes),
                ["text"] = Line(_program.Ccws[i]),
                ["parameters"] = Parameters(i),
            });
        }
        var segments = new JsonArray([.. _program.Segments.Select(s => new JsonObject
        {
            ["address"] = s.Address.ToString("X8", CultureInfo.InvariantCulture), ["hex"] = Convert.ToHexString(s.Bytes.Span),
        })]);
        return new JsonObject { ["orb"] = OrbText(_program.Orb), ["ccws"] = ccws, ["segments"] = segments }.ToJsonString();
    }

    /// <summary>The three words of an ORB.</summary>
    internal static string OrbText(Orb orb) =>
        string.Create(CultureInfo.InvariantCulture, $"{orb.InterruptionParameter:X8} {orb.Control:X8} {orb.ProgramAddress:X8}");

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static string DataText(PackedProgram program, bool withData) => !withData || program.Segments.Count == 0 ? "no data"
        : string.Create(CultureInfo.InvariantCulture,
            $"{Count(program.Segments.Count, "segment")} of {program.Segments.Sum(s => (long)s.Bytes.Length)} bytes");

    private string Line(Ccw ccw) => ccw.IsTransferInChannel
        ? string.Create(CultureInfo.InvariantCulture, $"{_commands.WordOf(ccw.Command)} to offset {ccw.DataAddress}")
        : StructureDecoder.CcwText(ccw, _commands);

    /// <summary>
    /// The parameters of the command that begins at a CCW, of all its chained data; null where there are none or they are not known.
    /// </summary>
    private string? Parameters(int ccw)
    {
        if (_restored is null || _continues[ccw] || _commands.Find(_program.Ccws[ccw].Command) is not { Layout: not null } command)
            return null;
        List<byte> bytes = [];
        do
            bytes.AddRange(_restored.Data(ccw, _program.Ccws[ccw].Count, _restored.Memory));
        while (++ccw < _continues.Length && _continues[ccw]);
        var text = new StringBuilder();
        ParameterDecoder.AppendLine(text, command, CollectionsMarshal.AsSpan(bytes));
        return text.ToString();
    }
}
