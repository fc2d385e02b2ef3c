using System.Globalization;
using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>How much of what the kernel counts this process may have, as it is now.</summary>
/// <param name="Descriptors">RLIMIT_NOFILE.</param>
/// <param name="Threads">The least of RLIMIT_NPROC, the system's threads-max and the cgroup's pids.max.</param>
/// <param name="Mappings">vm.max_map_count.</param>
/// <param name="Memory">Bytes that the cgroup or the machine has.</param>
public sealed partial record SystemLimits(long Descriptors, long Threads, long Mappings, long Memory)
{
    // What the kernel has by default (linux/resource.h, mm/util.c), for a /proc that says nothing.
    private const long UsualDescriptors = 1024, UsualMappings = 65_530;

    private const int OpenFiles = 7; // RLIMIT_NOFILE (asm-generic/resource.h)

    /// <summary>Asks /proc and the cgroup.</summary>
    public static SystemLimits Read()
    {
        long threads = Math.Min(
            Math.Min(OfProcess("Max processes", long.MaxValue), Number("/proc/sys/kernel/threads-max", long.MaxValue)),
                Number(CgroupFile("pids.max"), long.MaxValue));
        return new SystemLimits(
            OfProcess("Max open files", UsualDescriptors), threads, Number("/proc/sys/vm/max_map_count", UsualMappings),
                GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    }

    /// <summary>
    /// From now on this process may have as many open files as it may allow itself (the hard limit of RLIMIT_NOFILE). Shells and systemd give 1,024,
    /// for programs that use select(2). Programs that are started from here have the same. Gives 0 or a negative errno.
    /// </summary>
    public static int RaiseDescriptors()
    {
        int result = Result.Of(GetLimit(OpenFiles, out Limit limit));
        return result < 0 || limit.Soft == limit.Hard ? result : Result.Of(SetLimit(OpenFiles, limit with { Soft = limit.Hard }));
    }

    // A line of /proc/self/limits: name, soft limit, hard limit, unit, in columns.
    private static long OfProcess(string name, long otherwise)
    {
        string? line = Lines("/proc/self/limits").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        string soft = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "";
        return soft == "unlimited" ? long.MaxValue : Parse(soft, otherwise);
    }

    // The one line of a cgroup of version 2 is "0::/path".
    private static string CgroupFile(string name) =>
        $"/sys/fs/cgroup{Lines("/proc/self/cgroup").FirstOrDefault(l => l.StartsWith("0::", StringComparison.Ordinal))?[3..]}/{name}";

    private static long Number(string path, long otherwise) => Parse(Lines(path).FirstOrDefault() ?? "", otherwise); // "max" is no number

    private static long Parse(string text, long otherwise) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : otherwise;

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return []; // not there on this machine: nothing limits
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, in Limit limit);

    // struct rlimit: rlim_cur, rlim_max, 8 bytes each on machines of 64 bits.
    private readonly record struct Limit(nuint Soft, nuint Hard);
}
