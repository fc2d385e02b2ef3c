namespace CcwFs.SystemTests;

/// <summary>Packed channel programs: from guest memory to a file, to another ccwfs and back.</summary>
public sealed class PackedTests(PackedTests.TwoMounts mounts) : IClassFixture<PackedTests.TwoMounts>
{
    /// <summary>Here and there: two ccwfs with the same volume.</summary>
    public sealed class TwoMounts : IDisposable
    {
        public TwoMounts()
        {
            string image = Scratch.MakeImage("here.ckd", 3, "cdl");
            File.Copy(image, Scratch.At("there.ckd"));
            Here = new MountedCcwfs(["--device", "dasd,image=" + image]);
            There = new MountedCcwfs(["--device", "dasd,image=" + Scratch.At("there.ckd")]);
        }

        public Scratch Scratch { get; } = new();

        public MountedCcwfs Here { get; }

        public MountedCcwfs There { get; }

        public void Dispose()
        {
            Here.Dispose();
            There.Dispose();
            Scratch.Dispose();
        }
    }

    private string At(string name) => mounts.Scratch.At(name);

    private static Outcome Translate(params string[] arguments) => Child.Ccwfs(["translate", .. arguments]);

    [Fact]
    public void A_guests_program_runs_elsewhere_with_the_same_irb_and_data() => mounts.Here.Python($$"""
        import ccw, json
        there, out = '{{mounts.There.MountPoint}}', '{{mounts.Scratch.Path}}'
        def verb(*a): return subprocess.check_output([CCWFS, *a], text=True)
        # format 0, an IDAW list of format 1, and the read in another chain
        poke(0x2000, struct.pack('>II', 0x07003000, 0x60000006) + struct.pack('>II', 0x31003008, 0x60000005) + struct.pack('>II', 0x08002008, 0)
             + struct.pack('>II', 0x03000000, 0x60000001) + struct.pack('>II', 0x08004000, 0))
        poke(0x4000, struct.pack('>II', 0x0e005000, 0x24000054))
        poke(0x3000, bytes(6)); poke(0x3008, bytes([0, 0, 0, 0, 3])); poke(0x5000, struct.pack('>II', 0x67e0, 0x6800))
        word1 = 0x50408000   # key 5, prefetch, path 80
        assert start(0x2000, word1) == 24 and wait() == 1
        irb_here, data_here = irb().hex(), peek(0x67e0, 0x54).hex()
        assert irb_here[8:16] == '00004008' and data_here.startswith('e5d6d3f1'), (irb_here, data_here)

        poke(0x67e0, bytes(0x54))
        words = orb(0x2000, word1).hex()
        verb('translate', '--format', 'packed', '--with-data', '--memory', D + '/memory', '--orb', words, '--output', out + '/p')
        result = json.loads(verb('run', DEV, '--program', out + '/p', '--json', '--mount', there))
        assert result['irb']['hex'].lower() == irb_here[:8] + '00000030' + irb_here[16:], result['irb']['hex']   # the offset behind CCW 5
        assert result['reads'][0]['hex'].lower() == data_here and result['reads'][0]['address'] == '000067E0'

        # the same from the memory, in the guest's addresses
        result = json.loads(verb('run', DEV, '--memory', D + '/memory', '--orb', words, '--json', '--mount', there))
        assert result['irb']['hex'].lower() == irb_here and result['reads'][0]['hex'].lower() == data_here

        # unpacked, into the other one's memory
        said = verb('translate', '--from', 'packed', out + '/p', '--unpack', out + '/image', '--at', '0x9000')
        assert 'the CCWs are at 00009000; start them with the ORB 00000000 50C00000 00009000' in said, said
        subprocess.check_call(['dd', 'if=' + out + '/image', 'of=' + there + '/memory', 'bs=4096', 'conv=notrunc,sparse', 'status=none'])
        ccw.D = there
        assert start(0x9000, 0x50c08000) == 24 and wait() == 1
        assert irb().hex() == irb_here[:8] + '00009030' + irb_here[16:] and peek(0x67e0, 0x54).hex() == data_here
        """);

    [Fact]
    public void A_program_of_text_is_packed_printed_and_run()
    {
        string[] program = ["SEEK to=0/0", "s: SEARCH_ID_EQUAL id=0/0/3", "tic=s", "READ_KEY_AND_DATA sli count=84"];
        Assert.Equal("packed program: 4 CCWs, 2 segments of 11 bytes; ORB 00000000 00C20000 00000000\n",
            Translate(["--format", "packed", "--with-data", "-o", At("text"), .. program]).Ok().Output);
        string listing = Translate("--from", "packed", At("text")).Ok().Output;
        Assert.Contains("\n  1       8   2056  SEARCH_ID_EQUAL cc count=5 address=00000028  # id 0/0/3\n  2      16         TRANSFER_IN_CHANNEL to offset 8\n",
            listing, StringComparison.Ordinal);
        Assert.Contains("\n         32         NO_OPERATION, appended\n", listing, StringComparison.Ordinal);
        Assert.Contains("\n5 bytes at 00000028\n  0000  00000000 03 ", listing, StringComparison.Ordinal);
        string packed = mounts.There.Ccwfs("run", "0.0.0000", "--program", At("text")).Ok().Output;
        Assert.Contains("READ_KEY_DATA (CCW 3): 84 bytes at 00000030\n  0000  e5d6d3f1 e5d6d3f1 ", packed, StringComparison.Ordinal);
        string direct = mounts.There.Ccwfs("run", ["0.0.0000", .. program]).Ok().Output;
        Assert.Equal(direct.Replace("(line 4)", "(CCW 3)", StringComparison.Ordinal), packed);
    }

    [Fact]
    public void The_block_goes_to_standard_output_and_json_comes_back()
    {
        byte[] block = Translate("--format", "packed", "SENSE_ID sli count=40").Ok().Bytes;
        Assert.Equal((4096, "E420002800000800" + "03000000"), (block.Length, Convert.ToHexString(block.AsSpan(0, 12))));
        File.WriteAllBytes(At("sense"), block);
        using System.Text.Json.JsonDocument json =
            System.Text.Json.JsonDocument.Parse(Translate("--from", "packed", At("sense"), "--json").Ok().Output);
        System.Text.Json.JsonElement ccw = Assert.Single(json.RootElement.GetProperty("ccws").EnumerateArray());
        Assert.Equal((2048, "E420002800000008"), (ccw.GetProperty("entry").GetInt32(), ccw.GetProperty("hex").GetString()));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, ccw.GetProperty("parameters").ValueKind);
        // it needs room alone
        Assert.Contains("ff3990e9", mounts.Here.Ccwfs("run", "0.0.0000", "--program", At("sense")).Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_and_parameters_are_those_of_the_family()
    {
        string[] program = ["DEFINE_EXTENT begin=8 end=15", "LOCATE cd data=01", "DATA data=0200020000000f", "WRITE zero=1024"];
        Translate(["--format", "packed", "--with-data", "--commands", "fba", "-o", At("fba"), .. program]).Ok();
        string listing = Translate("--from", "packed", "--commands", "fba", At("fba")).Ok().Output;
        Assert.Contains(" DEFINE_EXTENT cc count=16 ", listing, StringComparison.Ordinal);
        Assert.Contains("  # begin 8 first 0 last 7 mask format\n", listing, StringComparison.Ordinal);
        Assert.Contains(" LOCATE cd count=1 ", listing, StringComparison.Ordinal);
        Assert.Contains("  # op write at 15 count 2 repeat 2\n", listing, StringComparison.Ordinal);
        Assert.DoesNotContain("LOCATE", Translate("--from", "packed", At("fba")).Ok().Output, StringComparison.Ordinal);
        using System.Text.Json.JsonDocument json =
            System.Text.Json.JsonDocument.Parse(Translate("--from", "packed", "--commands", "fba", At("fba"), "--json").Ok().Output);
        Assert.Equal("begin 8 first 0 last 7 mask format", json.RootElement.GetProperty("ccws")[0].GetProperty("parameters").GetString());
    }

    [Fact]
    public void What_is_not_in_the_file_is_not_counted()
    {
        Assert.Equal("packed program: 1 CCW, no data; ORB 00000000 00C20000 00000000\n",
            Translate("--format", "packed", "-o", At("bare"), "SEEK to=0/0").Ok().Output);
        Assert.StartsWith("packed program: 1 CCW, no data; ", Translate("--from", "packed", At("bare")).Ok().Output, StringComparison.Ordinal);
        Assert.Contains("1 CCW, 1 segment of 6 bytes; ", Translate("--format", "packed", "--with-data", "-o", At("whole"), "SEEK to=0/0").Ok().Output,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--unpack does not go with --format", "--format", "packed", "NOP", "--unpack", "x")]
    [InlineData("--json does not go with --format", "--format", "packed", "NOP", "--json")]
    [InlineData("--at does not go with --format", "--format", "packed", "NOP", "--at", "1000")]
    [InlineData("--with-data does not go with --from", "--from", "packed", "x", "--with-data")]
    [InlineData("--output does not go with --from", "--from", "packed", "x", "-o", "y")]
    [InlineData("--program does not go with --from", "--from", "packed", "x", "--program", "y")]
    [InlineData("--memory does not go with --from", "--from", "packed", "x", "--memory", "y")]
    [InlineData("--at goes with --unpack", "--from", "packed", "x", "--at", "1000")]
    [InlineData("--json does not go with --vectors", "--vectors", "x", "--json")]
    [InlineData("--commands does not go with --vectors", "--vectors", "x", "--commands", "fba")]
    [InlineData("--with-data does not go with --vectors", "--vectors", "x", "--with-data")]
    [InlineData("--orb does not go with --vectors", "--vectors", "x", "--orb", "00")]
    [InlineData("CCWs do not go with --vectors", "--vectors", "x", "NOP")]
    [InlineData("not --format and --vectors", "--vectors", "x", "--format", "packed", "NOP")]
    public void Options_that_do_not_go_together_are_refused_and_not_passed_over(string says, params string[] arguments) =>
        Assert.Contains(says, Translate(arguments).Refused(2), StringComparison.Ordinal);

    [Fact]
    public void Output_does_not_go_through_what_somebody_else_put_there()
    {
        string Refusal(string name) => Translate("--format", "packed", "-o", At(name), "NOP").Refused(1);
        File.WriteAllText(At("precious"), "precious");
        Child.Run("ln", "-s", At("precious"), At("link")).Ok();
        Child.Run("ln", "-s", At("link"), At("ours")).Ok();
        Child.Run("ln", "-s", At("missing"), At("dangling")).Ok();
        Child.Run("chown", "-h", "65534", At("link"), At("dangling")).Ok();
        Assert.Contains("is a symbolic link of user 65534", Refusal("link"), StringComparison.Ordinal);
        Assert.Contains("is a symbolic link of user 65534", Refusal("ours"), StringComparison.Ordinal);
        Assert.Contains("is a symbolic link of user 65534", Refusal("dangling"), StringComparison.Ordinal);
        Child.Run("ln", At("precious"), At("second")).Ok();
        Assert.Contains("has another name too", Refusal("second"), StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(At("precious")));
        Assert.False(File.Exists(At("missing")));
        Child.Run("mkfifo", At("fifo")).Ok();
        Child.Run("chown", "65534", At("fifo")).Ok();
        Assert.Contains("is a FIFO of another user", Refusal("fifo"), StringComparison.Ordinal);
        Assert.Contains("is a directory", Refusal("."), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("translate --format packed NOP -o")]
    [InlineData("translate --from packed bare --unpack")]
    [InlineData("dasd create --cylinders 1")]
    public void No_output_goes_where_a_link_of_another_user_on_the_way_leads(string verb)
    {
        using var scratch = new Scratch(); // a directory for everybody, as /tmp
        string script = """
            chmod 1777 .; mkdir there; echo precious >there/old; nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
            $nobody ln -s $PWD/there theirs; ln -s theirs way; ln -s theirs/new last; ln -s there mine
            $nobody mkdir home; mkdir home/there; ln -s ../there home/ours
            CCWFS translate --format packed -o bare NOP
            for path in theirs/new theirs/old way/new ./mine/../theirs/new $([[ 'VERB' == dasd* ]] || echo last); do
                ! said=$(CCWFS VERB $path 2>&1)
                [[ $said == *"$path: passes the symbolic link $PWD/theirs of user 65534; give a path without it" ]] || { echo "$path: $said"; exit 9; }
            done
            [[ $(ls there) == old && $(cat there/old) == precious ]]
            for path in mine/new home/new home/there/new home/ours/other mine/../another; do
                CCWFS VERB $path >/dev/null
                [[ -s $path ]]
            done
            """.Replace("CCWFS", Places.Program, StringComparison.Ordinal).Replace("VERB", verb, StringComparison.Ordinal);
        Child.Finish(Child.Start(scratch.Path, null, "bash", "-euo", "pipefail", "-c", script)).Ok();
    }

    [Fact]
    public void Output_goes_through_links_of_ones_own_and_to_what_a_shell_gives()
    {
        Translate("--format", "packed", "-o", At("bare"), "NOP").Ok();
        File.WriteAllText(At("older"), new string('x', 100_000));
        Child.Run("ln", "-s", "older", At("to-older")).Ok();
        Child.Run("ln", "-s", At("newer"), At("to-newer")).Ok();
        foreach (string link in new[] { "older", "newer" })
        {
            Translate("--format", "packed", "-o", At("to-" + link), "NOP").Ok();
            Assert.Equal(File.ReadAllBytes(At("bare")), File.ReadAllBytes(At(link)));
        }
        Assert.EndsWith(Translate("--format", "packed", "-o", "/dev/null", "NOP").Ok().Output,
            Translate("--format", "packed", "-o", "/dev/stdout", "NOP").Ok().Output[4_000..], StringComparison.Ordinal);
    }

    [Fact]
    public void Refusals_are_one_line()
    {
        string[] many = [.. Enumerable.Repeat("NOP", 300)];
        Assert.EndsWith("the program has 300 CCWs; a packed one holds 255", Translate(["--format", "packed", "-o", At("x"), .. many]).Refused(1),
            StringComparison.Ordinal);
        Assert.False(File.Exists(At("x")));
        Translate("--format", "packed", "-o", At("seek"), "SEEK to=0/0").Ok();
        Assert.Contains("CCW 0 needs 6 bytes", mounts.Here.Ccwfs("run", "0.0.0000", "--program", At("seek")).Refused(1), StringComparison.Ordinal);
        Assert.Contains("CCW 0 needs 6 bytes", Translate("--from", "packed", At("seek"), "--unpack", At("x")).Refused(1), StringComparison.Ordinal);
        File.WriteAllBytes(At("short"), new byte[100]);
        Assert.Contains("4096 to", mounts.Here.Ccwfs("run", "0.0.0000", "--program", At("short")).Refused(1), StringComparison.Ordinal);
        Assert.Contains("4096 to", Translate("--from", "packed", At("short")).Refused(1), StringComparison.Ordinal);
        Translate("--from", "packed", At("none")).Refused(1);
        Translate("--format", "packed", "--memory", At("none"), "--orb", "000000000000000000000000").Refused(1);
        Translate("--format", "packed", "--memory", "/", "--orb", "000000000000000000000000").Refused(1);
        Translate("--format", "packed", "-o", "/nowhere/x", "NOP").Refused(1);
    }

    [Theory]
    [InlineData("--format", "packed")]
    [InlineData("--format", "packed", "--memory", "x")]
    [InlineData("--format", "packed", "--orb", "000000000000000000000000", "NOP")]
    [InlineData("--format", "packed", "--memory", "x", "--orb", "00")]
    [InlineData("--format", "packed", "--memory", "x", "--orb", "zz")]
    [InlineData("--format", "packed", "--program", "x", "NOP")]
    [InlineData("--format", "other", "NOP")]
    [InlineData("--format", "packed", "--from", "packed", "x")]
    [InlineData("--from", "packed")]
    [InlineData("--from", "packed", "x", "y")]
    [InlineData("--from", "packed", "x", "--at", "nothex")]
    [InlineData("NOP")]
    public void Wrong_usage_is_told_apart(params string[] arguments) => Translate(arguments).Refused(2);
}
