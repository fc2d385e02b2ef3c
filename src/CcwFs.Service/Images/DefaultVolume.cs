using CcwFs.Control;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;

namespace CcwFs.Service.Images;

/// <summary>The volume of a mount for which nobody asked for devices; it is made on first use.</summary>
internal static class DefaultVolume
{
    /// <summary>Its cylinders (arbitrary: some 80 MB formatted).</summary>
    private const int Cylinders = 100;

    /// <summary>The devices that were asked for; where nobody said (null), the one on this volume.</summary>
    internal static IReadOnlyList<DeviceSpec> Or(IReadOnlyList<DeviceSpec>? asked) => asked ?? [Device()];

    private static DeviceSpec Device()
    {
        string path = Places.DefaultVolume;
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            CkdGeometry geometry = CkdGeometry.Model3390(Cylinders);
            CkdImageCreator.Create(path, geometry, VolumeLayout.Create(geometry, VolumeFormat.Cdl, volser: "CCWFS1"), lazy: false, progress: null,
                CancellationToken.None);
        }
        DeviceSpec spec = DeviceKinds.OfKind("dasd", "dasd");
        spec.Apply("image", path);
        return spec;
    }
}
