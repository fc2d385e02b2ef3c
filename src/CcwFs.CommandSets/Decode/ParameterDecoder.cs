using System.Globalization;
using System.Text;

namespace CcwFs.CommandSets.Decode;

/// <summary>
/// Explains the parameters of a command by its layout: every field, or one short line. Any bytes decode, of any number; what is missing or too much
/// is said.
/// </summary>
public static class ParameterDecoder
{
    /// <summary>Most bytes that are decoded: what a CCW can count.</summary>
    internal const int MaxLength = ushort.MaxValue;

    private const int MostOfKind = 4; // structures of one kind in a short line (arbitrary)
    private const int MostBytes = 8;  // of a field

    /// <summary>
    /// Every field of the parameters, and the bytes between and after them; data that follow parameters are left out. The summary is the short line.
    /// </summary>
    /// <param name="command">A command that has a layout.</param>
    /// <param name="bytes">Its parameters, as they are in storage.</param>
    internal static DecodedStructure Decode(CommandDescription command, byte[] bytes)
    {
        ParameterLayout layout = command.Layout!;
        var fields = new FieldList(bytes);
        string path = Word(command.Word);
        int needed = layout.LengthOf(bytes);
        fields.Add(layout, 0, path);
        fields.AddUnused(Math.Min(needed, bytes.Length), path);
        int more = bytes.Length - fields.End;
        if (!layout.TakesData)
            fields.AddMore(path);
        var text = new StringBuilder(command.Name).Append(": ");
        AppendLine(text, command, bytes);
        text.Append('.');
        if (more > 0)
            text.Append(CultureInfo.InvariantCulture, $" {(layout.TakesData ? "Data after them" : "Bytes that are not known")}: {more}.");
        return new DecodedStructure(command.Word, bytes, text.ToString(), fields.All);
    }

    /// <summary>
    /// Appends one short line without an end, in the words of program text where that has any: <c>begin 0/0 end 0/14 mask update</c>. Usual values
    /// are left out. Fewer bytes than the parameters have are said at the end. Nothing where the command has no layout. It allocates nothing but room
    /// in the builder.
    /// </summary>
    /// <param name="text">What it is appended to.</param>
    /// <param name="command">The command.</param>
    /// <param name="parameters">Its parameters, as they are in storage, as far as they are known.</param>
    public static void AppendLine(StringBuilder text, CommandDescription command, ReadOnlySpan<byte> parameters)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (command.Layout is not { } layout)
            return;
        int start = text.Length, needed = layout.LengthOf(parameters);
        Append(text, start, layout, parameters);
        if (needed > parameters.Length)
            text.Append(CultureInfo.InvariantCulture, $"{(text.Length > start ? " " : "")}({parameters.Length} of {needed} bytes)");
    }

    private static void Append(StringBuilder text, int start, ParameterLayout layout, ReadOnlySpan<byte> parameters)
    {
        foreach (ref readonly ParameterField field in layout.Brief.AsSpan())
        {
            if (field.End > parameters.Length)
                continue;
            foreach (FieldPart part in field.Parts)
                part.AppendShort(text, start, field.In(parameters));
        }
        foreach (ParameterSection section in layout.Sections)
        {
            int count = section.Count(parameters);
            for (int i = 0, at = section.Offset; i < Math.Min(count, MostOfKind) && at < parameters.Length; i++, at += section.Layout.Size)
                Append(text, start, section.Layout, parameters[at..]);
            if (count > MostOfKind)
                text.Append(" …");
        }
    }

    private static string Word(string name) => name.Replace(' ', '_').Replace('-', '_').ToLowerInvariant();

    /// <summary>The fields of some bytes, in their order and without gaps.</summary>
    private sealed class FieldList(byte[] bytes)
    {
        internal List<DecodedField> All { get; } = [];

        /// <summary>The byte after the last field.</summary>
        internal int End { get; private set; }

        /// <summary>Adds the fields of a layout that begins at an offset, as far as they are there.</summary>
        internal void Add(ParameterLayout layout, int start, string path)
        {
            foreach (ParameterField field in layout.Fields)
            {
                int there = Math.Min(field.Length, bytes.Length - start - field.Offset);
                if (there <= 0)
                    return;
                AddUnused(start + field.Offset, path);
                Add($"{path}.{Word(field.Name)}", there, there < field.Length
                    ? string.Create(CultureInfo.InvariantCulture, $"cut: {there} of {field.Length} bytes") : field.Explain(bytes.AsSpan(End, there)),
                    field.IsReserved);
            }
            foreach (ParameterSection section in layout.Sections)
            {
                int count = section.Count(bytes.AsSpan(start));
                string name = section.Name.Length > 0 ? $"{path}.{Word(section.Name)}" : path;
                for (int i = 0, at = start + section.Offset; i < count && at < bytes.Length; i++, at += section.Layout.Size)
                {
                    AddUnused(at, path);
                    string own = count > 1 ? string.Create(CultureInfo.InvariantCulture, $"{name}{i}") : name;
                    Add(section.Layout, at, own);
                    AddUnused(Math.Min(at + section.Layout.LengthOf(bytes.AsSpan(at)), bytes.Length), own);
                }
            }
        }

        /// <summary>Adds what lies before an offset and in no field.</summary>
        internal void AddUnused(int to, string path)
        {
            while (End < to)
            {
                int length = Math.Min(MostBytes, to - End);
                ReadOnlySpan<byte> unused = bytes.AsSpan(End, length);
                Add($"{path}.reserved", length, unused.IndexOfAnyExcept((byte)0) < 0 ? "not used" : $"not used, but is {Convert.ToHexString(unused)}",
                    isReserved: true);
            }
        }

        /// <summary>Adds the rest.</summary>
        internal void AddMore(string path)
        {
            while (End < bytes.Length)
                Add($"{path}.more", Math.Min(MostBytes, bytes.Length - End), "not known", isReserved: false);
        }

        private void Add(string path, int length, string meaning, bool isReserved)
        {
            ulong value = 0;
            foreach (byte next in bytes.AsSpan(End, length))
                value = (value << 8) | next;
            string hex = Convert.ToHexString(bytes.AsSpan(End, length));
            All.Add(new DecodedField(path, End, 0, 8 * length, value, hex, meaning, isReserved));
            End += length;
        }
    }
}
