using CcwFs.Fuse;
using CcwFs.FuseFixture;
using CcwFs.Linux;
using Microsoft.Extensions.Logging.Abstractions;

// CcwFs.FuseFixture MOUNTPOINT [Classic|Auto|Rings]: mounts the null file system, says "mounted", serves until standard input ends, unmounts, says
// "unmounted".
// For tests that need a second process: an ordinary user's mount, and the speed of a session by itself.
try
{
    using FuseMount mount = FuseMount.Mount(args[0]);
    FuseSessionOptions options = new() { Transport = args.Length > 1 ? Enum.Parse<FuseTransport>(args[1]) : FuseTransport.Classic };
    using FuseSession session = new(
        mount.Device, new NullHandlers(Descriptors.EffectiveUser, Descriptors.EffectiveGroup), options, NullLogger.Instance);
    session.Start();
    await session.Ready;
    Console.WriteLine("mounted");
    await Console.In.ReadToEndAsync();
    session.Stop();
    mount.Unmount(lazy: true);
    await session.Completion.WaitAsync(TimeSpan.FromSeconds(10));
    Console.WriteLine("unmounted");
    return 0;
}
catch (FuseMountException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
