using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Faults.Rules;

namespace CcwFs.Faults;

/// <summary>
/// What a hostile device does: for every program something that is random, and the same for the same seed, number of the program since the device was
/// made, and number of its commands. It damages no data, and never asks a system to stop (recovery action 1C).
/// </summary>
internal sealed class HostileDevice(ulong seed)
{
    private const int CalmOf = 2;            // one of so many programs runs as it is (arbitrary)
    private const int LostOf = 16;           // one of so many faults is an interrupt that never comes (arbitrary)
    private const int MaxDelay = 200;        // milliseconds (arbitrary)
    private const int Recovery = 25;         // the byte of sense that says how to recover
    private const byte Stop = 0x1C;

    private static readonly FaultKind[] s_kinds =
    [
        FaultKind.Check, FaultKind.Check, FaultKind.Channel, FaultKind.Status, FaultKind.Deferred, FaultKind.Condition, FaultKind.LateEnd,
        FaultKind.Delay, FaultKind.Double, FaultKind.Unsolicited,
    ];

    private long _programs;

    /// <summary>The seed.</summary>
    internal ulong Seed => seed;

    /// <summary>Programs so far.</summary>
    internal long Programs => Interlocked.Read(ref _programs);

    /// <summary>
    /// What to do with the next program, which has so many commands, and with which of them; null: nothing. <paramref name="text"/>: for people.
    /// </summary>
    internal FaultAction? Decide(int commands, SenseFormat sense, out int command, out string text)
    {
        long number = Interlocked.Increment(ref _programs);
        var random = new SeededRandom(seed + (unchecked((ulong)number) << 20));
        command = 0;
        text = "";
        if (random.Below(CalmOf) == 0)
            return null;
        command = commands > 0 ? random.Below(commands) : 0;
        FaultKind kind = random.Below(LostOf) == 0 ? FaultKind.Lose : s_kinds[random.Below(s_kinds.Length)];
        FaultAction action = Make(kind, sense, ref random);
        text = string.Create(CultureInfo.InvariantCulture, $"hostile={seed} program {number}, command {command + 1} of {commands}: {Words(action)}");
        return action;
    }

    private static FaultAction Make(FaultKind kind, SenseFormat sense, ref SeededRandom random)
    {
        var action = new FaultAction(kind)
        {
            Bits = kind switch
            {
                FaultKind.Deferred => random.Below(2) == 0 ? (byte)1 : (byte)3,
                FaultKind.Condition => (byte)(1 + random.Below(2)),
                FaultKind.Channel => (byte)(1 << random.Below(8)),
                _ => (byte)random.Next(),
            },
            Time = TimeSpan.FromMilliseconds(1 + random.Below(MaxDelay)),
            Residual = (ushort)random.Next(),
        };
        return kind == FaultKind.Check ? action with { Sense = Sense(sense.Size, ref random) } : action;
    }

    /// <summary>Few bits in byte 0, as of a real device; anything in the others.</summary>
    private static byte[] Sense(int size, ref SeededRandom random)
    {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++)
            bytes[i] = (byte)random.Next();
        bytes[0] = (byte)(1 << random.Below(8));
        if (size > Recovery && bytes[Recovery] == Stop)
            bytes[Recovery]++;
        return bytes;
    }

    private static string Words(FaultAction action) => action.Kind switch
    {
        FaultKind.Check => $"check {Convert.ToHexStringLower(action.Sense)}",
        FaultKind.Channel or FaultKind.Status or FaultKind.Unsolicited => string.Create(
            CultureInfo.InvariantCulture, $"{action.Kind.ToString().ToLowerInvariant()} {action.Bits:x2}, residual {action.Residual}"),
        FaultKind.Deferred or FaultKind.Condition => $"{(action.Kind == FaultKind.Deferred ? "deferred" : "cc")} {action.Bits}",
        FaultKind.LateEnd or FaultKind.Delay => $"{(action.Kind == FaultKind.Delay ? "delay" : "late_end")} {action.Time.TotalMilliseconds}ms",
        _ => action.Kind.ToString().ToLowerInvariant(),
    };
}
