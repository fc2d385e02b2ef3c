using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Tests.Images;

/// <summary>What was done to a disk, in order.</summary>
internal enum DiskAct
{
    Write,
    Sync,
    Create,
    Remove,
    SyncNames,
}

/// <summary>One step: of a file, or of the name of the redo file.</summary>
internal sealed record DiskStep(DiskAct Act, DiskFile? File, long Offset, byte[] Bytes);

/// <summary>A file in memory.</summary>
internal sealed class DiskFile(ulong inode, byte[] bytes)
{
    public ulong Inode { get; } = inode;

    public byte[] Bytes { get; set; } = bytes;

    public int Length { get; set; } = bytes.Length;

    public long ChangedAt { get; set; }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        int end = (int)offset + bytes.Length;
        if (end > Bytes.Length)
        {
            byte[] larger = new byte[Math.Max(end, Bytes.Length * 2)];
            Bytes.AsSpan(0, Length).CopyTo(larger);
            Bytes = larger;
        }
        bytes.CopyTo(Bytes.AsSpan((int)offset));
        Length = Math.Max(Length, end);
    }
}

/// <summary>
/// An image and its redo file in memory, which remembers every step. <see cref="Fail"/> may refuse a call: it is given what is asked ("image write",
/// "redo sync", …) and answers 0 or a negative errno; of a write that is refused, the first half is done.
/// </summary>
internal sealed class RecordedDisk(DiskFile image, DiskFile? redo, Guid boot) : IImageFiles
{
    private const string ImagePath = "disk.ckd";
    private ulong _inode = 100;
    private long _clock;

    public DiskFile Image { get; } = image;

    public DiskFile? Redo { get; private set; } = redo;

    public List<DiskStep> Steps { get; } = [];

    public Func<string, int>? Fail { get; set; }

    public Guid BootId => boot;

    public IImageFile? Open(string path, bool write) => new Handle(this, Image, path, "image");

    public IRedoPlace RedoOf(IImageFile image, string? path = null) => new Place(this);

    /// <summary>What the image is.</summary>
    public StoreForm Form { get; init; } = StoreForm.Ckd;

    public SlotStore OpenImage(ImageSync sync, List<string>? said = null, bool readOnly = false) =>
        Form.Open(this, ImagePath, new ImageOptions(readOnly, sync, Say: said is null ? null : said.Add));

    /// <summary>Somebody removes the redo file.</summary>
    public void LoseRedo() => Redo = null;

    /// <summary>What a kill at this moment leaves.</summary>
    public RecordedDisk Killed() => new(Copy(Image), Redo is null ? null : Copy(Redo), boot) { Form = Form };

    private static DiskFile Copy(DiskFile file) => new(file.Inode, file.Bytes.ToArray()) { Length = file.Length, ChangedAt = file.ChangedAt };

    private int Ask(string what) => Fail?.Invoke(what) ?? 0;

    private void Note(DiskAct act, DiskFile? file = null, long offset = 0, byte[]? bytes = null) =>
        Steps.Add(new DiskStep(act, file, offset, bytes ?? []));

    private sealed class Handle(RecordedDisk disk, DiskFile file, string path, string name) : IImageFile
    {
        public string Path => path;

        public int Status(out FileStatus status)
        {
            ulong blocks = (ulong)file.Length / 512;
            status = new FileStatus(1, file.Inode, file.Length, FileStatus.TypeRegular, 0, 0, blocks, 0) { Links = 1, ChangedAt = file.ChangedAt };
            return disk.Ask($"{name} status");
        }

        public int ReadAt(long offset, Span<byte> buffer)
        {
            int result = disk.Ask($"{name} read");
            if (result < 0)
                return result;
            int length = (int)Math.Clamp(file.Length - offset, 0, buffer.Length);
            file.Bytes.AsSpan((int)Math.Min(offset, file.Length), length).CopyTo(buffer);
            return length;
        }

        public int WriteAt(long offset, ReadOnlySpan<byte> bytes)
        {
            int result = disk.Ask($"{name} write");
            if (result < 0)
                bytes = bytes[..(bytes.Length / 2)];
            file.ChangedAt = ++disk._clock;
            file.Write(offset, bytes);
            disk.Note(DiskAct.Write, file, offset, bytes.ToArray());
            return result;
        }

        public int Sync()
        {
            int result = disk.Ask($"{name} sync");
            if (result == 0)
                disk.Note(DiskAct.Sync, file);
            return result;
        }

        public int Discard(long offset, long length)
        {
            int result = disk.Ask($"{name} discard");
            return result < 0 ? result : WriteAt(offset, new byte[length]);
        }

        public long NextData(long offset) => offset;

        public void Dispose()
        {
        }
    }

    private sealed class Place(RecordedDisk disk) : IRedoPlace
    {
        private DiskFile? _made;

        public string Path => ImagePath + ".redo";

        public IImageFile? Open() => disk.Redo is null ? null : new Handle(disk, disk.Redo, Path, "redo");

        public IImageFile Create()
        {
            int result = disk.Ask("redo create");
            if (result < 0)
                throw new ImageException(CcwFs.Linux.Problem.Of(result), -result);
            Assert.Null(disk.Redo);
            disk.Redo = _made = new DiskFile(disk._inode++, []);
            disk.Note(DiskAct.Create, disk.Redo);
            return new Handle(disk, disk.Redo, Path, "redo");
        }

        public bool Holds() => disk.Redo is not null && disk.Redo == _made;

        public string? FindOther(Func<IImageFile, bool> isOurs) => null;

        public int Remove()
        {
            int result = disk.Ask("redo remove");
            if (result < 0)
                return result;
            disk.Redo = null;
            disk.Note(DiskAct.Remove);
            return 0;
        }

        public int SyncName()
        {
            int result = disk.Ask("redo name sync");
            if (result == 0)
                disk.Note(DiskAct.SyncNames);
            return result;
        }

        public void Dispose()
        {
        }
    }
}
