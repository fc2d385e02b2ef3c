namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// How many bytes of each track's slot are known to have their space on the disk; 0: it is not known. What is forgotten is found out again, so the
/// table stays small: of an extended volume that is written everywhere it keeps the tracks that were asked for last. Made page by page.
/// </summary>
/// <param name="tracks">Those of the volume.</param>
public sealed class AllocatedTracks(int tracks)
{
    /// <summary>Tracks in a page (arbitrary: 8 KB).</summary>
    public const int PageTracks = 4_096;

    /// <summary>Most pages (arbitrary: 2 MiB, with room for every track of a volume that is not extended).</summary>
    public const int MostPages = 256;

    private readonly ushort[]?[] _pages = new ushort[PagesOf(tracks)][];
    private readonly int[] _numbers = new int[PagesOf(tracks)]; // of the pages that are there

    /// <summary>Bytes of the table when all of it is made.</summary>
    public static long MostBytes(int tracks) => PagesOf(tracks) * (long)Math.Min(tracks, PageTracks) * sizeof(ushort);

    /// <summary>What is known of a track; valid until another one is asked for.</summary>
    public ref ushort Of(int track)
    {
        int number = track / PageTracks, at = number % _pages.Length;
        ushort[] page = _pages[at] ??= new ushort[Math.Min(tracks, PageTracks)];
        if (_numbers[at] != number)
            Array.Clear(page);
        _numbers[at] = number;
        return ref page[track % PageTracks];
    }

    /// <summary>Nothing is known of these tracks any more.</summary>
    public void Forget(int first, int count)
    {
        for (int track = first, end = first + count, length; track < end; track += length)
        {
            int number = track / PageTracks, at = number % _pages.Length;
            length = Math.Min(end - track, PageTracks - track % PageTracks);
            if (_numbers[at] == number)
                _pages[at]?.AsSpan(track % PageTracks, length).Clear();
        }
    }

    private static int PagesOf(int tracks) => Math.Clamp((tracks + PageTracks - 1) / PageTracks, 1, MostPages);
}
