using System.Runtime.InteropServices;
using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using CcwFs.Tests.Linux;
using CcwFs.Vfio;

namespace CcwFs.Tests.Subchannel;

/// <summary>The regions against the kernel's own headers: a C compiler checks every size, offset and number.</summary>
public sealed class VfioHeaderTests
{
    private const string Declarations = "#include <stddef.h>\n#include <linux/vfio.h>\n#include <linux/vfio_ccw.h>\n";

    private static readonly (string Expression, long Value)[] s_facts =
    [
        ("sizeof(struct ccw_io_region)", RegionLayout.IoSize),
        ("offsetof(struct ccw_io_region, orb_area)", 0),
        ("offsetof(struct ccw_io_region, scsw_area)", RegionLayout.ScswOffset),
        ("offsetof(struct ccw_io_region, irb_area)", RegionLayout.IrbOffset),
        ("offsetof(struct ccw_io_region, ret_code)", RegionLayout.IoRetCodeOffset),
        ("ORB_AREA_SIZE", Orb.Size),
        ("SCSW_AREA_SIZE", Scsw.Size),
        ("IRB_AREA_SIZE", Irb.Size),
        ("sizeof(struct ccw_cmd_region)", RegionLayout.CmdSize),
        ("offsetof(struct ccw_cmd_region, command)", 0),
        ("offsetof(struct ccw_cmd_region, ret_code)", RegionLayout.CmdRetCodeOffset),
        ("VFIO_CCW_ASYNC_CMD_HSCH", RegionLayout.CommandHalt),
        ("VFIO_CCW_ASYNC_CMD_CSCH", RegionLayout.CommandClear),
        ("sizeof(struct ccw_schib_region)", RegionLayout.SchibSize),
        ("SCHIB_AREA_SIZE", Schib.Size),
        ("sizeof(struct ccw_crw_region)", RegionLayout.CrwSize),
        ("offsetof(struct ccw_crw_region, crw)", 0),
        ("VFIO_CCW_CONFIG_REGION_INDEX", (long)RegionIndex.Io),
        ("VFIO_REGION_SUBTYPE_CCW_ASYNC_CMD", (long)RegionIndex.Cmd),
        ("VFIO_REGION_SUBTYPE_CCW_SCHIB", (long)RegionIndex.Schib),
        ("VFIO_REGION_SUBTYPE_CCW_CRW", (long)RegionIndex.Crw),
        ("VFIO_API_VERSION", VfioContainer.ApiVersion),
        ("VFIO_TYPE1v2_IOMMU", VfioContainer.Type1v2),
        ("VFIO_GET_API_VERSION", (long)VfioContainerIoctl.GetApiVersion),
        ("VFIO_CHECK_EXTENSION", (long)VfioContainerIoctl.CheckExtension),
        ("VFIO_SET_IOMMU", (long)VfioContainerIoctl.SetIommu),
        ("VFIO_GROUP_GET_STATUS", (long)VfioContainerIoctl.GroupGetStatus),
        ("VFIO_GROUP_SET_CONTAINER", (long)VfioContainerIoctl.GroupSetContainer),
        ("VFIO_GROUP_GET_DEVICE_FD", (long)VfioContainerIoctl.GroupGetDeviceFd),
        ("VFIO_IOMMU_MAP_DMA", (long)VfioContainerIoctl.MapDma),
        ("VFIO_IOMMU_UNMAP_DMA", (long)VfioContainerIoctl.UnmapDma),
        ("VFIO_GROUP_FLAGS_VIABLE", VfioGroupStatus.FlagViable),
        ("VFIO_DMA_MAP_FLAG_READ", VfioDmaMap.FlagRead),
        ("VFIO_DMA_MAP_FLAG_WRITE", VfioDmaMap.FlagWrite),
        ("sizeof(struct vfio_group_status)", Marshal.SizeOf<VfioGroupStatus>()),
        ("sizeof(struct vfio_iommu_type1_dma_map)", Marshal.SizeOf<VfioDmaMap>()),
        ("offsetof(struct vfio_iommu_type1_dma_map, vaddr)", (long)Marshal.OffsetOf<VfioDmaMap>("Vaddr")),
        ("offsetof(struct vfio_iommu_type1_dma_map, iova)", (long)Marshal.OffsetOf<VfioDmaMap>("Iova")),
        ("offsetof(struct vfio_iommu_type1_dma_map, size)", (long)Marshal.OffsetOf<VfioDmaMap>("Size")),
        ("sizeof(struct vfio_iommu_type1_dma_unmap)", Marshal.SizeOf<VfioDmaUnmap>()),
        ("offsetof(struct vfio_iommu_type1_dma_unmap, iova)", (long)Marshal.OffsetOf<VfioDmaUnmap>("Iova")),
        ("offsetof(struct vfio_iommu_type1_dma_unmap, size)", (long)Marshal.OffsetOf<VfioDmaUnmap>("Size")),
    ];

    [Fact]
    public void Sizes_offsets_and_numbers_are_those_of_the_kernel_headers()
    {
        (int status, string output) = CCompiler.Judge(Declarations, s_facts);
        Assert.True(status == 0, output);
    }

    [Fact]
    public void A_wrong_size_is_found()
    {
        (int status, _) = CCompiler.Judge(Declarations, [("sizeof(struct ccw_io_region)", RegionLayout.IoSize + 1)]);
        Assert.NotEqual(0, status);
    }
}
