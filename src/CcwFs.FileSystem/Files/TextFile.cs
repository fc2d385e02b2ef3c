using CcwFs.Fuse;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.FileSystem.Files;

/// <summary>An open file whose text was made when it was opened: info, and the attributes below sys.</summary>
internal sealed class TextFile(byte[] text, ClientAccount account) : OpenFile(account)
{
    /// <inheritdoc/>
    internal override long Size => text.Length;

    /// <inheritdoc/>
    internal override int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer)
    {
        int length = (int)Math.Clamp(text.Length - offset, 0, buffer.Length);
        text.AsSpan((int)Math.Min(offset, text.Length), length).CopyTo(buffer);
        return length;
    }
}
