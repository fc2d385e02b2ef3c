using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using CcwFs.Tests.Linux;

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
