using System.Buffers.Text;

namespace CcwFs.Linux;

/// <summary>Signals that wait for a thread which sits in a system call (proc_pid_status(5)).</summary>
public static class PendingSignals
{
    private const int Room = 4096; // bytes, arbitrary: more than the kernel writes

    /// <summary>Whether a thread has a signal that it does not block; false where that cannot be seen.</summary>
    public static bool Has(uint thread)
    {
        if (thread == 0 || FileDescriptor.Open($"/proc/{thread}/status", OpenOptions.ReadOnly, 0, out FileDescriptor file) is < 0)
            return false;
        Span<byte> buffer = stackalloc byte[Room];
        int length;
        using (file)
            length = file.Read(buffer);
        return length > 0 && HasIn(buffer[..length]);
    }

    /// <summary>The same from the text of a thread's status.</summary>
    public static bool HasIn(ReadOnlySpan<byte> status) =>
        ((Mask(status, "\nSigPnd:"u8) | Mask(status, "\nShdPnd:"u8)) & ~Mask(status, "\nSigBlk:"u8)) != 0;

    private static ulong Mask(ReadOnlySpan<byte> status, ReadOnlySpan<byte> name)
    {
        int at = status.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(status[(at + name.Length)..].TrimStart("\t "u8), out ulong mask, out _, 'x') ? mask : 0;
    }
}
