using System.Buffers;
using System.CommandLine;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.CommandSets;
using CcwFs.Control;
using CcwFs.FileSystem;
using CcwFs.Fuse;
using CcwFs.Linux;
using CcwFs.Trace.Views;

namespace CcwFs.Cli.Trace;

/// <summary>
/// Wireshark's extcap protocol (extcap(4) of Wireshark): a program in its extcap folder that says which interfaces there are, how packets look,
/// what may be asked of a capture, and that captures into a FIFO. Each subchannel of each mount is an interface. Its options are those of the
/// protocol, and are not shown in help.
/// </summary>
internal sealed class Extcap
{
    private const string InterfacePrefix = "ccwfs-", MountMark = "@";

    /// <summary>
    /// Most interfaces that are listed (arbitrary): Wireshark starts us again for each of them. Others can be captured by their names.
    /// </summary>
    private const int MaxInterfaces = 32;

    private readonly Option<bool> _on = new("--extcap") { Description = "Speak the protocol of Wireshark's extcap programs." };
    private readonly Option<bool> _interfaces = Hidden<bool>("--extcap-interfaces"), _dlts = Hidden<bool>("--extcap-dlts");
    private readonly Option<bool> _config = Hidden<bool>("--extcap-config"), _capture = Hidden<bool>("--capture");
    private readonly Option<string?> _interface = Hidden<string?>("--extcap-interface"), _fifo = Hidden<string?>("--fifo");
    private readonly Option<string?> _captureFilter = Hidden<string?>("--extcap-capture-filter");
    private readonly Option<string?>[] _ignored = [Hidden<string?>("--extcap-version"), Hidden<string?>("--extcap-reload-option")];

    /// <summary>The options, for the verb.</summary>
    internal IEnumerable<Option> Options =>
        [_on, _interfaces, _dlts, _config, _capture, _interface, _fifo, _captureFilter, .. _ignored];

    /// <summary>Wireshark asks, and not a person.</summary>
    internal bool IsAsked(ParseResult result) => result.GetValue(_on);

    /// <summary>
    /// Answers what is asked. <paramref name="mount"/>: the mount whose subchannels are meant; null: all, those of the default one by short names.
    /// <paramref name="filter"/> and <paramref name="data"/>: what the options of <c>trace</c> with these names say.
    /// </summary>
    internal void Answer(ParseResult result, string? mount, string? filter, string? data)
    {
        TextWriter output = result.InvocationConfiguration.Output;
        string own = Path.GetFullPath(mount ?? Places.MountPoint);
        string? wanted = result.GetValue(_captureFilter) is { Length: > 0 } given ? given : filter;
        if (result.GetValue(_interfaces))
            ListInterfaces(own, mount is null ? Mounts(own) : [own], output);
        else if (result.GetValue(_dlts))
            output.WriteLine($"dlt {{number={PcapngView.LinkType}}}{{name=USER0}}{{display=Channel programs}}");
        else if (result.GetValue(_config))
            ListOptions(output);
        else if (result.GetValue(_capture))
            Capture(result.GetValue(_interface), own, result.GetValue(_fifo), TraceFilter.Parse(wanted), TraceCommand.Wish(data));
        else if (wanted is not null)
            TraceFilter.Parse(wanted); // Wireshark asks whether it is one: it is when nothing is said
        else
            throw new CommandException("--extcap is for Wireshark; to list the interfaces: ccwfs trace --extcap --extcap-interfaces", CommandException.WrongUsage);
    }

    private static void ListInterfaces(string own, IEnumerable<string> mounts, TextWriter output)
    {
        output.WriteLine($"extcap {{version={OwnProgram.Version}}}{{display=ccwfs}}");
        IEnumerable<(string Name, string Display)> all = mounts.SelectMany(mount => Ids(mount)
            .Select(id => (NameOf(id, mount, own), $"Channel programs of {id} at {mount}")));
        foreach ((string name, string display) in all.Take(MaxInterfaces))
            output.WriteLine($"interface {{value={Plain(name)}}}{{display={Plain(display)}}}");
    }

    private static void ListOptions(TextWriter output)
    {
        output.WriteLine($"arg {{number=0}}{{call=--filter}}{{display=Programs}}{{tooltip=Only those that fit: {TraceFilter.Words}}}{{type=string}}");
        output.WriteLine("arg {number=1}{call=--data}{display=Bytes of data}{tooltip=Of each command: a number, or all}{type=string}");
    }

    private static void Capture(string? name, string own, string? fifo, TraceFilter filter, string? wish)
    {
        string directory = Find(name, own, out SubchannelId id);
        if (fifo is null)
            throw new CommandException("--capture needs --fifo FILE", CommandException.WrongUsage);
        CommandSet commands = CommandsOf(directory);
        var view = new PcapngView(commands);
        var head = new ArrayBufferWriter<byte>();
        view.Begin(id, head);
        using PlainOutput output = PlainOutput.Open(fifo);
        output.Write(head.WrittenSpan);
        TraceCommand.Follow([Path.Combine(directory, "trace.pcapng")], wish, new TraceOutput(view, output, filter, count: null, untilError: false));
    }

    /// <summary>The family that the device's facts name.</summary>
    private static CommandSet CommandsOf(string directory)
    {
        string? line = File.ReadLines(Path.Combine(directory, "info"))
            .FirstOrDefault(fact => fact.StartsWith(DeviceInfo.CommandsKey + " ", StringComparison.Ordinal));
        return Families.Find(line?[DeviceInfo.CommandsKey.Length..].Trim() ?? "") ?? Families.Basic;
    }

    /// <summary>The directory of the subchannel that an interface is.</summary>
    private static string Find(string? name, string own, out SubchannelId id)
    {
        if (name is null || !name.StartsWith(InterfacePrefix, StringComparison.Ordinal))
            throw new CommandException($"--extcap-interface takes a name like {InterfacePrefix}0.0.0000", CommandException.WrongUsage);
        string[] parts = name[InterfacePrefix.Length..].Split(MountMark, 2);
        string mount = parts.Length > 1 ? Mounts(own).FirstOrDefault(path => Plain(path) == parts[1]) ?? parts[1] : own;
        string directory = Path.Combine(mount, parts[0]);
        return SubchannelId.TryParse(parts[0], out id) && Directory.Exists(directory) ? directory
            : throw new CommandException($"there is no interface {name}; these are there: ccwfs trace --extcap --extcap-interfaces");
    }

    private static string NameOf(string id, string mount, string own) => InterfacePrefix + id + (mount == own ? "" : MountMark + mount);

    /// <summary>The mounted ccwfs, the nearest one first; one that cannot be read has no interfaces.</summary>
    private static IEnumerable<string> Mounts(string own) => MountTable.Read().Where(entry => entry.Type == "fuse.ccwfs")
        .Select(entry => entry.MountPoint).Distinct().OrderByDescending(path => path == own);

    private static IEnumerable<string> Ids(string mount) => Docs.Completion.DeviceIds(mount).Select(item => item.Label);

    /// <summary>Braces end a word of the protocol.</summary>
    private static string Plain(string text) => VisibleText.Of(text).Replace('{', '(').Replace('}', ')');

    private static Option<T> Hidden<T>(string name) => new(name) { Hidden = true };
}
