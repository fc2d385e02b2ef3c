namespace CcwFs.SystemTests;

/// <summary>The shell session of the manual, and the manners of the files under ordinary tools.</summary>
public sealed class ShellSessionTests(MountedCcwfs mounted) : IClassFixture<MountedCcwfs>
{
    [Fact]
    public void A_file_users_whole_io_in_bash_works_as_printed()
    {
        Outcome outcome = mounted.Bash("""
            printf '\xe4\x20\x00\x28\x00\x00\x20\x00' | dd of=$D/memory bs=1 seek=$((0x1000)) conv=notrunc status=none
            { printf '\0\0\0\0\x00\xc2\x80\x00\x00\x00\x10\x00'; printf '\x00\x00\x40\x00\0\0\0\0\0\0\0\0'; } | dd of=$D/0.0.0000/io bs=124 iflag=fullblock status=none
            head -c 8 $D/0.0.0000/irq/io | od -An -t u8
            dd if=$D/0.0.0000/io bs=124 count=1 status=none | $CCWFS decode io > $S/decoded
            dd if=$D/0.0.0000/io bs=124 count=1 status=none | tail -c +25 | head -c 12 | xxd -p
            dd if=$D/memory bs=1 skip=$((0x2000)) count=12 status=none | xxd -p
            grep -c 'channel end, device end' $S/decoded
            """).Ok();
        Assert.Equal("                    1\n00c04007000010080c00001c\nff3990e933900a0040fa0100\n", outcome.Output[..^2]);
        Assert.True(outcome.Output[^2] >= '1');
    }

    [Theory]
    [InlineData("io", 124, "600")]
    [InlineData("cmd", 8, "600")]
    [InlineData("schib", 52, "400")]
    [InlineData("crw", 8, "400")]
    [InlineData("irq/io", 8, "600")]
    [InlineData("irq/crw", 8, "600")]
    [InlineData("irq/req", 8, "600")]
    public void A_region_file_has_its_size_mode_and_owner(string file, int size, string mode) =>
        Assert.Equal($"{size} {mode} root root\n", mounted.Bash($"stat -c '%s %a %U %G' $D/0.0.0000/{file}").Ok().Output);

    [Fact]
    public void Directories_are_0700_and_info_is_read_only()
    {
        Assert.Equal("700\n700\n700\n400\n600\n600 268435456\n", mounted.Bash("""
            stat -c %a $D $D/0.0.0000 $D/0.0.0000/irq $D/0.0.0000/info $D/control
            stat -c '%a %s' $D/memory
            """).Ok().Output);
    }

    [Fact]
    public void The_tree_lists_what_the_manual_names()
    {
        Assert.Equal("0.0.0000 control iommu memory metrics sys\ncmd crw device flight flight.pcapng info io irq schib stats trace trace.json trace.pcapng\ncrw io req\n",
            mounted.Bash("ls $D | paste -sd' '; ls $D/0.0.0000 | paste -sd' '; ls $D/0.0.0000/irq | paste -sd' '").Ok().Output);
    }

    [Theory]
    [InlineData("io", 124)]
    [InlineData("cmd", 8)]
    [InlineData("schib", 52)]
    [InlineData("crw", 8)]
    public void Cat_and_greedy_reads_end_at_the_regions_end(string file, int size)
    {
        Assert.Equal($"{size}\n{size}\n",
            mounted.Bash($"cat $D/0.0.0000/{file} | wc -c; dd if=$D/0.0.0000/{file} bs=4096 status=none | wc -c").Ok().Output);
        mounted.Python($"""
            assert len(pread(path('{file}'), 4096)) == {size}
            assert len(pread(path('{file}'), 4096, {size} - 3)) == 3
            assert pread(path('{file}'), 4096, {size}) == b''
            assert pread(path('{file}'), 4096, 1 << 40) == b''
            """);
    }

    [Fact]
    public void Truncation_is_accepted_and_changes_nothing()
    {
        mounted.Python("""
            drain()
            assert pwrite(path('io'), b'\x11\x22', 2) == 2
            before = pread(path('io'), 124)
            os.close(os.open(path('io'), os.O_RDWR | os.O_TRUNC))
            os.truncate(path('io'), 0); os.truncate(path('io'), 1000)
            assert pread(path('io'), 124) == before and os.stat(path('io')).st_size == 124
            poke(0, b'kept'); os.truncate(D + '/memory', 0)
            assert peek(0, 4) == b'kept' and os.stat(D + '/memory').st_size == 268435456
            pwrite(path('io'), bytes(124))
            """);
        mounted.Bash(": > $D/0.0.0000/io; printf '\\0' > $D/0.0.0000/io").Ok();
    }

    [Fact]
    public void Appending_to_a_region_is_EINVAL()
    {
        Outcome outcome = mounted.Bash("printf x >> $D/0.0.0000/io");
        Assert.Equal(1, outcome.Status);
        Assert.Contains("Invalid argument", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Synchronising_succeeds_on_region_files_and_memory() =>
        mounted.Bash("""
            head -c 124 /dev/zero | dd of=$D/0.0.0000/io bs=124 conv=fsync status=none
            head -c 4096 /dev/zero | dd of=$D/memory bs=4096 conv=notrunc,fsync status=none
            head -c 4096 /dev/zero | dd of=$D/memory bs=4096 conv=notrunc,fdatasync status=none
            sync $D/0.0.0000/io
            """).Ok();

    [Theory]
    [InlineData("os.open(D + '/new', os.O_CREAT | os.O_RDWR)", "EPERM")]
    [InlineData("os.open(path('new'), os.O_CREAT | os.O_EXCL | os.O_RDWR)", "EPERM")]
    [InlineData("os.mknod(D + '/new', 0o600 | stat.S_IFIFO)", "EPERM")]
    [InlineData("os.mkdir(D + '/new')", "EPERM")]
    [InlineData("os.rmdir(D + '/0.0.0000')", "EPERM")]
    [InlineData("os.unlink(D + '/memory')", "EPERM")]
    [InlineData("os.unlink(path('io'))", "EPERM")]
    [InlineData("os.rename(path('io'), path('oi'))", "EPERM")]
    [InlineData("os.link(path('io'), path('oi'))", "EPERM")]
    [InlineData("os.symlink('io', path('oi'))", "EPERM")]
    [InlineData("os.chmod(path('io'), 0o666)", "EPERM")]
    [InlineData("os.chown(path('io'), 1, 1)", "EPERM")]
    [InlineData("os.open(path('none'), os.O_RDONLY)", "ENOENT")]
    [InlineData("os.open(D + '/0.0.0001/io', os.O_RDONLY)", "ENOENT")]
    [InlineData("os.stat(D + '/0.0.000A')", "ENOENT")]
    [InlineData("os.stat(D + '/00.0.0000')", "ENOENT")]
    [InlineData("os.stat(D + '/0.0.0')", "ENOENT")]
    [InlineData("os.stat(D + '/' + 'x' * 255)", "ENOENT")]
    [InlineData("os.stat(D + '/' + 'x' * 2000)", "ENAMETOOLONG")]
    [InlineData("os.getxattr(path('io'), 'user.x')", "ENODATA")]
    [InlineData("os.readlink(path('io'))", "EINVAL")]
    [InlineData("os.listdir(path('io'))", "ENOTDIR")]
    [InlineData("os.stat(path('io') + '/x')", "ENOTDIR")]
    [InlineData("mmap.mmap(os.open(path('io'), os.O_RDWR), 124, mmap.MAP_SHARED)", "ENODEV")]
    public void What_the_tree_refuses_it_refuses_with_the_right_errno(string expression, string expected) =>
        mounted.Python($"assert name(call(lambda: {expression})) == '{expected}', name(call(lambda: {expression}))");

    [Fact]
    public void Times_may_be_set() => mounted.Python("os.utime(path('io'), (1, 2)); os.utime(path('io'))");

    [Fact]
    public void Permissions_of_read_only_files_hold_for_owners_without_roots_rights() =>
        mounted.Python("""
            for file in 'schib', 'crw', 'info':
                assert os.stat(path(file)).st_mode & 0o222 == 0
                assert name(pwrite(path(file), b'x')) in ('EINVAL', 'EBADF'), file
            """);

    [Fact]
    public void Opening_and_closing_changes_nothing() =>
        mounted.Python("""
            ran((0xe4, SLI, 40))
            before = pread(path('io'), 124), pread(path('schib'), 52)
            for _ in range(50):
                for file in 'io', 'cmd', 'schib', 'crw', 'irq/io', 'info':
                    os.close(os.open(path(file), os.O_RDONLY))
            assert (pread(path('io'), 124), pread(path('schib'), 52)) == before
            """);

    [Fact]
    public void Info_is_text_that_names_the_device()
    {
        string text = mounted.Bash("cat $D/0.0.0000/info").Ok().Output;
        Assert.Contains("3390/0a", text, StringComparison.Ordinal);
        Assert.Contains("0.0.0150", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_control_file_answers_json_with_json_and_nonsense_with_an_error_in_words() =>
        mounted.Python("""
            def ask(text):
                fd = os.open(D + '/control', os.O_RDWR)
                for piece in text if isinstance(text, list) else [text]:
                    assert os.write(fd, piece) == len(piece)
                reply = b''
                while data := os.read(fd, 65536): reply += data
                os.close(fd)
                return json.loads(reply)
            assert ask(b'{"verb":"list"}')['devices'][0]['subchannel'] == DEV
            assert ask([b'{"ver', b'b":"li', b'st"}'])['devices']
            tricky = b' \n{"verb":"info","id":"}]\\"{[\\\\","memory":[{"address":0}]}'    # ends with its last brace, however it is cut
            for size in 1, 2, 7:
                assert 'no subchannel id' in ask([tricky[at:at + size] for at in range(0, len(tricky), size)])['error']
            for wrong in b'nonsense', b'[]', b'null', b'{}', b'{"verb":"dance"}', b'{"verb":"info","id":"9.9.9"}', b'\xff\xfe', b'{"verb":"run","id":"0.0.0000"}', b'{"verb":5}':
                reply = ask(wrong)
                assert reply['error'] and '\n' not in reply['error'] and '   at ' not in reply['error'], reply
            """);
}
