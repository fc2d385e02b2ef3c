using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>As many subchannels as a set has.</summary>
public sealed class ManyDevicesTests
{
    private const string All = "dasd,count=65536";
    private const int Few = 8_192;    // an eighth of them
    private const int MostTimes = 24; // three times the 8 of what is linear: a machine may be busy with something else

    /// <summary>Eight times as many take about eight times as long, up and down; where each looked at all others it would be 64 times.</summary>
    [Fact]
    public void All_subchannels_of_a_set_come_in_time_and_go_in_time()
    {
        (TimeSpan Up, TimeSpan Down)[] few = [Time(Few), Time(Few)]; // the slower one counts
        (TimeSpan up, TimeSpan down) = Time(65_536, mounted =>
        {
            mounted.Bash("""
                test -d $D/0.0.0000 -a -d $D/0.0.ffff
                test $(ls $D | grep -c '^0.0.') = 65536
                """).Ok();
            Assert.Contains("all 65,536 subchannels", mounted.Ccwfs("add", "dasd").Refused(1), StringComparison.Ordinal);
            mounted.Ccwfs("remove", "0.0.8000").Ok();
            Assert.Equal("added 0.0.8000\n", mounted.Ccwfs("add", "dasd").Ok().Output);
        });
        TimeSpan fewUp = few.Max(time => time.Up), fewDown = few.Max(time => time.Down);
        string times = $"up {fewUp} and {up}, down {fewDown} and {down}";
        Assert.True(up < MostTimes * fewUp && down < MostTimes * fewDown, times);
    }

    /// <summary>How long so many take to come, from the start of the program on, and to go, until it has ended.</summary>
    private static (TimeSpan Up, TimeSpan Down) Time(int count, Action<MountedCcwfs>? between = null)
    {
        var watch = Stopwatch.StartNew();
        using var mounted = new MountedCcwfs(["--device", $"dasd,count={count}"]);
        TimeSpan up = watch.Elapsed;
        between?.Invoke(mounted);
        watch.Restart();
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        return (up, watch.Elapsed);
    }

    [Fact]
    public void A_signal_ends_it_while_they_are_made()
    {
        using var scratch = new Scratch();
        string point = scratch.MakeDirectory("m");
        using Process mount = Child.Start("/", null, Places.Program, "mount", point, "--device", All);
        while (!File.ReadAllText("/proc/self/mountinfo").Contains(point, StringComparison.Ordinal))
            Assert.False(mount.HasExited, "it ended by itself");
        Child.Run("kill", "-TERM", mount.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)).Ok();
        Outcome outcome = Child.Finish(mount);
        Assert.Equal(("", ""), (outcome.Ok().Output, outcome.Error));
        Assert.DoesNotContain(point, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    /// <summary>A shell gives 1,024 open files, and a volume needs two.</summary>
    [Fact]
    public void A_thousand_volumes_are_open_at_once()
    {
        const int Count = 1_000;
        using var scratch = new Scratch();
        string image = scratch.MakeImage("v0.ckd", cylinders: 1, format: "cdl");
        for (int i = 1; i < Count; i++)
            File.Copy(image, scratch.At($"v{i}.ckd"));
        using var mounted = new MountedCcwfs(
            ["--device", $"dasd,image={scratch.At("v%d.ckd")},count={Count}"], through: ["prlimit", "--nofile=1024:4096"]);
        Assert.Equal($"{Count}\n", mounted.Bash("ls $D | grep -c '^0[.]'").Ok().Output);
        mounted.Ccwfs("run", "0.0.03e7", "READ_IPL sli count=24").Ok();
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
    }

    /// <summary>Devices come and go, two hundred at a time, while others list the tree and look at what they find.</summary>
    [Fact]
    public void Who_lists_the_tree_sees_what_stays_once_whatever_comes_and_goes()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd,count=500", "--device", "dasd,id=0.0.8000,count=500"]);
        Assert.Equal("listed\n", mounted.Python("""
            stay = {f'0.0.{n:04x}' for n in [*range(500), *range(0x8000, 0x8000 + 500)]}
            rounds, wrong, done = [0, 0, 0], [], threading.Event()

            def look(number):
                try:
                    while not done.is_set():
                        names = [name for name in os.listdir(D) if name.startswith('0.0.')]
                        assert len(names) == len(set(names)), 'a name comes twice'
                        assert stay <= set(names), f'missing: {sorted(stay - set(names))[:3]}'
                        for name in names[number::40]:
                            try:
                                with open(f'{D}/{name}/info') as info:
                                    assert info.readline().split()[1] == name, name
                            except OSError as error:
                                assert name not in stay and error.errno in (errno.ENOENT, errno.ENODEV), f'{name}: {error}'
                        rounds[number] += 1
                except AssertionError as error:
                    wrong.append(str(error))

            def ask(**request):
                control = os.open(f'{D}/control', os.O_RDWR)
                os.write(control, json.dumps(request).encode())
                reply = json.loads(os.read(control, 1 << 20))
                os.close(control)
                assert 'error' not in reply, reply
                return reply

            lookers = [threading.Thread(target=look, args=[number]) for number in range(len(rounds))]
            for looker in lookers: looker.start()
            turns = 0
            while not wrong and (turns < 3 or min(rounds) < 3):
                for name in ask(verb='add', spec='dasd,id=0.0.4000,count=200')['added']:
                    ask(verb='remove', id=name)
                turns += 1
            done.set()
            for looker in lookers: looker.join()
            print(wrong[0] if wrong else 'listed')
            """));
    }

    [Fact]
    public void Numbers_that_are_taken_are_passed_over()
    {
        // The second thirty thousand want the numbers of the first.
        using var mounted = new MountedCcwfs(["--device", "dasd,count=30000,id=0.0.8000,devno=0.0.0150", "--device", "dasd,count=30000"]);
        string list = mounted.Ccwfs("list").Ok().Output;
        Assert.Contains("0.0.7680 0.0.0000", list, StringComparison.Ordinal);
        Assert.Equal(60_000,
            list.Split('\n').Where(line => line.StartsWith("0.0.", StringComparison.Ordinal)).Select(line => line[..8]).Distinct().Count());
    }
}
