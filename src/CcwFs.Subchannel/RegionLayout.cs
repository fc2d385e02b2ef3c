namespace CcwFs.Subchannel;

/// <summary>The regions of a vfio-ccw device, in the order of their VFIO indices (Documentation/arch/s390/vfio-ccw.rst).</summary>
public enum RegionIndex
{
    /// <summary>I/O: ORB 12, SCSW area 12, IRB 96, ret_code 4.</summary>
    Io,

    /// <summary>Asynchronous commands: command 4, ret_code 4.</summary>
    Cmd,

    /// <summary>STORE SUBCHANNEL, 52 bytes.</summary>
    Schib,

    /// <summary>Channel report words: CRW 4, padding 4.</summary>
    Crw,
}

/// <summary>
/// Sizes and offsets of the regions. Architecture structures are big-endian; ret_code and command are host-endian (linux/vfio_ccw.h).
/// </summary>
public static class RegionLayout
{
    /// <summary>Bytes of the io region.</summary>
    public const int IoSize = 124;

    /// <summary>Bytes of the cmd region.</summary>
    public const int CmdSize = 8;

    /// <summary>Bytes of the schib region.</summary>
    public const int SchibSize = 52;

    /// <summary>Bytes of the crw region.</summary>
    public const int CrwSize = 8;

    /// <summary>Where the SCSW area lies in io.</summary>
    public const int ScswOffset = 12;

    /// <summary>Where the IRB lies in io.</summary>
    public const int IrbOffset = 24;

    /// <summary>Where ret_code lies in io.</summary>
    public const int IoRetCodeOffset = 120;

    /// <summary>Where ret_code lies in cmd.</summary>
    public const int CmdRetCodeOffset = 4;

    /// <summary>cmd: HALT SUBCHANNEL (VFIO_CCW_ASYNC_CMD_HSCH).</summary>
    public const uint CommandHalt = 1;

    /// <summary>cmd: CLEAR SUBCHANNEL (VFIO_CCW_ASYNC_CMD_CSCH).</summary>
    public const uint CommandClear = 2;

    /// <summary>A region's size in bytes.</summary>
    public static int Size(RegionIndex region) => region switch
    {
        RegionIndex.Io => IoSize,
        RegionIndex.Cmd => CmdSize,
        RegionIndex.Schib => SchibSize,
        RegionIndex.Crw => CrwSize,
        _ => throw new ArgumentOutOfRangeException(nameof(region)),
    };
}
