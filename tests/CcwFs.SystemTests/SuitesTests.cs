using System.Buffers.Binary;

namespace CcwFs.SystemTests;

/// <summary>What scripts/suites makes of foreign suites, with small ones that the tests write in their form.</summary>
public sealed class SuitesTests : IDisposable
{
    private const int Table = 0x700, Titles = 0x800, First = 0x740, Second = 0x748;

    /// <summary>A channel program of one CCW: a NOP, or a command that is none.</summary>
    private const ulong Good = 0x03_20_0001_00000000, Bad = 0xFF_20_0001_00000000;

    /// <summary>A script that has to build the program first says so; the tests are for what it says otherwise.</summary>
    private static readonly Lazy<Outcome> s_built = new(
        () => Child.Finish(Child.Start("/", null, Places.Repository + "/scripts/ccwfs", "--version"), patience: TimeSpan.FromMinutes(10)).Ok());

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData]
    [InlineData("hercules")]
    [InlineData("css")]
    [InlineData("other", "/")]
    [InlineData("hercules", "/", "/")]
    public void Other_words_are_answered_with_the_usage(params string[] words) =>
        Assert.Equal("usage: scripts/suites hercules DIR | css FILE\n", Suites(words).Failed(2));

    [Fact]
    public void What_is_not_there_is_named_with_what_to_do()
    {
        string nothing = _scratch.At("nothing");
        Assert.Equal($"ccwfs: {nothing} is no directory: name a checkout of Hercules", Suites("hercules", nothing).Refused(1));
        Assert.Equal(
            $"ccwfs: {_scratch.Path} holds no storage images of Hercules' tests (tests/*.core): name a checkout of Hercules",
            Suites("hercules", _scratch.Path).Refused(1));
        Assert.Equal($"ccwfs: {nothing} is no file: build kvm-unit-tests for s390x and name its s390x/css.elf", Suites("css", nothing).Refused(1));
    }

    [Fact]
    public void Programs_of_a_storage_image_end_as_its_table_says()
    {
        WriteImage(Good, Bad);
        Assert.Equal("""
            E7Prefix 1 at 740: wants well, got 0C00 at 748, count 1: ok  [A]
            E7Prefix 2 at 748: wants no good end, got 0E00 at 750, count 1, sense 80 00 01: ok  [B]
            CCW-ILS: left out, there is no CCW-ILS.core
            GH615: left out, there is no GH615.core
            2 programs, 0 differ

            """, Suites("hercules", _scratch.Path).Ok().Output);
    }

    [Fact]
    public void Programs_that_end_in_another_way_are_told()
    {
        WriteImage(Bad, Good);
        Outcome outcome = Suites("hercules", _scratch.Path);
        Assert.Equal("", outcome.Failed(1));
        Assert.Contains("E7Prefix 1 at 740: wants well, got 0E00 at 748, count 1, sense 80 00 01: DIFFERS  [A]\n", outcome.Output,
            StringComparison.Ordinal);
        Assert.Contains("E7Prefix 2 at 748: wants no good end, got 0C00 at 750, count 1: DIFFERS  [B]\n", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("\n2 programs, 2 differ\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_of_something_else_is_refused()
    {
        File.WriteAllBytes(_scratch.At("E7Prefix.core"), new byte[16]);
        Assert.Equal(
            $"ccwfs: {_scratch.Path}/E7Prefix.core is not the storage image of that test: its table leads out of it",
            Suites("hercules", _scratch.Path).Refused(1));
    }

    [Theory]
    [InlineData("PASS: a: b\nFAIL: c: cu_type expected 0x3832 got 0x3990\r\nSUMMARY: 2 tests\n", 0,
        "PASS: a: b\nFAIL: c: cu_type expected 0x3832 got 0x3990"
        + " (known: it looks for the device of upstream's runner, virtio; a DASD's control unit is a 3990)\n1 passed, 0 failed, 1 known to fail\n")]
    [InlineData("INFO: d\nPASS: a: b\nFAIL: c: d\nSUMMARY: 2 tests\n", 1, "PASS: a: b\nFAIL: c: d\n1 passed, 1 failed, 0 known to fail\n")]
    [InlineData("PASS: a: b\n", 1, "PASS: a: b\n1 passed, 0 failed, 0 known to fail\n")]
    [InlineData("SUMMARY: 0 tests\n", 1, "0 passed, 0 failed, 0 known to fail\n")]
    public void Lines_of_a_guest_are_counted(string guestSays, int status, string says)
    {
        string qemu = _scratch.At("qemu-system-s390x"), elf = _scratch.At("css.elf");
        File.WriteAllText(_scratch.At("says"), guestSays);
        File.WriteAllText(elf, "");
        File.WriteAllText(qemu, $"""
            #!/bin/bash
            case "$*" in
                --version) echo "QEMU emulator version 10.0.2 (fake)" ;;
                "-device vfio-ccw,help") echo 'vfio-ccw options:'; echo '  fd=<string>'; echo '  iommufd=<link<iommufd>>' ;;
                *" -kernel {elf} "*vfio-ccw*) cat '{_scratch.At("says")}' ;;
                *) exit 1 ;;
            esac

            """);
        File.SetUnixFileMode(qemu, (UnixFileMode)0x1ED);
        Outcome outcome = Suites("css", elf);
        Assert.Equal((status, says), (outcome.Status, outcome.Output));
        Assert.Equal(guestSays.Contains("SUMMARY", StringComparison.Ordinal) ? "" : "ccwfs: the guest ended before its tests did\n", outcome.Error);
    }

    /// <summary>A storage image in the form of E7Prefix: at 610 where the table is and how many rows it has.</summary>
    private void WriteImage(ulong first, ulong second)
    {
        byte[] image = new byte[0x900];
        BinaryPrimitives.WriteUInt64BigEndian(image.AsSpan(First), first);
        BinaryPrimitives.WriteUInt64BigEndian(image.AsSpan(Second), second);
        (image[Titles], image[Titles + 1]) = (0xC1, 0xC2); // A and B
        WriteWords(image, 0x610, Table, 2);
        WriteWords(image, Table, 1, First, 0, 1, Titles, 2, Second, 1, 1, Titles + 1);
        File.WriteAllBytes(_scratch.At("E7Prefix.core"), image);
    }

    private static void WriteWords(byte[] image, int at, params int[] words)
    {
        for (int i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(at + (4 * i)), words[i]);
    }

    private Outcome Suites(params string[] words)
    {
        _ = s_built.Value;
        string path = _scratch.Path + ":" + Environment.GetEnvironmentVariable("PATH");
        return Child.Finish(Child.Start("/", new Dictionary<string, string> { ["PATH"] = path }, Places.Repository + "/scripts/suites", words));
    }
}
