using System.Globalization;

namespace CcwFs.HostFixture;

/// <summary>A node of the tree: a directory, a file with a text, or a link with a target.</summary>
internal sealed record TreeNode(bool IsLink, string? Text)
{
    internal static readonly TreeNode Directory = new(false, null);

    internal bool IsDirectory => Text is null;
}

/// <summary>The files of a model now, by path.</summary>
internal static class HostTree
{
    internal static SortedDictionary<string, TreeNode> Of(HostModel model)
    {
        var tree = new SortedDictionary<string, TreeNode>(StringComparer.Ordinal);
        void Add(string path, string? text, bool isLink = false)
        {
            for (int slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
                tree[path[..slash]] = TreeNode.Directory;
            tree[path] = text is null ? TreeNode.Directory : new TreeNode(isLink, text);
        }
        void Link(string path, string target) =>
            Add(path, string.Concat(Enumerable.Repeat("../", path.Count(c => c == '/') - 1)) + target, isLink: true);

        Add("fake/modprobe", "");
        Add("proc/cio_ignore", string.Concat(model.Ignored.Select(line => line + "\n")));
        Add("proc/cio_settle", "");
        Add("proc/sys/kernel/random/boot_id", model.Boot + "\n");
        Add("proc/swaps", "Filename Type Size Used Priority\n");
        Add("proc/self/mountinfo", string.Concat(model.Mounts.Select((mount, i) =>
            string.Create(CultureInfo.InvariantCulture, $"{30 + i} 1 94:{Minor(mount.Disk)} / {mount.Place} rw - ext4 /dev/{mount.Disk} rw\n"))));
        foreach ((int pid, string name, string target) in model.Holders)
        {
            Add($"proc/{pid}/comm", name + "\n");
            Add($"proc/{pid}/fd/9", target, isLink: true);
        }
        Add("sys/bus/css/drivers_probe", "");
        Add("sys/bus/css/devices", null);
        Add("sys/bus/ccw/devices", null);
        Add("sys/bus/mdev/devices", null);
        foreach (string driver in (string[])["io_subchannel", "chsc_subchannel", .. model.HasModule ? ["vfio_ccw"] : Array.Empty<string>()])
        {
            Add($"sys/bus/css/drivers/{driver}/bind", "");
            Add($"sys/bus/css/drivers/{driver}/unbind", "");
        }
        int number = 0;
        foreach (ModelSubchannel subchannel in model.Visible)
            AddSubchannel(model, subchannel, number++, Add, Link);
        return tree;
    }

    private static void AddSubchannel(HostModel model, ModelSubchannel subchannel, int number, Action<string, string?, bool> add, Action<string,
        string> link)
    {
        void Add(string path, string? text) => add(path, text, false);
        string at = $"sys/devices/{subchannel.Css}/{subchannel.Id}", inSys = at["sys/".Length..];
        link($"sys/bus/css/devices/{subchannel.Id}", inSys);
        Add($"{at}/type", $"{subchannel.Type}\n");
        Add($"{at}/dev_busid", subchannel.Device + "\n");
        Add($"{at}/chpids", "40 41 00 00 00 00 00 00 \n");
        Add($"{at}/pimpampom", "c0 c0 ff\n");
        if (!model.IsOld)
            Add($"{at}/driver_override", (subchannel.Override ?? "(null)") + "\n");
        if (subchannel.Driver is { } driver)
        {
            link($"{at}/driver", $"bus/css/drivers/{driver}");
            link($"sys/bus/css/drivers/{driver}/{subchannel.Id}", inSys);
        }
        if (subchannel is { Driver: "io_subchannel", Type: 0 })
            AddDevice(subchannel, $"{at}/{subchannel.Device}", Add, link);
        if (subchannel.Driver != "vfio_ccw")
            return;
        string type = $"{at}/mdev_supported_types/vfio_ccw-io";
        Add($"{type}/create", "");
        Add($"{type}/available_instances", subchannel.Mdev is null ? "1\n" : "0\n");
        if (subchannel.Mdev is not { } uuid)
            return;
        link($"sys/bus/mdev/devices/{uuid}", $"{inSys}/{uuid}");
        Add($"{at}/{uuid}/remove", "");
        Add($"sys/kernel/iommu_groups/{number}", null);
        link($"{at}/{uuid}/iommu_group", $"kernel/iommu_groups/{number}");
        if (!model.IsOld)
            Add($"{at}/{uuid}/vfio-dev/vfio{number}/dev", $"511:{number}\n");
    }

    private static void AddDevice(ModelSubchannel subchannel, string at, Action<string, string?> add, Action<string, string> link)
    {
        link($"sys/bus/ccw/devices/{subchannel.Device}", at["sys/".Length..]);
        add($"sys/bus/ccw/drivers/{subchannel.DeviceDriver}", null);
        link($"{at}/driver", $"bus/ccw/drivers/{subchannel.DeviceDriver}");
        add($"{at}/online", subchannel.IsOnline ? "1\n" : "0\n");
        add($"{at}/devtype", subchannel.Disk is null ? "n/a\n" : "3390/0c\n");
        add($"{at}/cutype", subchannel.Disk is null ? "1731/01\n" : "3990/e9\n");
        if (subchannel.Group is { } group)
            link($"{at}/group_device", $"devices/qeth/{group}");
        if (subchannel.Disk is not { } disk)
            return;
        add($"{at}/safe_offline", "");
        if (!subchannel.IsOnline)
            return;
        foreach (string path in (string[])[$"{disk}", $"{disk}/{disk}1"])
        {
            add($"{at}/block/{path}/dev", $"94:{Minor(path)}\n");
            add($"{at}/block/{path}/holders", null);
        }
    }

    private static int Minor(string disk) => disk.EndsWith('1') ? 1 : 0;
}
