using System.Text;
using CcwFs.ChannelIo.Text;
using CcwFs.Control;
using CcwFs.FileSystem;

namespace CcwFs.Cli.Mount;

/// <summary>What a new user sees after scripts/run: the tree, and three commands to try.</summary>
internal static class Welcome
{
    private const int MaxShown = 8;

    internal static string Text(string path, IReadOnlyList<MountedSubchannel> devices)
    {
        string first = devices.Count > 0 ? devices[0].Id.ToString() : "0.0.0000";
        string mount = path == "/run/ccwfs" ? "" : $" --mount {ShellText.Quote(path)}";
        var text = new StringBuilder($"\n{VisibleText.Of(path)}/\n");
        foreach (MountedSubchannel device in devices.Take(MaxShown))
            text.Append($"  {device.Id}/  io cmd schib crw irq/{{io,crw,req}} info   {device.Identity.DeviceType}\n");
        if (devices.Count > MaxShown)
            text.Append($"  … {devices.Count - MaxShown} more\n");
        text.Append("  memory     guest storage\n  control    what ccwfs add, remove, path and run speak through\n\n");
        text.Append("Try, in another terminal:\n");
        text.Append($"  ./scripts/ccwfs list{mount}\n");
        text.Append($"  ./scripts/ccwfs run {first} 'SENSE_ID sli count=40'{mount}\n");
        text.Append($"  dd if={ShellText.Quote($"{path}/{first}/schib")} status=none | ./scripts/ccwfs decode schib\n\n");
        text.Append("Ctrl-C unmounts.\n");
        return text.ToString();
    }
}
