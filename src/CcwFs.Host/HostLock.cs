using System.Globalization;
using System.Text;
using CcwFs.Control;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Host;

/// <summary>
/// One attach or detach at a time: flock(2) on a file, which the kernel takes back when its holder dies, however that is. Programs that are run
/// meanwhile do not inherit it (the descriptor is close-on-exec). Dispose gives it back.
/// </summary>
internal sealed class HostLock : IDisposable
{
    private const string Name = "ccwfs-attach.lock";
    private const int MaxHolder = 200; // arbitrary
    private const int StepsOfPatience = 2; // so that a holder with one step that does not come takes no others along
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(20); // arbitrary

    private readonly FileDescriptor _file;

    private HostLock(FileDescriptor file) => _file = file;

    /// <summary>
    /// The one of a host, beside the record of what was before: a file in /run, in which <paramref name="work"/> says who has it. Waits
    /// (<paramref name="patience"/>: for one step of the holder); throws then, and says who.
    /// </summary>
    internal static HostLock OfHost(HostRoots roots, string work, TimeSpan patience)
    {
        Directory.CreateDirectory($"{roots.Root}/run");
        return OfFile($"{roots.Root}/run/{Name}", work, patience);
    }

    /// <summary>
    /// The one for images, in a directory where no other user can take it: root's is that of the host. A user who has no such directory has one for
    /// data.
    /// </summary>
    internal static HostLock OfImages(string work, TimeSpan patience)
    {
        string? directory = Descriptors.EffectiveUser == 0 ? "/run" : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        return OfFile($"{(directory is { Length: > 0 } ? directory : DataDirectory())}/{Name}", work, patience);
    }

    private static string DataDirectory()
    {
        string directory = Places.DataDirectory;
        try
        {
            return Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
        }
        catch (Exception failure) when (FileProblem.Is(failure))
        {
            throw new CommandException($"{directory} cannot be made for a lock; set XDG_RUNTIME_DIR to a directory of your own");
        }
    }

    private static HostLock OfFile(string path, string work, TimeSpan patience)
    {
        string? wrong = NamedFile.OpenOrMake(path, OpenOptions.ReadWrite, NamedFileRules.Own, out FileDescriptor file, out int failed);
        HostLock held = wrong is null ? Take(path, file, patience)
            : throw new CommandException($"{path} cannot be locked: {wrong}{HostFiles.Advice(failed)}");
        held._file.SetLength(0);
        held._file.WriteWholeAt(0, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} ({work})")));
        return held;
    }

    public void Dispose()
    {
        _file.SetLength(0);
        _file.Dispose();
    }

    private static HostLock Take(string path, FileDescriptor file, TimeSpan patience)
    {
        int failed = Wait(file, patience * StepsOfPatience);
        if (failed == 0)
            return new HostLock(file);
        file.Dispose();
        throw Refused(path, failed);
    }

    private static CommandException Refused(string path, int failed) =>
        new($"{path} cannot be locked: {Problem.Of(failed)}{HostFiles.Advice(failed)}");

    /// <summary>Waits for as long as one and the same holder is given: at boot many units are each other's holders.</summary>
    private static int Wait(FileDescriptor file, TimeSpan patience)
    {
        string holder = "";
        for (long since = Environment.TickCount64; ; Thread.Sleep(s_lookAgain))
        {
            int failed = file.TryLock(exclusive: true);
            if (failed != -(int)Errno.EWOULDBLOCK)
                return failed;
            if (Holder(file) is { } now && now != holder)
                (holder, since) = (now, Environment.TickCount64);
            if (Environment.TickCount64 - since < patience.TotalMilliseconds)
                continue;
            file.Dispose();
            throw new CommandException($"{(holder.Length > 0 ? holder : "another ccwfs attach or detach")} is at work; run it again when that has ended, or wait longer with --wait SECONDS");
        }
    }

    private static string Holder(FileDescriptor file)
    {
        Span<byte> text = stackalloc byte[MaxHolder];
        return HostFiles.Printable(Encoding.UTF8.GetString(text[..Math.Max(file.ReadAt(0, text), 0)]));
    }
}
