using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Replay;

/// <summary>A part of a command's data that differs each time although the same is meant.</summary>
/// <param name="Name">What it is, as a person names it.</param>
/// <param name="Family">The family; null: every one.</param>
/// <param name="Code">Command code.</param>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Every">It comes again after so many bytes; 0: it does not.</param>
internal sealed record VaryingPart(string Name, CommandSet? Family, byte Code, int Offset, int Length, int Every = 0);

/// <summary>
/// What of commands' data varies, a row per part. Source of the layouts: GA32-0274 (3990), chapter 4, and for path-group ids SA22-7204.
/// </summary>
internal static class Varying
{
    /// <summary>Times of day, and ids that hold one.</summary>
    internal const string Times = "times";

    /// <summary>Where and which one of its kind a device is: manufacturer, plant, sequence number, address.</summary>
    internal const string Serials = "serials";

    private const byte SetPathGroup = 0xAF, SensePathGroup = 0x34, DefineExtent = 0x63, Prefix = 0xE7, ReadSubsystemData = 0x3E,
        ReadConfigurationData = 0xFA;

    private static readonly VaryingPart[] s_parts =
    [
        new(Times, null, SetPathGroup, 1, 11),      // the path-group id
        new(Times, null, SensePathGroup, 1, 11),
        new(Times, Families.Eckd, DefineExtent, 16, 8), // system time
        new(Times, Families.Eckd, Prefix, 28, 8),       // that of its extent
        new(Times, Families.Eckd, ReadSubsystemData, 0, int.MaxValue),
        new(Serials, Families.Eckd, CommandCode.Sense, 4, 1), // the device's address in its control unit
        new(Serials, null, ReadConfigurationData, 13, 19, Every: 32), // of each node-element descriptor
    ];

    /// <summary>The names of parts.</summary>
    internal static IEnumerable<string> Names => s_parts.Select(part => part.Name).Distinct();

    /// <summary>A command has a part with one of these names.</summary>
    internal static bool HasPart(CommandSet family, byte code, IReadOnlyCollection<string> names) =>
        Array.Exists(s_parts, part => IsOf(part, family, code, names));

    /// <summary>Where the first byte is that differs and is part of none with these names; -1: nowhere, as far as both go.</summary>
    internal static int FirstDifference(
        ReadOnlySpan<byte> one, ReadOnlySpan<byte> other, CommandSet family, byte code, IReadOnlyCollection<string> names)
    {
        int length = Math.Min(one.Length, other.Length);
        int at = 0;
        while ((at += one[at..length].CommonPrefixLength(other[at..length])) < length && Covers(at, family, code, names))
            at++;
        return at < length ? at : -1;
    }

    /// <summary>Makes zeros of the parts with these names.</summary>
    internal static void Hide(Span<byte> data, CommandSet family, byte code, IReadOnlyCollection<string> names)
    {
        foreach (VaryingPart part in s_parts)
        {
            if (!IsOf(part, family, code, names))
                continue;
            for (int at = part.Offset; at < data.Length; at += part.Every)
            {
                data.Slice(at, Math.Min(part.Length, data.Length - at)).Clear();
                if (part.Every == 0)
                    break;
            }
        }
    }

    private static bool Covers(int offset, CommandSet family, byte code, IReadOnlyCollection<string> names) => Array.Exists(s_parts, part =>
        IsOf(part, family, code, names) && offset >= part.Offset
        && (part.Every == 0 ? offset - part.Offset : (offset - part.Offset) % part.Every) < part.Length);

    private static bool IsOf(VaryingPart part, CommandSet family, byte code, IReadOnlyCollection<string> names) =>
        part.Code == code && (part.Family is null || part.Family == family) && names.Contains(part.Name);
}
