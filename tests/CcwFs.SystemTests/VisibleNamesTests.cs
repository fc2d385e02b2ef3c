namespace CcwFs.SystemTests;

/// <summary>
/// Names of files that hold ends of lines and other control characters: what verbs print of them is one line, and what is to be typed means them.
/// </summary>
public sealed class VisibleNamesTests : IDisposable
{
    private const string Name = "it's\n\x1b[31m\\7";
    private const string Shown = "it's??[31m\\7";

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(1, "dasd", "check")]
    [InlineData(15, "dasd", "info")]
    [InlineData(1, "dasd", "complete")]
    [InlineData(2, "config", "check")] // two errors
    public void A_verb_prints_no_lines_of_a_files_name(int lines, params string[] verb)
    {
        string file = verb[0] == "dasd" ? _scratch.MakeImage(Name) : _scratch.At(Name);
        if (verb[0] == "config")
            File.WriteAllText(file, """{ "mountpoint": "/tmp", "devices": [ "dasd,image=none\nsuch" ] }""");
        Outcome said = Child.Ccwfs([.. verb, file]);
        string text = said.Output + said.Error;
        Assert.Contains(Shown, text, StringComparison.Ordinal);
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.Equal(lines, text.TrimEnd('\n').Split('\n').Length);
    }

    [Fact]
    public void A_mount_says_in_one_line_where_it_is_and_what_is_to_be_typed_means_it()
    {
        string point = _scratch.MakeDirectory(Name), image = _scratch.MakeImage(Name + ".ckd");
        Assert.Equal($"mounted {_scratch.Path}/{Shown}\n", Child.Ccwfs("mount", point, "--device", "dasd", "--daemon").Ok().Output);
        try
        {
            string spec = image.Replace("\\", "\\\\", StringComparison.Ordinal);
            AssertTyped($"add\0dasd,image={spec}\0--mount\0{point}\0", Child.Ccwfs("attach", "--dry-run", "--mount", point, image));
            AssertTyped($"-name\0{Name}\0", Child.Ccwfs("qemu", "--mount", point, "--print", "--", "ccwfs", "-name", Name));
        }
        finally
        {
            Child.Ccwfs("umount", point).Ok();
        }
    }

    /// <summary>A shell takes what was printed for a command with these words.</summary>
    private void AssertTyped(string words, Outcome printed)
    {
        Assert.DoesNotContain(printed.Ok().Output, c => char.IsControl(c) && c != '\n');
        File.WriteAllText(_scratch.At("ccwfs"), "#!/bin/sh\nprintf '%s\\0' \"$@\"");
        Outcome typed = Child.Run("bash", "-euc", $"cd '{_scratch.Path}'; chmod +x ccwfs; PATH=$PWD:$PATH; {printed.Output}");
        Assert.Contains(words, typed.Ok().Output, StringComparison.Ordinal);
    }
}
