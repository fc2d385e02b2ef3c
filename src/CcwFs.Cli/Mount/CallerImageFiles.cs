using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;

namespace CcwFs.Cli.Mount;

/// <summary>
/// A volume's files with the rights of the user who asked for it, whenever they are opened: the redo file is made at the first write, long
/// after the request, in a directory that this user may have filled with traps for root.
/// </summary>
internal sealed class CallerImageFiles(CallerIdentity caller) : IImageFiles
{
    private readonly HostImageFiles _files = new(caller.Uid);

    public Guid BootId => _files.BootId;

    /// <summary>Files for a caller; with our own rights where there is none.</summary>
    internal static IImageFiles For(CallerIdentity? caller) => caller is null ? HostImageFiles.Instance : new CallerImageFiles(caller);

    public IImageFile? Open(string path, bool write) => caller.Run(() => _files.Open(path, write));

    public IRedoPlace RedoOf(IImageFile image) => new Place(caller, caller.Run(() => _files.RedoOf(image)));

    private sealed class Place(CallerIdentity caller, IRedoPlace place) : IRedoPlace
    {
        public string Path => place.Path;

        public IImageFile? Open() => caller.Run(place.Open);

        public IImageFile Create() => caller.Run(place.Create);

        public bool Holds() => place.Holds();

        public int Remove() => caller.Run(place.Remove);

        public int SyncName() => caller.Run(place.SyncName);

        public void Dispose() => place.Dispose();
    }
}
