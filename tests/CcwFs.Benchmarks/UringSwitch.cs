namespace CcwFs.Benchmarks;

/// <summary>Has the kernel offer FUSE over io_uring where root may do that, and puts its switch back.</summary>
internal sealed class UringSwitch : IDisposable
{
    internal const string File = "/sys/module/fuse/parameters/enable_uring";

    private readonly bool _was = Read();

    internal UringSwitch()
    {
        if (!_was && System.IO.File.Exists(File) && Environment.IsPrivilegedProcess)
            System.IO.File.WriteAllText(File, "Y");
        IsOn = Read();
    }

    internal bool IsOn { get; }

    public void Dispose()
    {
        if (IsOn && !_was)
            System.IO.File.WriteAllText(File, "N");
    }

    private static bool Read() => System.IO.File.Exists(File) && System.IO.File.ReadAllText(File).StartsWith('Y');
}
