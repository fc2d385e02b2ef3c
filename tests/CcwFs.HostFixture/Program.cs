using System.Globalization;
using CcwFs.Fuse;
using CcwFs.HostFixture;
using Microsoft.Extensions.Logging.Abstractions;

// CcwFs.HostFixture MOUNTPOINT: mounts the /sys and /proc of a model s390x host, says "mounted", obeys one command a line until standard input ends.
// Each command is answered with lines and then a line with a dot.
string Obey(HostHandlers host, string[] words)
{
    if (words is ["reset"])
        host.Reset();
    return host.With(model =>
    {
        switch (words)
        {
            case ["reset"]:
                break;
            case ["module"]:
                model.HasModule = true;
                break;
            case ["old"]:
                model.IsOld = true;
                break;
            case ["boot", var name]:
                model.Boot = name;
                break;
            case ["unplug", var id]:
                model.Subchannels.RemoveAll(subchannel => subchannel.Id == id);
                break;
            case ["ignore", var device]:
                model.Ignored.Add(device);
                break;
            case ["mount", var disk, var place]:
                model.Mounts.Add((disk, place));
                break;
            case ["holder", var pid, var name, var target]:
                model.Holders.Add((int.Parse(pid, CultureInfo.InvariantCulture), name, target));
                break;
            case ["fail" or "fail-once", var errno, var path, .. var text]:
                model.Fail(path, string.Join(' ', text), int.Parse(errno, CultureInfo.InvariantCulture), once: words[0] == "fail-once");
                break;
            case ["failures"]:
                return model.FailuresLeft.ToString(CultureInfo.InvariantCulture) + "\n";
            case ["heal"]:
                model.Heal();
                break;
            case ["write", var path, .. var text]:
                return model.Write(path, string.Join(' ', text)).ToString(CultureInfo.InvariantCulture) + "\n";
            case ["writes"]:
                return string.Concat(model.Writes.Select(line => line + "\n"));
            case ["tree"]:
                return string.Concat(HostTree.Of(model).Select(node => $"{node.Key} {node.Value.Text?.ReplaceLineEndings(" ")}\n"));
            default:
                return $"unknown: {string.Join(' ', words)}\n";
        }
        return "";
    });
}

try
{
    var host = new HostHandlers();
    host.Reset();
    using FuseMount mount = FuseMount.Mount(args[0], new FuseMountOptions { Name = "ccwfs-host" });
    using FuseSession session = new(mount.Device, host, null, NullLogger.Instance);
    session.Start();
    await session.Ready;
    Console.WriteLine("mounted");
    while (await Console.In.ReadLineAsync() is { } line)
        Console.Write(Obey(host, line.Split(' ')) + ".\n");
    session.Stop();
    mount.Unmount(lazy: true);
    return 0;
}
catch (FuseMountException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
