namespace CcwFs.SystemTests;

/// <summary>Where the scripts keep what they have made: a directory of this user's own.</summary>
public sealed class CacheTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("XDG_CACHE_HOME=here", "here/ccwfs/x is no absolute path: set XDG_CACHE_HOME to one")]
    [InlineData("HOME=here", "here/.cache/ccwfs/x is no absolute path: set HOME to one")]
    [InlineData("mkdir ccwfs; chmod 770 ccwfs; XDG_CACHE_HOME=$PWD", "SCRATCH/ccwfs may be written by others: chmod go-w SCRATCH/ccwfs")]
    [InlineData("mkdir -p ccwfs/x; chmod 757 ccwfs/x; XDG_CACHE_HOME=$PWD", "SCRATCH/ccwfs/x may be written by others: chmod go-w SCRATCH/ccwfs/x")]
    [InlineData("mkdir -p theirs/mine; chown 65534 theirs; XDG_CACHE_HOME=$PWD/theirs/mine",
        "SCRATCH/theirs/mine/ccwfs lies in SCRATCH/theirs, which belongs to another user: set XDG_CACHE_HOME")]
    [InlineData("mkdir -p theirs/mine; chown 65534 theirs; ln -s theirs/mine way; XDG_CACHE_HOME=$PWD/way",
        "SCRATCH/theirs/mine/ccwfs/x lies in SCRATCH/theirs, which belongs to another user: set XDG_CACHE_HOME")]
    [InlineData("mkdir -p open/mine; chmod 777 open; XDG_CACHE_HOME=$PWD/open/mine",
        "SCRATCH/open/mine/ccwfs lies in SCRATCH/open, which everybody may write: set XDG_CACHE_HOME")]
    public void One_that_others_may_write_or_exchange_is_refused(string setup, string says)
    {
        Assert.Equal("ccwfs: " + says.Replace("SCRATCH", _scratch.Path, StringComparison.Ordinal), Shell($"{setup}; need_cache x").Refused(1));
        Assert.False(Directory.Exists(_scratch.At("here")));
    }

    [Fact]
    public void A_new_one_is_for_its_user_alone()
    {
        string modes = Shell("umask 002; mkdir home; HOME=$PWD/home; need_cache x; need_cache x; cd home/.cache; stat -c %a . ccwfs ccwfs/x; umask")
            .Ok().Output;
        Assert.Equal("700\n700\n700\n0002\n", modes);
    }

    [Fact]
    public void One_in_a_sticky_directory_and_through_a_link_of_ones_own_is_taken() =>
        Assert.Equal(_scratch.At("way/ccwfs/x\n"), Shell("""
            mkdir -p open/mine; chmod 1777 open; ln -s open/mine way; XDG_CACHE_HOME=$PWD/way; need_cache x; echo "$cache_dir"
            """).Ok().Output);

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
            $"ccwfs: {_scratch.At(says)} belongs to another user: set XDG_CACHE_HOME",
                Shell($"{setup}; XDG_CACHE_HOME=$PWD; need_cache x").Refused(1));
}
