using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary><c>ccwfs top</c>: on a terminal, as lines and as JSON.</summary>
public sealed class TopTests : IDisposable
{
    /// <summary>Programs without end on 0.0.0001, from a thread of the script.</summary>
    private const string Busy = """
        from top import Terminal
        ended = threading.Event()
        def work():
            poke(PROGRAM, ccw(0x03, SLI, 1, 0))
            while not ended.is_set():
                start(dev='0.0.0001')
                wait(dev='0.0.0001')
                irb(dev='0.0.0001')
        worker = threading.Thread(target=work)
        worker.start()
        top = [CCWFS, 'top', '--mount', D, '--interval', '0.3']

        """;

    private readonly MountedCcwfs _mounted = new(["--device", "dasd,count=40"]);

    public void Dispose() => _mounted.Dispose();

    [Theory]
    [InlineData("q")]
    [InlineData("\\x03")] // Ctrl-C
    public void A_screen_shows_the_busiest_first_and_ends_at_a_key_with_the_terminal_as_it_was(string key) => _mounted.Python(Busy + $$"""
        terminal = Terminal(top)
        try:
            terminal.read(lambda shown: len(terminal.screens()) >= 2)
        finally:
            ended.set()
        screen = terminal.screens()[1]
        assert len(screen) == 24 and all(len(line) <= 80 for line in screen), screen
        assert screen[0].startswith('ccwfs top  ') and screen[0].endswith(D), screen[0]
        assert screen[1] == '40 subchannels, 1 active, 0 with a client', screen[1]
        assert ' programs/s, ' in screen[2] and screen[2].endswith('B/s written'), screen[2]
        assert screen[3].split()[:4] == ['Subchan.', 'Device', 'Busy', 'Prog/s'], screen[3]
        first = screen[4].split()
        assert first[0] == '0.0.0001' and first[1] == '0.0.0151', first
        assert first[2].endswith('%') and first[3] not in ('0', '0.0'), first
        assert screen[5].split()[2:4] == ['0%', '0'], screen[5]
        assert screen[-1] == 'q ends', screen[-1]
        worker.join()
        terminal.type(b'{{key}}')
        assert terminal.end() == 0
        """);

    [Fact]
    public void Of_many_subchannels_it_shows_what_fits()
    {
        using var many = new MountedCcwfs(["--device", "dasd,count=4096"]);
        many.Python("""
            from top import Terminal
            terminal = Terminal([CCWFS, 'top', '--mount', D, '--interval', '0.3'], lines=10, columns=50)
            terminal.read(lambda shown: terminal.screens())
            screen = terminal.screens()[0]
            assert len(screen) == 10 and all(len(line) <= 50 for line in screen), screen
            assert screen[1].startswith('4096 subchannels, 0 active'), screen[1]
            terminal.type(b'xQ')
            assert terminal.end() == 0
            """);
    }

    [Fact]
    public void It_prints_lines_where_there_is_no_terminal_and_ends_when_its_reader_does() => _mounted.Python(Busy + """
        top = subprocess.Popen(top, stdout=subprocess.PIPE, text=True)
        lines = [top.stdout.readline() for _ in range(6)]
        top.stdout.close()
        ended.set()
        assert top.wait(60) == 0
        assert lines[0].split()[1] == 'Subchan.' and lines[3].split()[1] == 'Subchan.', lines
        assert lines[1].split()[1] == '0.0.0001', lines
        assert ' 40 subchannels, 1 active' in lines[2], lines
        worker.join()
        """);

    [Fact]
    public void JSON_has_every_subchannel_with_its_numbers()
    {
        string output = _mounted.Python(Busy + """
            print(subprocess.run(top + ['--once', '--json'], check=True, capture_output=True, text=True).stdout, end='')
            ended.set()
            worker.join()
            """);
        JsonElement one = JsonDocument.Parse(Assert.Single(output.TrimEnd('\n').Split('\n'))).RootElement;
        JsonElement[] rows = [.. one.GetProperty("subchannels").EnumerateArray()];
        Assert.Equal(40, rows.Length);
        Assert.Equal("0.0.0001", rows[0].GetProperty("subchannel").GetString());
        Assert.InRange(rows[0].GetProperty("busy").GetDouble(), 0.0001, 1);
        Assert.True(rows[0].GetProperty("programs").GetDouble() > 1);
        Assert.True(rows[0].GetProperty("average").GetDouble() <= rows[0].GetProperty("within").GetDouble() * 10);
        Assert.Equal(0, rows[1].GetProperty("programs").GetDouble());
    }

    [Theory]
    [InlineData("--interval 0", 2, "--interval 0: say a number from 0.1 to 3600")]
    [InlineData("--interval 4000", 2, "--interval 4000: say a number from 0 to 3600")]
    [InlineData("--once 0.0.0000", 2, "0.0.0000")]
    public void What_is_wrong_is_one_line(string words, int status, string said) =>
        Assert.Contains(said, _mounted.Ccwfs("top", words.Split(' ')).Refused(status), StringComparison.Ordinal);

    [Fact]
    public void Without_a_mount_it_says_how_to_make_one() => Assert.Equal(
        $"ccwfs: no ccwfs is mounted at {_mounted.Scratch.Path}; mount one: ccwfs mount {_mounted.Scratch.Path}",
        Child.Ccwfs("top", "--once", "--mount", _mounted.Scratch.Path).Refused(1));
}
