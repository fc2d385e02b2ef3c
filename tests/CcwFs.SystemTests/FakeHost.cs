using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>
/// The /sys and /proc of a model s390x host (CcwFs.HostFixture) mounted in a directory, with a modprobe, driverctl and mdevctl that work on it.
/// Dispose unmounts.
/// </summary>
public sealed class FakeHost : IDisposable
{
    /// <summary>A command's answer ends with this line.</summary>
    private const string End = ".";

    private readonly Process _process;
    private readonly Scratch _scratch = new();

    public FakeHost()
    {
        MountPoint = _scratch.MakeDirectory("host");
        _scratch.MakeDirectory("bin");
        _process =
            Child.Start("/", null, Places.Repository + "/tests/CcwFs.HostFixture/bin/" + Configuration + "/net10.0/CcwFs.HostFixture", MountPoint);
        try
        {
            Assert.Equal("mounted", ReadLine());
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where sys, proc and fake are.</summary>
    internal string MountPoint { get; }

    /// <summary>What /etc and /var are in.</summary>
    internal string Root => _scratch.At("root");

    private static string Configuration => Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(Child.Patience))
        {
            _process.Kill();
            Child.Run("umount", "-l", MountPoint);
        }
        _process.Dispose();
        _scratch.Dispose();
    }

    /// <summary>Everything as at the start: no module, no programs but modprobe, no files in the root.</summary>
    internal void Reset()
    {
        Tell("reset");
        if (Directory.Exists(Root))
            Directory.Delete(Root, recursive: true);
        foreach (string file in Directory.GetFiles(_scratch.At("bin")))
            File.Delete(file);
        AddProgram("modprobe", "echo \"$*\" > $FAKE/fake/modprobe");
    }

    /// <summary>A command of the fixture; gives its answer.</summary>
    internal string Tell(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        List<string> lines = [];
        for (string line = ReadLine(); line != End; line = ReadLine())
            lines.Add(line);
        string answer = string.Join('\n', lines);
        Assert.DoesNotContain("unknown:", answer, StringComparison.Ordinal);
        return answer;
    }

    /// <summary>Every path with its text, and every file in the root that a reboot would leave there.</summary>
    internal string Tree()
    {
        string[] files = Directory.Exists(Root) ? Directory.GetFiles(Root, "*", SearchOption.AllDirectories) : [];
        return Tell("tree") + "\n"
            + string.Join('\n', files.Where(file => !file.StartsWith(Root + "/run/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    /// <summary>A program in PATH, with FAKE and ROOT.</summary>
    internal void AddProgram(string name, string script)
    {
        string path = _scratch.At("bin/" + name);
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>
    /// driverctl and mdevctl that do what the real ones do and keep their files, and say how they were called in ROOT/calls. driverctl unbinds,
    /// overrides and probes, and only then keeps its file.
    /// </summary>
    internal void AddTools()
    {
        AddProgram("driverctl", """
            mkdir -p $ROOT/etc/driverctl.d; echo "driverctl $*" >> $ROOT/calls
            at=$FAKE/sys/bus/css/devices/$4
            [ -L $at ] || { echo "driverctl: no such device: $4" >&2; exit 1; }
            [ ! -L $at/driver ] || echo $4 > $at/driver/unbind
            echo $5 > $at/driver_override
            echo $4 > $FAKE/sys/bus/css/drivers_probe
            [ -L $at/driver ] || { echo "driverctl: failed to bind device $4 to driver $5" >&2; exit 1; }
            case $3 in set-override) echo $5 > $ROOT/etc/driverctl.d/css-$4;; unset-override) rm $ROOT/etc/driverctl.d/css-$4;; esac
            """);
        AddProgram("mdevctl", """
            mkdir -p $ROOT/etc/mdevctl.d; echo "mdevctl $*" >> $ROOT/calls
            case $1 in define) mkdir -p $ROOT/etc/mdevctl.d/$6; echo > $ROOT/etc/mdevctl.d/$6/$4;; undefine) rm $ROOT/etc/mdevctl.d/$5/$3;; esac
            """);
    }

    /// <summary>A verb of ccwfs on this host, without a mount unless the arguments name one.</summary>
    internal Outcome Ccwfs(params string[] arguments) => Child.Finish(Start(arguments));

    /// <summary>The same, while the test goes on.</summary>
    internal Process Start(params string[] arguments)
    {
        string[] mount = arguments.Contains("--mount") ? [] : ["--no-mount"];
        string[] places =
            ["--sysfs", MountPoint + "/sys", .. arguments[0] == "list" ? Array.Empty<string>() : ["--proc", MountPoint + "/proc", "--root", Root]];
        return Child.Start(_scratch.At("bin"), Environment, Places.Program, [.. arguments, .. mount, .. places]);
    }

    /// <summary>A shell script.</summary>
    internal Outcome Shell(string script) => Child.Finish(Child.Start("/", Environment, "sh", "-ec", script));

    private Dictionary<string, string> Environment => new()
    {
        ["PATH"] = _scratch.At("bin") + ":" + System.Environment.GetEnvironmentVariable("PATH"), ["FAKE"] = MountPoint, ["ROOT"] = Root,
    };

    private string ReadLine() =>
        _process.NextLine() ?? throw new InvalidOperationException("the fixture ended: " + _process.StandardError.ReadToEnd());
}
