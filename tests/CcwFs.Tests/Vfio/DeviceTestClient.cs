using System.Globalization;
using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using CcwFs.Vfio;
using CcwFs.Vfio.Endpoint;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Vfio;

/// <summary>
/// A client of a device file in this process: its ioctls are real, with structures in pinned memory, and its interrupts are real eventfds. Only how
/// the descriptor of the iommu is recognised is made up: that needs a mount.
/// </summary>
internal sealed class DeviceTestClient : IDisposable
{
    private readonly VfioService _service;
    private readonly IommuFile _iommu;
    private readonly FileDescriptor _anyFile;

    public DeviceTestClient(VfioCcwDevice device, bool bind = true)
    {
        _service = new VfioService(NullLogger.Instance, _ => _iommu);
        _iommu = _service.OpenIommu();
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: true, out _anyFile));
        File = _service.OpenDevice(device);
        if (bind)
            Assert.Equal(0, Bind());
        for (int i = 0; i < Events.Length && bind; i++)
            SetEvent((DeviceInterrupt)i);
    }

    public DeviceClient File { get; }

    /// <summary>The eventfds of io, crw and req.</summary>
    public FileDescriptor[] Events { get; } = new FileDescriptor[3];

    /// <summary>The number of the thread that waits for its ioctl: ours.</summary>
    private static uint ThreadId
    {
        get
        {
            Assert.Equal(0, FileSystems.ReadLink("/proc/thread-self", out string self) is var result && result < 0 ? result : 0);
            return uint.Parse(self[(self.LastIndexOf('/') + 1)..], CultureInfo.InvariantCulture);
        }
    }

    public int Bind() => Ioctl(VfioIoctl.BindIommufd, Words(16, 0, (uint)_anyFile.Number, 0));

    public void SetEvent(DeviceInterrupt interrupt)
    {
        Events[(int)interrupt]?.Dispose();
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: true, out Events[(int)interrupt]));
        Assert.Equal(0, SetEvent(interrupt, Events[(int)interrupt].Number));
    }

    public int SetEvent(DeviceInterrupt interrupt, int number) =>
        Ioctl(VfioIoctl.SetIrqs, Words(24, (uint)(VfioIrqSetFlags.DataEventFd | VfioIrqSetFlags.ActionTrigger), (uint)interrupt, 0, 1, (uint)number));

    /// <summary>Takes the count of an interrupt; 0 when it was not signalled.</summary>
    public ulong Take(DeviceInterrupt interrupt)
    {
        ulong count = 0;
        int read = Events[(int)interrupt].Read(MemoryMarshal.AsBytes(new Span<ulong>(ref count)));
        return read == sizeof(ulong) ? count : 0;
    }

    /// <summary>Waits for an interrupt and takes its count.</summary>
    public ulong Await(DeviceInterrupt interrupt)
    {
        Descriptors.Poll(Events[(int)interrupt], Descriptors.PollIn, (int)Machine.Patience.TotalMilliseconds);
        return Take(interrupt);
    }

    /// <summary>An ioctl with a structure of the caller, which is copied back.</summary>
    public int Ioctl(VfioIoctl command, byte[] structure)
    {
        byte[] pinned = GC.AllocateArray<byte>(structure.Length, pinned: true);
        structure.CopyTo(pinned, 0);
        int result = Ioctl((uint)command, (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0));
        pinned.CopyTo(structure, 0);
        return result;
    }

    /// <summary>An ioctl with a bare argument.</summary>
    public int Ioctl(uint command, ulong argument)
    {
        int now = File.BeginIoctl(ThreadId, command, argument, out ClientCall? call);
        return call is null ? now : Answer(call);
    }

    /// <summary>Makes a call that may wait, and gives its answer.</summary>
    public static int Answer(ClientCall call)
    {
        using var done = new ManualResetEventSlim();
        int result = 0;
        call.Start(value =>
        {
            result = value;
            done.Set();
            return true;
        });
        Assert.True(done.Wait(Machine.Patience), "the call was not answered");
        return result;
    }

    public static byte[] Words(params uint[] words) => MemoryMarshal.AsBytes<uint>(words).ToArray();

    public void Dispose()
    {
        File.Release();
        _iommu.Release();
        Assert.True(SpinWait.SpinUntil(() => File.Read(0, new byte[1]) == -22, Machine.Patience), "the device was not given back");
        foreach (FileDescriptor? eventFd in Events)
            eventFd?.Dispose();
        _anyFile.Dispose();
        _service.Dispose();
    }
}
