using System.Globalization;
using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using CcwFs.Vfio.Backend;
using CcwFs.Vfio.Endpoint;
using Microsoft.Extensions.Logging.Abstractions;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>
/// The system calls of a backend whose kernel is our own VFIO endpoint, in this process: what a second mounted ccwfs is, without FUSE between.
/// Ioctls, maps of memory and eventfds are real. Descriptors of the two files are stand-ins.
/// </summary>
internal sealed class LoopbackKernel : ISystemCalls, IDisposable
{
    public const string Device = "/loopback/device", Iommu = "/loopback/iommu";

    private readonly VfioService _service;
    private readonly DeviceClient _device;
    private readonly IommuFile _iommu;
    private readonly PollWatch _watch = new();
    private readonly List<FileDescriptor> _files = [];
    private int _iommuNumber;

    public LoopbackKernel(VfioCcwDevice lower)
    {
        _service = new VfioService(NullLogger.Instance, _ => _iommu);
        _iommu = _service.OpenIommu();
        _device = _service.OpenDevice(lower);
    }

    public int Open(string path, out FileDescriptor opened)
    {
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: true, out opened));
        _files.Add(opened);
        if (path == Iommu)
            _iommuNumber = opened.Number;
        return 0;
    }

    public int Control(FileDescriptor file, uint command, ulong number)
    {
        int now = FileOf(file).BeginIoctl(ThreadId, command, number, out ClientCall? call);
        return call is null ? now : DeviceTestClient.Answer(call);
    }

    public int Control(FileDescriptor file, uint command, Span<byte> structure)
    {
        byte[] pinned = GC.AllocateArray<byte>(structure.Length, pinned: true);
        structure.CopyTo(pinned);
        int result = Control(file, command, (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0));
        pinned.CopyTo(structure);
        return result;
    }

    public int ReadAt(FileDescriptor file, long offset, Span<byte> buffer) => _device.Read(offset, buffer);

    public int WriteAt(FileDescriptor file, long offset, ReadOnlySpan<byte> data)
    {
        int result = _device.Write(offset, data, out ClientCall? call);
        if (call is not null)
            return DeviceTestClient.Answer(call);
        _device.Device.GoOn(WorkThread.Caller);
        return result;
    }

    public int EventFd(out FileDescriptor created)
    {
        created = _watch.NewEvent();
        return 0;
    }

    public int Read(FileDescriptor file, Span<byte> buffer) => file.Read(buffer);

    public int Signal(FileDescriptor file) => Descriptors.Signal(file, 1);

    public int Poll(ReadOnlySpan<FileDescriptor> files, Span<short> ready, int timeoutMilliseconds) => _watch.Poll(files, ready, timeoutMilliseconds);

    public void Settle() => _watch.Settle();

    public void Dispose()
    {
        _device.Release();
        _iommu.Release();
        Assert.True(SpinWait.SpinUntil(() => _device.Read(0, new byte[1]) == -(int)Errno.EINVAL, Machine.Patience), "the device was not given back");
        foreach (FileDescriptor file in _files)
            file.Dispose();
        _service.Dispose();
    }

    private static uint ThreadId
    {
        get
        {
            FileSystems.ReadLink("/proc/thread-self", out string self);
            return uint.Parse(self[(self.LastIndexOf('/') + 1)..], CultureInfo.InvariantCulture);
        }
    }

    private EndpointFile FileOf(FileDescriptor file) => file.Number == _iommuNumber ? _iommu : _device;
}
