using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>Becoming another program: execvp(3), and what has to be right before it. Each call gives 0 or a negative errno.</summary>
public static unsafe partial class Execution
{
    /// <summary>SIGPIPE: the runtime ignores it, and what is ignored stays so in the next program.</summary>
    private const int BrokenPipe = 13;

    /// <summary>SIGXFSZ: kills a process that writes beyond its file-size limit, unless it is ignored; then the write gives EFBIG.</summary>
    private const int FileTooLarge = 25;

    private const nint Default = 0, Ignore = 1; // SIG_DFL, SIG_IGN
    private const int Executable = 1; // X_OK
    private const int SetPtracer = 0x59616D61; // PR_SET_PTRACER

    /// <summary>
    /// Becomes <paramref name="program"/> (looked up in PATH when it has no slash) in this same process, with <paramref name="arguments"/> after its
    /// name and this process's environment. Returns only when that failed. Call it on the main thread: the kernel gives the process the identity of
    /// the thread that calls, and ptrace permissions of the old main thread would be lost.
    /// </summary>
    public static int Become(string program, IReadOnlyList<string> arguments)
    {
        List<nint> strings = [];
        try
        {
            foreach (string word in (string[])[program, .. arguments])
                strings.Add(Marshal.StringToCoTaskMemUTF8(word));
            nint[] vector = [.. strings, 0];
            nint before = Signal(BrokenPipe, Default), beforeFile = Signal(FileTooLarge, Default);
            int result;
            fixed (nint* words = vector)
            {
                // SAFETY: a vector of NUL-terminated strings with a null at its end, all alive during the call.
                result = Result.Of(ExecVp((byte*)vector[0], words));
            }
            _ = Signal(BrokenPipe, before);
            _ = Signal(FileTooLarge, beforeFile);
            return result;
        }
        finally
        {
            foreach (nint text in strings)
                Marshal.FreeCoTaskMem(text);
        }
    }

    /// <summary>
    /// A write beyond the process's file-size limit (setrlimit(2), RLIMIT_FSIZE) fails with EFBIG from now on, and does not end the process.
    /// </summary>
    public static void SurviveFileSizeLimit() => _ = Signal(FileTooLarge, Ignore);

    /// <summary>
    /// Takes back that this process was started with SIGHUP, SIGINT or SIGQUIT ignored, as by nohup or in the background of a shell: children started
    /// from here have them as usual. The runtime never handles one that a process was started to ignore.
    /// </summary>
    public static void StopIgnoring()
    {
        foreach (int number in (int[])[1, 2, 3])
        {
            nint before = Signal(number, Default);
            if (before != Ignore)
                _ = Signal(number, before);
        }
    }

    /// <summary>
    /// Lets <paramref name="pid"/> at this process's memory where the Yama module allows only parents (Documentation/admin-guide/LSM/Yama.rst). The
    /// permission belongs to the main thread and survives execve(2). -EINVAL: there is no Yama, or no such process.
    /// </summary>
    public static int AllowTracing(int pid) => Result.Of(Control(SetPtracer, pid, 0, 0, 0));

    /// <summary>Whether this is the process's main thread.</summary>
    public static bool IsMainThread =>
        FileSystems.ReadLink("/proc/thread-self", out string link) == 0 && link.EndsWith($"/{Environment.ProcessId}", StringComparison.Ordinal);

    /// <summary>Where PATH, or the name itself when it has a slash, leads to an executable file; null when it does not.</summary>
    public static string? Find(string program)
    {
        string[] directories = program.Contains('/', StringComparison.Ordinal) ? [""]
            : (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin").Split(':');
        foreach (string directory in directories)
        {
            string path = Path.Combine(directory, program);
            if (FileDescriptor.Status(path, follow: true, out FileStatus status) == 0 && status.Type == FileStatus.TypeRegular
                && LibC.Access(path, Executable) == 0)
                return path;
        }
        return null;
    }

    [LibraryImport("libc", EntryPoint = "execvp", SetLastError = true)]
    private static partial int ExecVp(byte* program, nint* arguments);

    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static partial nint Signal(int number, nint handler);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, nint second, nint third, nint fourth, nint fifth);
}
