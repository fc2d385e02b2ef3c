namespace CcwFs.SystemTests;

/// <summary>The picture in the README is what the program prints now.</summary>
public sealed class PictureTests
{
    [Fact]
    public void The_session_in_the_picture_is_what_a_terminal_shows_now()
    {
        using var scratch = new Scratch();
        Child.Run(Places.Repository + "/scripts/picture", scratch.At("session.svg")).Ok();
        string picture = File.ReadAllText(Places.Repository + "/scripts/picture.d/session.svg");
        Assert.True(picture == File.ReadAllText(scratch.At("session.svg")), "the picture is old: run scripts/picture");
        Assert.Contains("ended well: channel end, device end", picture, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme: dark", picture, StringComparison.Ordinal); // and light without it
    }
}
