using System.Diagnostics;
using CcwFs.Fuse;

namespace CcwFs.Tests.Fuse;

/// <summary>
/// Over io_uring, where root has switched that on in the kernel (scripts/test does while it runs); else the session must go on without it.
/// </summary>
public sealed class RingSessionTests() : FuseSessionTests(Rings.IsOn ? FuseTransport.Rings : FuseTransport.Auto)
{
    [Fact]
    public void The_way_is_io_uring_where_the_kernel_has_it_switched_on()
    {
        using Mounted mounted = Mount();
        Assert.Equal(Rings.IsOn, mounted.Session.UsesRings);
        Assert.False(mounted.Session.Broken.IsCompleted);
    }

    [Fact]
    public void Sixty_four_clients_at_once_get_what_they_asked_for_with_reads_held_meanwhile()
    {
        using Mounted mounted = Mount();
        using Process held = mounted.StartPython("""
            def r(): os.read(os.open(D + '/wait', os.O_RDONLY), 8)
            ts = [threading.Thread(target=r) for i in range(64)]
            [t.start() for t in ts]; [t.join() for t in ts]; print('all')
            """);
        for (int i = 0; i < 64; i++)
            Assert.True(mounted.Tree.Deferred.Wait(Mounted.Patience));
        Assert.Equal("64\n", mounted.Python("""
            import random
            def client():
                fd = os.open(D + '/data', os.O_RDWR); big = os.open(D + '/big', os.O_RDWR); cpus = sorted(os.sched_getaffinity(0))
                for i in range(200):
                    os.sched_setaffinity(0, {random.choice(cpus)})
                    assert os.pwrite(fd, b'x' * 124, 0) == 124 and len(os.pread(fd, 124, 0)) == 124
                    assert i % 50 or len(os.pread(big, 1 << 20, 0)) == 1 << 20
            children = []
            for i in range(64):
                child = os.fork()
                if child == 0:
                    try: client(); os._exit(0)
                    except BaseException: os._exit(1)
                children.append(child)
            print(sum(os.waitpid(child, 0)[1] == 0 for child in children))
            """));
        for (int i = 0; i < 64; i++)
            mounted.Tree.Post();
        Assert.Equal((0, "all\n"), Child.Run(held));
    }

    [Fact]
    public async Task A_forced_end_of_the_connection_ends_held_requests_and_the_session()
    {
        using Mounted mounted = Mount();
        using Process child = mounted.StartPython("""
            import ctypes
            c = ctypes.CDLL(None, use_errno=True); fd = os.open(D + '/wait', os.O_RDONLY)
            print(c.read(fd, ctypes.create_string_buffer(8), 8), errno.errorcode[ctypes.get_errno()])
            """);
        Assert.True(mounted.Tree.Deferred.Wait(Mounted.Patience));
        _ = Child.Run(Child.Start("/", "umount", "-f", mounted.Directory)); // busy, and the connection is aborted
        (int status, string output) = Child.Run(child);
        Assert.True(status == 0 && output is "-1 ECONNABORTED\n" or "-1 EINTR\n", output);
        await mounted.Session.Completion.WaitAsync(Mounted.Patience);
        Assert.Equal(1, mounted.Tree.Destroyed);
    }
}

/// <summary>The kernel's switch for FUSE over io_uring.</summary>
internal static class Rings
{
    private const string Switch = "/sys/module/fuse/parameters/enable_uring";

    internal static bool IsOn => File.Exists(Switch) && File.ReadAllText(Switch).StartsWith('Y');
}
