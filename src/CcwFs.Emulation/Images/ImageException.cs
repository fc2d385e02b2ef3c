using CcwFs.Linux;

namespace CcwFs.Emulation.Images;

/// <summary>A volume's storage failed or is corrupt. The message is one line: file, offset or track, reason.</summary>
public sealed class ImageException : IOException
{
    /// <summary>With a message; what is wrong is no error of the system.</summary>
    public ImageException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and the errno (positive) that the system gave; 0: none.</summary>
    public ImageException(string message, int errno)
        : base(message) => Errno = errno;

    /// <summary>With a message and the fault below.</summary>
    public ImageException(string message, Exception inner)
        : base(message, inner) => Errno = (inner as ImageException)?.Errno ?? 0;

    /// <summary>For serializers and analyzers.</summary>
    public ImageException()
    {
    }

    /// <summary>The fault of a command's storage: that failed, or there is no memory for it. Null: it is a fault of another kind.</summary>
    internal static ImageException? Of(Exception error) =>
        error as ImageException ?? (error is OutOfMemoryException ? new ImageException(NoMemory, error) : null);

    /// <summary>Gives the result of a call, or throws its errno (negative), in words after <paramref name="where"/>.</summary>
    public static int Check(int result, string where = "") =>
        result >= 0 ? result : throw new ImageException(where + Problem.Of(result), -result);

    /// <summary>A reason: the runtime had no memory.</summary>
    internal const string NoMemory = "there is no memory for it now; try again";

    /// <summary>Nothing has failed: the format of the storage has no room for what was to be written, and what was there stays.</summary>
    public static ImageException CannotHold(string message) => new(message) { IsBeyondFormat = true };

    /// <summary>Made by <see cref="CannotHold"/>.</summary>
    public bool IsBeyondFormat { get; private init; }

    /// <summary>The errno that the system gave; 0 where it gave none.</summary>
    public int Errno { get; }

    /// <summary>There was no space left on the host's file system, or in the user's quota.</summary>
    public bool IsOutOfSpace => Errno is (int)Mono.Unix.Native.Errno.ENOSPC or (int)Mono.Unix.Native.Errno.EDQUOT;
}
