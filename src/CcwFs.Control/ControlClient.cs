using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Control;

/// <summary>The other end of the control file, for the verbs that talk to a mount.</summary>
internal static class ControlClient
{
    private const int Piece = 1 << 20; // one write or read of the FUSE session at most

    /// <summary>Bytes of a program's memory in one request (arbitrary: short requests are short-lived garbage here and there).</summary>
    private const int MemoryPiece = 48 << 10;

    /// <summary>The option of those verbs that names the mount.</summary>
    internal const string MountName = "--mount";

    /// <summary>Sends one request and gives the reply; an error of the other side is thrown.</summary>
    internal static ControlReply Send(string? mountPoint, ControlRequest request)
    {
        using FileDescriptor control = Open(ref mountPoint);
        return Send(control, mountPoint, request);
    }

    /// <summary>
    /// Runs a program: its memory goes over piece by piece, and comes back into the same arrays. Pieces of zeros are left out.
    /// </summary>
    internal static ControlReply Run(string? mountPoint, string id, ReadOnlySpan<byte> orb, IReadOnlyList<StorageRun> memory)
    {
        using FileDescriptor control = Open(ref mountPoint);
        Send(control, mountPoint, new ControlRequest
        {
            Verb = "space",
            Parts = [.. memory.Select(run => new StoragePart(run.Address, run.Bytes.Length))],
        });
        foreach ((ulong address, Memory<byte> bytes) in memory.SelectMany(Pieces))
        {
            if (bytes.Span.ContainsAnyExcept((byte)0))
                Send(control, mountPoint, new ControlRequest { Verb = "write", Address = address, Bytes = bytes.ToArray() });
        }
        ControlReply reply = Send(control, mountPoint, new ControlRequest { Verb = "run", Id = id, Orb = Convert.ToHexString(orb) });
        foreach ((ulong address, Memory<byte> bytes) in memory.SelectMany(Pieces))
        {
            byte[]? after = Send(control, mountPoint, new ControlRequest { Verb = "read", Address = address, Length = bytes.Length }).Bytes;
            if (after is null)
                bytes.Span.Clear();
            else if (after.Length == bytes.Length)
                after.CopyTo(bytes);
            else
                throw new CommandException($"{mountPoint}/control gave {after.Length} bytes for {bytes.Length}; is it this version of ccwfs?");
        }
        return reply;
    }

    private static IEnumerable<(ulong Address, Memory<byte> Bytes)> Pieces(StorageRun run)
    {
        for (int at = 0; at < run.Bytes.Length; at += MemoryPiece)
            yield return (run.Address + (ulong)at, run.Bytes.AsMemory(at, Math.Min(MemoryPiece, run.Bytes.Length - at)));
    }

    private static FileDescriptor Open([NotNull] ref string? mountPoint)
    {
        mountPoint = Path.GetFullPath(mountPoint ?? Places.MountPoint);
        MountEntry? mount = MountTable.Find(mountPoint);
        if (mount is null || mount.Type != "fuse.ccwfs")
            throw new CommandException($"no ccwfs is mounted at {mountPoint}; mount one: ccwfs mount {ShellText.Quote(mountPoint)}");
        int opened = FileDescriptor.Open(Path.Combine(mountPoint, "control"), OpenOptions.ReadWrite, 0, out FileDescriptor control);
        return opened < 0 ? throw new CommandException($"{mountPoint}/control: {Problem.Of(opened)}{Advice(-opened, mountPoint)}") : control;
    }

    private static ControlReply Send(FileDescriptor control, string mountPoint, ControlRequest request)
    {
        WriteAll(control, JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), mountPoint);
        ControlReply reply = Parse(ReadAll(control, mountPoint), mountPoint);
        int status = reply.Usage == true ? CommandException.WrongUsage : CommandException.Failed;
        return reply.Error is not { } error ? reply
            : throw (reply.Hint is { } hint && error.EndsWith(hint, StringComparison.Ordinal)
                ? CommandException.Hinting(error[..^hint.Length], hint, status) : new CommandException(error, status));
    }

    private static ControlReply Parse(byte[] reply, string mountPoint)
    {
        try
        {
            return JsonSerializer.Deserialize(reply, ControlJson.Default.ControlReply)
                ?? throw new CommandException($"{mountPoint}/control gave no reply; is it this version of ccwfs?");
        }
        catch (JsonException)
        {
            throw new CommandException($"{mountPoint}/control gave a reply that is not understood; is it this version of ccwfs?");
        }
    }

    /// <summary>What must follow a command to type for a mount: nothing where it is the default one.</summary>
    internal static string Mounted(string? mountPoint) =>
        mountPoint is null || mountPoint == Places.DefaultMountPoint ? "" : $" {MountName} {ShellText.Quote(mountPoint)}";

    /// <summary>The control file of a mount; null when it cannot be opened.</summary>
    internal static FileDescriptor? TryOpen(string mountPoint) =>
        FileDescriptor.Open(Path.Combine(mountPoint, "control"), OpenOptions.ReadWrite, 0, out FileDescriptor control) < 0 ? null : control;

    private static string Advice(int errno, string mountPoint) => errno switch
    {
        (int)Mono.Unix.Native.Errno.EACCES => "; ask its owner, or be root",
        (int)Mono.Unix.Native.Errno.ENOTCONN => $"; its ccwfs has died: mount again, or: ccwfs umount {ShellText.Quote(mountPoint)}",
        (int)Mono.Unix.Native.Errno.ENFILE => "; too many control files are open: close some of them",
        (int)Mono.Unix.Native.Errno.EPERM => "; the caller's user or group changes meanwhile",
        (int)Mono.Unix.Native.Errno.EAGAIN or (int)Mono.Unix.Native.Errno.ENOMEM => "; too much is asked of it at the same time: try again",
        (int)Mono.Unix.Native.Errno.EFBIG => "; the request is too long",
        _ => "",
    };

    private static void WriteAll(FileDescriptor control, ReadOnlySpan<byte> bytes, string mountPoint)
    {
        while (!bytes.IsEmpty)
        {
            int written = control.Write(bytes[..Math.Min(bytes.Length, Piece)]);
            if (written <= 0)
                throw new CommandException($"{mountPoint}/control: {Problem.Of(written)}{Advice(-written, mountPoint)}");
            bytes = bytes[written..];
        }
    }

    private static byte[] ReadAll(FileDescriptor control, string mountPoint)
    {
        var reply = new MemoryStream();
        var buffer = new byte[Piece];
        while (true)
        {
            int read = control.Read(buffer);
            if (read < 0)
                throw new CommandException($"{mountPoint}/control: {Problem.Of(read)}{Advice(-read, mountPoint)}");
            if (read == 0)
                return reply.Length > 0 ? reply.ToArray() : throw new CommandException("the mounted ccwfs gave up the request");
            reply.Write(buffer, 0, read);
        }
    }
}
