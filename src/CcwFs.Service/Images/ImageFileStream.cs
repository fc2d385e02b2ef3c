using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Service.Images;

/// <summary>An image file as a stream that is read; the errno of a call that fails is in the <see cref="ImageException"/>.</summary>
/// <param name="file">The file, which is not closed with this.</param>
internal sealed class ImageFileStream(IImageFile file) : Stream
{
    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => file.Length() is >= 0 and var length ? length : throw Fault((int)file.Length());

    /// <inheritdoc/>
    public override long Position { get; set; }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int read = file.ReadAt(Position, buffer);
        if (read < 0)
            throw Fault(read);
        Position += read;
        return read;
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };

    private static ImageException Fault(int result) => new(Problem.Of(result), -result);

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
