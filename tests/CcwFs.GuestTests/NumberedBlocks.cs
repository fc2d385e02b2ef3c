namespace CcwFs.GuestTests;

/// <summary>Blocks of 4096 bytes, each of which holds its number, that a guest writes while something happens to its disk.</summary>
internal static class NumberedBlocks
{
    /// <summary>So many are written where nothing happens.</summary>
    internal const int Count = 5000;

    /// <summary>
    /// A script that starts to write them, one after the other, from the block <paramref name="first"/> of /dev/<paramref name="name"/> on, and ends
    /// when some are written. The writing goes on behind it and ends at the first error, which is in /run/failed then; /run/acknowledged holds the
    /// last number that was written, /run/load.pid the process.
    /// </summary>
    internal static string Load(string name, int first) => $$"""
        cat >/run/load <<'END'
        n=0
        while [ $n -lt {{Count}} ]; do
            printf '%04096d' $n | /usr/bin/dd of=/dev/{{name}} bs=4096 seek=$(({{first}} + n)) oflag=direct iflag=fullblock 2>/run/error || { mv /run/error /run/failed; break; }
            echo $n >/run/acknowledged.new
            mv /run/acknowledged.new /run/acknowledged
            n=$((n + 1))
        done
        END
        rm -f /run/failed /run/acknowledged
        bash /run/load </dev/null >/dev/null 2>&1 &
        echo $! >/run/load.pid
        until [ -e /run/acknowledged ] && [ $(cat /run/acknowledged) -ge 3 ]; do usleep 20000; done
        """;
}
