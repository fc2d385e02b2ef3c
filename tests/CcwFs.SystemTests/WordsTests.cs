using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>
/// What the command line answers to wrong words: one plain line that says what to do, and status 2 (1 where the words were right and the world was
/// not). The options are those that the help texts name, so that a new one is tested too.
/// </summary>
public sealed partial class WordsTests(WordsTests.Files files) : IClassFixture<WordsTests.Files>
{
    /// <summary>A file, a directory, a file that root without rights of its own cannot read, a packed program.</summary>
    public sealed class Files : IDisposable
    {
        public Files()
        {
            File.WriteAllText(Scratch.At("text"), "words\n");
            File.WriteAllText(Scratch.At("hidden"), "words\n");
            File.SetUnixFileMode(Scratch.At("hidden"), UnixFileMode.None);
            Scratch.MakeDirectory("dir");
            Child.Ccwfs("translate", "--format", "packed", "-o", Scratch.At("packed"), "NOP").Ok();
        }

        public Scratch Scratch { get; } = new();

        public void Dispose() => Scratch.Dispose();
    }

    private static readonly string[] s_groups = ["dasd", "config"];

    /// <summary>Every verb, "dasd create" for one.</summary>
    private static string[][] Verbs =>
        [.. VerbsOf().SelectMany(verb => s_groups.Contains(verb) ? VerbsOf(verb).Select(leaf => (string[])[verb, leaf]) : [[verb]])];

    [Fact]
    public void Every_option_of_every_verb_is_refused_in_plain_words_when_it_is_used_wrongly()
    {
        List<(string[] Line, string Says)> cases = [];
        foreach (string[] verb in Verbs)
        {
            cases.Add(([.. verb, "--nonsense"], "unknown option '--nonsense'"));
            cases.Add(([.. verb, "-Z"], "unknown option '-Z'"));
            foreach (Match option in Options().Matches(Child.Ccwfs([.. verb, "--help"]).Ok().Output))
            {
                string name = option.Groups[1].Value;
                if (option.Groups[2].Length == 0)
                {
                    cases.Add(([.. verb, name + "=maybe"], $"{name} takes no value"));
                    cases.Add(([.. verb, name, "--nonsense"], "unknown option '--nonsense'"));
                    continue;
                }
                cases.Add(([.. verb, name], $"{name} needs a value: {name} {option.Groups[2].Value.Trim(' ', '<', '>')}"));
                if (name != "--device") // it may be repeated
                    cases.Add(([.. verb, name, "1", name, "2"], $"{name} is given twice"));
            }
        }
        Assert.True(cases.Count > 100, $"{cases.Count} cases");
        string[] wrong =
            [.. cases.AsParallel()
            .Select(c =>
            Wrong(c.Line, 2, c.Says, "; see: ccwfs " + string.Join(' ', c.Line.TakeWhile(w => !w.StartsWith('-'))) + " --help")).OfType<string>()];
        Assert.True(wrong.Length == 0, string.Join("\n", wrong));
    }

    public static TheoryData<int, string, string> Lines => new()
    {
        { 2, "", "a verb is missing; see: ccwfs --help" },
        { 2, "muont", "unknown verb 'muont': did you mean 'mount'? See: ccwfs --help" },
        { 2, "xyzzy", "unknown verb 'xyzzy'; see: ccwfs --help" },
        { 2, "--mount x list", "'--mount' stands in front of the verb; put it behind: ccwfs list --mount …; see: ccwfs list --help" },
        { 2, "list --josn", "unknown option '--josn': did you mean '--json'? See: ccwfs list --help" },
        { 2, "help polcy", "there is no topic 'polcy': did you mean 'policy'? All topics: ccwfs help" },
        { 2, "help moun", "there is no topic 'moun': did you mean 'mount' or 'umount'? All topics: ccwfs help" },
        { 2, "help xyzzy", "there is no topic 'xyzzy'; all topics: ccwfs help" },
        { 2, "list x", "unknown word 'x'; see: ccwfs list --help" },
        { 2, "dasd", "a verb is missing: create, info, check, complete, compare, map or convert; see: ccwfs dasd --help" },
        { 2, "dasd craete", "unknown verb 'dasd craete': did you mean 'create'? See: ccwfs dasd --help" },
        { 2, "config", "a verb is missing: check or keys; see: ccwfs config --help" },
        { 2, "path", "ID is missing: ccwfs path ID CHPID off|on; see: ccwfs path --help" },
        { 2, "path 0.0.0000", "CHPID is missing: ccwfs path ID CHPID off|on; see: ccwfs path --help" },
        { 2, "path 0.0.0000 40", "off|on is missing: ccwfs path ID CHPID off|on; see: ccwfs path --help" },
        { 2, "path 0.0.0000 40 sideways", "'sideways': say off or on; see: ccwfs path --help" },
        { 2, "path 0.0.0000 40 off on", "unknown word 'on'; see: ccwfs path --help" },
        { 2, "add", "SPEC is missing: ccwfs add SPEC; see: ccwfs add --help" },
        { 2, "attach", "NAME is missing: ccwfs attach NAME; see: ccwfs attach --help" },
        { 2, "attach 0.0.0313 --wait x", "--wait x: say a number from 0 to 3600; see: ccwfs attach --help" },
        { 2, "attach 0.0.0313 --wait -1", "--wait -1: say a number from 0 to 3600; see: ccwfs attach --help" },
        { 2, "dasd create", "PATH is missing: ccwfs dasd create PATH; see: ccwfs dasd create --help" },
        { 2, "dasd create v", "the size is missing: give --model or --cylinders; see: ccwfs dasd create --help" },
        { 2, "dasd create v --model 3390-1 --cylinders 1", "the size is given twice: give --model or --cylinders; see: ccwfs dasd create --help" },
        { 2, "dasd create v --cylinders x", "--cylinders x: say a number from 1 to 1182006; see: ccwfs dasd create --help" },
        { 2, "dasd create v --cylinders 99999999999", "--cylinders 99999999999: say a number from 1 to 1182006; see: ccwfs dasd create --help" },
        { 2, "dasd create v --cylinders 0", "--cylinders 0: say a number from 1 to 1182006; see: ccwfs dasd create --help" },
        { 2, "dasd create v --cylinders 1 --block-size x", "--block-size x: say 512, 1024, 2048 or 4096; see: ccwfs dasd create --help" },
        { 2, "dasd create v --cylinders 1 --block-size 1000", "--block-size 1000: say 512, 1024, 2048 or 4096; see: ccwfs dasd create --help" },
        { 2, "dasd create v --cylinders 1 --format ldll", "--format ldll: say none, cdl or ldl; see: ccwfs dasd create --help" },
        { 2, "dasd create v --model 3390-4",
            "--model 3390-4: say 3390-1, 3390-2, 3390-3, 3390-9, 3390-27 or 3390-54; see: ccwfs dasd create --help" },
        { 2, "dasd create v --cylinders 1 --volser A-B", "--volser A-B: say one to six of A-Z, 0-9, @, # and $; see: ccwfs dasd create --help" },
        { 2, "dasd create EMPTY --cylinders 1", "PATH is empty; see: ccwfs dasd create --help" },
        { 1, "dasd create dir --cylinders 1", "dir: exists already; an image is never overwritten" },
        { 1, "dasd create none/v --cylinders 1", "none/v: cannot be created: its directory does not exist; make that first" },
        { 1, "dasd info none", "none: no such file" },
        { 1, "dasd check dir", "dir: cannot be opened: it is a directory" },
        { 1, "dasd complete hidden", "hidden: cannot be opened: permission denied" },
        { 2, "dasd compare text", "B is missing: ccwfs dasd compare A B; see: ccwfs dasd compare --help" },
        { 2, "dasd compare text none", "text: offset 6: too short for a CKD image" },
        { 2, "dasd compare none text", "none: no such file" },
        { 1, "dasd map none", "none: no such file" },
        { 1, "dasd convert none v", "none: no such file" },
        { 1, "dasd convert hidden v", "hidden: cannot be opened: permission denied" },
        { 1, "dasd convert text v --from tracks", "text: 6 bytes are no tracks of 1 to 1182006 cylinders: a cylinder has 983040 bytes" },
        { 1, "dasd convert text v --from xcat", "text: offset 0: no image of xCAT or feilong" },
        { 2, "dasd convert text v --to xcat", "--to xcat: say ckd, raw or tracks; see: ccwfs dasd convert --help" },
        { 2, "dasd convert text v --from fba", "--from fba: say ckd, raw, tracks or xcat; see: ccwfs dasd convert --help" },
        { 2, "decode", "STRUCTURE is missing: ccwfs decode STRUCTURE; see: ccwfs decode --help" },
        { 2, "decode orbb 00", "unknown structure 'orbb': did you mean 'orb'? It is one of orb, ccw, scsw, irb, schib, crw, sense, io, or a command of the 3990 that has parameters" },
        { 1, "decode SENSE_ID 00", "SENSE_ID has no parameters that ccwfs knows" },
        { 2, "decode ccw 00 --format 2", "--format 2: say 0 or 1; see: ccwfs decode --help" },
        { 2, "decode ccw 00 --format x", "--format x: say 0 or 1; see: ccwfs decode --help" },
        { 1, "run 0.0.0000 --program none", "none: no such file; give one that exists" },
        { 1, "run 0.0.0000 --program none/x", "none/x: there is no directory none; make it, or give another path" },
        { 1, "run 0.0.0000 --program dir", "dir: is a directory; give a file" },
        { 1, "run 0.0.0000 --program hidden", "hidden: permission denied; ask its owner, or be root" },
        { 1, "translate --format packed SEARCH_ID_EQUAL~data=@dir", "line 1, column 17: dir: is a directory; give a file" },
        { 1, "run 0.0.0000 --memory dir --orb 000000000000000000000000", "dir: is a directory; give a file" },
        { 1, "run 0.0.0000 --memory none --orb 000000000000000000000000", "none: no such file; give one that exists" },
        { 2, "run 0.0.0000 --program EMPTY", "--program is empty; see: ccwfs run --help" },
        { 1, "translate --vectors none", "none: no such file; give one that exists" },
        { 1, "translate --vectors dir", "dir: is a directory; give a file" },
        { 1, "translate --vectors hidden", "hidden: permission denied; ask its owner, or be root" },
        { 1, "translate --vectors text",
            "text:1: no vector: it is not JSON; a vector is an object with \"name\", \"orb\", \"memory\" and \"mapped\"" },
        { 2, "translate --vectors EMPTY", "--vectors is empty; see: ccwfs translate --help" },
        { 1, "translate --format packed -o dir NOP", "dir: is a directory; give a file" },
        { 1, "translate --format packed -o none/x NOP", "none/x: there is no directory none; make it, or give another path" },
        { 2, "translate --format packed -o EMPTY NOP", "--output is empty; see: ccwfs translate --help" },
        { 1, "translate --format packed --program hidden", "hidden: permission denied; ask its owner, or be root" },
        { 2, "translate --format other NOP", "--format other: say packed; see: ccwfs translate --help" },
        { 2, "translate --from other x", "--from other: say packed; see: ccwfs translate --help" },
        { 1, "translate --from packed dir", "dir: is a directory; give a file" },
        { 2, "translate --from packed EMPTY", "CCW is empty; see: ccwfs translate --help" },
        { 1, "translate --from packed packed --unpack dir", "dir: is a directory; give a file" },
        { 2, "translate --from packed packed --unpack x --at zz", "--at zz: an address in hex, like 1000" },
        { 1, "translate --from packed packed --unpack x --at 1001",
            "the CCWs cannot be at 00001001: it takes a page below 2 GiB that the program does not use" },
        { 1, "mount --config none", "PLACE/none: no such file; give one that exists" },
        { 1, "mount --config dir", "PLACE/dir: is a directory; give a file" },
        { 1, "config check hidden", "PLACE/hidden: permission denied; ask its owner, or be root" },
        { 2, "config check EMPTY", "FILE is empty; see: ccwfs config check --help" },
        { 2, "umount EMPTY", "MOUNTPOINT is empty; see: ccwfs umount --help" },
        { 2, "mount m --device vfio,ese", "device 'vfio,ese': only a dasd has the key 'ese'; a vfio has device, iommu, uuid, timeout, id, devno, css, readonly, allow, deny, extents, max-ccws, max-bytes" },
        { 2, "mount m --device dasd,timeout=1", "device 'dasd,timeout=1': only a vfio has the key 'timeout'; "
            + "a dasd has image, format, block-size, cylinders, overlay, redo, id, devno, css, chpids, readonly, allow, deny, extents, max-ccws, max-bytes, fault, hostile, flight, flight-data, profile, ese, sync, count" },
        { 2, "mount m --device xyzzy", "device 'xyzzy': unknown kind 'xyzzy'; it is one of dasd, fba, replay, vfio" },
        { 2, "mount m --device dasd,xyzzy=1", "device 'dasd,xyzzy=1': unknown key 'xyzzy'; "
            + "the keys are image, format, block-size, cylinders, overlay, redo, id, devno, css, chpids, readonly, allow, deny, extents, max-ccws, max-bytes, fault, hostile, flight, flight-data, profile, ese, sync, count" },
        { 2, "mount m --log-level xyzzy", "--log-level xyzzy: unknown level; it is one of trace, debug, information, warning, error" },
        { 1, "docs man text", "PLACE/text/man1: there is no directory PLACE/text; make it, or give another path" },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_wrong_line_is_answered_in_one_of_ours(int status, string line, string answer)
    {
        string[] words = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word == "EMPTY" ? "" : word.Replace('~', ' '))];
        string? wrong = Wrong(words, status, "ccwfs: " + answer.Replace("PLACE", files.Scratch.Path, StringComparison.Ordinal), "");
        Assert.True(wrong is null, wrong);
    }

    [Fact]
    public void A_word_that_begins_with_an_at_sign_is_that_word()
    {
        Run("dasd", "create", "@v.ckd", "--cylinders", "1", "--format", "cdl", "--volser", "@DEMO").Ok();
        Assert.Contains("@DEMO", Run("dasd", "info", "@v.ckd").Ok().Output, StringComparison.Ordinal);
        Assert.Contains("unknown word '@text'", Run("list", "@text").Refused(2), StringComparison.Ordinal);
    }

    /// <summary>Runs ccwfs as root without the right to read and write everything; null, or what is wrong with its answer.</summary>
    private string? Wrong(string[] line, int status, string says, string end)
    {
        Outcome outcome = Run(line);
        string error = outcome.Error.TrimEnd('\n');
        bool good = outcome.Status == status && error.StartsWith("ccwfs: ", StringComparison.Ordinal)
            && error.Contains(says, StringComparison.Ordinal) && error.EndsWith(end, StringComparison.Ordinal)
            && !error.Contains('\n', StringComparison.Ordinal) && !Foreign().IsMatch(error);
        return good ? null : $"{string.Join(' ', line)}\n  expected {status} {says}{end}\n  got      {outcome.Status} {error}";
    }

    private Outcome Run(params string[] line) =>
        Child.Finish(Child.Start(files.Scratch.Path, null, "setpriv", ["--bounding-set=-dac_override,-dac_read_search", Places.Program, .. line]));

    private static string[] VerbsOf(params string[] verb) =>
        [.. Commands().Matches(Child.Ccwfs([.. verb, "--help"]).Ok().Output).Select(m => m.Groups[1].Value)];

    /// <summary>A verb and what it does; not a command to type.</summary>
    [GeneratedRegex("(?m)^  ([a-z]+)(?: <[^>]+>)*  ")]
    private static partial Regex Commands();

    [GeneratedRegex("(?m)^  (?:-., )*(--(?!help|version)[a-z-]+)( <[^>]+>)?")]
    private static partial Regex Options();

    /// <summary>Words of .NET and its parser.</summary>
    [GeneratedRegex(@"System\.|Nullable|Parameter '|Could not find|Access to the path|expected type|Required |expects a single|not recognized|cannot be an empty|LineNumber|given key")]
    private static partial Regex Foreign();
}
