using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>One row per ioctl of a device file. The structure is read once and judged by its argsz before the handler sees it.</summary>
/// <param name="Command">Its number.</param>
/// <param name="Size">Bytes of its structure, which are copied in, and the least argsz; 0: it has none.</param>
/// <param name="NeedsBinding">Only after BIND.</param>
/// <param name="Changes">It does more than to ask: only on a file that was opened for writing (EBADF).</param>
/// <param name="Handler">What it does.</param>
internal sealed record DeviceIoctl(VfioIoctl Command, int Size, bool NeedsBinding, bool Changes, Func<DeviceClient, DeviceRequest, int> Handler)
{
    private static readonly DeviceIoctl[] s_rows =
    [
        Of<VfioDeviceBindIommufd>(VfioIoctl.BindIommufd, needsBinding: false, changes: true, (client, request) => client.Bind(request)),
        Of<VfioDeviceAttachIommufdPt>(VfioIoctl.AttachIommufdPt, needsBinding: true, changes: true, (client, request) => client.Attach(request)),
        Of<VfioDeviceDetachIommufdPt>(VfioIoctl.DetachIommufdPt, needsBinding: true, changes: true, (client, request) => client.Detach(request)),
        Of<VfioDeviceInfo>(VfioIoctl.GetInfo, needsBinding: true, changes: false, (_, request) => DeviceClient.GetInfo(request)),
        Of<VfioRegionInfo>(VfioIoctl.GetRegionInfo, needsBinding: true, changes: false, (_, request) => DeviceClient.GetRegionInfo(request)),
        Of<VfioIrqInfo>(VfioIoctl.GetIrqInfo, needsBinding: true, changes: false, (_, request) => DeviceClient.GetIrqInfo(request)),
        Of<VfioIrqSet>(VfioIoctl.SetIrqs, needsBinding: true, changes: true, (client, request) => client.SetIrqs(request)),
        Of<VfioDeviceFeature>(VfioIoctl.Feature, needsBinding: true, changes: false, (_, request) => DeviceClient.Feature(request)),
        new(VfioIoctl.Reset, 0, NeedsBinding: true, Changes: true, (client, _) => -(int)client.Device.Reset(client)),
    ];

    internal static DeviceIoctl? Find(uint command) => Array.Find(s_rows, r => (uint)r.Command == command);

    /// <summary>Copies the structure in, judges it and runs the handler: the ioctl's result.</summary>
    internal int Run(DeviceClient client, IoctlCaller caller, ulong address)
    {
        byte[] structure = new byte[Size];
        int result = Size == 0 ? 0 : caller.Read(address, structure);
        if (result < 0)
            return result;
        if (Size > 0 && MemoryMarshal.Read<uint>(structure) < Size)
            return -(int)Errno.EINVAL;
        return Handler(client, new DeviceRequest(caller, address, structure));
    }

    private static DeviceIoctl Of<T>(VfioIoctl command, bool needsBinding, bool changes, Func<DeviceClient, DeviceRequest, int> handler)
        where T : unmanaged => new(command, Unsafe.SizeOf<T>(), needsBinding, changes, handler);
}

/// <summary>An ioctl whose structure was copied in.</summary>
internal sealed class DeviceRequest(IoctlCaller caller, ulong address, byte[] structure)
{
    internal IoctlCaller Caller => caller;

    /// <summary>Where what follows the structure lies in the caller's memory.</summary>
    internal ulong Behind => unchecked(address + (ulong)structure.Length);

    internal T Get<T>()
        where T : unmanaged => MemoryMarshal.Read<T>(structure);

    /// <summary>Copies the structure out.</summary>
    internal int Put<T>(in T value)
        where T : unmanaged => caller.Write(address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
}
