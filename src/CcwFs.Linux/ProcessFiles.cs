using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>One line of /proc/TID/maps: addresses <see cref="Start"/> to <see cref="End"/>, the end not included.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">First address after it.</param>
/// <param name="Readable">The process may read it.</param>
/// <param name="Writable">The process may write it.</param>
/// <param name="Shared">Writes go to the file, or to those who share the memory; else to a private copy.</param>
/// <param name="Offset">Offset of <see cref="Start"/> in the file.</param>
/// <param name="Device">major &lt;&lt; 32 | minor of the file's device.</param>
/// <param name="Inode">Inode number of the file; 0 without one.</param>
public readonly record struct MemoryArea(
    ulong Start, ulong End, bool Readable, bool Writable, bool Shared, long Offset, ulong Device, ulong Inode)
{
    /// <summary>Reads a line as far as the inode number; the name after it is the process's choice and does not matter.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out MemoryArea area)
    {
        area = default;
        if (!TakeHex(ref line, (byte)'-', out ulong start) || !TakeHex(ref line, (byte)' ', out ulong end) || line.Length < 5)
            return false;
        (bool read, bool write, bool shared) = (line[0] == 'r', line[1] == 'w', line[3] == 's');
        line = line[5..];
        if (!TakeHex(ref line, (byte)' ', out ulong offset) || !TakeHex(ref line, (byte)':', out ulong major)
            || !TakeHex(ref line, (byte)' ', out ulong minor))
            return false;
        if (!Utf8Parser.TryParse(line, out ulong inode, out _) || offset > long.MaxValue || end <= start)
            return false;
        area = new MemoryArea(start, end, read, write, shared, (long)offset, (major << 32) | minor, inode);
        return true;
    }

    private static bool TakeHex(ref ReadOnlySpan<byte> line, byte after, out ulong value)
    {
        bool good = Utf8Parser.TryParse(line, out value, out int used, 'x') && used < line.Length && line[used] == after;
        line = good ? line[(used + 1)..] : line;
        return good;
    }
}

/// <summary>
/// What /proc says of a thread of another process. The thread is named by its number: ask only while it is known to live. Each call gives 0 or a
/// count, or a negative errno, and may wait as long as the process likes.
/// </summary>
public static class ProcessFiles
{
    private static readonly Lazy<bool> s_areOurs = new(IsProcOurs);

    /// <summary>
    /// Whether /proc numbers processes as the kernel numbers our callers: it may be mounted from another pid namespace, where the same number is
    /// another process's.
    /// </summary>
    public static bool AreOurs => s_areOurs.Value;

    private const int ReadSize = 65_536; // arbitrary
    private const int SmallFile = 4_096; // status and fdinfo: what matters is in the first lines
    private const int MaxDescriptors = 65_536; // arbitrary: how many descriptors of one process are looked at

    /// <summary>The process (thread group) of a thread.</summary>
    public static int ThreadGroup(uint thread, out int process)
    {
        process = 0;
        int result = ReadSmall($"/proc/{thread}/status", out byte[] text);
        if (result < 0)
            return result;
        return Find(text, "\nTgid:\t"u8, out ulong found) && (process = (int)found) > 0 ? 0 : -(int)Errno.ESRCH;
    }

    /// <summary>When a process started, in clock ticks since boot: with its number it names the process for good.</summary>
    public static int StartTime(int process, out ulong start)
    {
        start = 0;
        int result = ReadSmall(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"), out byte[] text);
        if (result < 0)
            return result;
        const int Field = 20; // starttime is field 22; the name, which may contain anything, is field 2
        ReadOnlySpan<byte> rest = text.AsSpan(text.AsSpan().LastIndexOf((byte)')') + 1);
        for (int i = 0; i < Field && !rest.IsEmpty; i++)
            rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(rest, out start, out _) ? 0 : -(int)Errno.ESRCH;
    }

    /// <summary>The name that a process goes by, at most 15 bytes of its program's unless it chose another: 0, or -ESRCH, -ENOENT.</summary>
    public static int Name(int process, out string name)
    {
        int result = ReadSmall(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/comm"), out byte[] text);
        name = result < 0 ? "" : Encoding.UTF8.GetString(text).TrimEnd('\n');
        return Math.Min(result, 0);
    }

    /// <summary>
    /// Opens the thread's memory to read and write with pread and pwrite; the offset is the address. It belongs to this address space for ever: when
    /// the process executes another program or ends, calls give 0. Writes override the protection of private pages.
    /// </summary>
    public static int OpenMemory(uint thread, out FileDescriptor memory) =>
        FileDescriptor.Open($"/proc/{thread}/mem", OpenOptions.ReadWrite, 0, out memory);

    /// <summary>
    /// Opens the list of the thread's areas of memory. As its memory, it belongs to this address space for ever; once that is gone it is empty.
    /// </summary>
    public static int OpenAreas(uint thread, out FileDescriptor areas) =>
        FileDescriptor.Open($"/proc/{thread}/maps", OpenOptions.ReadOnly, 0, out areas);

    /// <summary>
    /// Whether the process may read, or write, all of [address, address + length): 0, -EFAULT, or -ESRCH when the address space is gone.
    /// </summary>
    public static int Allows(FileDescriptor areas, ulong address, ulong length, bool write)
    {
        ulong at = address, end = unchecked(address + length);
        if (end < address)
            return -(int)Errno.EFAULT;
        bool any = false;
        int result = EachArea(areas, area =>
        {
            any = true;
            if (area.End <= at)
                return true;
            if (area.Start > at || !(write ? area.Writable : area.Readable))
                return false;
            at = area.End;
            return at < end;
        });
        return result < 0 ? result : at >= end ? 0 : any ? -(int)Errno.EFAULT : -(int)Errno.ESRCH;
    }

    /// <summary>
    /// The areas of memory that overlap [start, end), in the order of their addresses: 0, or -E2BIG when there are more than
    /// <paramref name="limit"/>.
    /// </summary>
    public static int Areas(FileDescriptor areas, ulong start, ulong end, int limit, List<MemoryArea> found)
    {
        int tooMany = 0;
        int result = EachArea(areas, area =>
        {
            if (area.End <= start)
                return true;
            if (area.Start >= end)
                return false;
            tooMany = found.Count == limit ? -(int)Errno.E2BIG : 0;
            found.Add(area);
            return tooMany == 0;
        });
        return result < 0 ? result : tooMany;
    }

    /// <summary>
    /// The first writable shared area that maps [offset, offset + length) of a file; its address, or -ENOENT.
    /// </summary>
    public static int FindMapping(FileDescriptor areas, ulong device, ulong inode, long offset, ulong length, out ulong address)
    {
        ulong at = 0;
        bool there = false;
        int result = EachArea(areas, area =>
        {
            there = area.Shared && area.Writable && area.Device == device && area.Inode == inode && area.Offset <= offset
                && area.End - area.Start >= length && (ulong)(offset - area.Offset) <= area.End - area.Start - length;
            at = area.Start + (ulong)(offset - area.Offset);
            return !there;
        });
        address = at;
        return result < 0 ? result : there ? 0 : -(int)Errno.ENOENT;
    }

    /// <summary>
    /// The numbers of the descriptors of the process whose file has this inode number; on which device is for the caller to find out. No file system
    /// is asked about the files.
    /// </summary>
    public static int DescriptorsOf(uint thread, ulong inode, List<int> found)
    {
        int looked = 0;
        try
        {
            foreach (string name in Directory.EnumerateFileSystemEntries($"/proc/{thread}/fdinfo"))
            {
                if (++looked > MaxDescriptors)
                    break;
                if (ReadSmall(name, out byte[] text) == 0 && Find(text, "\nino:\t"u8, out ulong ino) && ino == inode
                    && int.TryParse(Path.GetFileName(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                    found.Add(number);
            }
            return 0;
        }
        catch (UnauthorizedAccessException)
        {
            return -(int)Errno.EACCES;
        }
        catch (IOException)
        {
            return -(int)Errno.ESRCH;
        }
    }

    private static bool Find(ReadOnlySpan<byte> text, ReadOnlySpan<byte> label, out ulong value)
    {
        value = 0;
        int at = text.IndexOf(label);
        return at >= 0 && Utf8Parser.TryParse(text[(at + label.Length)..], out value, out _);
    }

    private static int ReadSmall(string path, out byte[] text)
    {
        text = [];
        int result = FileDescriptor.Open(path, OpenOptions.ReadOnly, 0, out FileDescriptor file);
        using (file)
        {
            if (result < 0)
                return result;
            byte[] buffer = new byte[SmallFile];
            result = file.Read(buffer);
            text = result > 0 ? buffer[..result] : text;
            return Math.Min(result, 0);
        }
    }

    // Each line goes to the visitor until it has had enough. The kernel gives whole lines, but several to a read.
    private static int EachArea(FileDescriptor areas, Func<MemoryArea, bool> visit)
    {
        byte[] buffer = new byte[ReadSize];
        int filled = 0, result;
        long offset = 0;
        while ((result = areas.ReadAt(offset, buffer.AsSpan(filled))) > 0)
        {
            filled += result;
            offset += result;
            ReadOnlySpan<byte> rest = buffer.AsSpan(0, filled);
            int end;
            while ((end = rest.IndexOf((byte)'\n')) >= 0)
            {
                if (MemoryArea.TryParse(rest[..end], out MemoryArea area) && !visit(area))
                    return 0;
                rest = rest[(end + 1)..];
            }
            if (rest.Length == buffer.Length)
                return -(int)Errno.EIO; // no line is that long: names end at PATH_MAX
            rest.CopyTo(buffer);
            filled = rest.Length;
        }
        return result;
    }

    /// <summary>
    /// NSpid: has our number in the namespace of /proc first and then those in the namespaces below, down to our own (proc_pid_status(5)).
    /// </summary>
    private static bool IsProcOurs()
    {
        try
        {
            return Array.Find(File.ReadAllLines("/proc/self/status"), line => line.StartsWith("NSpid:", StringComparison.Ordinal)) is { } line
                && line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Length == 2;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
