using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>A test with guests: a directory of its own, and logs that stay and are named when it fails.</summary>
public abstract class GuestTest(ITestOutputHelper output) : IDisposable
{
    private readonly List<MountedCcwfs> _mounts = [];

    /// <summary>For images and the like; deleted at the end.</summary>
    private protected Scratch Scratch { get; } = new();

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        foreach (MountedCcwfs mounted in _mounts)
        {
            mounted.Dispose();
            string log = LogDirectory.NewFile("ccwfs");
            File.WriteAllText(log, mounted.Log);
            output.WriteLine($"log of ccwfs: {log}");
        }
        Scratch.Dispose();
    }

    /// <summary>A line for who reads the results.</summary>
    private protected void Say(string line) => output.WriteLine(line);

    /// <summary>Mounts ccwfs with these images (and options behind commas) as 0.0.0150, 0.0.0151, …</summary>
    private protected MountedCcwfs Mount(params string[] images) => MountDevices([.. images.Select(image => "dasd,image=" + image)]);

    /// <summary>Mounts ccwfs with these devices as 0.0.0150, 0.0.0151, …</summary>
    private protected MountedCcwfs MountDevices(params string[] specs)
    {
        var mounted = new MountedCcwfs([.. specs.SelectMany(spec => new[] { "--device", spec }), "-v"]);
        _mounts.Add(mounted);
        return mounted;
    }

    /// <summary>Mounts ccwfs over the first device of another one, as over the kernel's.</summary>
    private protected MountedCcwfs MountOver(MountedCcwfs kernel)
    {
        var mounted = new MountedCcwfs(["--device", $"vfio,device={kernel.MountPoint}/0.0.0000/device", "-v"]);
        _mounts.Insert(0, mounted); // ends before what is below it
        return mounted;
    }

    /// <summary>Boots a guest with these subchannels; the caller disposes it.</summary>
    private protected Guest Boot(MountedCcwfs mounted, string[] devices, GuestOptions? options = null)
    {
        var guest = new Guest(mounted, devices, options);
        output.WriteLine($"console: {guest.ConsoleLog}");
        return guest;
    }
}
