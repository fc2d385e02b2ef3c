using CcwFs.Control;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;

namespace CcwFs.Tests.Service;

/// <summary>Rules of a SPEC: of an emulated DASD they are judged at once, of a real device by the families that it may be of.</summary>
public sealed class DevicePolicySpecTests
{
    [Theory]
    [InlineData("dasd,deny=READ_DATA", null)]
    [InlineData("dasd,deny=LOCATE", "'LOCATE' is no command")]
    [InlineData("dasd,extents=0/0-0/15", "'0/0-0/15' is no range of tracks")]
    [InlineData("vfio,device=0.0.1234,deny=READ_DATA", null)]
    [InlineData("vfio,device=0.0.1234,deny=LOCATE", null)]
    [InlineData("vfio,device=0.0.1234,deny=READ_BACKWARD", null)]
    [InlineData("vfio,device=0.0.1234,deny=LOCATE.PREFIX", "'LOCATE' is no command")] // no family has both
    [InlineData("vfio,device=0.0.1234,allow=PEEK", "'PEEK' is no command")]
    [InlineData("vfio,device=0.0.1234,extents=100000-200000", null)]
    [InlineData("vfio,device=0.0.1234,extents=0/1", null)]
    [InlineData("vfio,device=0.0.1234,extents=9-1", "'9-1' is no range of tracks")]
    public void A_rule_that_no_family_has_is_refused_before_the_device_is_opened(string spec, string? wrong)
    {
        if (wrong is null)
            Assert.NotNull(DeviceKinds.Parse(spec));
        else
            Assert.Contains(wrong, Assert.Throws<CommandException>(() => DeviceKinds.Parse(spec)).Message, StringComparison.Ordinal);
    }
}
