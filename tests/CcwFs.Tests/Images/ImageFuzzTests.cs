using CcwFs.Fuzz;

namespace CcwFs.Tests.Images;

/// <summary>Damaged images and redo files for a moment; <c>CcwFs.Fuzz images</c> runs for as long as you like.</summary>
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
}
