using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Policy;

/// <summary>What a command does for those that follow it, as far as writing is concerned.</summary>
[Flags]
internal enum CommandEffect : byte
{
    None = 0,

    /// <summary>It defines an extent.</summary>
    Defines = 1,

    /// <summary>All of that extent may be written.</summary>
    DefinesInside = 2,

    /// <summary>It moves to a track or block.</summary>
    Positions = 4,

    /// <summary>That place may be written.</summary>
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

/// <summary>Judges an argument of at least the length that its layout wants.</summary>
internal delegate Ruling ArgumentJudge(DevicePolicy policy, CommandDescription command, ReadOnlySpan<byte> argument);

/// <summary>One command with an argument that is copied and judged.</summary>
/// <param name="Command">The command.</param>
/// <param name="Judge">Judges its argument.</param>
internal sealed record ArgumentRow(CommandDescription Command, ArgumentJudge Judge);

/// <summary>Commands as policies see them, by the description of the device's family.</summary>
internal static class PolicyCommands
{
    /// <summary>The layouts whose arguments are judged, of all families.</summary>
    internal static readonly (ParameterLayout Layout, ArgumentJudge Judge)[] Judges = [.. EckdArguments.Judges, .. FbaArguments.Judges];

    private static readonly Dictionary<CommandSet, ArgumentRow?[]> s_byFamily = Families.All.ToDictionary(set => set, Index);

    /// <summary>The rows of a family's commands whose arguments are judged, by code.</summary>
    internal static ArgumentRow?[] ArgumentsOf(CommandSet commands) => s_byFamily[commands];

    /// <summary>The row of a command whose argument is judged; null for any other.</summary>
    internal static ArgumentRow? Find(DevicePolicy policy, byte code) => policy.Arguments[code];

    /// <summary>A search: the only command that a program may be sent back to when its length is limited.</summary>
    internal static bool IsSearch(DevicePolicy policy, byte code) => policy.Commands.KindOf(code) == CommandKind.Searches;

    /// <summary>Judges a command by its code.</summary>
    internal static Ruling Judge(DevicePolicy policy, byte code)
    {
        if (Denied(policy, code) is { } denied)
            return denied;
        if (policy.Allow is { } allow && !allow.Has(code) && !allow.HasOrders(code))
            return new Ruling(RefusalKind.Command, "not in allow=", CommandEffect.None);
        if (policy.Arguments[code] is not null)
            return Ruling.Fine(CommandEffect.None);
        return Ruling.Fine(policy.Commands.KindOf(code) switch
        {
            CommandKind.Reads or CommandKind.Controls or CommandKind.Searches => CommandEffect.None,
            CommandKind.Positions => Position(policy, inside: policy.Extents?.Contain(0, 0) != false),
            CommandKind.Defines => CommandEffect.Defines,
            CommandKind.Writes or CommandKind.Orders or CommandKind.Unknown => CommandEffect.Writes,
            var kind => throw new InvalidOperationException($"command kind {kind}"),
        });
    }

    /// <summary>Judges a command's argument; one that is too short is refused, as the device would.</summary>
    internal static Ruling Judge(DevicePolicy policy, ArgumentRow row, ReadOnlySpan<byte> argument) =>
        argument.Length < row.Command.Layout!.LengthOf(argument)
            ? new Ruling(RefusalKind.CountTooSmall, "its argument is too short to be judged", CommandEffect.None)
            : row.Judge(policy, row.Command, argument);

    /// <summary>The refusal of a command that deny= names; null: it is not denied.</summary>
    internal static Ruling? Denied(DevicePolicy policy, byte code) => policy.Deny is { } deny && deny.Has(code)
        ? new Ruling(RefusalKind.Command, $"deny={policy.Commands.WordOf(code)}", CommandEffect.None) : null;

    /// <summary>The effect of defining an extent.</summary>
    internal static CommandEffect Extent(bool inside) => CommandEffect.Defines | (inside ? CommandEffect.DefinesInside : CommandEffect.None);

    /// <summary>The effect of moving to a place.</summary>
    internal static CommandEffect Position(DevicePolicy policy, bool inside) =>
        CommandEffect.Positions | (inside || policy.Extents is null ? CommandEffect.PositionsInside : CommandEffect.None);

    private static ArgumentRow?[] Index(CommandSet commands)
    {
        var byCode = new ArgumentRow?[256];
        foreach (CommandDescription command in commands.Rows)
        {
            int at = Array.FindIndex(Judges, j => j.Layout == command.Layout);
            byCode[command.Code] = at < 0 ? null : new ArgumentRow(command, Judges[at].Judge);
        }
        return byCode;
    }
}
