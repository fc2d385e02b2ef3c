namespace CcwFs.GuestTests;

/// <summary>A file of ours as a disk of the guest's, /dev/vda.</summary>
internal static class GuestDisk
{
    private const int Sector = 512;

    /// <summary>Options of a guest with this file as its disk. A disk is in whole sectors, a file is not: the file gets longer.</summary>
    internal static GuestOptions Of(string file)
    {
        using (FileStream disk = File.OpenWrite(file))
            disk.SetLength((disk.Length + Sector - 1) / Sector * Sector);
        return new GuestOptions
        {
            Modules = "dasd_eckd_mod,ext4,virtio_blk",
            Qemu = ["-drive", $"file={file},if=none,id=file,format=raw,readonly=on", "-device", "virtio-blk-ccw,drive=file"],
        };
    }
}
