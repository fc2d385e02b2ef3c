using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>Keeps a handle from being closed by another thread while its number is used. Disposal lets go of it.</summary>
internal readonly ref struct HeldHandle
{
    private readonly SafeHandle _handle;

    /// <exception cref="ObjectDisposedException">It is closed already.</exception>
    internal HeldHandle(SafeHandle handle)
    {
        bool held = false;
        handle.DangerousAddRef(ref held);
        _handle = handle;
    }

    /// <summary>The descriptor's number.</summary>
    internal int Number => (int)_handle.DangerousGetHandle();

    public void Dispose() => _handle.DangerousRelease();
}
