using CcwFs.Control;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Service.Devices;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Service.Settings;

/// <summary>
/// Guest storage in a file that others map too. It is read and written through its descriptor and never mapped by us: another program may cut it, and
/// an access beyond the end of a mapping would kill the process. What is beyond a cut file's end is gone.
/// </summary>
internal sealed class FileStore(FileDescriptor file, long length) : IMemoryStore, IDisposable
{
    public long Length => length;

    public bool Read(long offset, Span<byte> destination) => file.ReadWholeAt(offset, destination);

    public bool Write(long offset, ReadOnlySpan<byte> source) => file.WriteWholeAt(offset, source);

    public void Dispose() => file.Dispose();
}

/// <summary>--memory SIZE or PATH.</summary>
internal static class GuestStorage
{
    /// <summary>Bytes without --memory.</summary>
    internal const string Default = "256M";

    private const long MinSize = 4096;

    /// <summary>
    /// Makes or opens guest storage: a number with K, M, G or T is a size, all else a path of a file of ours or of <paramref name="owner"/>, the
    /// mount's.
    /// </summary>
    internal static IMemoryStore Open(string text, uint? owner)
    {
        if (WrongSize(text) is { } wrong)
            throw new CommandException($"--memory {text}: {wrong}", CommandException.WrongUsage);
        if (TryParseSize(text, out long size))
        {
            RefuseTooLarge(text, size);
            return new InPlaceStore(SharedMemory.Create("ccwfs", size));
        }
        FileDescriptor file = OpenFile(text, owner, out long length);
        return new FileStore(file, length);
    }

    /// <summary>Throws what <see cref="Open"/> would, and makes nothing.</summary>
    internal static void Check(string text, uint? owner)
    {
        if (TryParseSize(text, out long size))
            RefuseTooLarge(text, size);
        else
            OpenFile(text, owner, out _).Dispose();
    }

    private static void RefuseTooLarge(string text, long size)
    {
        long machine = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (size > machine)
            throw new CommandException($"--memory {text}: this machine has {machine >> 20}M; give a smaller size");
    }

    private static FileDescriptor OpenFile(string text, uint? owner, out long length)
    {
        int opened = OwnMounts.Open(Path.GetFullPath(text), plain: false, out FileDescriptor named); // refuses one of a mounted ccwfs
        named.Dispose();
        string? wrong = opened < 0 ? Problem.Of(opened) : null;
        FileDescriptor file = named;
        wrong ??= NamedFile.Open(text, OpenOptions.ReadWrite, NamedFileRules.OfFriend, out file, owner);
        if (wrong is not null)
        {
            string advice = wrong.Contains("; ", StringComparison.Ordinal) ? ", or a size like 256M"
                : "; give a size like 256M, or a file that exists";
            throw new CommandException($"--memory {text}: {wrong}{advice}");
        }
        if (file.Status(out FileStatus status) < 0 || status.Size < MinSize)
        {
            file.Dispose();
            throw new CommandException($"--memory {text}: not a file of at least {MinSize} bytes; make it with truncate -s 256M {text}");
        }
        length = status.Size / MinSize * MinSize;
        return file;
    }

    /// <summary>Whether this is a size and not a path.</summary>
    internal static bool IsSize(string text) => TryParseSize(text, out _);

    /// <summary>What is wrong with a size; null when it is a good one, or a path.</summary>
    internal static string? WrongSize(string text)
    {
        if (!TryParseSize(text, out long size))
            return text.Length > 0 ? null : "give a size like 256M, or a file";
        return size < MinSize || size % MinSize != 0 ? $"the size is a multiple of {MinSize} bytes" : null;
    }

    private static bool TryParseSize(string text, out long size)
    {
        size = 0;
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => 0 };
        string digits = shift == 0 ? text : text[..^1];
        if (digits.Length is 0 or > 12 || !digits.All(char.IsAsciiDigit))
            return false;
        size = long.Parse(digits, System.Globalization.CultureInfo.InvariantCulture) << shift;
        return true;
    }
}
