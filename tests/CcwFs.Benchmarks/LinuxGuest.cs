using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace CcwFs.Benchmarks;

/// <summary>
/// A Linux under qemu-system-s390x; scripts/guest.d/init says how scripts go to it. Dispose kills it. A guest that does not answer in time throws.
/// </summary>
internal sealed class LinuxGuest : IDisposable
{
    /// <summary>The directory that scripts/guest has made, from scripts/bench.</summary>
    internal static string? Image => Environment.GetEnvironmentVariable("CCWFS_GUEST");

    // Without self-tests of ciphers and keys that no disk needs: a third of the boot on an emulated processor.
    private const string KernelWords =
        "quiet panic=-1 console=ttysclp0 initcall_blacklist=jent_mod_init,load_system_certificate_list cryptomgr.notests apparmor=0 audit=0 ipv6.disable=1";

    private const int PatienceMilliseconds = 120_000; // arbitrary; a busy machine makes an emulated processor many times slower

    private readonly Process _process;
    private readonly Socket? _port;
    private readonly StreamReader? _lines;

    /// <param name="files">Where the port's socket goes; may be used for several guests one after the other.</param>
    /// <param name="mountPoint">The ccwfs whose subchannels it gets all; null for QEMU alone.</param>
    /// <param name="modules">Modules to load, with commas between.</param>
    /// <param name="kernelWords">Words for its kernel's command line.</param>
    /// <param name="options">Options for QEMU.</param>
    internal LinuxGuest(TemporaryDirectory files, string? mountPoint, string modules, string kernelWords, params string[] options)
        : this(files, mountPoint, [], modules, kernelWords, options)
    {
    }

    /// <summary>As above; <paramref name="verb"/>: words for ccwfs qemu, options and subchannels.</summary>
    internal LinuxGuest(TemporaryDirectory files, string? mountPoint, string[] verb, string modules, string kernelWords, string[] options)
    {
        string path = Path.Combine(files.Path, "port");
        File.Delete(path);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        string[] qemu =
        [
            "qemu-system-s390x", "-name", "bench,debug-threads=on", "-accel", "tcg", "-smp", "1", "-m", "512M", "-nodefaults", "-display", "none",
                "-no-reboot",
            "-chardev", $"file,id=console,path={Path.Combine(files.Path, "console")}", "-serial", "chardev:console",
            "-device", "virtio-serial-ccw", "-chardev", $"socket,id=port,path={path}", "-device", "virtserialport,chardev=port,name=org.ccwfs.guest",
            "-kernel", $"{Image}/kernel", "-initrd", $"{Image}/initramfs", "-append", $"{KernelWords} guest.modules={modules} {kernelWords}",
                .. options,
        ];
        string[] command = mountPoint is null ? qemu : [Server.CcwFs, "qemu", "--mount", mountPoint, .. verb, "--", .. qemu];
        Started = Stopwatch.GetTimestamp();
        _process = Process.Start(command[0], command[1..]);
        try
        {
            if (!listener.Poll(PatienceMilliseconds * 1000, SelectMode.SelectRead))
                throw new InvalidOperationException("QEMU did not start");
            _port = listener.Accept();
            _port.ReceiveTimeout = PatienceMilliseconds;
            _lines = new StreamReader(new NetworkStream(_port), Encoding.ASCII);
            if (_lines.ReadLine() != "ready 0 0")
                throw new InvalidOperationException("the guest is not ready");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>When QEMU's command was started (<see cref="Stopwatch"/>).</summary>
    internal long Started { get; }

    /// <summary>Seconds that the host has spent in the guest's emulated processor, the system calls of its instructions included.</summary>
    internal double ProcessorSeconds()
    {
        string thread = Directory.GetDirectories($"/proc/{_process.Id}/task")
            .First(t => File.ReadAllText(t + "/comm").StartsWith("CPU 0", StringComparison.Ordinal));
        return double.Parse(File.ReadAllText(thread + "/schedstat").Split(' ')[0], CultureInfo.InvariantCulture) / 1e9;
    }

    /// <summary>Runs a bash script that must not fail; gives its output, which must be ASCII.</summary>
    internal string Run(string script)
    {
        _port!.Send(Encoding.ASCII.GetBytes($"1 {Convert.ToBase64String(Encoding.UTF8.GetBytes("set -e\n" + script))}\n"));
        string[] head = (_lines!.ReadLine() ?? throw new InvalidOperationException("the guest has ended")).Split(' ');
        char[] output = new char[int.Parse(head[2], CultureInfo.InvariantCulture)];
        _lines.ReadBlock(output);
        return head[1] == "0" ? new string(output) : throw new InvalidOperationException($"status {head[1]} in the guest: {new string(output)}");
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _lines?.Dispose();
        _port?.Dispose();
    }
}
