using System.CommandLine;
using System.CommandLine.Help;
using CcwFs.Cli.Mount;

namespace CcwFs.Cli.Docs;

/// <summary>The manual pages, from the verbs, options and keys as the program has them.</summary>
internal sealed class ManPages(RootCommand root, string version)
{
    /// <summary>Every page by its file name.</summary>
    internal IEnumerable<(string File, string Text)> All()
    {
        yield return ("ccwfs.1", Program());
        foreach (Command verb in Verbs)
            yield return ($"ccwfs-{verb.Name}.1", Verb(verb));
        yield return ("ccwfs.json.5", Configuration());
    }

    private IEnumerable<Command> Verbs => root.Subcommands.Where(c => !c.Hidden);

    private string Program()
    {
        var page = new Roff("ccwfs", 1, version, "passthrough I/O subchannels of an IBM Z machine as files");
        page.Section("SYNOPSIS");
        page.Synopsis("ccwfs", "VERB …");
        page.Section("DESCRIPTION");
        page.Paragraph("Mounts a channel subsystem as a directory: a directory for each subchannel, whose files io, cmd, schib and crw are the regions of the kernel's vfio-ccw driver. What is written to io runs as a channel program. QEMU takes each subchannel as its vfio-ccw device.");
        page.Section("VERBS");
        foreach (Command verb in Verbs)
            page.Term(verb.Name, null, $"{Sentence(verb.Description)} See ccwfs-{verb.Name}(1).");
        Devices(page);
        page.Section("FILES");
        page.Term("/run/ccwfs", null, "The mount point of root; $XDG_RUNTIME_DIR/ccwfs that of others.");
        page.Term(ConfigFile.DefaultPath, null, "The configuration of the service; see ccwfs.json(5).");
        page.Term("/var/lib/ccwfs/default.ckd", null, "The volume that is made when nobody names devices; of users other than root in $XDG_DATA_HOME/ccwfs.");
        ExitStatus(page);
        page.Section("SEE ALSO");
        page.Paragraph(string.Join(", ", Verbs.Select(v => $"ccwfs-{v.Name}(1)").Append("ccwfs.json(5)")));
        return page.ToString();
    }

    private string Verb(Command verb)
    {
        var page = new Roff($"ccwfs-{verb.Name}", 1, version, verb.Description ?? "");
        Command[] leaves = verb.Subcommands.Count == 0 ? [verb] : [.. verb.Subcommands.Where(c => !c.Hidden)];
        string Name(Command leaf) => leaf == verb ? $"ccwfs {verb.Name}" : $"ccwfs {verb.Name} {leaf.Name}";
        page.Section("SYNOPSIS");
        foreach (Command leaf in leaves)
            page.Synopsis(Name(leaf), Usage(leaf));
        page.Section("DESCRIPTION");
        foreach (string paragraph in VerbText.Of(verb.Name).Paragraphs.DefaultIfEmpty(Sentence(verb.Description)))
            page.Paragraph(paragraph);
        page.Section("OPTIONS");
        foreach (Command leaf in leaves)
        {
            if (leaf != verb)
            {
                page.Subsection(Name(leaf));
                page.Paragraph(Sentence(leaf.Description));
            }
            foreach (Argument argument in leaf.Arguments.Where(a => !a.Hidden))
                page.Term(Shown(argument), null, Sentence(argument.Description));
            foreach (Option option in Options(leaf))
                page.Term(string.Join(", ", option.Aliases.Prepend(option.Name)), ValueName(option), Sentence(option.Description));
        }
        if (verb.Name is "mount" or "add")
            Devices(page);
        if (verb.Name is "run")
            ProgramChapter.Write(page);
        if (VerbText.Of(verb.Name).Examples is { Length: > 0 } examples)
        {
            page.Section("EXAMPLES");
            page.Example(examples);
        }
        ExitStatus(page);
        page.Section("SEE ALSO");
        page.Paragraph("ccwfs(1), ccwfs.json(5)");
        return page.ToString();
    }

    private string Configuration()
    {
        var page = new Roff("ccwfs.json", 5, version, "configuration of ccwfs");
        page.Section("SYNOPSIS");
        page.Synopsis(ConfigFile.DefaultPath, "");
        page.Section("DESCRIPTION");
        page.Paragraph("A JSON object; comments and commas behind the last member are allowed. Its keys are the options of ccwfs-mount(1), and an option given there wins. An unknown key is an error. ccwfs config check tells what a configuration would mount, or what is wrong with it.");
        page.Paragraph("Relative paths start from the directory in which ccwfs was started; that of the service is the root directory.");
        page.Paragraph("SIGHUP (systemctl reload ccwfs) reads it again. The keys marked with \"at run time\" then change at once; for others a log line says that a new mount is needed. Of the devices those whose SPEC is unchanged are not touched. A configuration with an error changes nothing.");
        page.Section("KEYS");
        foreach (MountKey key in MountKey.Keys)
            page.Term(key.Key, ValueName(key), Sentence(key.Help) + (key.AtRunTime ? " Changes at run time." : ""));
        Devices(page);
        page.Section("EXAMPLES");
        page.Example(
        [
            "{", "  \"memory\": \"1G\", \"mode\": \"0660\", \"group\": \"kvm\",", "  \"log-level\": \"information\",", "  \"devices\": [",
            "    { \"kind\": \"dasd\", \"image\": \"/var/lib/ccwfs/v.ckd\", \"devno\": \"0.0.0150\" }, // as an object", "    \"dasd,image=/var/lib/ccwfs/w.ckd,readonly\"", "  ]", "}",
        ]);
        page.Section("NOTES");
        page.Paragraph("The service has the capabilities CAP_SYS_ADMIN and CAP_SYS_PTRACE and no more. So it opens files as their owner and mode let root: images and their directories belong to root, or are open to it. It adds no image with the rights of another user. Clients of other users must have shared memory, as ccwfs qemu makes it: their private memory is out of its reach.");
        page.Section("SEE ALSO");
        page.Paragraph("ccwfs(1), ccwfs-mount(1), ccwfs-config(1)");
        return page.ToString();
    }

    /// <summary>The keys of a SPEC, kind by kind.</summary>
    private static void Devices(Roff page)
    {
        page.Section("DEVICES");
        page.Paragraph("A SPEC is the kind of a device and its keys: kind,key=value,key,… A comma in a value is written \\, and a backslash \\\\. In the configuration a device may also be an object with the member \"kind\" and the keys; a key without a value is true there.");
        foreach ((string name, DeviceKinds kind) in DeviceSpec.Kinds)
        {
            page.Subsection(name);
            foreach (SpecKey key in DeviceSpec.Keys.Where(k => k.Kinds.HasFlag(kind)))
                page.Term(key.Value is null ? key.Key : key.Key + "=", key.Value, Sentence(key.Help) + (key.AtRunTime ? " Changes at run time." : ""));
        }
    }

    private static void ExitStatus(Roff page)
    {
        page.Section("EXIT STATUS");
        page.Term("0", null, "Done.");
        page.Term($"{CommandException.Failed}", null, "It failed; one line on standard error says what, why and what to do.");
        page.Term($"{CommandException.WrongUsage}", null, "Wrong usage.");
    }

    private static IEnumerable<Option> Options(Command command) => command.Options.Where(o => !o.Hidden && o is not (HelpOption or VersionOption));

    private static string Usage(Command command) => string.Join(' ', command.Arguments.Where(a => !a.Hidden).Select(a => a.Arity.MinimumNumberOfValues == 0 ? $"[{Shown(a)}]" : Shown(a))
        .Concat(Options(command).Select(o =>
        {
            string text = ValueName(o) is { } value ? $"{o.Name} {value}" : o.Name;
            return o.Required ? text : $"[{text}]";
        })));

    /// <summary>A help text as a sentence: it ends with one full stop.</summary>
    private static string Sentence(string? help) => (help ?? "").TrimEnd('.') + ".";

    private static string Shown(Argument argument) => (argument.HelpName ?? argument.Name) + (argument.Arity.MaximumNumberOfValues > 1 ? "…" : "");

    private static string ValueName(MountKey key) => key.Type == MountKeyType.Devices ? $"[{key.Value}, …]" : key.Value;

    private static string? ValueName(Option option) => option.ValueType == typeof(bool) ? null : option.HelpName ?? option.Name.TrimStart('-').ToUpperInvariant();
}
