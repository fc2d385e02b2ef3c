using System.Buffers.Binary;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// Opens the files of one volume, checked: headers, lengths, and that each file starts where the one before it ends.
/// Every fault is an <see cref="ImageException"/> "path: offset: reason"; nothing is repaired.
/// </summary>
internal sealed class ImageSeries
{
    private readonly List<SlotPart> _parts = [];
    private readonly int? _cylinders; // of a block device that are the volume
    private CkdGeometry _geometry;
    private long _totalLength; // of all files
    private uint _headerSum;   // of all headers: a part of the volume's identity
    private ulong _inode;      // of the first file: a part of the volume's identity

    private ImageSeries(int? cylinders) => _cylinders = cylinders;

    /// <summary>
    /// Opens <paramref name="path"/>, a file or a block device, and, when it is the first of a series, the files beside it. Of a block device
    /// <paramref name="cylinders"/> are the volume, or all that are whole: it is as long as it was made.
    /// </summary>
    public static SlotFiles Open(IImageFiles files, string path, bool readOnly, int? cylinders)
    {
        var series = new ImageSeries(cylinders);
        try
        {
            CkdHeader header = series.Add(files, path, readOnly, sequence: 0);
            for (int sequence = 2; header.Sequence != 0 && header.HighCylinder != 0; sequence++)
                header = series.Add(files, SiblingName(path, sequence), readOnly, sequence);
            return new SlotFiles(
                series._geometry, CkdHeader.Size, series._geometry.TrackSize, series._parts,
                new RedoBinding(series._totalLength, series._headerSum, series._inode));
        }
        catch
        {
            foreach (SlotPart part in series._parts)
                part.File.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The name of file <paramref name="sequence"/>: the character before the file name's first dot (or its last character) is the file's
    /// digit, from 10 on a letter.
    /// </summary>
    internal static string SiblingName(string path, int sequence)
    {
        int name = path.LastIndexOf('/') + 1;
        int dot = path.IndexOf('.', Math.Min(name + 1, path.Length));
        int position = (dot < 0 ? path.Length : dot) - 1;
        if (path[position] != '1')
            throw new ImageException($"{path}: offset 17: it is file 1 of a series, but its name does not have the digit 1 before the extension");
        char digit = (char)(sequence <= 9 ? '0' + sequence : 'A' + sequence - 10);
        return string.Concat(path.AsSpan(0, position), [digit], path.AsSpan(position + 1));
    }

    private CkdHeader Add(IImageFiles files, string path, bool readOnly, int sequence)
    {
        IImageFile file = OpenOne(files, path, readOnly, sequence);
        try
        {
            CkdHeader header = Check(file, readOnly, sequence, out SlotPart part);
            _parts.Add(part);
            return header;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static IImageFile OpenOne(IImageFiles files, string path, bool readOnly, int sequence) => OpenedFile.Of(
        path, () => sequence == 0 ? files.OpenDisk(path, write: !readOnly) : files.Open(path, write: !readOnly),
        sequence == 0 ? "no such file" : $"file {sequence} of the series is missing");

    private static void ReadFully(IImageFile file, long offset, Span<byte> bytes, string tooShort)
    {
        if (ImageException.Check(file.ReadAt(offset, bytes), $"{file.Path}: cannot be read: ") < bytes.Length)
            throw new ImageException($"{file.Path}: {tooShort}");
    }

    private CkdHeader Check(IImageFile file, bool readOnly, int sequence, out SlotPart part)
    {
        string path = file.Path;
        ImageException.Check(file.Status(out FileStatus status), $"{path}: ");
        long length = file.Length();
        ImageException.Check((int)Math.Min(length, 0), $"{path}: ");
        bool isDevice = status.Type == FileStatus.TypeBlockDevice;
        if (_cylinders is not null && !isDevice)
            throw new ImageException($"{path}: its length tells how many cylinders it has; leave cylinders out, which is for a block device");
        if (length == 0)
            throw new ImageException($"{path}: it is empty; ccwfs dasd create makes an image, and a raw file is one with format=raw");
        Span<byte> bytes = stackalloc byte[CkdHeader.Size];
        ReadFully(file, 0, bytes, $"offset {length}: too short for a CKD image");
        long size = (long)CkdGeometry.Model3390(1).Heads * CkdGeometry.Model3390(1).TrackSize;
        (long cylinders, long rest) = Math.DivRem(length - CkdHeader.Size, size);
        if (isDevice)
        {
            if (_cylinders > cylinders)
                throw new ImageException($"{path}: the device holds {cylinders} cylinders, not {_cylinders}");
            (cylinders, rest) = (_cylinders ?? cylinders, 0);
            length = CkdHeader.Size + cylinders * size;
        }
        if (CkdHeader.Parse(bytes, cylinders, out CkdHeader header) is string fault)
            throw new ImageException($"{path}: {fault}");
        if (header.IsZpdt && !readOnly)
            throw new ImageException($"{path}: offset 17: an image of zPDT, which is only read here: open it with readonly");
        if (sequence == 0 && header.Sequence > 1)
            throw new ImageException($"{path}: offset 17: it is file {header.Sequence} of a series; open the first");
        if (sequence != 0 && header.Sequence != sequence)
            throw new ImageException($"{path}: offset 17: file number {header.Sequence} where {sequence} is expected");
        int first = _geometry.Cylinders;
        if (rest != 0 || cylinders == 0)
            throw new ImageException($"{path}: offset {length}: {length - CkdHeader.Size} bytes after the header are not whole cylinders of {size}: truncated?");
        int most = header.IsExtended ? CkdGeometry.MaxExtendedCylinders : CkdGeometry.MaxCylinders;
        if (header.IsZpdt && first + cylinders > most)
            throw new ImageException($"{path}: offset 18: an image of zPDT with {cylinders} cylinders; of these only such of at most {most} can be read");
        if (first + cylinders > most)
            throw new ImageException($"{path}: offset {length}: {first + cylinders} cylinders; at most {most} are supported");
        if (header.IsExtended && cylinders <= CkdGeometry.MaxCylinders)
            throw new ImageException($"{path}: offset 0: an extended address volume of {cylinders} cylinders only: truncated?");
        if (header.HighCylinder != 0 && header.HighCylinder != first + cylinders - 1)
            throw new ImageException($"{path}: offset 18: highest cylinder {header.HighCylinder}, but the file holds {first} to {first + cylinders - 1}");
        CheckFirstTrack(file, first);
        _geometry = CkdGeometry.Model3390(first + (int)cylinders);
        _headerSum = Crc32C.Of(bytes, _headerSum);
        _totalLength += length;
        _inode = sequence != 0 ? _inode : isDevice ? 0 : status.Inode; // the node of a device is another one after a restart
        part = new SlotPart(file, first * _geometry.Heads, (int)cylinders * _geometry.Heads, length);
        return header;
    }

    private static void CheckFirstTrack(IImageFile file, int cylinder)
    {
        // Home address and record 0's count: an empty slot has none of it.
        Span<byte> start = stackalloc byte[CkdTrack.HomeAddressSize + CkdTrack.CountSize];
        ReadFully(file, CkdHeader.Size, start, $"offset {CkdHeader.Size}: truncated");
        bool empty = start.IndexOfAnyExcept((byte)0) < 0;
        if (!empty
            && (start[0] != 0 || BinaryPrimitives.ReadUInt16BigEndian(start[1..]) != cylinder
            || BinaryPrimitives.ReadUInt16BigEndian(start[3..]) != 0))
            throw new ImageException($"{file.Path}: offset {CkdHeader.Size}: home address {Convert.ToHexString(start[..5])} is not cylinder {cylinder} head 0");
    }
}
