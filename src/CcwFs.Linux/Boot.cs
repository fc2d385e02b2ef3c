namespace CcwFs.Linux;

/// <summary>The run of the kernel under this process.</summary>
public static class Boot
{
    private const int GuidText = 36;

    /// <summary>
    /// /proc/sys/kernel/random/boot_id: a new one at every boot. Where it cannot be read, a number of this process alone: it is never taken for the
    /// same run later.
    /// </summary>
    public static Guid Id { get; } = Read();

    private static Guid Read()
    {
        Span<byte> text = stackalloc byte[GuidText];
        int result = FileDescriptor.Open("/proc/sys/kernel/random/boot_id", OpenOptions.ReadOnly, 0, out FileDescriptor file);
        using (file)
            return result == 0 && file.Read(text) == GuidText && Guid.TryParse(text, out Guid id) ? id : Guid.NewGuid();
    }
}
