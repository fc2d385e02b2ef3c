using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram.Policy;

/// <summary>What a command does for the commands behind it, as far as writing is concerned.</summary>
[Flags]
internal enum CommandEffect : byte
{
    None = 0,

    /// <summary>It defines an extent.</summary>
    Defines = 1,

    /// <summary>All of that extent may be written.</summary>
    DefinesInside = 2,

    /// <summary>It moves to a track.</summary>
    Positions = 4,

    /// <summary>That track may be written.</summary>
    PositionsInside = 8,

    /// <summary>It writes, or prepares to.</summary>
    Writes = 0x10,
}

/// <summary>What was found of a command: nothing against it but its effect, or a rule that it breaks.</summary>
internal readonly record struct Ruling(RefusalKind Kind, string Rule, CommandEffect Effect)
{
    internal static Ruling Fine(CommandEffect effect) => new(RefusalKind.None, "", effect);

    internal bool IsRefusal => Kind != RefusalKind.None;
}

/// <summary>Bytes that an argument must have, given those that are there; called again for as long as it wants more.</summary>
internal delegate int ArgumentLength(ReadOnlySpan<byte> argument);

/// <summary>Judges an argument of at least the length wanted.</summary>
internal delegate Ruling ArgumentJudge(DevicePolicy policy, ReadOnlySpan<byte> argument);

/// <summary>One command with an argument that is copied and judged.</summary>
/// <param name="Code">Command code.</param>
/// <param name="Length">The argument's length.</param>
/// <param name="Judge">Judges it.</param>
internal sealed record ArgumentRow(byte Code, ArgumentLength Length, ArgumentJudge Judge);

/// <summary>The commands of a 3990 as policies see them (layouts: 3990 Reference, GA32-0274; PREFIX and the extended operations as drivers use them).</summary>
internal static class PolicyCommands
{
    private const byte ReadIpl = 0x02;
    private const byte Recalibrate = 0x13;
    private const byte HasMore = 0x08 | 0x02;       // byte 7 of DEFINE EXTENT: 16 more bytes
    private const byte ExtendedOperation = 0x3F;
    private const byte ImbeddedCommand = 0x20;      // auxiliary byte: byte 2 is a command code
    internal const byte PrepareForRead = 0x18;
    private const byte ReleaseSpace = 0x81;
    private const byte ByExtent = 0x20;             // byte 2 of RELEASE ALLOCATED SPACE
    private const int LocateSize = 16, LocateExtendedSize = 20;
    private const int PrefixExtent = 12, PrefixLocate = PrefixExtent + 32, PrefixSize = PrefixLocate + LocateExtendedSize;
    private const int PrefixOrder = PrefixLocate + 18; // of format 2
    private const byte PrefixWithLocate = 1, PrefixWithOrder = 2;
    private const byte PrefixExtentValid = 0x80;
    private const byte DefineExtent = 0x63, LocateRecordExtended = 0x4B;
    private const int ReleaseHeader = 24, ReleaseRange = 8;

    private static readonly ArgumentRow[] s_rows =
    [
        new(DefineExtent, a => a.Length > 7 && (a[7] & HasMore) != 0 ? 32 : 16, (p, a) => Ruling.Fine(Extent(p, a))),
        new(0x47, _ => LocateSize, (p, a) => Locate(p, a, extended: false)),
        new(LocateRecordExtended, LocateLength, (p, a) => Locate(p, a, extended: true)),
        new(0xE7, PrefixLength, Prefix),
        new(0x07, _ => 6, (p, a) => Ruling.Fine(Position(p, a[2..]))),
        new(0x0B, _ => 6, (p, a) => Ruling.Fine(Position(p, a[2..]))),
        new(0x1B, _ => 6, (_, _) => Ruling.Fine(CommandEffect.None)), // SEEK HEAD keeps the cylinder: the device holds it to the extent
        new(0x1F, _ => 1, (_, _) => Ruling.Fine(CommandEffect.None)), // SET FILE MASK permits nothing that an extent does not
        new(CommandList.SubsystemFunction, FunctionLength, Function),
        new(CommandList.SubsystemOperation, OperationLength, Operation),
    ];

    // Control and write-type codes that change no track, or only as their argument says; searches have the multitrack bit or not.
    private static readonly byte[] s_harmless =
    [
        0x03, 0x13, 0x23, 0xAF, 0xF9,
        0x31, 0xB1, 0x51, 0xD1, 0x71, 0xF1, 0x29, 0xA9, 0x49, 0xC9, 0x69, 0xE9, 0x39, 0xB9,
    ];

    // Orders that prepare data, set what the subsystem tells this host, or answer it. What is not here may copy, release or write.
    private static readonly byte[] s_harmlessOrders = [PrepareForRead, 0x1A, 0x1D];

    private static readonly byte[] s_readOperations = [0x00, 0x06, 0x0C, 0x16];

    // Byte 17 with operation 3F: READ ANY, READ TRACK SET.
    private static readonly byte[] s_extendedReads = [0x0A, 0x0E];

    private static readonly ArgumentRow?[] s_byCode = Index();

    /// <summary>The row of a command whose argument is judged; null for any other.</summary>
    internal static ArgumentRow? Find(byte code) => s_byCode[code];

    /// <summary>A search: the only command that a program may be sent back to when its length is limited.</summary>
    internal static bool IsSearch(byte code) => (code & 0x07) == 0x01 && Array.IndexOf(s_harmless, code) >= 0;

    /// <summary>The command may give status modifier, as searches do; of one that is not known nobody can tell.</summary>
    internal static bool MaySkip(byte code) => IsSearch(code) || EckdCommands.Find(code) is null;

    /// <summary>Judges a command by its code.</summary>
    internal static Ruling Judge(DevicePolicy policy, byte code)
    {
        if (Denied(policy, code) is { } denied)
            return denied;
        if (policy.Allow is { } allow && !allow.Has(code) && !allow.HasOrders(code))
            return new Ruling(RefusalKind.Command, "not in allow=", CommandEffect.None);
        if (Writes(code))
            return Ruling.Fine(CommandEffect.Writes);
        return Ruling.Fine(code is ReadIpl or Recalibrate ? Position(policy, stackalloc byte[4]) : CommandEffect.None);
    }

    private static Ruling? Denied(DevicePolicy policy, byte code) => policy.Deny is { } deny && deny.Has(code)
        ? new Ruling(RefusalKind.Command, $"deny={EckdCommands.NameOf(code)}", CommandEffect.None) : null;

    /// <summary>Judges a command's argument; one that is too short is refused, as the device would.</summary>
    internal static Ruling Judge(DevicePolicy policy, ArgumentRow row, ReadOnlySpan<byte> argument) =>
        argument.Length < row.Length(argument)
            ? new Ruling(RefusalKind.CountTooSmall, "its argument is too short to be judged", CommandEffect.None)
            : row.Judge(policy, argument);

    /// <summary>A write as far as anybody can tell: whatever goes to the device and is not known to leave the tracks as they are.</summary>
    private static bool Writes(byte code) =>
        !CommandCode.MovesToStorage(code) && s_byCode[code] is null && Array.IndexOf(s_harmless, code) < 0;

    private static CommandEffect Extent(DevicePolicy policy, ReadOnlySpan<byte> parameters) =>
        CommandEffect.Defines | (policy.Extents?.Contain(parameters[8..]) != false ? CommandEffect.DefinesInside : CommandEffect.None);

    private static CommandEffect Position(DevicePolicy policy, ReadOnlySpan<byte> address) =>
        CommandEffect.Positions | (policy.Extents?.ContainTrack(address) != false ? CommandEffect.PositionsInside : CommandEffect.None);

    /// <summary>16 or 20 bytes: operation, auxiliary byte, imbedded command, count, seek address, …, byte 17 extended operation.</summary>
    private static Ruling Locate(DevicePolicy policy, ReadOnlySpan<byte> parameters, bool extended)
    {
        byte imbedded = parameters[2];
        CommandEffect effect = Position(policy, parameters[4..]);
        if (imbedded != 0 || (parameters[1] & ImbeddedCommand) != 0)
        {
            Ruling ruling = Judge(policy, imbedded);
            if (ruling.IsRefusal)
                return ruling with { Rule = $"{ruling.Rule} (imbedded {EckdCommands.NameOf(imbedded)})" };
            effect |= Find(imbedded) is null ? ruling.Effect & CommandEffect.Writes : CommandEffect.Writes;
        }
        int operation = parameters[0] & ExtendedOperation;
        bool reads = Array.IndexOf(s_readOperations, (byte)operation) >= 0
            || (operation == ExtendedOperation && extended && Array.IndexOf(s_extendedReads, parameters[17]) >= 0);
        return Ruling.Fine(effect | (reads ? CommandEffect.None : CommandEffect.Writes));
    }

    private static int LocateLength(ReadOnlySpan<byte> parameters) =>
        parameters.Length < LocateExtendedSize ? LocateExtendedSize : LocateExtendedSize + BinaryPrimitives.ReadUInt16BigEndian(parameters[18..]);

    private static int PrefixLength(ReadOnlySpan<byte> parameters) => parameters.IsEmpty ? 1 : parameters[0] switch
    {
        PrefixWithOrder => PrefixOrder + FunctionLength(parameters[Math.Min(PrefixOrder, parameters.Length)..]),
        PrefixWithLocate when parameters.Length >= PrefixSize => PrefixLocate + LocateLength(parameters[PrefixLocate..]),
        _ => PrefixSize,
    };

    private static int FunctionLength(ReadOnlySpan<byte> parameters) => parameters.IsEmpty || parameters[0] != PrepareForRead ? 1 : 12;

    /// <summary>
    /// 12 bytes (format 0: extent alone, 1: with locate, 2: with an order; validity), DEFINE EXTENT in 32, LOCATE RECORD EXTENDED in 20 and more, or 18 bytes and PERFORM
    /// SUBSYSTEM FUNCTION. Who denies one of these commands denies it here too; who allows PREFIX allows what it is made of, but for orders, which are allowed by themselves.
    /// </summary>
    private static Ruling Prefix(DevicePolicy policy, ReadOnlySpan<byte> parameters)
    {
        bool judgesParts = policy.RestrictsWrites || policy.Deny is not null || policy.Allow is not null;
        if (parameters[0] > PrefixWithOrder)
            return judgesParts ? new Ruling(RefusalKind.Parameter, $"PREFIX of format {parameters[0]} is not known here", CommandEffect.None) : Ruling.Fine(CommandEffect.None);
        bool defines = (parameters[1] & PrefixExtentValid) != 0, locates = parameters[0] == PrefixWithLocate, orders = parameters[0] == PrefixWithOrder;
        Ruling? part = (defines ? Denied(policy, DefineExtent) : null) ?? (locates ? Denied(policy, LocateRecordExtended) : null)
            ?? (orders ? Denied(policy, CommandList.SubsystemFunction) : null);
        if (part is { } denied)
            return denied with { Rule = $"{denied.Rule} (in PREFIX)" };
        CommandEffect effect = defines ? Extent(policy, parameters[PrefixExtent..]) : CommandEffect.None;
        if (orders)
        {
            Ruling ordered = Function(policy, parameters[PrefixOrder..]);
            return ordered.IsRefusal ? ordered : ordered with { Effect = effect | ordered.Effect };
        }
        if (!locates)
            return Ruling.Fine(effect);
        Ruling located = Locate(policy, parameters[PrefixLocate..], extended: true);
        return located with { Effect = effect | located.Effect };
    }

    private static Ruling Function(DevicePolicy policy, ReadOnlySpan<byte> parameters)
    {
        byte order = parameters[0];
        bool harmless = Array.IndexOf(s_harmlessOrders, order) >= 0;
        Ruling ruling = Order(policy, CommandList.SubsystemFunction, order, order == PrepareForRead ? parameters[6] : (byte)0, "psf");
        return ruling.IsRefusal || harmless || !policy.RestrictsWrites ? ruling : Changes(policy, $"psf:{order:x2} may change tracks");
    }

    private static int OperationLength(ReadOnlySpan<byte> parameters) => parameters.IsEmpty || parameters[0] != ReleaseSpace ? 1
        : parameters.Length < ReleaseHeader ? ReleaseHeader
        : ReleaseHeader + (ReleaseRange * BinaryPrimitives.ReadUInt16BigEndian(parameters[20..]));

    /// <summary>RELEASE ALLOCATED SPACE, 24 bytes (2 scope, 20 number of ranges) and 8 a range, is a write of these tracks; any other order is unknown.</summary>
    private static Ruling Operation(DevicePolicy policy, ReadOnlySpan<byte> parameters)
    {
        byte order = parameters[0];
        Ruling ruling = Order(policy, CommandList.SubsystemOperation, order, 0, "dso");
        if (ruling.IsRefusal || !policy.RestrictsWrites)
            return ruling;
        if (policy.ReadOnly || order != ReleaseSpace || (parameters[2] & ByExtent) == 0)
            return Changes(policy, order == ReleaseSpace ? "space would be released" : $"dso:{order:x2} may change tracks");
        int ranges = BinaryPrimitives.ReadUInt16BigEndian(parameters[20..]);
        for (int i = 0; i < ranges; i++)
        {
            if (!policy.Extents!.Contain(parameters[(ReleaseHeader + (ReleaseRange * i))..]))
                return Changes(policy, "space would be released outside them");
        }
        return ruling;
    }

    private static Ruling Order(DevicePolicy policy, byte code, byte order, byte suborder, string name)
    {
        string text = suborder == 0 ? $"{name}:{order:x2}" : $"{name}:{order:x2}/{suborder:x2}";
        if (policy.Deny is { } deny && deny.Has(code, order, suborder))
            return new Ruling(RefusalKind.Parameter, $"deny={text}", CommandEffect.None);
        if (policy.Allow is { } allow && !allow.Has(code) && !allow.Has(code, order, suborder))
            return new Ruling(RefusalKind.Parameter, $"{text} is not in allow=", CommandEffect.None);
        return Ruling.Fine(CommandEffect.None);
    }

    private static Ruling Changes(DevicePolicy policy, string why) =>
        new(RefusalKind.WriteInhibited, $"{(policy.ReadOnly ? "readonly" : $"extents={policy.Extents}")}: {why}", CommandEffect.None);

    private static ArgumentRow?[] Index()
    {
        var byCode = new ArgumentRow?[256];
        foreach (ArgumentRow row in s_rows)
            byCode[row.Code] = row;
        return byCode;
    }
}
