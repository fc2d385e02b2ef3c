using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CcwFs.CommandSets.Decode;

/// <summary>Prints decoded structures: an aligned table for people, JSON for programs.</summary>
public static class DecodeRenderer
{
    /// <summary>How JSON is written here: indented, and only escaped where JSON itself wants it.</summary>
    internal static readonly JsonWriterOptions JsonOptions = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// One line with name and length, the summary, column heads, then a row a field: byte offset, bits, name, hex value, meaning. Reserved fields
    /// show only when they are not zero; then their row begins with <c>!</c>.
    /// </summary>
    public static string ToText(DecodedStructure structure)
    {
        var text = new StringBuilder();
        text.Append(structure.Name).Append(": ").Append(structure.Bytes.Length).Append(" bytes\n");
        text.Append(structure.Summary).Append('\n');
        AppendTable(text, structure.Fields);
        return text.ToString();
    }

    /// <summary>Appends the rows of <paramref name="fields"/> as <see cref="ToText"/> prints them.</summary>
    public static void AppendTable(StringBuilder text, IReadOnlyList<DecodedField> fields)
    {
        List<DecodedField> shown = [.. fields.Where(f => !f.IsReserved || f.IsSuspicious)];
        int path = shown.Count == 0 ? 0 : shown.Max(f => f.Path.Length);
        int hex = shown.Count == 0 ? 0 : Math.Max("value".Length, shown.Max(f => f.Hex.Length));
        if (shown.Count > 0)
            text.Append($"  off  bits   {"field".PadRight(path)}  {"value".PadLeft(hex)}  meaning\n");
        foreach (DecodedField field in shown)
        {
            string bits = field.BitLength == 1
                ? field.Bit.ToString(CultureInfo.InvariantCulture)
                : $"{field.Bit}-{field.Bit + field.BitLength - 1}";
            text.Append(field.IsSuspicious ? "! " : "  ");
            text.Append($"{field.Offset,3}  {bits,-5}  {field.Path.PadRight(path)}  {field.Hex.PadLeft(hex)}  {field.Meaning}\n");
        }
    }

    /// <summary>A JSON object for one structure, an array for several (or for any number of CCWs when <paramref name="array"/> says so).</summary>
    public static string ToJson(IReadOnlyList<DecodedStructure> structures, bool array)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, JsonOptions))
        {
            if (array)
                json.WriteStartArray();
            foreach (DecodedStructure structure in array ? structures : structures.Take(1))
                Write(json, structure);
            if (array)
                json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    internal static void Write(Utf8JsonWriter json, DecodedStructure structure)
    {
        json.WriteStartObject();
        json.WriteString("structure", structure.Name);
        json.WriteNumber("length", structure.Bytes.Length);
        json.WriteString("hex", Convert.ToHexString(structure.Bytes.Span));
        json.WriteString("summary", structure.Summary);
        json.WriteStartArray("fields");
        foreach (DecodedField field in structure.Fields)
        {
            json.WriteStartObject();
            json.WriteString("path", field.Path);
            json.WriteNumber("offset", field.Offset);
            json.WriteNumber("bit", field.Bit);
            json.WriteNumber("bits", field.BitLength);
            json.WriteNumber("value", field.Value);
            json.WriteString("hex", field.Hex);
            json.WriteString("meaning", field.Meaning);
            json.WriteBoolean("reserved", field.IsReserved);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
