using System.Globalization;
using System.Numerics;

namespace CcwFs.Linux;

/// <summary>The machine's processors by the kernel's numbers, and on which of them a thread runs.</summary>
public static unsafe class Processors
{
    /// <summary>Room for <see cref="MoveTo"/>.</summary>
    public const int MaskLength = 1024; // bytes: 8192 processors, the most that a kernel is built for (NR_CPUS)

    /// <summary>
    /// How many there can ever be, with those that are not plugged in (Documentation/admin-guide/cputopology.rst); 0 where the kernel does not say.
    /// </summary>
    public static int PossibleCount()
    {
        try
        {
            return CountOf(File.ReadAllText("/sys/devices/system/cpu/possible"));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>The processors that the calling thread may run on now, in order; none where the kernel does not say.</summary>
    public static IReadOnlyList<int> Allowed()
    {
        byte* mask = stackalloc byte[MaskLength];

        // SAFETY: the kernel writes at most the length that is passed, for which there is room.
        int result = Result.Of(LibC.GetAffinity(0, MaskLength, mask));
        List<int> allowed = [];
        if (result < 0)
            return allowed;

        // The mask is an array of unsigned long in the host's byte order.
        ReadOnlySpan<ulong> words = new(mask, MaskLength / sizeof(ulong));
        for (int word = 0; word < words.Length; word++)
        {
            for (ulong bits = words[word]; bits != 0; bits &= bits - 1)
                allowed.Add((word * 64) + BitOperations.TrailingZeroCount(bits));
        }
        return allowed;
    }

    /// <summary>Keeps the calling thread on one processor: 0 or a negative errno.</summary>
    public static int Pin(int processor)
    {
        if (processor is < 0 or >= MaskLength * 8)
            return -(int)Mono.Unix.Native.Errno.EINVAL;
        byte* mask = stackalloc byte[MaskLength];
        Span<ulong> words = new(mask, MaskLength / sizeof(ulong));
        words.Clear();
        words[processor / 64] = 1UL << (processor % 64);

        // SAFETY: the kernel reads the length that is passed, of a local.
        return Result.Of(LibC.SetAffinity(0, MaskLength, mask));
    }

    /// <summary>
    /// Moves the calling thread to a processor, and back to where it may be now with <see cref="Restore"/>: 0 or a negative errno.
    /// </summary>
    public static int MoveTo(int processor, Span<byte> saved)
    {
        if (LibC.CurrentProcessor() == processor)
        {
            saved.Clear();
            return 0;
        }
        fixed (byte* mask = saved)
        {
            // SAFETY: the kernel writes at most the length that is passed, of a span that is pinned for the call.
            int result = Result.Of(LibC.GetAffinity(0, (nuint)saved.Length, mask));
            return result < 0 ? result : Pin(processor);
        }
    }

    /// <summary>Takes back <see cref="MoveTo"/>.</summary>
    public static void Restore(ReadOnlySpan<byte> saved)
    {
        if (!saved.ContainsAnyExcept((byte)0))
            return;
        fixed (byte* mask = saved)
        {
            // SAFETY: as above; the kernel only reads.
            _ = LibC.SetAffinity(0, (nuint)saved.Length, mask);
        }
    }

    /// <summary>How many numbers a list like <c>0-3,8</c> has; 0 for what is no list.</summary>
    public static int CountOf(string list)
    {
        ArgumentNullException.ThrowIfNull(list);
        int count = 0;
        foreach (string part in list.Trim().Split(','))
        {
            string[] ends = part.Split('-');
            if (!int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last) || last < first)
                return 0;
            count += last - first + 1;
        }
        return count;
    }
}
