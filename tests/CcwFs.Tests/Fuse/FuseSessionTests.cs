using System.Diagnostics;
using CcwFs.Fuse;
using Microsoft.Extensions.Logging;

namespace CcwFs.Tests.Fuse;

/// <summary>What a session does, the same whichever way requests come.</summary>
public abstract class FuseSessionTests(FuseTransport transport)
{
    [Fact]
    public void Shell_tools_reach_every_operation()
    {
        using Mounted mounted = Mount();
        (int status, string output) = mounted.Run("bash", "-c", """
            set -e; cd "$D"
            ls -a1 | tr '\n' ' '; stat -c '%s %a %Y' data; readlink link
            printf abcdefgh | dd of=data bs=8 status=none; head -c 8 data; echo
            printf XY > data; head -c 8 data; echo
            cat data | wc -c; sync data; sync -d data; sync -f . ; df . >/dev/null
            for c in 'mkdir x' 'mkfifo x' 'ln -s a x' 'ln data x' 'rm -f data' 'rmdir link' 'mv data x' 'touch x' 'chmod 777 data'
            do $c 2>&1 | grep -o 'not permitted\|Not a directory' || echo "$c went through"; done
            """);
        Assert.True(status == 0, output);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(". .. big block data fault link range wait 124 666 1000000000", lines[0]);
        Assert.Equal(["data", "abcdefgh", "XYcdefgh", "124"], lines[1..5]);
        Assert.Equal(
            ["not permitted", "not permitted", "not permitted", "not permitted", "not permitted", "Not a directory", "not permitted", "not permitted",
                "not permitted"],
            lines[5..]);
        string[] wanted =
        [
            "LOOKUP", "GETATTR", "SETATTR 8 0", "READLINK", "OPEN", "RELEASE", "OPENDIR", "READDIRPLUS", "RELEASEDIR", "STATFS", "FLUSH", "FSYNC",
                "FDATASYNC",
        ];
        Assert.Empty(wanted.Except(mounted.Tree.Seen.Keys));
    }

    [Fact]
    public void A_line_that_cannot_be_written_ends_nothing()
    {
        using Mounted mounted = new(Options, new FailingLogger());
        Assert.Equal("EIO EIO 8\n", mounted.Python("""
            for file in 'fault', 'range':
                try: os.pread(os.open(D + '/' + file, os.O_RDONLY), 8, 0)
                except OSError as e: print(errno.errorcode[e.errno], end=' ')
            print(len(os.pread(os.open(D + '/data', os.O_RDONLY), 8, 0)))
            """));
    }

    [Fact]
    public void Extended_attributes_have_no_data_and_unknown_operations_are_not_supported()
    {
        using Mounted mounted = Mount();
        Assert.Equal("ENODATA ENODATA ENOTSUP EPERM EPERM \n", mounted.Python("""
            def t(f):
                try: f(); print('done', end=' ')
                except OSError as e: print(errno.errorcode[e.errno], end=' ')
            t(lambda: os.getxattr(D + '/data', 'user.a'))
            t(lambda: os.listxattr(D + '/data'))
            fd = os.open(D + '/data', os.O_RDWR)
            t(lambda: os.setxattr(D + '/data', 'user.a', b'x'))
            t(lambda: os.open(D, os.O_TMPFILE | os.O_RDWR))
            t(lambda: os.mkdir(D + '/n'))
            print()
            """));
    }

    [Fact]
    public void An_ioctl_carries_its_bytes_both_ways_and_a_sizeless_one_its_pointer()
    {
        using Mounted mounted = Mount();
        Assert.Equal("7 fffefdfcfbfaf9f8\n4660\nENOTTY\n", mounted.Python("""
            fd = os.open(D + '/data', os.O_RDWR)
            b = bytearray(range(8)); r = fcntl.ioctl(fd, 0xC0085801, b, True); print(r, b.hex())
            print(fcntl.ioctl(fd, 0x3B64, 0x1234))
            try: fcntl.ioctl(fd, 0x5899, 0)
            except OSError as e: print(errno.errorcode[e.errno])
            """));
        Assert.Equal(3, mounted.Tree.AfterReplies);
    }

    [Fact]
    public void An_edge_triggered_poller_is_woken_at_every_event()
    {
        using Mounted mounted = Mount();
        using Process child = mounted.StartPython("""
            fd = os.open(D + '/wait', os.O_RDWR); e = select.epoll(); e.register(fd, select.EPOLLIN | select.EPOLLET)
            assert e.poll(0) == []
            for i in range(20):
                print('waiting', flush=True)
                assert e.poll(20) == [(fd, select.EPOLLIN)], 'no event'
            os.write(1, b'%d\n' % struct.unpack('=Q', os.read(fd, 8)))
            """);
        for (int i = 0; i < 20; i++)
        {
            child.Says("waiting");
            mounted.Tree.Post();
        }
        (int status, string output) = Child.Run(child);
        Assert.True(status == 0, output);
        Assert.Equal("20\n", output);
    }

    [Fact]
    public void Held_reads_stop_nobody_and_each_is_answered_once()
    {
        using Mounted mounted = new(Options with { Workers = 2, MaxWorkers = 2 });
        using Process child = mounted.StartPython("""
            got = []
            def r():
                fd = os.open(D + '/wait', os.O_RDONLY); got.append(struct.unpack('=Q', os.read(fd, 8))[0])
            ts = [threading.Thread(target=r) for i in range(12)]
            [t.start() for t in ts]; [t.join() for t in ts]
            print(got)
            """);
        for (int i = 0; i < 12; i++)
            Assert.True(mounted.Tree.Deferred.Wait(Mounted.Patience));
        Assert.Equal((0, "124\n"), mounted.Run("bash", "-c", "cat $D/data | wc -c"));
        for (int i = 0; i < 12; i++)
            mounted.Tree.Post();
        Assert.Equal((0, $"[{string.Join(", ", Enumerable.Repeat(1, 12))}]\n"), Child.Run(child));
        Assert.Equal(12, mounted.Tree.Stale.Count);
        Assert.All(mounted.Tree.Stale, reply => Assert.False(reply.TryData(new byte[8]) || reply.TryFail(5)));
        Assert.False(default(DeferredReply).TryFail(5));
    }

    [Fact]
    public void A_signal_ends_a_held_read_with_eintr_even_when_it_comes_at_once()
    {
        using Mounted mounted = Mount();
        Assert.Equal("200\n", mounted.Python("""
            class Alarm(Exception): pass
            armed = False
            def hit(*a):
                global armed
                if armed: armed = False; raise Alarm()
            signal.signal(signal.SIGALRM, hit)
            fd = os.open(D + '/wait', os.O_RDONLY); n = 0
            for i in range(200):
                try:
                    armed = True
                    signal.setitimer(signal.ITIMER_REAL, 0.00001 + 0.00001 * i, 0.05) # again: the first may come just before read(2)
                    os.read(fd, 8)
                except Alarm: n += 1
            signal.setitimer(signal.ITIMER_REAL, 0) # one that comes while Python ends would kill it
            print(n)
            """));
        ulong[] told = [.. mounted.Tree.Interrupted]; // the holder is told after the reply: more may come while this looks
        Assert.NotEmpty(told);
        Assert.Equal(told.Distinct().Count(), told.Length);
    }

    [Fact]
    public void A_handler_that_blocks_every_first_worker_does_not_stop_others()
    {
        using Mounted mounted = new(Options with { Workers = 2, MaxWorkers = 8 });
        using Process child = mounted.StartPython("""
            def r(): os.read(os.open(D + '/block', os.O_RDONLY), 8)
            ts = [threading.Thread(target=r) for i in range(4)]
            [t.start() for t in ts]; [t.join() for t in ts]
            """);
        for (int i = 0; i < 4; i++)
            Assert.True(mounted.Tree.Blocked.Wait(Mounted.Patience));
        Assert.Equal((0, "124\n"), mounted.Run("bash", "-c", "cat $D/data | wc -c"));
        mounted.Tree.Blocker.Set();
        (int status, string output) = Child.Run(child);
        Assert.True(status == 0, output);
    }

    [Fact]
    public void A_failing_handler_and_an_errno_out_of_range_become_eio()
    {
        using Mounted mounted = Mount();
        Assert.Equal("EIO EIO 124\n", mounted.Python("""
            def t(n):
                try: return len(os.read(os.open(D + '/' + n, os.O_RDONLY), 200))
                except OSError as e: return errno.errorcode[e.errno]
            print(t('fault'), t('range'), t('data'))
            """));
    }

    [Fact]
    public void Reads_and_writes_of_a_megabyte_arrive_whole()
    {
        using Mounted mounted = Mount();
        Assert.Equal("1048576 1048576 0 4194304\n", mounted.Python("""
            fd = os.open(D + '/big', os.O_RDWR)
            print(os.pwrite(fd, b'x' * (1 << 20), 0), len(os.pread(fd, 1 << 20, 0)), len(os.pread(fd, 8, 4 << 20)), len(os.pread(fd, 5 << 20, 0)))
            """));
    }

    [Fact]
    public void A_read_and_a_write_allocate_nothing()
    {
        using Mounted mounted = new(Options with { Workers = 2, MaxWorkers = 2 });
        using Process child = mounted.StartPython("""
            fd = os.open(D + '/data', os.O_RDWR)
            for i in range(3000): os.pwrite(fd, b'x' * 124, 0); os.pread(fd, 124, 0)
            print('warm', flush=True)
            while sys.stdin.readline() == 'again\n':
                for i in range(3000): os.pwrite(fd, b'x' * 124, 0); os.pread(fd, 124, 0)
                print('done', flush=True)
            """);
        child.Says("warm");

        // From one READ or WRITE to the next on the same worker: the whole way of a request. The first wait for a contended lock makes its event,
        // once a lock and whenever the scheduler wills it: the steady state is there in the third round at the latest.
        for (int round = 1; round == 1 || (round <= 3 && mounted.Tree.WorstAllocation != 0); round++)
        {
            mounted.Tree.ForgetMeasurements();
            child.StandardInput.WriteLine("again");
            child.Says("done");
            Assert.InRange(mounted.Tree.Measured, 5000, 6000);
        }
        Assert.Equal(0, mounted.Tree.WorstAllocation);
        child.StandardInput.WriteLine();
        Assert.Equal(0, Child.Run(child).Status);
    }

    [Fact]
    public async Task A_lazy_unmount_with_held_reads_ends_them_and_the_session()
    {
        using Mounted mounted = Mount();
        using Process child = mounted.StartPython("""
            import ctypes # os.read would try again for ever
            c = ctypes.CDLL(None, use_errno=True); fd = os.open(D + '/wait', os.O_RDONLY)
            print(c.read(fd, ctypes.create_string_buffer(8), 8), errno.errorcode[ctypes.get_errno()])
            """);
        Assert.True(mounted.Tree.Deferred.Wait(Mounted.Patience));
        Assert.False(mounted.Mount.Unmount(lazy: false));
        MountHolder holder = Assert.Single(mounted.Mount.FindHolders());
        Assert.Equal((child.Id, mounted.Directory + "/wait"), (holder.Pid, holder.What));
        Assert.True(mounted.Mount.Unmount(lazy: true));
        mounted.Session.Stop();
        (int status, string output) = Child.Run(child);
        Assert.Equal("-1 EINTR\n", output);
        Assert.Equal(0, status);
        await mounted.Session.Completion.WaitAsync(Mounted.Patience);
        Assert.Equal(1, mounted.Tree.Destroyed);
        Assert.Single(mounted.Tree.Interrupted);
    }

    private FuseSessionOptions Options => new() { Transport = transport };

    private protected Mounted Mount() => new(Options);

    private sealed class FailingLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new OutOfMemoryException();
    }
}

/// <summary>Through reads and writes of the device.</summary>
public sealed class ClassicSessionTests() : FuseSessionTests(FuseTransport.Classic);
