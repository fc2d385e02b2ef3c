namespace CcwFs.SystemTests;

/// <summary>`ccwfs qemu` asks a QEMU once what it can do, and again when the program has changed.</summary>
public sealed class QemuMemoryTests : IDisposable
{
    private readonly MountedCcwfs _mounted = new(["--device", "dasd"]);

    public void Dispose() => _mounted.Dispose();

    [Fact]
    public void What_is_remembered_is_not_asked_again_until_the_program_changes() => _mounted.Bash("""
        set -e
        export XDG_CACHE_HOME=$S/cache
        start() { "$CCWFS" qemu --mount "$D" --no-plugin -- "$S/qemu" 2>&1; }
        refused() { (start || true) | grep 'is no QEMU'; }
        cp /usr/bin/true "$S/qemu"
        refused
        test ! -e "$XDG_CACHE_HOME/ccwfs/qemu"
        mkdir -p "$XDG_CACHE_HOME/ccwfs"
        python3 - "$S/qemu" >"$XDG_CACHE_HOME/ccwfs/qemu" <<'END'
        import os, sys
        s = os.stat(sys.argv[1])
        print(f'takes devices|{sys.argv[1]}|{os.major(s.st_dev) << 32 | os.minor(s.st_dev)}:{s.st_ino}|{s.st_size}|{s.st_ctime_ns}')
        END
        start
        chmod 700 "$S/qemu"
        refused
        """).Ok();

    [Fact]
    public void A_real_QEMU_is_remembered_with_the_plugin() => Assert.Equal("takes devices\ntakes the plugin\n", _mounted.Bash("""
        export XDG_CACHE_HOME=$S/cache
        for n in 1 2; do "$CCWFS" qemu --mount "$D" -- qemu-system-s390x -version >"$S/out" || exit 9; grep -q '^QEMU emulator' "$S/out" || exit 8; done
        cut -d '|' -f 1 "$XDG_CACHE_HOME/ccwfs/qemu"
        """).Ok().Output);

    [Fact]
    public void A_cache_that_cannot_be_used_changes_nothing() => _mounted.Bash("""
        set -e
        for cache in /dev/null /proc "$S/deep"; do
            [[ $cache != */deep ]] || { mkdir -p "$cache/ccwfs"; mkfifo "$cache/ccwfs/qemu"; }
            XDG_CACHE_HOME=$cache "$CCWFS" qemu --mount "$D" -- qemu-system-s390x -version | grep '^QEMU emulator'
        done
        head -c 300000 /dev/urandom >"$S/cache"; mkdir -p "$S/c/ccwfs"; mv "$S/cache" "$S/c/ccwfs/qemu"
        XDG_CACHE_HOME=$S/c "$CCWFS" qemu --mount "$D" -- qemu-system-s390x -version | grep '^QEMU emulator'
        """).Ok();
}
