using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace CcwFs.Tests.Layout;

/// <summary>The rooms of the architecture: who may know whom, how large things may be, and where unsafe code is.</summary>
public sealed partial class LayoutTests
{
    private const int LongFile = 500;

    /// <summary>Columns: two windows of them stand side by side on a wide screen.</summary>
    private const int LongLine = 150;

    /// <summary>Most files of a room that know each other in a circle: one can still be read with the others in mind.</summary>
    private const int LongCircle = 4;

    /// <summary>Lines and fields of a type, over all its parts.</summary>
    private const int LargeType = 500, ManyFields = 20;

    /// <summary>What each room may know directly; what those know is not meant.</summary>
    private static readonly Dictionary<string, string[]> s_mayKnow = new()
    {
        ["CcwFs.ChannelIo"] = [],
        ["CcwFs.CommandSets"] = ["CcwFs.ChannelIo"],
        ["CcwFs.Linux"] = [],
        ["CcwFs.Memory"] = [],
        ["CcwFs.Fuse"] = ["CcwFs.Linux"],
        ["CcwFs.ChannelProgram"] = ["CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.Memory"],
        ["CcwFs.Subchannel"] = ["CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.Memory", "CcwFs.ChannelProgram"],
        ["CcwFs.Policy"] = ["CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.Memory", "CcwFs.ChannelProgram", "CcwFs.Subchannel"],
        ["CcwFs.Faults"] = ["CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.Memory", "CcwFs.ChannelProgram", "CcwFs.Subchannel"],
        ["CcwFs.Trace"] = ["CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.Memory", "CcwFs.ChannelProgram", "CcwFs.Subchannel"],
        ["CcwFs.Metrics"] = ["CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.ChannelProgram", "CcwFs.Subchannel"],
        ["CcwFs.Emulation"] = ["CcwFs.Subchannel", "CcwFs.Linux"],
        ["CcwFs.Replay"] =
        [
            "CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.ChannelProgram", "CcwFs.Linux", "CcwFs.Subchannel", "CcwFs.Trace", "CcwFs.Emulation",
        ],
        ["CcwFs.Vfio"] = ["CcwFs.Linux"],
        ["CcwFs.Vfio.Endpoint"] = ["CcwFs.Vfio", "CcwFs.Subchannel"],
        ["CcwFs.Vfio.Backend"] = ["CcwFs.Vfio", "CcwFs.Subchannel"],
        ["CcwFs.FileSystem"] = ["CcwFs.Fuse", "CcwFs.Subchannel", "CcwFs.Trace", "CcwFs.Metrics", "CcwFs.Vfio.Endpoint"],
        ["CcwFs.Control"] = ["CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.Linux", "CcwFs.Fuse"],
        ["CcwFs.Host"] = ["CcwFs.ChannelIo", "CcwFs.Linux", "CcwFs.Fuse", "CcwFs.Subchannel", "CcwFs.Control"],
        ["CcwFs.Service"] =
        [
            "CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.Linux", "CcwFs.Memory", "CcwFs.Fuse", "CcwFs.ChannelProgram", "CcwFs.Policy",
                "CcwFs.Faults", "CcwFs.Metrics", "CcwFs.Trace", "CcwFs.Replay", "CcwFs.Subchannel",
            "CcwFs.Emulation", "CcwFs.FileSystem",
            "CcwFs.Vfio.Endpoint", "CcwFs.Vfio.Backend", "CcwFs.Control", "CcwFs.Host",
        ],
        ["CcwFs.Cli"] =
        [
            "CcwFs.ChannelIo", "CcwFs.CommandSets", "CcwFs.Linux", "CcwFs.Memory", "CcwFs.Fuse", "CcwFs.ChannelProgram", "CcwFs.Subchannel",
                "CcwFs.Emulation",
            "CcwFs.Vfio", "CcwFs.Faults", "CcwFs.Metrics", "CcwFs.Trace", "CcwFs.Replay",
            "CcwFs.Control", "CcwFs.Host", "CcwFs.Service",
        ],
    };

    /// <summary>Folders of one room: which namespaces their files do not name.</summary>
    public static TheoryData<string, string[]> Directions => new()
    {
        { "src/CcwFs.Emulation/Channel",
            ["CcwFs.Emulation.ControlUnit", "CcwFs.Emulation.Images", "CcwFs.Emulation.Dasd", "CcwFs.Emulation.Fba"] },
        { "src/CcwFs.Emulation/ControlUnit", ["CcwFs.Emulation.Images", "CcwFs.Emulation.Dasd", "CcwFs.Emulation.Fba"] },
        { "src/CcwFs.Emulation/Images", ["CcwFs.Emulation.Channel", "CcwFs.Emulation.ControlUnit", "CcwFs.Emulation.Dasd", "CcwFs.Emulation.Fba"] },
        { "src/CcwFs.Emulation/Dasd", ["CcwFs.Emulation.Fba"] },
        { "src/CcwFs.Emulation/Dasd/Images", ["CcwFs.Emulation.Channel", "CcwFs.Emulation.ControlUnit", "CcwFs.Emulation.Dasd.Eckd",
            "CcwFs.Emulation.Dasd.Compressed", "CcwFs.Emulation.Dasd.Raw", "CcwFs.Emulation.Dasd.Overlay", "CcwFs.Emulation.Dasd.Formats"] },
        { "src/CcwFs.Emulation/Dasd/Raw", ["CcwFs.Emulation.Channel", "CcwFs.Emulation.ControlUnit", "CcwFs.Emulation.Dasd.Eckd"] },
        { "src/CcwFs.Emulation/Dasd/Overlay", ["CcwFs.Emulation.Channel", "CcwFs.Emulation.ControlUnit", "CcwFs.Emulation.Dasd.Eckd"] },
        { "src/CcwFs.Emulation/Dasd/Compressed", ["CcwFs.Emulation.Channel", "CcwFs.Emulation.ControlUnit", "CcwFs.Emulation.Dasd.Eckd"] },
        { "src/CcwFs.Emulation/Fba", ["CcwFs.Emulation.Dasd"] },
    };

    /// <summary>Files over the limit, each with its reason.</summary>
    private static readonly Dictionary<string, string> s_longFiles = [];

    /// <summary>
    /// Circles of files over the limit, by room and one of their files, with their sizes: they may only shrink, and this list with them. A type in
    /// several files is a circle of its own.
    /// </summary>
    private static readonly Dictionary<(string Room, string File), int> s_longCircles = [];

    /// <summary>
    /// Types over the limits, with their lines and fields, and 0 for what is in the limit: they may only shrink, and this list with them.
    /// </summary>
    private static readonly Dictionary<string, (int Lines, int Fields)> s_largeTypes = [];

    /// <summary>Members that nothing in the source names, or types that have such, each with its reason.</summary>
    private static readonly Dictionary<string, string> s_unused = new()
    {
        ["CcwFs.Emulation.ControlUnit.ControlUnitDevice.PresentDeviceEnd"] = "for kinds of devices whose commands end later",
        ["CcwFs.FileSystem.ControlBudget.Garbage"] = "a test sees that nothing of a request stays",
        ["CcwFs.Vfio.Endpoint.ClientAccounts.Users"] = "tests see that nobody is kept who has nothing",
    };

    private static readonly string s_root = FindRoot();

    private static string[] RoomNames =>
        [.. Directory.GetFiles(Path.Combine(s_root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(p => Path.GetFileNameWithoutExtension(p)!)];

    public static TheoryData<string> Rooms => [.. RoomNames];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_knows_only_what_it_may(string room)
    {
        string[] known = [.. References(room)];
        Assert.True(s_mayKnow.TryGetValue(room, out string[]? allowed), $"{room} is not in the architecture");
        Assert.Empty(known.Except(allowed));
    }

    [Theory]
    [MemberData(nameof(Directions))]
    public void A_folder_of_a_room_knows_only_those_below_it(string folder, string[] above)
    {
        string[] files = [.. Sources().Where(f => f.StartsWith(folder + "/", StringComparison.Ordinal))];
        Assert.NotEmpty(files);
        Assert.All(files, f =>
            Assert.All(above, name => Assert.DoesNotContain(name, File.ReadAllText(Path.Combine(s_root, f)), StringComparison.Ordinal)));
    }

    [Fact]
    public void Nobody_knows_the_verbs() =>
        Assert.All(RoomNames, room => Assert.DoesNotContain("CcwFs.Cli", References(room)));

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_is_named_for_what_it_is(string room) => Assert.DoesNotMatch("Common|Util|Core|Helper|Misc", room);

    [Fact]
    public void Unsafe_code_and_calls_into_libraries_are_in_one_room()
    {
        List<string> found = [];
        foreach (string file in Sources().Where(f => !f.StartsWith("src/CcwFs.Linux/", StringComparison.Ordinal)))
        {
            int number = 0;
            foreach (string line in File.ReadLines(Path.Combine(s_root, file)))
            {
                number++;
                if (Unsafe().IsMatch(CommentOrText().Replace(line, "")))
                    found.Add($"{file}:{number}: {line.Trim()}");
            }
        }
        Assert.Empty(found);
        Assert.Equal(["src/CcwFs.Linux/CcwFs.Linux.csproj"],
            Projects().Where(p => File.ReadAllText(Path.Combine(s_root, p)).Contains("AllowUnsafeBlocks", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("    unsafe { }", true)]
    [InlineData("    [DllImport(\"libc\")]", true)]
    [InlineData("    [LibraryImport(\"libc\")]", true)]
    [InlineData("    Marshal.AllocHGlobal(1);", true)]
    [InlineData("    NativeMemory.Alloc(1);", true)]
    [InlineData("    MemoryMarshal.Read<int>(bytes);", false)]
    [InlineData("    Unsafe.SizeOf<int>();", false)]
    [InlineData("    Unsafe.As<int, uint>(ref x);", true)]
    [InlineData("    // unsafe code is elsewhere", false)]
    [InlineData("    Log(\"unsafe\");", false)]
    public void The_search_for_unsafe_code_finds_it(string line, bool found) =>
        Assert.Equal(found, Unsafe().IsMatch(CommentOrText().Replace(line, "")));

    [Fact]
    public void Files_are_short_or_say_why_not()
    {
        string[] files = [.. Sources()];
        Assert.True(files.Length > 50, "the sources were not found");
        string[] tooLong = [.. files.Where(f => File.ReadLines(Path.Combine(s_root, f)).Count() > LongFile && !s_longFiles.ContainsKey(f))];
        Assert.Empty(tooLong);
        Assert.All(s_longFiles.Keys, f => Assert.True(File.Exists(Path.Combine(s_root, f)), $"{f} is no more: take it off the list"));
    }

    [Fact]
    public void Few_files_know_each_other_in_a_circle()
    {
        List<string> wrong = [];
        HashSet<(string, string)> listed = [.. s_longCircles.Keys];
        foreach (string room in RoomNames)
        {
            string directory = $"src/{room}/";
            Dictionary<string, string> sources = Sources().Where(f => f.StartsWith(directory, StringComparison.Ordinal))
                .ToDictionary(f => f[directory.Length..], f => File.ReadAllText(Path.Combine(s_root, f)));
            foreach (IReadOnlyList<string> circle in SourceCircles.Of(sources))
            {
                string? known = circle.FirstOrDefault(file => listed.Contains((room, file)));
                int may = known is null ? LongCircle : s_longCircles[(room, known)];
                if (known is not null && circle.Count > LongCircle)
                    listed.Remove((room, known));
                if (circle.Count > may)
                    wrong.Add($"{room}: a circle of {circle.Count} files, and {may} may be: {string.Join(", ", circle)}");
                else if (circle.Count is > LongCircle and var count && count < may)
                    wrong.Add($"{room}: the circle of {known} has {count} files now: write that into the list");
            }
        }
        wrong.AddRange(listed.Select(circle => $"{circle} is no long circle any more: take it off the list"));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>
    /// A message that is printed as one line stays one text, so that it can be found; without its texts a line must fit.
    /// </summary>
    [Fact]
    public void Lines_are_short()
    {
        List<string> wrong = [];
        string[] files = [.. Files("*.cs"), .. Files("*.cs", "tests"), .. Files("*.md"), .. Files("*.md", "tests"), "README.md"];
        foreach (string file in files)
        {
            string source = File.ReadAllText(Path.Combine(s_root, file));
            bool isCode = file.EndsWith(".cs", StringComparison.Ordinal);
            string[] lines = source.Split('\n'), code = isCode ? CodeText.Of(source).Split('\n') : lines;
            for (int i = 0; i < lines.Length; i++)
            {
                bool mayBeLong = isCode ? code[i].Length <= LongLine && !Comment().IsMatch(lines[i]) : lines[i].StartsWith('|');
                if (lines[i].Length > LongLine && !mayBeLong)
                    wrong.Add($"{file}:{i + 1} has {lines[i].Length} columns");
            }
        }
        Assert.True(files.Length > 700, "the sources were not found");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Types_are_small()
    {
        TypeSize[] sizes = [.. SourceTypes.Of(Sources().Select(f => File.ReadAllText(Path.Combine(s_root, f))))];
        Assert.True(sizes.Length > 500, "the types were not found");
        List<string> wrong = [];
        foreach (TypeSize type in sizes)
        {
            (int lines, int fields) = (type.Lines > LargeType ? type.Lines : 0, type.Fields > ManyFields ? type.Fields : 0);
            (int mayLines, int mayFields) = s_largeTypes.GetValueOrDefault(type.Name);
            if (lines > mayLines || fields > mayFields)
                wrong.Add($"{Named(type)}, and {Math.Max(mayLines, LargeType)} and {Math.Max(mayFields, ManyFields)} may be");
            else if (lines < mayLines || fields < mayFields)
                wrong.Add($"{Named(type)} now: write that into the list, with 0 for what is in the limit");
        }
        wrong.AddRange(s_largeTypes.Keys.Except(sizes.Select(type => type.Name)).Select(name => $"{name} is no more: take it off the list"));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        static string Named(TypeSize type) => $"{type.Name} has {type.Lines} lines and {type.Fields} fields";
    }

    [Fact]
    public void Members_are_used()
    {
        var members = new AssemblyMembers();
        foreach (string room in RoomNames)
            members.Add(Path.Combine(AppContext.BaseDirectory, room == "CcwFs.Cli" ? "ccwfs.dll" : room + ".dll"));
        ILookup<string, string> words = Sources()
            .SelectMany(file => Word().Matches(CodeText.Of(File.ReadAllText(Path.Combine(s_root, file)))))
            .Select(word => word.Value).ToLookup(word => word);
        ILookup<string, string> constants = members.Constants.ToLookup(name => name[(name.LastIndexOf('.') + 1)..]);
        string[] unused = [.. members.Unused, .. constants.Where(same => words[same.Key].Count() <= same.Count()).SelectMany(same => same)];
        Assert.True(constants.Count > 100, "the constants were not found");
        string[] types = [.. unused.Select(name => name[..name.LastIndexOf('.')])];
        string[] wrong =
        [
            .. unused.Where((name, index) => !s_unused.ContainsKey(name) && !s_unused.ContainsKey(types[index]))
                .Select(name => $"{name}: nothing uses it"),
            .. s_unused.Keys.Except(unused).Except(types).Select(name => $"{name} is used, or is no more: take it off the list"),
        ];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    private static IEnumerable<string> References(string room)
    {
        string path = Path.Combine(s_root, "src", room, room + ".csproj");
        return XDocument.Load(path).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
    }

    private static IEnumerable<string> Projects() => Files("*.csproj");

    private static IEnumerable<string> Sources() => Files("*.cs");

    private static IEnumerable<string> Files(string pattern, string directory = "src") => Directory
        .EnumerateFiles(Path.Combine(s_root, directory), pattern, SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(s_root, f))
        .Where(f => !f.Split('/').Any(part => part is "obj" or "bin"));

    internal static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "CcwFs.sln")))
                return at.FullName;
        }
        throw new InvalidOperationException("the tests do not run inside the repository");
    }

    [GeneratedRegex(@"^\s*//|[;,{)] // ")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(unsafe|DllImport|LibraryImport|Marshal|NativeMemory|NativeLibrary|Unsafe\.(?!SizeOf)\w+)\b")]
    private static partial Regex Unsafe();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();

    [GeneratedRegex("""//.*$|"(\\.|[^"\\])*"|^\s*\*.*$""")]
    private static partial Regex CommentOrText();
}
