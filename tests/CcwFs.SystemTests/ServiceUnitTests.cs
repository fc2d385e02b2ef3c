namespace CcwFs.SystemTests;

/// <summary>The systemd unit: what stands in it, and ccwfs with no more than it gives.</summary>
public sealed class ServiceUnitTests
{
    private const string File = "/scripts/package.d/ccwfs.service";

    /// <summary>
    /// systemd.exec(5): each of these gives the unit a mount namespace, in which the mount would be seen by nobody else, or takes root or the
    /// directory of the mount away.
    /// </summary>
    private static readonly string[] s_namespaces =
    [
        "BindPaths", "BindReadOnlyPaths", "DynamicUser", "ExecPaths", "ExtensionDirectories", "ExtensionImages", "InaccessiblePaths",
            "LoadCredential",
        "LoadCredentialEncrypted", "ImportCredential", "SetCredential", "SetCredentialEncrypted", "LogNamespace", "MountAPIVFS", "MountFlags",
            "MountImages",
        "NetworkNamespacePath", "NoExecPaths", "PrivateBPF", "PrivateDevices", "PrivateIPC", "IPCNamespacePath", "PrivateMounts", "PrivateNetwork",
            "PrivatePIDs",
        "PrivateTmp", "PrivateUsers", "ProcSubset", "ProtectControlGroups", "ProtectHome", "ProtectHostname", "ProtectKernelLogs",
            "ProtectKernelModules",
        "ProtectKernelTunables", "ProtectProc", "ProtectSystem", "ReadOnlyPaths", "ReadWritePaths", "RootDirectory", "RootImage", "RootEphemeral",
            "TemporaryFileSystem",
        "JoinsNamespaceOf", "RuntimeDirectory", "StateDirectory", "User",
    ];

    private static readonly Dictionary<string, string> s_unit = System.IO.File.ReadAllLines(Places.Repository + File)
        .Where(line => line.Contains('=', StringComparison.Ordinal) && !line.StartsWith('#'))
        .Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

    [Fact]
    public void It_mounts_where_the_host_sees_it_with_two_capabilities()
    {
        Assert.Empty(s_unit.Keys.Intersect(s_namespaces));
        Assert.Equal("CAP_SYS_ADMIN CAP_SYS_PTRACE", s_unit["CapabilityBoundingSet"]);
        Assert.Equal("notify", s_unit["Type"]);
        Assert.EndsWith("-HUP $MAINPID", s_unit["ExecReload"], StringComparison.Ordinal);
        Assert.Equal("multi-user.target", s_unit["WantedBy"]);
    }

    [Fact]
    public void Systemd_understands_every_line_of_it()
    {
        using var scratch = new Scratch();
        string unit = scratch.At("ccwfs.service");
        System.IO.File.WriteAllText(unit,
            System.IO.File.ReadAllText(Places.Repository + File).Replace("/usr/bin/ccwfs", Places.Program, StringComparison.Ordinal));
        Outcome verified = Child.Run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit);
        Assert.Equal("", verified.Ok().Output + verified.Error);
    }

    [Fact]
    public void The_packaged_configuration_is_good_and_makes_nothing() =>
        Assert.Contains("with no device", Child.Ccwfs("config", "check", Places.Repository + "/scripts/package.d/ccwfs.json").Ok().Output,
            StringComparison.Ordinal);

    [Fact]
    public void Its_capabilities_suffice_to_mount_and_to_serve_clients()
    {
        using MountedCcwfs mounted = Confined(["--device", "dasd,count=2"]);
        // bits 21 and 19: linux/capability.h
        Assert.Equal("0000000000280000\n", mounted.Bash("awk '/CapEff/ { print $2 }' /proc/$P/status").Ok().Output);
        mounted.Python("""
            from vfio import *
            for shared in False, True:
                iommu, device, memory, ioas = client(Memory(0x100000, shared=shared))
                assert device.run() == 0x0c00
                device.close(), os.close(iommu.fd)
            """);
        mounted.Python("ran((0xe4, SLI, 40), dev='0.0.0001')");
        Child.Ccwfs("umount", mounted.MountPoint).Ok();
        Assert.Equal(0, mounted.WaitForExit());
    }

    [Fact]
    public void Without_the_right_to_override_modes_images_must_be_open_to_root()
    {
        using MountedCcwfs mounted = Confined(["--device", "dasd", "--allow-other", "--mode", "0666"]);
        string image = mounted.Scratch.MakeImage("v.ckd");
        Outcome outcome = mounted.Bash("""
            chmod 755 $S; chmod 600 $S/v.ckd; chown nobody $S/v.ckd
            $CCWFS add dasd,image=$S/v.ckd --mount $D 2>&1 && exit 9
            chown root $S/v.ckd; $CCWFS add dasd,image=$S/v.ckd --mount $D
            """);
        Assert.Equal($"ccwfs: {image}: cannot be opened: permission denied\nadded 0.0.0001\n", outcome.Ok().Output);
        // Another user's image would have to be opened with that user's rights.
        Assert.Contains("CAP_SETUID", mounted.Python("""
            os.setgroups([]), os.setgid(65534), os.setuid(65534)
            fd = os.open(D + '/control', os.O_RDWR)
            os.write(fd, json.dumps({'verb': 'add', 'spec': f'dasd,image={S}/v.ckd', 'directory': '/'}).encode()); print(os.read(fd, 65536).decode())
            """), StringComparison.Ordinal);
    }

    /// <summary>A mount of root with the unit's capabilities alone.</summary>
    private static MountedCcwfs Confined(string[] arguments)
    {
        string set = string.Concat(s_unit["CapabilityBoundingSet"].Split(' ').Select(name => ",+" + name["CAP_".Length..].ToLowerInvariant()));
        return new MountedCcwfs(arguments, through: ["setpriv", "--bounding-set=-all" + set, "--inh-caps=-all", "--no-new-privs"]);
    }
}
