using CcwFs.Control;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Cli;

/// <summary>Who reads a pipe that we write has gone: there is nobody to write for, which is no error.</summary>
internal sealed class ReaderGoneException() : IOException("nobody reads it any more");

/// <summary>
/// An open pipe or file that a verb writes on and on, without a buffer. When its reader has gone it says so (<see cref="ReaderGoneException"/>); the
/// stream of <see cref="Console"/> would go on without a word.
/// </summary>
/// <param name="file">Where to, which is disposed with this.</param>
internal sealed class PlainOutput(FileDescriptor file) : Stream
{
    private const int StandardOutput = 1;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Standard output.</summary>
    internal static PlainOutput OfStandardOutput() => StartStreams.Take(StandardOutput, forChild: false, out FileDescriptor stream) is { } wrong
        ? throw new CommandException($"standard output {wrong}") : new PlainOutput(stream);

    /// <summary>A FIFO, or a file that is there; waits for the reader of a FIFO.</summary>
    internal static PlainOutput Open(string path) =>
        FileDescriptor.Open(path, OpenOptions.WriteOnly, 0, out FileDescriptor file) is < 0 and var result
        ? throw new CommandException($"{path}: {Problem.Of(result)}") : new PlainOutput(file);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int written = file.Write(buffer);
            if (written == -(int)Errno.EPIPE)
                throw new ReaderGoneException();
            if (written <= 0)
                throw new IOException($"the output cannot be written: {Problem.Of(written)}");
            buffer = buffer[written..];
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            file.Dispose();
        base.Dispose(disposing);
    }
}
