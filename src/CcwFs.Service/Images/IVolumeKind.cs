using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Service.Devices;

namespace CcwFs.Service.Images;

/// <summary>How images of a kind are opened. Immutable.</summary>
/// <typeparam name="TVolume">What devices on one image share.</typeparam>
internal interface IVolumeKind<TVolume> : IImageKind
    where TVolume : class, ISharedVolume
{
    /// <summary>
    /// Opens an image, whose bytes of memory it takes with <paramref name="charge"/> before it keeps them; gives all that it may keep. Leaves nothing
    /// open when it throws.
    /// </summary>
    (TVolume Volume, long KeptBytes) Open(IImageFiles files, string path, ImageOptions options, Action<long> charge);

    /// <summary>The <see cref="ImageUse.Shape"/> that a volume has.</summary>
    string Shape(TVolume volume) => "";

    /// <summary>The one that is wanted of its image.</summary>
    string ShapeWanted(TVolume volume) => "";

    /// <summary>Throws what is wrong with an image that is to be opened; gives how it would be open. Locks and changes nothing.</summary>
    ImageUse Check(string path, bool readOnly);

    /// <summary>As <see cref="Check"/>; null where no other device can have the same volume, or there is none yet.</summary>
    ImageUse? Want(string path, bool readOnly)
    {
        _ = Volumes.Identify(path, this);
        return Check(path, readOnly);
    }

    /// <summary>The files of a volume, by its own path, that other devices may have open; those that are there.</summary>
    IEnumerable<string> Paths(string path) => [path];
}

/// <summary>What files may be images of a kind.</summary>
internal interface IImageKind
{
    /// <summary>The kind's word, for who has an image of another one open.</summary>
    string Word { get; }

    /// <summary>Bytes of memory while an image is being opened.</summary>
    long OpeningBytes { get; }

    /// <summary>Why a file of this type can be none, to stand after its path; null: it may be one.</summary>
    string? Wrong(uint type);

    /// <summary>Why there is none, to stand after the path and a colon, where a call gave this errno (negative).</summary>
    string Missing(string path, int result) => Problem.Of(result);

    /// <summary>A type of files in words.</summary>
    static string Words(uint type) => type switch
    {
        FileStatus.TypeDirectory => "a directory",
        FileStatus.TypeBlockDevice => "a block device",
        FileStatus.TypeCharacterDevice => "a character device",
        _ => "no regular file",
    };
}
