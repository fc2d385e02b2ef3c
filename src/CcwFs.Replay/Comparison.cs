using System.Globalization;
using System.Security.Cryptography;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;

namespace CcwFs.Replay;

/// <summary>Where a program that ran again was answered in another way than when it was recorded.</summary>
/// <param name="Program">Its number in the recording.</param>
/// <param name="Ccw">Where the guest had the CCW at which it showed.</param>
/// <param name="Command">The command there, in words.</param>
/// <param name="Field">What differs, a name of <see cref="Comparison.Fields"/>.</param>
/// <param name="Expected">As it was recorded, in words.</param>
/// <param name="Got">As it is now.</param>
public sealed record Divergence(ulong Program, uint Ccw, string Command, string Field, string Expected, string Got);

/// <summary>Compares how programs are answered with how they were. Immutable.</summary>
public sealed class Comparison
{
    private const string Status = "status", Sense = "sense", CcwAddress = "ccw", Count = "count", Data = "data";
    private const int Shown = 16; // bytes of data around a difference (a row of a dump)

    private readonly HashSet<string> _ignored;

    /// <summary>One that leaves these names of <see cref="Fields"/> out; <paramref name="statusOnly"/>: all but status and sense.</summary>
    public Comparison(IEnumerable<string> ignored, bool statusOnly)
    {
        _ignored = [.. ignored];
        if (statusOnly)
            _ignored.UnionWith([CcwAddress, Count, Data]);
    }

    /// <summary>What is compared, and what of data can be left out, as a person names it.</summary>
    public static IReadOnlyList<string> Fields { get; } = [Status, Sense, CcwAddress, Count, Data, .. Varying.Names];

    /// <summary>
    /// The first difference of a program that ran again, null: there is none. <paramref name="irb"/>: its final IRB; <paramref name="rebuilt"/>: with
    /// its memory after it ran.
    /// </summary>
    public Divergence? Find(RecordedProgram recorded, RebuiltProgram rebuilt, in Irb irb, CommandSet commands)
    {
        Irb expected = recorded.Final;
        Scsw was = expected.Scsw, now = irb.Scsw;
        bool sameCcw = was.CcwAddress == now.CcwAddress || !rebuilt.HasGuestAddresses || IsIgnored(CcwAddress);
        if (!IsIgnored(Status) && (was.Device, was.Subchannel, was.DeferredConditionCode) != (now.Device, now.Subchannel, now.DeferredConditionCode))
            return Of(Status, IrbSummary.Describe(expected, commands.Sense), IrbSummary.Describe(irb, commands.Sense), irb);
        ReadOnlySpan<byte> sense = IrbSummary.ConcurrentSense(irb), hadSense = IrbSummary.ConcurrentSense(expected);
        bool sameSense = sense.Length == hadSense.Length
            && Varying.FirstDifference(sense, hadSense, commands, CommandCode.Sense, _ignored) < 0;
        if (!IsIgnored(Sense) && !sameSense)
            return Of(Sense, SenseWords(hadSense), SenseWords(sense), irb);
        if (!sameCcw)
            return Of(CcwAddress, $"the CCW before {was.CcwAddress:X8} was the last", $"the CCW before {now.CcwAddress:X8} is", irb);
        if (!IsIgnored(Data) && FindData(recorded, rebuilt, commands) is { } data)
            return data;
        return IsIgnored(Count) || was.Residual == now.Residual ? null
            : Of(Count, $"{was.Residual} bytes of the count are left", $"{now.Residual} are", irb);

        Divergence Of(string field, string expected, string got, in Irb irb)
        {
            RecordedCommand? last = recorded.Commands is [.., var latest] ? latest : null;
            uint at = rebuilt.HasGuestAddresses || last is null ? Math.Min(was.CcwAddress, irb.Scsw.CcwAddress) - Ccw.Size : last.Address;
            byte? code = recorded.Ccws.Find(ccw => ccw.Address == at)?.Command ?? last?.Code;
            return new Divergence(recorded.Number, at, code is { } known ? commands.WordOf(known) : "no CCW", field, expected, got);
        }

        string SenseWords(ReadOnlySpan<byte> sense) => sense.IsEmpty ? "no sense" : $"{Convert.ToHexString(sense)}: {commands.Sense.Explain(sense)}";
    }

    private Divergence? FindData(RecordedProgram recorded, RebuiltProgram rebuilt, CommandSet commands)
    {
        foreach ((RecordedCommand command, uint address) in rebuilt.Reads(recorded))
        {
            RecordedData read = command.Read;
            ReadOnlySpan<byte> now = rebuilt.Data(address, read.Digest.IsEmpty ? read.Bytes.Length : read.Length);
            ReadOnlySpan<byte> had = read.Bytes.Span;
            if (read.Digest.IsEmpty)
            {
                if (Varying.FirstDifference(had, now, commands, command.Code, _ignored) is >= 0 and var at)
                    return Of(command, Around(had, at), Around(now, at));
            }
            else if (!Varying.HasPart(commands, command.Code, _ignored) && !SHA256.HashData(now).AsSpan().SequenceEqual(read.Digest.Span))
            {
                return Of(command, $"{read.Length} bytes with the SHA-256 {Convert.ToHexString(read.Digest.Span)}",
                    $"bytes with the SHA-256 {Convert.ToHexString(SHA256.HashData(now))}");
            }
        }
        return null;

        Divergence Of(RecordedCommand command, string expected, string got) =>
            new(recorded.Number, command.Address, commands.WordOf(command.Code), Data, expected, got);
    }

    private static string Around(ReadOnlySpan<byte> bytes, int at)
    {
        int first = at & -Shown;
        string hex = Convert.ToHexString(bytes[first..Math.Min(bytes.Length, first + Shown)]);
        return string.Create(CultureInfo.InvariantCulture, $"from byte {first} on: {hex}");
    }

    private bool IsIgnored(string field) => _ignored.Contains(field);
}
