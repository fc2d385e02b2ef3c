using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Replay;
using Mono.Unix.Native;

namespace CcwFs.Service.Images;

/// <summary>Recordings, for <see cref="Volumes"/>.</summary>
internal sealed class RecordingFiles : IVolumeKind<ReplayedVolume>
{
    private const int BufferBytes = 64 << 10; // arbitrary

    /// <inheritdoc/>
    public string Word => "replay";

    /// <inheritdoc/>
    public long OpeningBytes => BufferBytes;

    /// <inheritdoc/>
    public string? Wrong(uint type) => type == FileStatus.TypeRegular ? null
        : $"is {IImageKind.Words(type)}; a recording is a file, which ccwfs record makes";

    /// <inheritdoc/>
    public string Missing(string path, int result) =>
        result == -(int)Errno.ENOENT ? $"{Problem.Of(result)}; make a recording: ccwfs record ID {Path.GetFileName(path)} --data" : Problem.Of(result);

    /// <inheritdoc/>
    public (ReplayedVolume Volume, long KeptBytes) Open(IImageFiles files, string path, ImageOptions options, Action<long> charge)
    {
        IImageFile file = OpenFile(files, path);
        try
        {
            Recording recording = Read(file, path, charge);
            return (new ReplayedVolume(recording, path, file), recording.Bytes);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ImageUse Check(string path, bool readOnly)
    {
        using IImageFile file = OpenFile(HostImageFiles.Unlocked, path);
        Read(file, path, charge: null);
        return new ImageUse(Word, IsReadOnly: true, Shape: "");
    }

    private IImageFile OpenFile(IImageFiles files, string path) =>
        At(path, () => files.Open(path, write: false) ?? throw new ImageException(Missing(path, -(int)Errno.ENOENT)));

    private static Recording Read(IImageFile file, string path, Action<long>? charge) => At(path, () =>
    {
        using var stream = new BufferedStream(new ImageFileStream(file), BufferBytes);
        return Recording.Read(stream, charge);
    });

    /// <summary>What is wrong is said of the file.</summary>
    private static T At<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (IOException wrong) when (wrong is RecordingException or ImageException)
        {
            throw new ImageException($"{path}: {wrong.Message}", wrong);
        }
    }
}
