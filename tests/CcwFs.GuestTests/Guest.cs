using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace CcwFs.GuestTests;

/// <summary>
/// A Linux under qemu-system-s390x with subchannels of a mounted ccwfs. Scripts go to its first process over a virtio port
/// (scripts/guest.d/init says how), so that neither the console's speed nor kernel messages are in the way. Dispose kills it if it still runs.
/// </summary>
internal sealed class Guest : IDisposable
{
    /// <summary>A script that takes longer hangs; a noisy machine makes an emulated processor many times slower.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(300);

    /// <summary>
    /// For every guest's kernel; without what costs an emulated processor a third of the boot and no DASD needs: self-tests of ciphers, cleared
    /// memory, mitigations.
    /// </summary>
    internal static readonly string KernelWords = File.ReadAllText(Places.Repository + "/scripts/guest.d/kernel-words").TrimEnd('\n');

    private const int ConsoleLines = 40, LogLines = 20;

    private readonly MountedCcwfs _mounted;
    private readonly Process _process;
    private readonly Socket? _port;
    private readonly StringBuilder _said = new(); // guarded by itself
    private int _nonce;

    /// <param name="mounted">Whose subchannels the guest gets.</param>
    /// <param name="devices">Words for ccwfs qemu, as 0.0.0000 or 0.0.0000,bootindex=1; none at all for a guest without subchannels.</param>
    /// <param name="options">What else it is made of.</param>
    internal Guest(MountedCcwfs mounted, string[] devices, GuestOptions? options = null)
    {
        options ??= new GuestOptions();
        _mounted = mounted;
        ConsoleLog = LogDirectory.NewFile("console");
        string path = mounted.Scratch.At(string.Create(CultureInfo.InvariantCulture, $"port-{Guid.NewGuid():N}"));
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        string[] qemu =
        [
            "qemu-system-s390x", "-accel", "tcg", "-smp", "1", "-m", "512M", "-nodefaults", "-display", "none", .. options.Reboots ? (string[])[]
                : ["-no-reboot"],
            "-chardev", $"file,id=console,path={ConsoleLog}", "-serial", "chardev:console",
            "-device", "virtio-serial-ccw", "-chardev", $"socket,id=port,path={path}", "-device", "virtserialport,chardev=port,name=org.ccwfs.guest",
            .. options.Ipl ? [] : Kernel(options), .. options.Qemu,
        ];
        _process = devices.Length == 0
            ? Child.Start("/", null, qemu[0], qemu[1..])
            : Child.Start("/", null, Places.Program, ["qemu", "--mount", mounted.MountPoint, .. options.Verb, .. devices, "--", .. qemu]);
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            Task<Socket> connected = listener.AcceptAsync();
            if (!Task.WhenAny(connected, _process.WaitForExitAsync()).Wait(Patience) || !connected.IsCompleted)
                Assert.Fail($"QEMU did not start\n{Circumstances}");
            _port = connected.Result;
            if (!options.Ipl)
                WaitUntilReady();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where the console is written to; it stays after the test.</summary>
    internal string ConsoleLog { get; }

    /// <summary>QEMU's process.</summary>
    internal int Pid => _process.Id;

    internal bool IsRunning => !_process.HasExited;

    private string Circumstances
    {
        get
        {
            string log = string.Join('\n', _mounted.Log.Split('\n').TakeLast(LogLines));
            lock (_said)
                return $"console: {ConsoleLog}\n{LogDirectory.Tail(ConsoleLog, ConsoleLines)}\n{_said}\nccwfs:\n{log}";
        }
    }

    public void Dispose()
    {
        _port?.Dispose();
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }

    /// <summary>Runs a bash script in the guest.</summary>
    internal Answer Run(string script, TimeSpan? patience = null)
    {
        string nonce = string.Create(CultureInfo.InvariantCulture, $"{++_nonce}-{Environment.ProcessId}");
        long deadline = Deadline(patience);
        Send($"{nonce} {Convert.ToBase64String(Encoding.UTF8.GetBytes(script))}\n", script);
        string[] head = ReceiveLine(deadline, script).Split(' ');
        if (head.Length != 3 || head[0] != nonce)
            Assert.Fail($"an answer to something else: {string.Join(' ', head)}\n{Circumstances}");
        byte[] output = new byte[int.Parse(head[2], CultureInfo.InvariantCulture)];
        Receive(output, deadline, script);
        return new Answer(int.Parse(head[1], CultureInfo.InvariantCulture), Encoding.UTF8.GetString(output), $"script: {script}\n{Circumstances}");
    }

    /// <summary>Runs a script that must not fail; gives its output.</summary>
    internal string Ok(string script, TimeSpan? patience = null) => Run("set -e\n" + script, patience).Ok();

    /// <summary>Sets the DASD with this device number online; gives the name of its block device.</summary>
    internal string Online(string device) => Ok($"chccwdev -e {device} >&2\nls /sys/bus/ccw/devices/{device}/block").Split('\n')[^1];

    /// <summary>Ends the guest as an administrator would: unmounted, synchronized, powered off.</summary>
    internal void Halt()
    {
        Send("bye\n", "halt");
        if (!_process.WaitForExit(Patience))
            Assert.Fail($"the guest did not halt\n{Circumstances}");
    }

    /// <summary>Kills QEMU with SIGKILL and waits for its end.</summary>
    internal void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Waits until the console shows this text.</summary>
    internal void WaitForConsole(string text)
    {
        long deadline = Deadline(null);
        while (!LogDirectory.Tail(ConsoleLog, int.MaxValue).Contains(text, StringComparison.Ordinal))
        {
            if (_process.HasExited || Environment.TickCount64 > deadline)
                Assert.Fail($"the console never showed '{text}'\n{Circumstances}");
            Thread.Sleep(PollEvery);
        }
    }

    /// <summary>Waits for the line with which the guest's first process says that it takes scripts.</summary>
    internal void WaitUntilReady()
    {
        string line = ReceiveLine(Deadline(null), "boot");
        if (line != "ready 0 0")
            Assert.Fail($"the guest says '{line}'\n{Circumstances}");
    }

    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(50); // a file has no event that QEMU's write gives

    private static string[] Kernel(GuestOptions options) =>
        ["-kernel", GuestImage.Kernel, "-initrd", options.HasFio ? GuestImage.RamdiskWithFio : GuestImage.InitialRamdisk, "-append",
            $"{KernelWords} guest.modules={options.Modules} {options.KernelWords}"];

    private static long Deadline(TimeSpan? patience) => Environment.TickCount64 + (long)(patience ?? Patience).TotalMilliseconds;

    private void Hear(string? line)
    {
        if (line is null)
            return;
        lock (_said)
            _said.AppendLine(line);
    }

    private void Send(string line, string what)
    {
        try
        {
            _port!.Send(Encoding.ASCII.GetBytes(line));
        }
        catch (SocketException e)
        {
            Assert.Fail($"the guest is gone ({e.SocketErrorCode}) before: {what}\n{Circumstances}");
        }
    }

    private string ReceiveLine(long deadline, string what)
    {
        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (true)
        {
            Receive(one, deadline, what);
            if (one[0] == '\n')
                return line.ToString();
            line.Append((char)one[0]);
        }
    }

    private void Receive(byte[] buffer, long deadline, string what)
    {
        for (int done = 0; done < buffer.Length;)
        {
            long left = deadline - Environment.TickCount64;
            if (left <= 0 || !_port!.Poll(TimeSpan.FromMilliseconds(left), SelectMode.SelectRead))
                Assert.Fail($"no answer in time to: {what}\n{Circumstances}");
            int got;
            try
            {
                got = _port!.Receive(buffer, done, buffer.Length - done, SocketFlags.None);
            }
            catch (SocketException)
            {
                got = 0;
            }
            if (got == 0)
                Assert.Fail($"the guest ended during: {what}\n{Circumstances}");
            done += got;
        }
    }
}
