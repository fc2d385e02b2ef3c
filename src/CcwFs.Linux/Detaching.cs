using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>Leaves the terminal and session that started this process, as a daemon does.</summary>
public static partial class Detaching
{
    /// <summary>
    /// Begins a session of its own, goes to the root directory, and puts <paramref name="output"/>, which stays the caller's, in place of standard
    /// output and error (null: the null device) and the null device in place of standard input. 0 or a negative errno.
    /// </summary>
    public static int Detach(FileDescriptor? output)
    {
        int opened = FileDescriptor.Open("/dev/null", OpenOptions.ReadWrite, 0, out FileDescriptor none);
        using (none)
        {
            if (opened < 0)
                return opened;
            _ = SetSid(); // fails harmlessly for a process that leads its group already
            _ = ChangeDirectory("/");
            int status = Result.Of(Duplicate(none, 0));
            status = status < 0 ? status : Result.Of(Duplicate(output ?? none, 1));
            return Math.Min(0, status < 0 ? status : Result.Of(Duplicate(output ?? none, 2)));
        }
    }

    /// <summary>A second descriptor for standard output (1) or error (2), which outlives <see cref="Detach"/>; the caller's.</summary>
    public static FileDescriptor Keep(int number)
    {
        var original = new FileDescriptor(number);
        original.Duplicate(out FileDescriptor kept);
        original.SetHandleAsInvalid(); // the standard stream stays open
        return kept;
    }

    /// <summary>Makes standard error another name of an open descriptor. 0 or a negative errno.</summary>
    public static int ReplaceError(SafeHandle with) => Math.Min(0, Result.Of(Duplicate(with, 2)));

    [LibraryImport("libc", EntryPoint = "setsid", SetLastError = true)]
    private static partial int SetSid();

    [LibraryImport("libc", EntryPoint = "chdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeDirectory(string path);

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Duplicate(SafeHandle descriptor, int number);
}
