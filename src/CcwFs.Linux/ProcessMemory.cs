using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>
/// process_vm_readv(2) and process_vm_writev(2): memory of another process by thread id, as it is at the moment of the call. A number that outlives
/// its process, or a process that executes another program, leads to other memory: only for a thread that is known to be blocked. Needs the rights
/// of ptrace (PTRACE_MODE_ATTACH_REALCREDS).
/// </summary>
public static unsafe class ProcessMemory
{
    /// <summary>Copies out: the bytes copied, which are fewer before a page that is not there, or -EFAULT, -EPERM, -ESRCH.</summary>
    public static int Read(uint thread, ulong address, Span<byte> destination)
    {
        fixed (byte* start = destination)
        {
            IoVector local = new() { Base = start, Length = (nuint)destination.Length };
            IoVector remote = new() { Base = (byte*)address, Length = (nuint)destination.Length };

            // SAFETY: the span is pinned for the call and its own length is passed; the remote address is never used in this process.
            return Result.Of(LibC.ProcessRead((int)thread, &local, 1, &remote, 1, 0));
        }
    }

    /// <summary>Copies in, into writable pages only; the result as for <see cref="Read"/>.</summary>
    public static int Write(uint thread, ulong address, ReadOnlySpan<byte> source)
    {
        fixed (byte* start = source)
        {
            IoVector local = new() { Base = start, Length = (nuint)source.Length };
            IoVector remote = new() { Base = (byte*)address, Length = (nuint)source.Length };

            // SAFETY: as above.
            return Result.Of(LibC.ProcessWrite((int)thread, &local, 1, &remote, 1, 0));
        }
    }
}
