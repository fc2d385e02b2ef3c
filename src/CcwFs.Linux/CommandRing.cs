using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>
/// An io_uring(7) of one thread for commands to a file's driver (IORING_OP_URING_CMD with 80 bytes), and for an eventfd by which others wake it.
/// The thread that makes it is the only one to use and dispose it: the kernel completes things only while that thread waits, so that nothing
/// interrupts its system calls. Calls give 0 or a count, or a negative errno.
/// </summary>
public sealed unsafe class CommandRing : IDisposable
{
    /// <summary>Bytes of a command that are the driver's.</summary>
    public const int CommandLength = 80;

    // linux/io_uring.h.
    private const uint EntriesOf128 = 1 << 10, SingleIssuer = 1 << 12, DeferTaskRun = 1 << 13;
    private const uint SingleMap = 1; // IORING_FEAT_SINGLE_MMAP
    private const long EntriesOffset = 0x10000000; // IORING_OFF_SQES
    private const uint GetEvents = 1, KeptRing = 1 << 4; // IORING_ENTER_GETEVENTS, IORING_ENTER_REGISTERED_RING
    private const nint KeepFiles = 2, KeepRings = 20, LeaveRings = 21; // IORING_REGISTER_FILES, IORING_(UN)REGISTER_RING_FDS
    private const byte KeptFile = 1; // IOSQE_FIXED_FILE
    private const byte OperationNothing = 0, OperationRead = 22, OperationCommand = 46;
    private const int EntryLength = 128, CompletionLength = 16;
    private const int ReadWrite = 3, SharedPopulated = 1 | 0x8000; // PROT_READ | PROT_WRITE; MAP_SHARED | MAP_POPULATE

    private readonly FileDescriptor _ring;
    private readonly PrivateMemory _woken; // where the eventfd's count goes
    private readonly nuint _ringsLength, _entriesLength;
    private readonly byte* _rings, _entries;
    private readonly uint* _submitHead, _submitTail, _completeHead, _completeTail;
    private readonly byte* _completions;
    private readonly uint _room, _completeMask;
    private FileDescriptor? _keptFile; // the kernel has it as number 0 of the ring's
    private int? _keptRing; // the ring's number among those that the kernel keeps for the thread

    private CommandRing(FileDescriptor ring, PrivateMemory woken, in Parameters made, byte* rings, nuint ringsLength, byte* entries)
    {
        (_ring, _woken, _ringsLength, _entriesLength, _room) = (ring, woken, ringsLength, made.SubmitEntries * EntryLength, made.SubmitEntries);
        _rings = rings;
        _entries = entries;
        _submitHead = (uint*)(rings + made.Submit.Head);
        _submitTail = (uint*)(rings + made.Submit.Tail);
        _completeHead = (uint*)(rings + made.Complete.Head);
        _completeTail = (uint*)(rings + made.Complete.Tail);
        _completeMask = *(uint*)(rings + made.Complete.Mask);
        _completions = rings + made.Complete.Completions;

        // An entry is submitted at the place of its own number, always.
        uint* places = (uint*)(rings + made.Submit.Array);
        for (uint i = 0; i < made.SubmitEntries; i++)
            places[i] = i;
    }

    /// <summary>
    /// io_uring_setup(2) with room for <paramref name="entries"/> submissions: 0, or a negative errno and no ring (-ENOSYS, -EPERM: io_uring is
    /// forbidden; -EINVAL: the kernel is older than Linux 6.1).
    /// </summary>
    public static int Create(uint entries, out CommandRing? ring)
    {
        ring = null;
        int result = PrivateMemory.Create(sizeof(ulong), out PrivateMemory? woken);
        if (result < 0)
            return result;
        Parameters parameters = new() { Flags = EntriesOf128 | SingleIssuer | DeferTaskRun };

        // SAFETY: the kernel reads and writes one structure of 120 bytes, a local.
        result = FileDescriptor.Of((int)LibC.SystemCall(KernelNumbers.RingSetup, (nint)entries, (nint)(&parameters)), out FileDescriptor descriptor);
        if (result == 0)
            result = (parameters.Features & SingleMap) == 0 ? -(int)Errno.ENOSYS : Map(descriptor, woken!, parameters, out ring);
        if (result < 0)
        {
            descriptor.Dispose();
            woken!.Dispose();
        }
        return result;
    }

    /// <summary>
    /// Has the kernel keep a file for commands, and the ring, so that it looks up no descriptor for each of them. Where it does not, all goes on as
    /// before. Once.
    /// </summary>
    public void Keep(FileDescriptor file)
    {
        ArgumentNullException.ThrowIfNull(file);
        int number = file.Number;

        // SAFETY: the kernel reads one number, a local.
        if (LibC.SystemCall(KernelNumbers.RingRegister, _ring.Number, KeepFiles, (nint)(&number), 1) == 0)
            _keptFile = file;
        RingNumber ring = new() { Number = uint.MaxValue, Descriptor = (ulong)_ring.Number }; // any number

        // SAFETY: the kernel reads and writes one structure of 16 bytes, a local. It gives how many rings it keeps.
        if (LibC.SystemCall(KernelNumbers.RingRegister, _ring.Number, KeepRings, (nint)(&ring), 1) == 1)
            _keptRing = (int)ring.Number;
    }

    /// <summary>Puts in a command to an open file's driver, with two pieces of memory named by an array at <paramref name="vectors"/>.</summary>
    public int AddCommand(FileDescriptor file, uint command, ulong vectors, uint vectorCount, ulong tag, ReadOnlySpan<byte> operands)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(operands.Length, CommandLength);
        int result = Next(out Submission* entry);
        if (result < 0)
            return result;
        (entry->Operation, entry->Command) = (OperationCommand, command);
        (entry->Flags, entry->File) = ReferenceEquals(file, _keptFile) ? (KeptFile, 0) : ((byte)0, file.Number);
        (entry->Address, entry->Length, entry->Tag) = (vectors, vectorCount, tag);

        // SAFETY: the last 80 bytes of an entry of 128 are the command's, and the length was checked.
        operands.CopyTo(new Span<byte>(entry->Operands, CommandLength));
        return Publish();
    }

    /// <summary>Puts in a read of an eventfd, which completes once it is signalled and sets it back to 0.</summary>
    public int AddWait(FileDescriptor eventFd, ulong tag)
    {
        int result = Next(out Submission* entry);
        if (result < 0)
            return result;
        (entry->Operation, entry->File, entry->Address) = (OperationRead, eventFd.Number, _woken.Address);
        (entry->Length, entry->Tag) = (sizeof(ulong), tag);
        return Publish();
    }

    /// <summary>Puts in an operation that does nothing.</summary>
    public int AddNothing(ulong tag)
    {
        int result = Next(out Submission* entry);
        if (result < 0)
            return result;
        (entry->Operation, entry->Tag) = (OperationNothing, tag);
        return Publish();
    }

    /// <summary>
    /// io_uring_enter(2): submits what was put in, and with <paramref name="wait"/> waits until something is complete. 0 or a negative errno;
    /// -EINTR is the caller's to try again.
    /// </summary>
    public int Enter(bool wait)
    {
        nint pending = (nint)(*_submitTail - Volatile.Read(ref *_submitHead));

        // SAFETY: no argument is an address; what the entries name is the caller's to keep until they complete.
        (nint ring, uint flags) = _keptRing is { } kept ? (kept, GetEvents | KeptRing) : (_ring.Number, GetEvents);
        return Math.Min(Result.Of(LibC.SystemCall(KernelNumbers.RingEnter, ring, pending, wait ? 1 : 0, (nint)flags)), 0);
    }

    /// <summary>Takes the next completion: its tag and result; false when there is none.</summary>
    public bool TryTake(out ulong tag, out int result)
    {
        uint head = *_completeHead;
        if (head == Volatile.Read(ref *_completeTail))
        {
            (tag, result) = (0, 0);
            return false;
        }

        // SAFETY: the kernel has filled what lies before the tail, and the mask keeps the index in the ring.
        byte* completion = _completions + (head & _completeMask) * CompletionLength;
        (tag, result) = (*(ulong*)completion, *(int*)(completion + sizeof(ulong)));
        Volatile.Write(ref *_completeHead, head + 1);
        return true;
    }

    /// <summary>Ends it. What is under way is cancelled by the kernel; memory that it names must still be kept until this has returned.</summary>
    public void Dispose()
    {
        if (_ring.IsClosed)
            return;
        if (_keptRing is { } kept)
        {
            RingNumber ring = new() { Number = (uint)kept };

            // SAFETY: the kernel reads one structure of 16 bytes, a local.
            _ = LibC.SystemCall(KernelNumbers.RingRegister, _ring.Number, LeaveRings, (nint)(&ring), 1);
        }
        _ = LibC.Unmap((nint)_entries, _entriesLength);
        _ = LibC.Unmap((nint)_rings, _ringsLength);
        _ring.Dispose();
        _woken.Dispose();
    }

    private static int Map(FileDescriptor descriptor, PrivateMemory woken, in Parameters made, out CommandRing? ring)
    {
        ring = null;
        nuint length = Math.Max(
            made.Submit.Array + made.SubmitEntries * sizeof(uint), made.Complete.Completions + made.CompleteEntries * CompletionLength);

        // SAFETY: new mappings at addresses of the kernel's choice, as long as it has said.
        nint rings = LibC.Map(0, length, ReadWrite, SharedPopulated, descriptor, 0);
        if (rings == -1)
            return -Marshal.GetLastPInvokeError();
        nint entries = LibC.Map(0, made.SubmitEntries * EntryLength, ReadWrite, SharedPopulated, descriptor, EntriesOffset);
        if (entries == -1)
        {
            int result = -Marshal.GetLastPInvokeError();
            _ = LibC.Unmap(rings, length);
            return result;
        }
        ring = new CommandRing(descriptor, woken, made, (byte*)rings, length, (byte*)entries);
        return 0;
    }

    // A cleared entry; when there is no room, what was put in is submitted first.
    private int Next(out Submission* entry)
    {
        entry = null;
        while (*_submitTail - Volatile.Read(ref *_submitHead) >= _room)
        {
            int result = Enter(wait: false);
            if (result < 0 && result != -(int)Errno.EINTR)
                return result;
        }

        // SAFETY: the number of entries is a power of two, and the index is kept below it.
        entry = (Submission*)(_entries + (*_submitTail & (_room - 1)) * EntryLength);
        *entry = default;
        return 0;
    }

    private int Publish()
    {
        Volatile.Write(ref *_submitTail, *_submitTail + 1);
        return 0;
    }

    /// <summary>struct io_uring_sqe with IORING_SETUP_SQE128.</summary>
    [StructLayout(LayoutKind.Explicit, Size = EntryLength)]
    private struct Submission
    {
        [FieldOffset(0)] internal byte Operation;
        [FieldOffset(1)] internal byte Flags;
        [FieldOffset(4)] internal int File;
        [FieldOffset(8)] internal uint Command;
        [FieldOffset(16)] internal ulong Address;
        [FieldOffset(24)] internal uint Length;
        [FieldOffset(32)] internal ulong Tag;
        [FieldOffset(48)] internal fixed byte Operands[CommandLength];
    }

    /// <summary>struct io_uring_rsrc_update.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct RingNumber
    {
        internal uint Number, Reserved;
        internal ulong Descriptor;
    }

    /// <summary>struct io_uring_params.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        internal uint SubmitEntries, CompleteEntries, Flags, ThreadProcessor, ThreadIdle, Features, Queue;
        internal unsafe fixed uint Reserved[3];
        internal SubmitOffsets Submit;
        internal CompleteOffsets Complete;
    }

    /// <summary>struct io_sqring_offsets.</summary>
    private struct SubmitOffsets
    {
        internal uint Head, Tail, Mask, Entries, Flags, Dropped, Array, Reserved;
        internal ulong UserAddress;
    }

    /// <summary>struct io_cqring_offsets.</summary>
    private struct CompleteOffsets
    {
        internal uint Head, Tail, Mask, Entries, Overflow, Completions, Flags, Reserved;
        internal ulong UserAddress;
    }
}
