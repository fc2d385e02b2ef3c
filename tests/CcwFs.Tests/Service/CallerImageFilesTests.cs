using System.Runtime.InteropServices;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using CcwFs.Service.Images;
using CcwFs.Tests.Images;
using Microsoft.Extensions.Logging.Abstractions;
using Mono.Unix.Native;

namespace CcwFs.Tests.Service;

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

    [Theory]
    [InlineData(true)]  // they are many users, and the image's owner comes last
    [InlineData(false)] // they are one user with many groups, and who may write comes last
    public void Many_who_may_not_are_not_in_the_way_of_one_who_may(bool isOwner)
    {
        const uint Owner = 2_000, First = 2_001;
        uint last = isOwner ? Owner : First + 1;
        (IImageFile image, IRedoPlace redo, ImageUsers users) = Share(Owner, last);
        using (image)
        using (redo)
        {
            for (uint other = 0; other < 20; other++)
                users.Add(User(isOwner ? new(First + other, 1, []) : new(First, 100 + other, [])));
            users.Add(User(new(last, last, [])));
            redo.Create().Dispose();
            Assert.Equal(last, Status(redo.Path).Uid);
            Assert.Equal(0, redo.Remove());
        }
    }

    [Fact]
    public void Who_made_a_redo_file_and_left_is_the_one_in_whose_name_it_goes()
    {
        const uint Owner = 2_000, Other = 2_001;
        (IImageFile image, IRedoPlace redo, ImageUsers users) = Share(Owner, Owner);
        using (image)
        using (redo)
        {
            ImageUser owner = User(new(Owner, Owner, [])), other = User(new(Other, Other, []));
            users.Add(owner);
            users.Add(other);
            redo.Create().Dispose();
            users.Remove(owner);
            File.SetUnixFileMode(_files["home"], (UnixFileMode)0x16D); // 0555: the owner may not either, now
            Assert.Equal(-(int)Errno.EACCES, redo.Remove());
            File.SetUnixFileMode(_files["home"], (UnixFileMode)0x1ED);
            File.Move(redo.Path, redo.Path + ".kept");
            File.WriteAllText(redo.Path, "of the owner's own");
            Assert.Equal(-(int)Errno.EACCES, redo.Remove());           // it is another file
            File.Move(redo.Path + ".kept", redo.Path, overwrite: true);
            Assert.Equal(0, redo.Remove());
            Assert.False(File.Exists(redo.Path));
            Assert.Throws<ImageException>(redo.Create);                // who is left has no rights but his own
        }
    }

    [Fact]
    public void Who_cannot_be_seen_is_nobody_to_act_for()
    {
        Assert.Equal(0, CallerIdentity.OfRequest(0, 0, 0, out CallerIdentity hidden));
        Assert.False(hidden.IsOurs);
        Assert.Contains("cannot be seen", Assert.Throws<IdentityException>(() => hidden.Run(() => 0)).Message, StringComparison.Ordinal);
    }

    /// <summary>An image that everybody may write in a directory of one user, and the place of its redo file, without users.</summary>
    private (IImageFile Image, IRedoPlace Redo, ImageUsers Users) Share(uint owner, uint directoryOwner)
    {
        File.SetUnixFileMode(_files.Path, (UnixFileMode)0x1ED); // 0755
        Directory.CreateDirectory(_files["home"], (UnixFileMode)0x1ED);
        string path = _files.Create("home/v.ckd", 1);
        File.SetUnixFileMode(path, (UnixFileMode)0x1B6);
        Assert.Equal((0, ""), _files.Run("chown", $"{owner}", path));
        Assert.Equal((0, ""), _files.Run("chown", $"{directoryOwner}", _files["home"]));
        var users = new ImageUsers(new DeviceQuota(self: 0, owner: null, SystemLimits.Read()));
        FileStatus status = Status(path);
        var files = new CallerImageFiles(null, User(null), users, path, new FileIdentity(status.Device, status.Inode));
        IImageFile image = Assert.IsAssignableFrom<IImageFile>(files.Open(path, write: true));
        return (image, files.RedoOf(image), users);
    }

    private static ImageUser User(CallerIdentity? who) => new(who, DeviceCharge.None, NullLogger.Instance);

    private static FileStatus Status(string path)
    {
        Assert.Equal(0, FileDescriptor.Status(path, follow: true, out FileStatus status));
        return status;
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
