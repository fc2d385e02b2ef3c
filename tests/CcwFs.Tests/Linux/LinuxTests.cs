using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Tests.Linux;

public sealed class LinuxTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("ccwfs-linux-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>As a child does that is just being started, between its fork and its exec.</summary>
    [Fact]
    public void A_lock_ends_with_its_holder_though_the_open_file_does_not()
    {
        string path = _directory + "/locked";
        Assert.Equal(0, FileDescriptor.Open(path, OpenOptions.ReadWrite | OpenOptions.Create, 0x180, out FileDescriptor holder));
        Assert.Equal(0, FileDescriptor.Open(path, OpenOptions.ReadWrite, 0, out FileDescriptor other));
        Assert.Equal(0, holder.TryLock(exclusive: true));
        Assert.Equal(0, holder.Duplicate(out FileDescriptor childs));
        using (other)
        using (childs)
        {
            Assert.Equal(-(int)Errno.EWOULDBLOCK, other.TryLock(exclusive: true));
            holder.Dispose();
            Assert.Equal(0, other.TryLock(exclusive: true));
        }
    }

    [Fact]
    public void Shared_memory_is_sparse_checked_at_its_end_and_seen_through_every_mapping()
    {
        using SharedMemory memory = SharedMemory.Create("test", 1L << 32);
        memory.Write((1L << 32) - 3, [1, 2, 3]);
        byte[] back = new byte[4];
        memory.Read((1L << 32) - 4, back);
        Assert.Equal([0, 1, 2, 3], back);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write((1L << 32) - 2, [1, 2, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(-1, back));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(long.MaxValue, back));
        Assert.Equal(0, memory.File.Duplicate(out FileDescriptor again));
        Assert.Equal(0, SharedMemory.Map(again, out SharedMemory? second));
        using (second)
        {
            second!.Write(5, [9]);
            memory.Read(4, back);
            Assert.Equal([0, 9, 0, 0], back);
        }
        Assert.Equal(0, memory.File.Status(out FileStatus status));
        Assert.InRange(status.Blocks, 1ul, 100ul);
        Assert.Equal(-1, memory.File.SetLength(4096));
    }

    [Fact]
    public void Shared_memory_that_can_shrink_is_not_mapped_and_a_disposed_one_throws()
    {
        Assert.Equal(0, FileDescriptor.Open(_directory + "/f", OpenOptions.ReadWrite | OpenOptions.Create, 0x180, out FileDescriptor file));
        Assert.Equal(0, file.SetLength(4096));
        Assert.True(SharedMemory.Map(file, out SharedMemory? none) < 0);
        Assert.Null(none);
        Assert.True(file.IsClosed);
        SharedMemory memory = SharedMemory.Create("test", 4096);
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Write(0, [1]));
    }

    [Fact]
    public void An_eventfd_counts_wakes_poll_and_can_be_taken_from_a_process()
    {
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: true, out FileDescriptor counter));
        using (counter)
        {
            Span<byte> count = stackalloc byte[8];
            Assert.Equal(-11, counter.Read(count));
            Assert.Equal(0, Descriptors.Poll(counter, Descriptors.PollIn, 0));
            Assert.Equal(0, Descriptors.OpenProcess(Environment.ProcessId, out FileDescriptor self));
            using (self)
            {
                Assert.Equal(0, Descriptors.TakeFromProcess(self, counter.Number, out FileDescriptor taken));
                using (taken)
                    Assert.Equal(0, Descriptors.Signal(taken, 41));
            }
            Assert.Equal(Descriptors.PollIn, Descriptors.Poll(counter, Descriptors.PollIn, 0));
            Assert.Equal(8, counter.Read(count));
            Assert.Equal(41ul, BitConverter.ToUInt64(count));
        }
    }

    [Fact]
    public void Calls_on_files_give_counts_or_negative_errnos()
    {
        string path = _directory + "/f";
        Assert.Equal(-2, FileDescriptor.Open(path, OpenOptions.ReadOnly, 0, out _));
        Assert.Equal(0, FileDescriptor.Open(path, OpenOptions.ReadWrite | OpenOptions.Create, 0x180, out FileDescriptor file));
        using (file)
        {
            Assert.Equal(5, file.Write("ab"u8, "cde"u8));
            Assert.Equal(2, file.WriteAt(10, "xy"u8));
            byte[] bytes = new byte[20];
            Assert.Equal(12, file.ReadAt(0, bytes));
            Assert.Equal("abcde\0\0\0\0\0xy"u8.ToArray(), bytes[..12]);
            Assert.Equal(0, file.Status(out FileStatus status));
            Assert.Equal((12L, FileStatus.TypeRegular, 0x180u), (status.Size, status.Type, status.Mode & 0xFFF));
            Assert.Equal(0, FileDescriptor.Status(path, follow: true, out FileStatus same));
            Assert.Equal((status.Device, status.Inode), (same.Device, same.Inode));
            Assert.Equal(0, file.TryLock(exclusive: true));
            Assert.Equal(0, FileDescriptor.Open(path, OpenOptions.ReadWrite, 0, out FileDescriptor rival));
            using (rival)
                Assert.Equal(-11, rival.TryLock(exclusive: false));
            Assert.Equal(0, file.FileSystemType(out long magic));
            Assert.NotEqual(0, magic);
        }
        File.CreateSymbolicLink(_directory + "/l", "f");
        Assert.Equal(0, FileSystems.ReadLink(_directory + "/l", out string target));
        Assert.Equal("f", target);
        Assert.Equal(-22, FileSystems.ReadLink(path, out _));
    }

    [Fact]
    public void What_is_opened_as_another_user_is_opened_with_that_users_rights_and_no_other_thread_notices()
    {
        string path = _directory + "/secret";
        File.WriteAllText(path, "x");
        Assert.Equal(0, Fuse.Child.Run(Fuse.Child.Start("/", "chmod", "400", path)).Status);
        Assert.Equal(0, Fuse.Child.Run(Fuse.Child.Start("/", "chmod", "755", _directory)).Status);
        CallerIdentity nobody = new(65534, 65534, [65534]);
        static int TryOpen(string path)
        {
            int result = FileDescriptor.Open(path, OpenOptions.ReadOnly, 0, out FileDescriptor file);
            file.Dispose();
            return result;
        }

        Assert.Equal(-13, nobody.Run(() => TryOpen(path)));
        Assert.Equal(0, TryOpen(path));
        Assert.Equal(0, CallerIdentity.OfRequest((uint)Environment.ProcessId, 0, 0, out CallerIdentity self));
        Assert.Equal(0, self.Run(() => TryOpen(path)));
        Assert.Throws<InvalidOperationException>(() => nobody.Run<int>(() => throw new InvalidOperationException()));
    }

    [Fact]
    public void A_request_has_the_groups_of_its_thread_and_never_more_rights_than_it_says()
    {
        using System.Diagnostics.Process other = Fuse.Child.Start(
            "/", "setpriv", "--reuid", "1234", "--regid", "2345", "--groups", "7,8", "sh", "-c", "cd /; echo ready; read line");
        other.Says("ready");
        uint thread = (uint)other.Id;
        Assert.Equal(0, CallerIdentity.OfRequest(thread, 1234, 2345, out CallerIdentity caller));
        Assert.Equal((1234u, 2345u, "7 8"), (caller.Uid, caller.Gid, string.Join(' ', caller.Groups)));
        Assert.Equal(-1, CallerIdentity.OfRequest(thread, 0, 0, out _)); // /proc says another one
        Assert.Equal(-1, CallerIdentity.OfRequest(thread, 1234, 0, out _));
        Assert.Equal(-1, CallerIdentity.OfRequest(thread, 0, 2345, out _));
        foreach (uint unseen in (uint[])[0, int.MaxValue])
        {
            Assert.Equal(0, CallerIdentity.OfRequest(unseen, 1234, 2345, out caller));
            Assert.Empty(caller.Groups);
            Assert.Null(CallerIdentity.DirectoryOf(unseen));
        }
        Assert.Equal("/", CallerIdentity.DirectoryOf(thread));
        other.Kill();
    }
}
