namespace CcwFs.SystemTests;

/// <summary>What the scripts say while they build the program, which takes a while.</summary>
public sealed class BuildTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>Builds in an empty tree, with a compiler that does nothing.</summary>
    private string Said(string script) => Child.Finish(Child.Start(_scratch.Path, null, "bash", "-c", $$"""
        source '{{Places.Repository}}/scripts/setup'
        root=$PWD
        mkdir -p src/CcwFs.Cli/obj
        newer_source() { [[ -e built ]] || echo none; }
        need_dotnet() { :; }
        begin_build() { echo stamp; }
        quietly() { :; }
        end_build() { touch built; }
        {{script}}
        """)).Ok().Error;

    [Fact]
    public void A_build_is_said_once() =>
        Assert.Equal("building ccwfs, which takes a minute the first time\n", Said("build_cli; build_cli"));

    [Fact]
    public void Waiting_for_the_build_of_another_is_said() => Assert.Equal("waiting for another build of ccwfs\n", Said("""
        mkfifo go ready
        (exec 9>src/CcwFs.Cli/obj/build.lock; flock 9; echo >ready; read -r <go; touch built) &
        read -r <ready
        build_cli 2>said &
        until [[ -s said ]]; do kill -0 $!; done
        echo >go
        wait $!
        cat said >&2
        """));
}
