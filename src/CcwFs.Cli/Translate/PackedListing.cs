using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.ChannelProgram.Packed;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;

namespace CcwFs.Cli.Translate;

/// <summary>A packed program for people and for programs.</summary>
internal static class PackedListing
{
    /// <summary>One line a CCW, with its offset and that of its entry; then the ORB and the segments as dumps.</summary>
    internal static string ToText(PackedProgram program)
    {
        var text = new StringBuilder(Summary(program, withData: true)).Append('\n');
        text.Append("CCW  offset  entry\n");
        for (int i = 0; i < program.Ccws.Count; i++)
        {
            string entry = program.Ccws[i].IsTransferInChannel ? "" : PackedProgram.EntryOf(i).ToString(CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"{i,3}  {PackedProgram.OffsetOf(i),6}  {entry,5}  {Line(program.Ccws[i])}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"     {PackedProgram.OffsetOf(program.Ccws.Count),6}         NO_OPERATION, appended\n");
        foreach (PackedSegment segment in program.Segments)
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
    /// {"orb": hex, "ccws": [{"offset", "entry", "hex": format 1 with the guest's address, "text"}], "segments": [{"address", "hex"}]}; a TIC has no
    /// entry.
    /// </summary>
    internal static string ToJson(PackedProgram program)
    {
        var ccws = new JsonArray();
        byte[] bytes = new byte[Ccw.Size];
        for (int i = 0; i < program.Ccws.Count; i++)
        {
            program.Ccws[i].WriteFormat1(bytes);
            ccws.Add(new JsonObject
            {
                ["offset"] = PackedProgram.OffsetOf(i),
                ["entry"] = program.Ccws[i].IsTransferInChannel ? null : PackedProgram.EntryOf(i),
                ["hex"] = Convert.ToHexString(bytes),
                ["text"] = Line(program.Ccws[i]),
            });
        }
        var segments = new JsonArray([.. program.Segments.Select(s => new JsonObject
        {
            ["address"] = s.Address.ToString("X8", CultureInfo.InvariantCulture), ["hex"] = Convert.ToHexString(s.Bytes.Span),
        })]);
        return new JsonObject { ["orb"] = OrbText(program.Orb), ["ccws"] = ccws, ["segments"] = segments }.ToJsonString();
    }

    /// <summary>The three words of an ORB.</summary>
    internal static string OrbText(Orb orb) =>
        string.Create(CultureInfo.InvariantCulture, $"{orb.InterruptionParameter:X8} {orb.Control:X8} {orb.ProgramAddress:X8}");

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static string DataText(PackedProgram program, bool withData) => !withData || program.Segments.Count == 0 ? "no data"
        : string.Create(CultureInfo.InvariantCulture,
            $"{Count(program.Segments.Count, "segment")} of {program.Segments.Sum(s => (long)s.Bytes.Length)} bytes");

    private static string Line(Ccw ccw) => ccw.IsTransferInChannel
        ? string.Create(CultureInfo.InvariantCulture, $"{Families.Eckd.WordOf(ccw.Command)} to offset {ccw.DataAddress}")
        : StructureDecoder.CcwText(ccw, Families.Eckd);
}
