using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using CcwFs.Tests.Fuse;
using CcwFs.Vfio;
using CcwFs.Vfio.Endpoint;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Vfio;

/// <summary>
/// A real process that plays the client: it evaluates a line of Python and then blocks in a read, as a caller is blocked in its ioctl. The
/// structures of its ioctls are in its own memory.
/// </summary>
internal sealed class IommuTestClient : IDisposable
{
    /// <summary>What a client is before its first line; `again()` executes another program, this one, in the same process.</summary>
    private const string Script = """
        import ctypes, fcntl, os, platform, signal, struct, sys
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
        SHARED, PRIVATE, FIXED, ANONYMOUS, HUGE = 1, 2, 0x10, 0x20, 0x40000
        def check(result):
            if result in (-1, None, 2**64 - 1): raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return result
        def mmap(size, prot=3, flags=PRIVATE | ANONYMOUS, fd=-1, offset=0, at=None): return check(libc.mmap(at, size, prot, flags, fd, offset))
        def munmap(at, size): return check(libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(size)))
        def mprotect(at, size, prot): return check(libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(size), prot))
        def memfd(name, size, seals=0, flags=2):
            fd = os.memfd_create(name, flags)
            os.ftruncate(fd, size)
            if seals: fcntl.fcntl(fd, 1033, seals)
            return fd
        def openfile(path, flags, size=None):
            fd = os.open(path, flags, 0o600)
            if size is not None: os.ftruncate(fd, size)
            return fd
        def put(text, at=None):
            data = bytes.fromhex(text)
            ctypes.memmove(at or buffer, data, len(data))
            return at or buffer
        def get(at, size): return int.from_bytes(b'\1' + ctypes.string_at(at, size), 'big')
        def fault(at, size):
            fd = check(libc.syscall({'x86_64': 323, 'aarch64': 282, 's390x': 355}[platform.machine()], 0))
            fcntl.ioctl(fd, 0xc018aa3f, struct.pack('QQQ', 0xaa, 0, 0))
            fcntl.ioctl(fd, 0xc020aa00, struct.pack('QQQQ', at, size, 1, 0))
            return fd
        def again(): os.execv(sys.executable, [sys.executable, '-u', '-c', sys.orig_argv[3]])
        buffer = mmap(16384)
        print('=%x' % os.getpid(), flush=True)
        while True:
            line = sys.stdin.readline()
            if not line: break
            try:
                code = compile(line.strip(), 'line', 'eval')
                result = eval(code, globals())
                print('=%x' % (result or 0), flush=True)
            except SyntaxError:
                exec(line.strip(), globals())
                print('=0', flush=True)
            except Exception as failure:
                print('!' + repr(failure), flush=True)
        """;

    private readonly Process _process;

    internal IommuTestClient()
    {
        _process = Child.Start("/", "python3", "-u", "-c", Script);
        Pid = (int)Answer();
    }

    internal int Pid { get; }

    internal string Name { get; } = $"ccwfs-{Guid.NewGuid():N}";

    internal static CallerLog Log { get; } = new(NullLogger.Instance);

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>Evaluates a line; the number it gives.</summary>
    internal ulong Do(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
        return Answer();
    }

    /// <summary>Executes another program, in the same process.</summary>
    internal void ExecuteAnother() => Assert.Equal((ulong)Pid, Do("again()"));

    internal void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    internal void Put(ulong address, ReadOnlySpan<byte> bytes) => Do($"put('{Convert.ToHexString(bytes)}', {address})");

    internal byte[] Get(ulong address, int count)
    {
        _process.StandardInput.WriteLine($"get({address}, {count})");
        _process.StandardInput.Flush();
        return Convert.FromHexString(AnswerText()[1..]); // the 1 in front keeps leading zeros
    }

    /// <summary>The process as the caller of an ioctl.</summary>
    internal IoctlCaller Caller()
    {
        Assert.Equal(0, IoctlCaller.Open((uint)Pid, Log, out IoctlCaller? caller));
        return caller!;
    }

    /// <summary>An ioctl of the process with this structure, which is what it finds in its memory afterwards.</summary>
    internal int Ioctl<T>(IommuClient iommu, IommufdIoctl command, ref T structure)
        where T : struct
    {
        ulong address = Do($"put('{Convert.ToHexString(MemoryMarshal.AsBytes(new Span<T>(ref structure)))}')");
        IoctlCaller caller = Caller();
        int result = iommu.Ioctl(caller, (uint)command, address);
        caller.Answered();
        structure = MemoryMarshal.Read<T>(Get(address, Marshal.SizeOf<T>()));
        return result;
    }

    internal uint Allocate(IommuClient iommu)
    {
        var structure = new IommuIoasAlloc { Size = 12 };
        Assert.Equal(0, Ioctl(iommu, IommufdIoctl.IoasAlloc, ref structure));
        return structure.OutIoasId;
    }

    internal int Map(IommuClient iommu, uint ioas, ulong address, ulong length, ulong iova,
        IoasMapFlags flags = IoasMapFlags.Readable | IoasMapFlags.Writeable)
    {
        var structure = new IommuIoasMap
        {
            Size = 40,
            Flags = flags | IoasMapFlags.FixedIova,
            IoasId = ioas,
            UserVa = address,
            Length = length,
            Iova = iova,
        };
        return Ioctl(iommu, IommufdIoctl.IoasMap, ref structure);
    }

    internal int MapFile(IommuClient iommu, uint ioas, int file, ulong start, ulong length, ulong iova,
        IoasMapFlags flags = IoasMapFlags.Readable | IoasMapFlags.Writeable)
    {
        var structure = new IommuIoasMapFile
        {
            Size = 40,
            Flags = flags | IoasMapFlags.FixedIova,
            IoasId = ioas,
            Fd = file,
            Start = start,
            Length = length,
            Iova = iova,
        };
        return Ioctl(iommu, IommufdIoctl.IoasMapFile, ref structure);
    }

    internal int Unmap(IommuClient iommu, uint ioas, ulong iova, ulong length, out ulong unmapped)
    {
        var structure = new IommuIoasUnmap { Size = 24, IoasId = ioas, Iova = iova, Length = length };
        int result = Ioctl(iommu, IommufdIoctl.IoasUnmap, ref structure);
        unmapped = structure.Length;
        return result;
    }

    /// <summary>Descriptors of the test's process that lead to this client: its memory, its files, itself.</summary>
    internal int DescriptorsHeld() => Directory.GetFileSystemEntries("/proc/self/fd").Count(IsOurs);

    /// <summary>Mappings of the client's files in the test's process.</summary>
    internal int MappingsHeld() => File.ReadLines("/proc/self/maps").Count(line => line.Contains(Name, StringComparison.Ordinal));

    private bool IsOurs(string path)
    {
        try
        {
            string target = new FileInfo(path).LinkTarget ?? "";
            return target.Contains(Name, StringComparison.Ordinal) || target == $"/proc/{Pid}/mem"
                || (target.Contains("pidfd", StringComparison.Ordinal)
                    && File.ReadLines(path.Replace("/fd/", "/fdinfo/", StringComparison.Ordinal))
                        .Contains(string.Create(CultureInfo.InvariantCulture, $"Pid:\t{Pid}")));
        }
        catch (IOException)
        {
            return false; // closed since it was listed
        }
    }

    private ulong Answer() => ulong.Parse(AnswerText(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private string AnswerText()
    {
        Task<string?> answer = _process.StandardOutput.ReadLineAsync();
        Assert.True(answer.Wait(Mounted.Patience), "the client does not answer");
        return answer.Result is ['=', .. string number] ? number
            : throw new InvalidOperationException(answer.Result ?? _process.StandardError.ReadToEnd());
    }
}
