using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Overlay;
using CcwFs.Emulation.Dasd.Raw;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

/// <summary>A format of stores, as tests that all of them pass need it.</summary>
public abstract class StoreForm
{
    /// <summary>CKD_P370.</summary>
    internal static StoreForm Ckd { get; } = new CkdForm();

    /// <summary>Blocks.</summary>
    internal static StoreForm Raw { get; } = new RawForm();

    /// <summary>What is written over a volume in memory.</summary>
    internal static StoreForm Overlay { get; } = new OverlayForm();

    /// <summary>The bytes of a volume of one cylinder in Linux' old layout.</summary>
    internal byte[] Make(ImageDirectory files, string serial)
    {
        string path = files[serial];
        MakeFile(files, path, serial);
        return File.ReadAllBytes(path);
    }

    internal abstract SlotStore Open(IImageFiles files, string path, ImageOptions options);

    /// <summary>Makes a track another one that the format can hold.</summary>
    internal abstract void Alter(CkdTrack track, Random random);

    /// <summary>Makes a track what one that was released reads as.</summary>
    internal abstract void Release(CkdTrack track);

    private protected abstract void MakeFile(ImageDirectory files, string path, string serial);

    private class CkdForm : StoreForm
    {
        private protected override void MakeFile(ImageDirectory files, string path, string serial) =>
            files.Create(serial, 1, VolumeFormat.Ldl, serial);

        internal override SlotStore Open(IImageFiles files, string path, ImageOptions options) => CkdImage.Open(files, path, options);

        internal override void Release(CkdTrack track) => track.Initialize(track.Number);

        internal override void Alter(CkdTrack track, Random random)
        {
            if (track.RecordCount > 1 && random.Next(3) != 0)
            {
                random.NextBytes(track.Data(random.Next(1, track.RecordCount)));
                return;
            }
            track.EraseAfter(0);
            for (int record = 1, most = random.Next(1, 12); record <= most; record++)
            {
                byte[] count = [.. track.HomeAddress[1..], (byte)record, 0, 0x10, 0];
                Assert.True(track.Append(record - 1, count, out int index));
                random.NextBytes(track.Data(index));
            }
        }
    }

    private sealed class OverlayForm : CkdForm
    {
        private static MemoryTrackStore Base => new(
            CkdGeometry.Model3390(1), VolumeLayout.Create(CkdGeometry.Model3390(1), VolumeFormat.Ldl, volser: "BASE"), isReadOnly: true);

        private protected override void MakeFile(ImageDirectory files, string path, string serial)
        {
            using MemoryTrackStore below = Base;
            Assert.True(OverlayImage.Create(path, below));
        }

        internal override SlotStore Open(IImageFiles files, string path, ImageOptions options) => OverlayImage.Open(files, path, Base, options);
    }

    private sealed class RawForm : StoreForm
    {
        private protected override void MakeFile(ImageDirectory files, string path, string serial)
        {
            CkdGeometry geometry = CkdGeometry.Model3390(1);
            VolumeLayout layout = VolumeLayout.Create(geometry, VolumeFormat.Ldl, volser: serial);
            using (FileStream file = File.Create(path))
                file.SetLength((long)geometry.Tracks * 12 * 4_096);
            using SlotStore store = Open(HostImageFiles.Instance, path, default);
            var track = new CkdTrack(geometry);
            for (int number = 0; number < geometry.Tracks; number++)
            {
                layout.Format(number, track);
                store.Write([new TrackImage(number, track.Image)]);
            }
        }

        internal override SlotStore Open(IImageFiles files, string path, ImageOptions options) => RawImage.Open(files, path, default, options);

        internal override void Alter(CkdTrack track, Random random)
        {
            for (int record = random.Next(1, track.RecordCount); record < track.RecordCount; record += random.Next(1, 5))
                random.NextBytes(track.Data(record));
        }

        internal override void Release(CkdTrack track)
        {
            for (int record = 1; record < track.RecordCount; record++)
                track.Data(record).Clear();
        }
    }
}
