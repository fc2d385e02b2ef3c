using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using Mono.Unix.Native;

namespace CcwFs.Tests.Images;

/// <summary>Every call of a write, a sync, a close and an open fails once, with each errno.</summary>
public abstract class FailingCallTests(StoreForm form) : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose()
    {
        _files.Dispose();
        GC.SuppressFinalize(this);
    }

    public static TheoryData<Errno, bool> Errors
    {
        get
        {
            var data = new TheoryData<Errno, bool>();
            foreach (Errno errno in (Errno[])[
                Errno.EIO, Errno.ENOSPC, Errno.EDQUOT, Errno.EROFS, Errno.EPERM, Errno.EACCES, Errno.EFBIG, Errno.EINTR, Errno.EAGAIN,
                    Errno.ECANCELED,
                Errno.EINVAL, Errno.EBADF, Errno.ENOMEM, Errno.ESTALE, Errno.ETIMEDOUT, Errno.EREMOTEIO])
            {
                data.Add(errno, true);
                data.Add(errno, false);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public void A_call_that_fails_loses_nothing_that_was_acknowledged_and_is_told(Errno errno, bool program)
    {
        ImageSync sync = program ? ImageSync.Program : ImageSync.None;
        byte[] image = form.Make(_files, "ERRORS");
        int calls = CountCalls(image, sync);
        Assert.InRange(calls, 10, 100);
        for (int failing = 1; failing <= calls; failing++)
        {
            var disk = new RecordedDisk(new DiskFile(1, (byte[])image.Clone()), null, Guid.NewGuid()) { Form = form };
            List<string> said = [];
            int call = 0;
            bool judging = false;
            string failed = "";
            SlotStore volume = disk.OpenImage(sync, said);
            Assert.True(TwoTracks.Try(volume, 1, out _));
            disk.Fail = what =>
            {
                if (judging || ++call != failing)
                    return 0;
                failed = what;
                return -(int)errno;
            };
            bool acknowledged = TwoTracks.Try(volume, 2, out ImageException? told);
            judging = true;
            int? read = TwoTracks.Read(volume);
            judging = false;
            Assert.True(read == 2 || (!acknowledged && read == 1), $"{failed} {errno}: {read} is read, acknowledged: {acknowledged}");
            Assert.True(acknowledged || told!.Errno == (int)errno, $"{failed}: {errno} became {told?.Errno} ({told?.Message})");
            Assert.DoesNotContain("Exception", told?.Message ?? "", StringComparison.Ordinal);
            bool next = TwoTracks.Try(volume, 3, out _);
            volume.Dispose();
            Assert.True(acknowledged || told is not null || volume.CloseFault is not null || said.Count > 0, $"{failed} {errno}: nobody was told");
            Judge(disk, failed, volume.CloseFault, next ? 3 : acknowledged ? 2 : 1);
        }
    }

    private int CountCalls(byte[] image, ImageSync sync)
    {
        var disk = new RecordedDisk(new DiskFile(1, (byte[])image.Clone()), null, Guid.NewGuid()) { Form = form };
        SlotStore volume = disk.OpenImage(sync);
        Assert.True(TwoTracks.Try(volume, 1, out _));
        int calls = 0;
        disk.Fail = _ => 0 * ++calls;
        Assert.True(TwoTracks.Try(volume, 2, out _));
        volume.Dispose();
        return calls;
    }

    private static void Judge(RecordedDisk disk, string failed, string? closeFault, int least)
    {
        disk.Fail = null;
        try
        {
            using SlotStore again = disk.OpenImage(ImageSync.None);
            Assert.Empty(ImageChecker.Check(again));
            Assert.True(TwoTracks.Read(again) is { } found && found >= least, $"{failed}: {TwoTracks.Read(again)} was opened again, {least} was acknowledged");
        }
        catch (ImageException refusal)
        {
            // Only what a sync could not bring to the disk may be refused, and then the close has said so.
            Assert.NotNull(closeFault);
            Assert.Contains("could not be brought to the disk", refusal.Message, StringComparison.Ordinal);
        }
    }
}

public sealed class CkdFailingCallTests() : FailingCallTests(StoreForm.Ckd);

public sealed class RawFailingCallTests() : FailingCallTests(StoreForm.Raw);

public sealed class OverlayFailingCallTests() : FailingCallTests(StoreForm.Overlay);
