using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Vfio.Endpoint;
using Microsoft.Extensions.Logging;

namespace CcwFs.Tests.Vfio;

/// <summary>The caller of an ioctl: its memory and descriptors, as long as it is blocked and we have the right.</summary>
public sealed class IoctlCallerTests : IDisposable
{
    private const int NotPermitted = -1, Interrupted = -4, BadDescriptor = -9, Fault = -14;

    private readonly IommuTestClient _client = new();

    public void Dispose() => _client.Dispose();

    [Fact]
    public void Memory_is_read_and_written_across_pages()
    {
        ulong area = _client.Do("mmap(0x3000)");
        IoctlCaller caller = _client.Caller();
        Assert.Equal(((uint)_client.Pid, _client.Pid), (caller.ThreadId, caller.ProcessId));
        byte[] bytes = new byte[0x2000];
        new Random(3).NextBytes(bytes);
        Assert.Equal(0, caller.Write(area + 0x801, bytes));
        Assert.Equal(bytes, _client.Get(area + 0x801, 0x2000));
        byte[] back = new byte[0x2000];
        Assert.Equal(0, caller.Read(area + 0x801, back));
        Assert.Equal(bytes, back);
        Assert.Equal(0, caller.Read(0, []));
        caller.Answered();
    }

    [Fact]
    public void Bad_addresses_are_faults_and_so_is_more_than_a_structure_can_be()
    {
        ulong readOnly = _client.Do("mmap(0x1000, 1)");
        ulong area = _client.Do("(A := mmap(0x2000), mprotect(A + 0x1000, 0x1000, 0))[0]");
        IoctlCaller caller = _client.Caller();
        byte[] bytes = new byte[0x1000];
        foreach (ulong address in (ulong[])[0, area + 1, area + 0x1000, 0xFFFF_8880_0000_0000, ulong.MaxValue - 0xFFF, ulong.MaxValue])
        {
            Assert.Equal(Fault, caller.Read(address, bytes));
            Assert.Equal(Fault, caller.Write(address, bytes));
        }
        Assert.Equal(0, caller.Read(readOnly, bytes));
        Assert.Equal(Fault, caller.Write(readOnly, bytes));
        Assert.Equal(Fault, caller.Read(area, new byte[IoctlCaller.MaxCopy + 1]));
        Assert.Equal(Fault, caller.Write(area, new byte[IoctlCaller.MaxCopy + 1]));
    }

    [Fact]
    public void After_the_answer_nothing_is_reached()
    {
        ulong area = _client.Do("mmap(0x1000)");
        IoctlCaller caller = _client.Caller();
        caller.Answered();
        Assert.Equal(Interrupted, caller.Read(area, new byte[1]));
        Assert.Equal(Interrupted, caller.Write(area, [1]));
        Assert.Equal(Interrupted, caller.TakeDescriptor(0, out FileDescriptor taken));
        Assert.True(taken.IsInvalid);
        List<int> numbers = [];
        Assert.Equal(Interrupted, caller.DescriptorsOf(0, numbers));
        Assert.Empty(numbers);
        Assert.Equal([0], _client.Get(area, 1));
    }

    [Fact]
    public void What_was_begun_never_meets_another_program_of_the_same_process()
    {
        ulong area = _client.Do("buffer"); // mapped in both programs, and where is not ours to say
        IoctlCaller caller = _client.Caller();
        Assert.Equal(0, caller.Write(area, "before"u8));
        _client.ExecuteAnother(); // as if others had answered, and nobody had said so
        ulong next = _client.Do("buffer");
        foreach (ulong address in (ulong[])[area, next])
        {
            Assert.Equal(Interrupted, caller.Write(address, "poison"u8));
            Assert.Equal(Interrupted, caller.Read(address, new byte[1]));
        }
        Assert.Equal(new byte[6], _client.Get(next, 6));
        caller.Answered();
        Assert.Equal(0, _client.DescriptorsHeld());
    }

    [Fact]
    public void What_was_begun_never_meets_another_process_of_the_same_number()
    {
        using var other = new IommuTestClient();
        ulong area = other.Do("buffer");
        IoctlCaller caller = _client.Caller();
        Assert.Equal(Fault, caller.Read(0, new byte[1]));
        _client.Kill();

        // clone3(2) gives a child the number that is asked for; the child has all of the other client's memory.
        other.Do($"P = ctypes.c_int({_client.Pid}); A = struct.pack('=11Q', 0, 0, 0, 0, 17, 0, 0, 0, ctypes.addressof(P), 1, 0)");
        other.Do("K = check(libc.syscall(435, A, 88)) or signal.pause()"); // the child waits there
        Assert.Equal(Interrupted, caller.Write(area, "poison"u8));
        Assert.Equal(Interrupted, caller.Read(area, new byte[1]));
        other.Do("os.kill(K, 9)");
        caller.Answered();
    }

    [Fact]
    public void While_a_copy_by_number_hangs_others_do_not_answer_and_then_nothing_is_reached()
    {
        ulong area = _client.Do("(A := mmap(0x1000), U := fault(A, 0x1000))[0]");
        IoctlCaller caller = _client.Caller();
        caller.ByNumber = true;
        int result = 1;
        var copy = new Thread(() => result = caller.Read(area, new byte[8]));
        copy.Start();
        Assert.Equal(32ul, _client.Do("len(os.read(U, 32))")); // a message: it has met the page
        Assert.False(caller.TryEnd());
        Assert.Equal(Interrupted, caller.Write(_client.Do("buffer"), [1]));
        Assert.Equal(Interrupted, caller.TakeDescriptor(0, out _));
        Assert.Equal(Interrupted, caller.OpenMemory(out _));
        Assert.Equal(Interrupted, caller.OpenProcess(out _));
        _client.Do("os.close(U)"); // the page answers
        Assert.True(copy.Join(Fuse.Mounted.Patience));
        Assert.Equal(0, result); // what had begun has ended well; the next one does not begin
        Assert.Equal(Interrupted, caller.Read(area, new byte[8]));
        Assert.True(caller.TryEnd());
        caller.Answered();
        Assert.Equal(0, _client.DescriptorsHeld());
    }

    [Fact]
    public void A_caller_that_died_is_an_interruption()
    {
        IoctlCaller caller = _client.Caller();
        ulong area = _client.Do("mmap(0x1000)");
        _client.Kill();
        Assert.Equal(Interrupted, caller.Read(area, new byte[1]));
        Assert.Equal(Interrupted, caller.TakeDescriptor(0, out _));
        Assert.Equal(Interrupted, IoctlCaller.Open((uint)_client.Pid, IommuTestClient.Log, out IoctlCaller? none));
        Assert.Null(none);
    }

    [Fact]
    public void A_descriptor_is_taken_with_its_file_and_access_mode()
    {
        IoctlCaller caller = _client.Caller();
        int number = (int)_client.Do($"openfile('/proc/self/status', os.O_RDONLY)");
        Assert.Equal(0, caller.TakeDescriptor(number, out FileDescriptor file));
        using (file)
        {
            byte[] text = new byte[4096];
            Assert.True(file.ReadAt(0, text) > 0);
            Assert.True(text.AsSpan().IndexOf("\nPid:\t"u8) > 0);
            Assert.Equal(0, file.OpenFlags() & 3);
            Assert.True(file.Write("x"u8) < 0);
        }
        foreach (int bad in (int[])[999, -1, int.MinValue, int.MaxValue])
        {
            Assert.Equal(BadDescriptor, caller.TakeDescriptor(bad, out FileDescriptor none));
            Assert.True(none.IsInvalid);
        }
        Assert.Equal(0, _client.DescriptorsHeld());
    }

    [Fact]
    public void A_caller_may_be_any_thread_of_its_process()
    {
        _client.Do("import threading; G = threading.Event(); T = threading.Thread(target=G.wait, daemon=True); T.start()");
        uint thread = (uint)_client.Do("T.native_id");
        int file = (int)_client.Do($"memfd('{_client.Name}', 4096)");
        Assert.Equal(0, IoctlCaller.Open(thread, IommuTestClient.Log, out IoctlCaller? caller));
        Assert.Equal((thread, _client.Pid), (caller!.ThreadId, caller.ProcessId));
        Assert.Equal(0, caller.Write(_client.Do("mmap(0x1000)"), [1]));
        Assert.Equal(0, caller.TakeDescriptor(file, out FileDescriptor taken));
        taken.Dispose();
    }

    [Fact]
    public void A_caller_without_a_number_is_refused_and_the_log_says_why_once()
    {
        var lines = new Lines();
        var log = new CallerLog(lines);
        for (int i = 0; i < 3; i++)
            Assert.Equal(NotPermitted, IoctlCaller.Open(0, log, out _));
        Assert.Contains("another pid namespace", Assert.Single(lines.Written), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_rights_of_ptrace_the_caller_is_refused_and_the_log_says_what_to_do()
    {
        var lines = new Lines();
        Assert.Equal(0, IoctlCaller.Open((uint)_client.Pid, new CallerLog(lines), out IoctlCaller? caller));
        ulong area = _client.Do("mmap(0x1000)");
        int[] results = [];
        using var iommu = new IommuClient();
        Thread thread = new(() =>
        {
            DropPtrace();
            results = [caller!.Read(area, new byte[1]), caller.Write(area, [1]), caller.TakeDescriptor(0, out _), iommu.Ioctl(caller, 0x3B81, area)];
        });
        thread.Start();
        thread.Join();
        Assert.Equal([NotPermitted, NotPermitted, NotPermitted, NotPermitted], results);
        string line = Assert.Single(lines.Written);
        Assert.Contains("operation not permitted", line, StringComparison.Ordinal);
        Assert.Contains("CAP_SYS_PTRACE", line, StringComparison.Ordinal);
    }

    // Capabilities are a thread's: without this one a process that has all of them is out of its reach.
    private static void DropPtrace()
    {
        const uint Version3 = 0x20080522, PtraceBit = 1u << 19;
        uint[] header = [Version3, 0], data = new uint[6];
        Assert.Equal(0, GetCapabilities(header, data));
        data[0] &= ~PtraceBit;
        data[1] &= ~PtraceBit;
        Assert.Equal(0, SetCapabilities(header, data));
    }

    [DllImport("libc", EntryPoint = "capget")]
    private static extern int GetCapabilities(uint[] header, [In, Out] uint[] data);

    [DllImport("libc", EntryPoint = "capset")]
    private static extern int SetCapabilities(uint[] header, uint[] data);

    private sealed class Lines : ILogger
    {
        internal List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Written.Add(formatter(state, exception));
    }
}
