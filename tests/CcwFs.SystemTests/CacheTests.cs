namespace CcwFs.SystemTests;

/// <summary>Where the scripts keep what they have made: a directory of this user's own.</summary>
public sealed class CacheTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>Runs a script with its words set up; HOME is one that nobody has set.</summary>
    private Outcome Shell(string script) => Child.Finish(Child.Start(
        _scratch.Path, null, "bash", "-c", $"unset HOME XDG_CACHE_HOME; source '{Places.Repository}/scripts/setup'; {script}"));

    [Fact]
    public void Without_HOME_it_is_in_the_home_of_the_users_account()
    {
        Outcome kept = Shell("""getent() { [[ $* == "passwd $EUID" ]] && echo "root:x:0:0:root:$PWD/home:/bin/sh"; }; need_cache x; echo "$cache_dir" """);
        Assert.Equal(_scratch.At("home/.cache/ccwfs/x\n"), kept.Ok().Output);
        Assert.True(Directory.Exists(_scratch.At("home/.cache/ccwfs/x")));
    }

    [Theory]
    [InlineData("mkdir ccwfs; chown 65534 ccwfs", "ccwfs")]
    [InlineData("mkdir -p ccwfs/x; chown 65534 ccwfs/x", "ccwfs/x")]
    [InlineData("mkdir mine; ln -s $PWD/mine ccwfs; chown -h 65534 ccwfs", "ccwfs")]
    public void One_of_another_user_is_refused(string setup, string says) =>
        Assert.Equal(
            $"ccwfs: {_scratch.At(says)} belongs to another user: set XDG_CACHE_HOME", Shell($"{setup}; XDG_CACHE_HOME=$PWD; need_cache x").Refused(1));
}
