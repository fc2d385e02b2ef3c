using CcwFs.Fuzz;

namespace CcwFs.Tests.Images;

/// <summary>Damaged images and redo files for a moment; <c>CcwFs.Fuzz images</c> and <c>formats</c> run for as long as you like.</summary>
public sealed class ImageFuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_images_and_redo_files_are_refused_in_one_line_or_hold_old_or_new_tracks(int seed)
    {
        using var fuzzer = new ImageFuzzer(seed);
        fuzzer.Run(TimeSpan.FromSeconds(3));
        Assert.True(fuzzer.Opened > 5 && fuzzer.Rounds - fuzzer.Opened > 5,
            $"{fuzzer.Rounds} images, {fuzzer.Opened} opened: not every kind was tried");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_files_of_other_formats_and_tables_of_contents_are_refused_in_one_line_or_give_whole_tracks(int seed)
    {
        var fuzzer = new FormatFuzzer(seed);
        fuzzer.Run(TimeSpan.FromSeconds(2));
        Assert.True(fuzzer.Whole > 5 && fuzzer.Rounds - fuzzer.Whole > 5, $"{fuzzer.Rounds} files, {fuzzer.Whole} whole: not every kind was tried");
    }
}
