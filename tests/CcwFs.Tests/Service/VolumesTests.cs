using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using CcwFs.Service.Images;
using CcwFs.Tests.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Service;

public sealed class VolumesTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_device_that_cannot_be_made_leaves_its_image_as_it_was()
    {
        string path = _files.Create("v.ckd", 1);
        var volumes = new Volumes(new DeviceQuota(self: 0, owner: null, SystemLimits.Read()), new GarbageTrim());
        void Fail() => volumes.OpenImage<EckdVolume,
            int>(new EckdImages(), path, false, ImageSync.None, null, NullLogger.Instance, _ => throw new InvalidTimeZoneException());
        for (int round = 0; round < 2; round++)
        {
            Assert.Throws<InvalidTimeZoneException>(Fail);
            CkdImage.Open(path).Dispose(); // not locked
        }
        OpenImage<string> first =
            volumes.OpenImage(new EckdImages(), path, false, ImageSync.None, null, NullLogger.Instance, static volume => volume.Name);
        Assert.Throws<InvalidTimeZoneException>(Fail);
        Assert.Throws<ImageException>(() => CkdImage.Open(path)); // the first one's
        bool ended = false;
        Assert.Null(first.Closing(() => ended = true));
        Assert.True(ended);
    }
}
