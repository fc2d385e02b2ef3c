using System.Runtime.InteropServices;
using CcwFs.Cli.Mount;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;
using CcwFs.Tests.Images;
using Microsoft.Extensions.Logging.Abstractions;
using Mono.Unix.Native;

namespace CcwFs.Tests.Cli;

/// <summary>Files of a user in whose place we cannot stand any more: their caller knows errnos and <see cref="ImageException"/> alone.</summary>
public sealed class CallerImageFilesTests : IDisposable
{
    private const ulong SetGid = 1 << 6, SetUid = 1 << 7; // CAP_SETGID, CAP_SETUID

    private static readonly CallerIdentity s_user = new(65_534, 65_534, []);

    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void What_cannot_be_done_as_the_user_is_an_errno_or_a_fault_of_the_image()
    {
        string path = _files.Create("v.ckd", 1);
        File.SetUnixFileMode(path, (UnixFileMode)0x1B6);         // 0666
        File.SetUnixFileMode(_files.Path, (UnixFileMode)0x1FF);  // 0777
        var user = new ImageUser(s_user, DeviceCharge.None, NullLogger.Instance);
        var users = new ImageUsers(new DeviceQuota(self: 0, owner: null, SystemLimits.Read()));
        users.Add(user);
        Assert.Equal(0, FileDescriptor.Status(path, follow: true, out FileStatus status));
        var files = new CallerImageFiles(s_user, user, users, path, new FileIdentity(status.Device, status.Inode));
        using IImageFile image = Assert.IsAssignableFrom<IImageFile>(files.Open(path, write: true));
        using IRedoPlace redo = files.RedoOf(image);
        WithoutRights(() =>
        {
            Assert.Equal(-(int)Errno.EPERM, redo.Remove());
            Assert.Equal(-(int)Errno.EPERM, redo.SyncName());
            Assert.Throws<ImageException>(redo.Create);
            Assert.Throws<ImageException>(redo.Open);
            Assert.Throws<ImageException>(() => files.Open(path, write: true));
        });
    }

    [Fact]
    public void Who_cannot_be_seen_is_nobody_to_act_for()
    {
        Assert.Equal(0, CallerIdentity.OfRequest(0, 0, 0, out CallerIdentity hidden));
        Assert.False(hidden.IsOurs);
        Assert.Contains("cannot be seen", Assert.Throws<IdentityException>(() => hidden.Run(() => 0)).Message, StringComparison.Ordinal);
    }

    /// <summary>Capabilities are a thread's, and the threads that it makes have them from it.</summary>
    private static void WithoutRights(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            uint[] header = [0x2008_0522, 0], data = new uint[6]; // version 3: effective, permitted, inheritable of 32 each
            failure = Record.Exception(() =>
            {
                Assert.Equal(0, GetCapabilities(header, data));
                data[0] &= ~(uint)(SetGid | SetUid);
                data[1] &= ~(uint)(SetGid | SetUid);
                Assert.Equal(0, SetCapabilities(header, data));
                action();
            });
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    [DllImport("libc", EntryPoint = "capget")]
    private static extern int GetCapabilities(uint[] header, [In, Out] uint[] data);

    [DllImport("libc", EntryPoint = "capset")]
    private static extern int SetCapabilities(uint[] header, uint[] data);
}
