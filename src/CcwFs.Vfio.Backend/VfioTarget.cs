namespace CcwFs.Vfio.Backend;

/// <summary>Which device to open, and how.</summary>
/// <param name="Path">
/// The device's cdev (/dev/vfio/devices/vfioN, or `device` of another ccwfs), or its group (/dev/vfio/N) where there is a <paramref name="Uuid"/>.
/// </param>
/// <param name="Iommu">The iommufd, or the container; null: /dev/iommu or /dev/vfio/vfio.</param>
/// <param name="Uuid">The mediated device's name in its group; null: by cdev and iommufd.</param>
public sealed record VfioTarget(string Path, string? Iommu = null, string? Uuid = null)
{
    /// <summary>The iommufd of the system.</summary>
    public const string DefaultIommu = "/dev/iommu";

    /// <summary>The container of the system.</summary>
    public const string DefaultContainer = "/dev/vfio/vfio";

    /// <summary>The iommufd, or the container.</summary>
    public string IommuPath => Iommu ?? (Uuid is null ? DefaultIommu : DefaultContainer);
}
