using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.Policy;

/// <summary>Arguments of a 3990's commands.</summary>
internal static class EckdArguments
{
    internal static readonly (ParameterLayout Layout, ArgumentJudge Judge)[] Judges =
    [
        (DefineExtentLayout.Layout, (p, _, a) => Ruling.Fine(Extent(p, a))),
        (LocateRecordLayout.Layout, (p, _, a) => Locate(p, a, extended: false)),
        (LocateRecordLayout.Extended, (p, _, a) => Locate(p, a, extended: true)),
        (PrefixLayout.Layout, Prefix),
        (SeekLayout.Layout, (p, c, a) => Ruling.Fine(c.Kind == CommandKind.Positions ? Position(p, SeekLayout.Address.In(a)) : CommandEffect.None)),
        (FileMaskLayout.Layout, (_, _, _) => Ruling.Fine(CommandEffect.None)),
        (SubsystemFunctionLayout.Layout, Function),
        (SubsystemOperationLayout.Layout, Operation),
    ];

    private static readonly CommandDescription s_defineExtent = With(DefineExtentLayout.Layout), s_locateExtended = With(LocateRecordLayout.Extended),
        s_function = With(SubsystemFunctionLayout.Layout);

    // Orders that prepare data, set what the subsystem tells this host, or answer it. What is not here may copy, release or write.
    private static readonly byte[] s_harmlessOrders = [SubsystemFunctionLayout.PrepareForRead, 0x1A, 0x1D];

    private static readonly byte[] s_readOperations = [0x00, 0x06, 0x0C, 0x16];

    // The second operation: READ ANY, READ TRACK SET.
    private static readonly byte[] s_extendedReads = [0x0A, 0x0E];

    private static CommandDescription With(ParameterLayout layout) => Families.Eckd.Rows.Single(row => row.Layout == layout);

    private static CommandEffect Extent(DevicePolicy policy, ReadOnlySpan<byte> parameters) =>
        PolicyCommands.Extent(policy.Extents is null
            || Contains(policy.Extents, DefineExtentLayout.Begin.In(parameters), DefineExtentLayout.End.In(parameters)));

    private static CommandEffect Position(DevicePolicy policy, ReadOnlySpan<byte> address) =>
        PolicyCommands.Position(policy, policy.Extents is null || Contains(policy.Extents, address, address));

    /// <summary>Two tracks, CCHH each, and all between them are in there; false too when they are no tracks or stand the wrong way round.</summary>
    private static bool Contains(ExtentRanges ranges, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
        ExtentRanges.TryTrack(begin, out long first) && ExtentRanges.TryTrack(end, out long last) && first <= last && ranges.Contain(first, last);

    private static Ruling Locate(DevicePolicy policy, ReadOnlySpan<byte> parameters, bool extended)
    {
        byte imbedded = LocateRecordLayout.Imbedded.Byte(parameters);
        CommandEffect effect = Position(policy, LocateRecordLayout.Seek.In(parameters));
        if (imbedded != 0 || (LocateRecordLayout.Auxiliary.Byte(parameters) & LocateRecordLayout.IsImbedded) != 0)
        {
            Ruling ruling = PolicyCommands.Judge(policy, imbedded);
            if (ruling.IsRefusal)
                return ruling with { Rule = $"{ruling.Rule} (imbedded {policy.Commands.WordOf(imbedded)})" };
            effect |= PolicyCommands.Find(policy, imbedded) is null ? ruling.Effect & CommandEffect.Writes : CommandEffect.Writes;
        }
        int operation = LocateRecordLayout.Operation.Byte(parameters) & LocateRecordLayout.OperationMask;
        bool reads = Array.IndexOf(s_readOperations, (byte)operation) >= 0
            || (operation == LocateRecordLayout.ExtendedOperation && extended
                && Array.IndexOf(s_extendedReads, LocateRecordLayout.SecondOperation.Byte(parameters)) >= 0);
        return Ruling.Fine(effect | (reads ? CommandEffect.None : CommandEffect.Writes));
    }

    /// <summary>
    /// Who denies one of the commands that it is made of denies it here too; who allows PREFIX allows what it is made of, but for orders, which are
    /// allowed by themselves.
    /// </summary>
    private static Ruling Prefix(DevicePolicy policy, CommandDescription command, ReadOnlySpan<byte> parameters)
    {
        byte format = PrefixLayout.Format.Byte(parameters);
        bool judgesParts = policy.RestrictsWrites || policy.Deny is not null || policy.Allow is not null;
        if (format > PrefixLayout.WithOrder)
            return judgesParts ? new Ruling(RefusalKind.Parameter, $"PREFIX of format {format} is not known here", CommandEffect.None)
                : Ruling.Fine(CommandEffect.None);
        bool defines = (PrefixLayout.Validity.Byte(parameters) & PrefixLayout.ExtentValid) != 0;
        bool locates = format == PrefixLayout.WithLocate, orders = format == PrefixLayout.WithOrder;
        Ruling? part = (defines ? PolicyCommands.Denied(policy, s_defineExtent.Code) : null)
            ?? (locates ? PolicyCommands.Denied(policy, s_locateExtended.Code) : null)
            ?? (orders ? PolicyCommands.Denied(policy, s_function.Code) : null);
        if (part is { } denied)
            return denied with { Rule = $"{denied.Rule} (in PREFIX)" };
        CommandEffect effect = defines ? Extent(policy, PrefixLayout.Extent.In(parameters)) : CommandEffect.None;
        if (orders)
        {
            Ruling ordered = Function(policy, s_function, parameters[PrefixLayout.Order..]);
            return ordered.IsRefusal ? ordered : ordered with { Effect = effect | ordered.Effect };
        }
        if (!locates)
            return Ruling.Fine(effect);
        Ruling located = Locate(policy, parameters[PrefixLayout.Locate.Offset..], extended: true);
        return located with { Effect = effect | located.Effect };
    }

    private static Ruling Function(DevicePolicy policy, CommandDescription command, ReadOnlySpan<byte> parameters)
    {
        byte order = SubsystemFunctionLayout.Order.Byte(parameters);
        bool harmless = Array.IndexOf(s_harmlessOrders, order) >= 0;
        Ruling ruling = Order(
            policy, command, order, order == SubsystemFunctionLayout.PrepareForRead ? SubsystemFunctionLayout.Suborder.Byte(parameters) : (byte)0,
                "psf");
        return ruling.IsRefusal || harmless || !policy.RestrictsWrites ? ruling : Changes(policy, $"psf:{order:x2} may change tracks");
    }

    /// <summary>RELEASE ALLOCATED SPACE is a write of the tracks that it names; any other order is unknown.</summary>
    private static Ruling Operation(DevicePolicy policy, CommandDescription command, ReadOnlySpan<byte> parameters)
    {
        byte order = SubsystemOperationLayout.Order.Byte(parameters);
        Ruling ruling = Order(policy, command, order, 0, "dso");
        if (ruling.IsRefusal || !policy.RestrictsWrites)
            return ruling;
        bool releases = order == SubsystemOperationLayout.ReleaseSpace;
        if (policy.ReadOnly || !releases || (SubsystemOperationLayout.Scope.Byte(parameters) & SubsystemOperationLayout.ByExtent) == 0)
            return Changes(policy, releases ? "space would be released" : $"dso:{order:x2} may change tracks");
        int ranges = SubsystemOperationLayout.Ranges.Half(parameters);
        for (int i = 0; i < ranges; i++)
        {
            ReadOnlySpan<byte> range = parameters[(SubsystemOperationLayout.Size + (SubsystemOperationLayout.RangeSize * i))..];
            if (!Contains(policy.Extents!, range, range[TrackAddress.Size..]))
                return Changes(policy, "space would be released outside them");
        }
        return ruling;
    }

    private static Ruling Order(DevicePolicy policy, CommandDescription command, byte order, byte suborder, string name)
    {
        string text = suborder == 0 ? $"{name}:{order:x2}" : $"{name}:{order:x2}/{suborder:x2}";
        if (policy.Deny is { } deny && deny.Has(command.Code, order, suborder))
            return new Ruling(RefusalKind.Parameter, $"deny={text}", CommandEffect.None);
        if (policy.Allow is { } allow && !allow.Has(command.Code) && !allow.Has(command.Code, order, suborder))
            return new Ruling(RefusalKind.Parameter, $"{text} is not in allow=", CommandEffect.None);
        return Ruling.Fine(CommandEffect.None);
    }

    private static Ruling Changes(DevicePolicy policy, string why) =>
        new(RefusalKind.WriteInhibited, $"{(policy.ReadOnly ? "readonly" : $"extents={policy.Extents}")}: {why}", CommandEffect.None);
}
