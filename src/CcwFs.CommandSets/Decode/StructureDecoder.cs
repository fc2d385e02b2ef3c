using System.Runtime.InteropServices;
using CcwFs.ChannelIo;

namespace CcwFs.CommandSets.Decode;

/// <summary>
/// Explains the structures of the channel subsystem. Total: any bytes of the right length decode, nothing throws; a wrong length or name
/// is one line that says what is right.
/// </summary>
public static class StructureDecoder
{
    /// <summary>Bytes of the io region: ORB, SCSW, IRB, and the return code in host order.</summary>
    public const int IoRegionSize = Orb.Size + Scsw.Size + Irb.Size + 4;

    /// <summary>Most CCWs decoded at once (arbitrary).</summary>
    public const int MaxCcws = 65536;

    private const int CrwRegionSize = 8;

    private static readonly Row[] Rows =
    [
        new("orb", [Orb.Size], (b, _, _) => OrbOf(b)),
        new("ccw", [Ccw.Size], CcwOf),
        new("scsw", [Scsw.Size], (b, _, _) => ScswOf(b)),
        new("irb", [Irb.Size], (b, _, c) => IrbOf(b, c)),
        new("schib", [Schib.Size], (b, _, _) => SchibOf(b)),
        new("crw", [4, CrwRegionSize], (b, _, _) => CrwOf(b)),
        new("sense", [SenseFormat.BasicSize, SenseFormat.FullSize], (b, _, c) => SenseOf(b, c)),
        new("io", [IoRegionSize], (b, _, c) => IoOf(b, c)),
    ];

    private delegate DecodedStructure Decoder(byte[] bytes, bool format1, CommandSet commands);

    /// <summary>The names that <see cref="TryDecode"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Rows.Select(r => r.Name)];

    /// <summary>What a name must be, for a person.</summary>
    public static string Known(CommandSet commands) =>
        $"it is one of {string.Join(", ", Names)}, or a command of {commands.Device} that has parameters";

    /// <summary>The words of a family's commands whose parameters <see cref="TryDecode"/> explains.</summary>
    public static IEnumerable<string> CommandsOf(CommandSet commands) => commands.Rows.Where(row => row.Layout is not null).Select(row => row.Word);

    /// <summary>
    /// Explains <paramref name="bytes"/> as the structure <paramref name="name"/>, or as the parameters of the command of this name. A ccw may be
    /// several, one after the other. False with one line in <paramref name="error"/> when the name is unknown or the length is wrong; parameters may
    /// have any length.
    /// </summary>
    /// <param name="name">One of <see cref="Names"/>, or a word of a command of <paramref name="commands"/> that has a layout.</param>
    /// <param name="bytes">The structure, big-endian as the architecture has it; ret_code of io in host order.</param>
    /// <param name="format1">CCWs are of format 1, else of format 0.</param>
    /// <param name="commands">Of the device that CCWs and sense are of.</param>
    /// <param name="decoded">One structure, or as many as there are CCWs.</param>
    /// <param name="error">What is wrong, or empty.</param>
    public static bool TryDecode(
        string name, ReadOnlySpan<byte> bytes, bool format1, CommandSet commands, out IReadOnlyList<DecodedStructure> decoded, out string error)
    {
        decoded = [];
        error = "";
        Row? row = Array.Find(Rows, r => r.Name == name);
        if (row is null)
            return TryDecodeParameters(name, bytes, commands, out decoded, out error);

        bool several = row.Name == "ccw";
        if (several ? bytes.Length == 0 || bytes.Length % Ccw.Size != 0 || bytes.Length / Ccw.Size > MaxCcws : !row.Sizes.Contains(bytes.Length))
        {
            string right = several ? "a multiple of 8 bytes" : $"{string.Join(" or ", row.Sizes)} bytes";
            error = $"{name} takes {right}, not {bytes.Length}";
            return false;
        }

        int size = several ? Ccw.Size : bytes.Length;
        var all = new List<DecodedStructure>(bytes.Length / size);
        for (int offset = 0; offset < bytes.Length; offset += size)
            all.Add(row.Decode(bytes.Slice(offset, size).ToArray(), format1, commands));
        decoded = all;
        return true;
    }

    private static bool TryDecodeParameters(
        string name, ReadOnlySpan<byte> bytes, CommandSet commands, out IReadOnlyList<DecodedStructure> decoded, out string error)
    {
        decoded = [];
        CommandDescription? command = commands.Find(name);
        error = command is null
                ? $"unknown structure '{name}': {Known(commands)}"
            : command.Layout is null ? $"{command.Word} has no parameters that ccwfs knows"
            : bytes.Length > ParameterDecoder.MaxLength
                ? $"{command.Word} takes at most {ParameterDecoder.MaxLength} bytes, as a CCW counts them, not {bytes.Length}"
            : "";
        if (error.Length > 0)
            return false;
        decoded = [ParameterDecoder.Decode(command!, bytes.ToArray())];
        return true;
    }

    /// <summary>A CCW as one line of program text: <c>SENSE_ID sli count=40 address=00002000</c>.</summary>
    public static string CcwText(Ccw ccw, CommandSet commands)
    {
        string name = commands.WordOf(ccw.Command);
        return ccw.IsTransferInChannel
            ? $"{name} to {ccw.DataAddress:X8}"
            : $"{name}{FlagWords.Join(ccw.Flags)} count={ccw.Count} address={ccw.DataAddress:X8}";
    }

    private static DecodedStructure OrbOf(byte[] bytes)
    {
        var fields = new List<DecodedField>();
        ProgramTables.Orb.Decode(bytes, "orb", 0, fields);
        Orb orb = Orb.Read(bytes);
        string kind = orb.Control is var c && (c & OrbControl.TransportMode) != 0 ? "transport-mode program"
            : (c & OrbControl.Format1) != 0 ? "program of format-1 CCWs" : "program of format-0 CCWs";
        return new("orb", bytes, $"Start the {kind} at {orb.ProgramAddress:X8} with storage key {orb.Control >> 28}.", fields);
    }

    private static DecodedStructure CcwOf(byte[] bytes, bool format1, CommandSet commands)
    {
        var fields = new List<DecodedField>();
        bool tic0 = !format1 && (bytes[0] & 0x0F) == CommandCode.TransferInChannel;
        (format1 ? ProgramTables.CcwFormat1(commands) : tic0 ? ProgramTables.TicFormat0 : ProgramTables.CcwFormat0(commands))
            .Decode(bytes, "ccw", 0, fields);
        Ccw ccw = format1 ? Ccw.ReadFormat1(bytes) : Ccw.ReadFormat0(bytes);
        string wrong = CcwFault(ccw, bytes, format1);
        return new("ccw", bytes, CcwText(ccw, commands) + (wrong.Length > 0 ? $" (program check: {wrong})" : ""), fields);
    }

    private static string CcwFault(Ccw ccw, byte[] bytes, bool format1)
    {
        if (ccw.IsTransferInChannel)
        {
            return (ccw.DataAddress & 7) != 0 ? "a TIC's address is a multiple of 8"
                : format1 && bytes.AsSpan(1, 3).IndexOfAnyExcept((byte)0) >= 0 ? "bits 8-31 of a format-1 TIC are zero" : "";
        }

        return CommandCode.IsInvalid(ccw.Command) ? "invalid command code"
            : (ccw.DataAddress & 0x8000_0000) != 0 ? "bit 0 of the address is on"
            : ccw.Count == 0 && !format1 ? "count 0 (vfio-ccw converts to format 1 first, where it is legal)" : "";
    }

    private static DecodedStructure ScswOf(byte[] bytes)
    {
        var fields = new List<DecodedField>();
        StatusTables.Scsw.Decode(bytes, "scsw", 0, fields);
        return new("scsw", bytes, IrbSummary.DescribeStatus(Scsw.Read(bytes)) + ".", fields);
    }

    private static DecodedStructure IrbOf(byte[] bytes, CommandSet commands)
    {
        var fields = new List<DecodedField>();
        AddIrb(bytes, "irb", 0, commands.Sense, fields);
        return new("irb", bytes, IrbSummary.Describe(bytes, commands.Sense), fields);
    }

    private static void AddIrb(ReadOnlySpan<byte> irb, string path, int start, SenseFormat format, List<DecodedField> fields)
    {
        StatusTables.Scsw.Decode(irb, $"{path}.scsw", start, fields);
        bool logout = (Scsw.Read(irb).Control & Scsw.EswFormat) != 0;
        (logout ? StatusTables.EswLogout : StatusTables.EswPath).Decode(irb[Irb.EswOffset..], $"{path}.esw", start + Irb.EswOffset, fields);
        ReadOnlySpan<byte> ecw = irb.Slice(Irb.EcwOffset, Irb.EcwSize);
        if (IrbSummary.ConcurrentSense(irb).Length > 0)
            format.Decode(ecw, $"{path}.sense", start + Irb.EcwOffset, fields);
        else
            StatusTables.EcwRaw.Decode(ecw, $"{path}.ecw", start + Irb.EcwOffset, fields);
        const int EmwOffset = Irb.EcwOffset + Irb.EcwSize;
        StatusTables.Emw.Decode(irb[EmwOffset..], $"{path}.emw", start + EmwOffset, fields);
    }

    private static DecodedStructure SchibOf(byte[] bytes)
    {
        var fields = new List<DecodedField>();
        PathTables.Pmcw.Decode(bytes, "schib.pmcw", 0, fields);
        StatusTables.Scsw.Decode(bytes.AsSpan(Schib.ScswOffset), "schib.scsw", Schib.ScswOffset, fields);
        const int TailOffset = Schib.ScswOffset + Scsw.Size;
        PathTables.SchibTail.Decode(bytes.AsSpan(TailOffset), "schib", TailOffset, fields);
        Pmcw pmcw = Pmcw.Read(bytes);
        var paths = new List<string>();
        for (int i = 0; i < 8; i++)
        {
            int bit = 0x80 >> i;
            if ((pmcw.Pim & bit) != 0)
                paths.Add($"{pmcw.ChannelPath(i):X2}{((pmcw.Pam & bit) == 0 ? " (not available)" : (pmcw.Pom & bit) == 0 ? " (not operational)" : "")}");
        }

        string device = (pmcw.Flags & Pmcw.DeviceNumberValid) != 0 ? $"device {pmcw.DeviceNumber:X4}" : "no device";
        string state = (pmcw.Flags & Pmcw.Enabled) != 0 ? "enabled" : "disabled";
        return new("schib", bytes, $"{device}, {state}, channel paths {(paths.Count == 0 ? "none" : string.Join(", ", paths))}.", fields);
    }

    private static DecodedStructure CrwOf(byte[] bytes)
    {
        var fields = new List<DecodedField>();
        PathTables.Crw.Decode(bytes, "crw", 0, fields);
        if (bytes.Length == CrwRegionSize)
            PathTables.CrwPad.Decode(bytes.AsSpan(4), "crw.pad", 4, fields);
        Crw crw = Crw.Read(bytes);
        string summary = crw.Word == 0 ? "no channel report."
            : $"{Last(fields, "crw.rsc")} {crw.SourceId:X4}: {Last(fields, "crw.erc")}.";
        return new("crw", bytes, summary, fields);

        static string Last(List<DecodedField> fields, string path) =>
            fields.Find(f => f.Path == path)!.Meaning.Split(": ", 2)[^1];
    }

    private static DecodedStructure SenseOf(byte[] bytes, CommandSet commands)
    {
        var fields = new List<DecodedField>();
        commands.Sense.Decode(bytes, "sense", 0, fields);
        return new("sense", bytes, commands.Sense.Explain(bytes), fields);
    }

    private static DecodedStructure IoOf(byte[] bytes, CommandSet commands)
    {
        const int IrbOffset = Orb.Size + Scsw.Size;
        const int CodeOffset = IrbOffset + Irb.Size;
        var fields = new List<DecodedField>();
        ProgramTables.Orb.Decode(bytes, "io.orb", 0, fields);
        StatusTables.Scsw.Decode(bytes.AsSpan(Orb.Size), "io.scsw", Orb.Size, fields);
        AddIrb(bytes.AsSpan(IrbOffset), "io.irb", IrbOffset, commands.Sense, fields);
        // The kernel's struct has a __u32 here: the host's order, not the channel's.
        uint code = MemoryMarshal.Read<uint>(bytes.AsSpan(CodeOffset));
        string meaning = ErrnoNames.Describe(unchecked((int)code));
        fields.Add(new DecodedField("io.ret_code", CodeOffset, 0, 32, code, code.ToString("X8", null), meaning, IsReserved: false));
        Scsw request = Scsw.Read(bytes.AsSpan(Orb.Size));
        string function = BitNames.Join((byte)request.Function, StatusTables.FunctionNames);
        return new("io", bytes, $"Request: {function}; ret_code: {meaning}. Result: {IrbSummary.Describe(bytes.AsSpan(IrbOffset), commands.Sense)}",
            fields);
    }

    /// <summary>A structure: its name, the lengths it may have, its decoder.</summary>
    private sealed record Row(string Name, int[] Sizes, Decoder Decode);
}
