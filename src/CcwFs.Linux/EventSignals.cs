using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>
/// Adds 1 to eventfds of others without ever waiting. A write(2) waits while the counter is at its maximum, and nothing about the descriptor prevents
/// that for good: its owner shares the flags and the counter. So the kernel itself signals, as it does for a real VFIO device: an asynchronous
/// read of nothing (io_submit(2)) that names the eventfd as the one to be told of its completion. A full counter stays full. Thread-safe.
/// </summary>
public sealed unsafe class EventSignals : IDisposable
{
    private const int Room = 128; // arbitrary: completions the kernel keeps for us
    private const int Harvest = 64; // arbitrary: submissions between two clearings
    private const int CompletionSize = 32; // struct io_event
    private const ushort CommandRead = 0; // IOCB_CMD_PREAD
    private const uint NotifyEventFd = 1; // IOCB_FLAG_RESFD

    private readonly Lock _gate = new();
    private readonly FileDescriptor _nothing;
    private readonly nuint _context;
    private int _submitted; // since the last clearing; guarded by _gate
    private bool _ended;    // guarded by _gate

    private EventSignals(FileDescriptor nothing, nuint context) => (_nothing, _context) = (nothing, context);

    /// <summary>
    /// Makes one, which the caller disposes: 0, or a negative errno and none (-EAGAIN: the system has no more contexts, fs.aio-max-nr).
    /// </summary>
    public static int Create(out EventSignals? signals)
    {
        nuint context = 0;
        int result = FileDescriptor.Open("/dev/null", OpenOptions.ReadOnly, 0, out FileDescriptor nothing);
        if (result == 0)
        {
            // SAFETY: io_setup writes one aio_context_t (unsigned long), for which there is a local.
            result = Result.Of(LibC.SystemCall(KernelNumbers.AsyncSetup, Room, (nint)(&context)));
        }
        signals = result < 0 ? null : new EventSignals(nothing, context);
        if (result < 0)
            nothing.Dispose();
        return result;
    }

    /// <summary>Signals once: 0 or a negative errno (-EAGAIN: the kernel has no memory for it now).</summary>
    public int Signal(FileDescriptor eventFd)
    {
        lock (_gate)
        {
            if (_ended)
                return -(int)Errno.EBADF;
            if (_submitted >= Harvest)
                Clear();
            using var held = new HeldHandle(eventFd);
            byte target;
            ControlBlock block = new()
            {
                Command = CommandRead, Descriptor = (uint)_nothing.Number, Buffer = (ulong)&target, Count = 1, Flags = NotifyEventFd,
                EventFd = (uint)held.Number,
            };
            ControlBlock* blocks = &block;

            // SAFETY: one block is passed, a local; reading the null device ends before the call returns and writes nothing.
            int result = Result.Of(LibC.SystemCall(KernelNumbers.AsyncSubmit, (nint)_context, 1, (nint)(&blocks)));
            _submitted++;
            return Math.Min(result, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_ended)
                return;
            _ended = true;
            LibC.SystemCall(KernelNumbers.AsyncDestroy, (nint)_context);
        }
        _nothing.Dispose();
    }

    private void Clear()
    {
        byte* events = stackalloc byte[Room * CompletionSize];

        // SAFETY: the kernel writes at most Room completions, for which there is room.
        LibC.SystemCall(KernelNumbers.AsyncGetEvents, (nint)_context, 0, Room, (nint)events);
        _submitted = 0;
    }

    /// <summary>struct iocb (linux/aio_abi.h). aio_rw_flags stands before or after aio_key by byte order; both stay 0.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct ControlBlock
    {
        [FieldOffset(16)] internal ushort Command;
        [FieldOffset(20)] internal uint Descriptor;
        [FieldOffset(24)] internal ulong Buffer;
        [FieldOffset(32)] internal ulong Count;
        [FieldOffset(56)] internal uint Flags;
        [FieldOffset(60)] internal uint EventFd;
    }
}
