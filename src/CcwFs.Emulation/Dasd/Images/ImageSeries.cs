using System.Buffers.Binary;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The open files of one volume, checked: headers, lengths, and that each file starts where the one before it ends. Owns the files.
/// Every fault is an <see cref="ImageException"/> "path: offset: reason"; nothing is repaired.
/// </summary>
internal sealed class ImageSeries : IDisposable
{
    private readonly List<Part> _parts = [];

    private ImageSeries()
    {
    }

    /// <summary>One file: its tracks start at <paramref name="FirstTrack"/>.</summary>
    internal readonly record struct Part(IImageFile File, int FirstTrack, int Tracks, long Length)
    {
        public string Path => File.Path;
    }

    public CkdGeometry Geometry { get; private set; }

    public IReadOnlyList<Part> Parts => _parts;

    /// <summary>Bytes of all files.</summary>
    public long TotalLength { get; private set; }

    /// <summary>Checksum of all headers: a part of the volume's identity.</summary>
    public uint HeaderSum { get; private set; }

    /// <summary>Inode of the first file: a part of the volume's identity.</summary>
    public ulong Inode { get; private set; }

    /// <summary>Opens <paramref name="path"/> and, when it is the first of a series, the files beside it.</summary>
    public static ImageSeries Open(IImageFiles files, string path, bool readOnly)
    {
        var series = new ImageSeries();
        try
        {
            CkdHeader header = series.Add(files, path, readOnly, sequence: 0);
            for (int sequence = 2; header.Sequence != 0 && header.HighCylinder != 0; sequence++)
                header = series.Add(files, SiblingName(path, sequence), readOnly, sequence);
            return series;
        }
        catch
        {
            series.Dispose();
            throw;
        }
    }

    /// <summary>Where a track's slot is. The track must be within the geometry.</summary>
    public Part Locate(int track, out long offset)
    {
        int index = _parts.Count - 1;
        while (_parts[index].FirstTrack > track)
            index--;
        Part part = _parts[index];
        offset = CkdHeader.Size + (long)(track - part.FirstTrack) * Geometry.TrackSize;
        return part;
    }

    public void Dispose()
    {
        foreach (Part part in _parts)
            part.File.Dispose();
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
            CkdHeader header = Check(file, readOnly, sequence, out Part part);
            _parts.Add(part);
            return header;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static IImageFile OpenOne(IImageFiles files, string path, bool readOnly, int sequence)
    {
        try
        {
            return files.Open(path, write: !readOnly)
                ?? throw new ImageException(sequence == 0 ? "no such file" : $"file {sequence} of the series is missing");
        }
        catch (ImageException error)
        {
            throw new ImageException($"{path}: {(error.Errno == 0 ? "" : "cannot be opened: ")}{error.Message}", error.Errno);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ImageException($"{path}: cannot be opened: {error.Message.ReplaceLineEndings(" ")}", error);
        }
    }

    private static void ReadFully(IImageFile file, long offset, Span<byte> bytes, string tooShort)
    {
        if (ImageException.Check(file.ReadAt(offset, bytes), $"{file.Path}: cannot be read: ") < bytes.Length)
            throw new ImageException($"{file.Path}: {tooShort}");
    }

    private CkdHeader Check(IImageFile file, bool readOnly, int sequence, out Part part)
    {
        string path = file.Path;
        ImageException.Check(file.Status(out FileStatus status), $"{path}: ");
        long length = status.Size;
        Span<byte> bytes = stackalloc byte[CkdHeader.Size];
        ReadFully(file, 0, bytes, $"offset {length}: too short for a CKD image");
        long size = (long)CkdGeometry.Model3390(1).Heads * CkdGeometry.Model3390(1).TrackSize;
        (long cylinders, long rest) = Math.DivRem(length - CkdHeader.Size, size);
        if (CkdHeader.Parse(bytes, cylinders, out CkdHeader header) is string fault)
            throw new ImageException($"{path}: {fault}");
        if (header.IsZpdt && !readOnly)
            throw new ImageException($"{path}: offset 17: an image of zPDT, which is only read here: open it with readonly");
        if (sequence == 0 && header.Sequence > 1)
            throw new ImageException($"{path}: offset 17: it is file {header.Sequence} of a series; open the first");
        if (sequence != 0 && header.Sequence != sequence)
            throw new ImageException($"{path}: offset 17: file number {header.Sequence} where {sequence} is expected");
        int first = Geometry.Cylinders;
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
        Geometry = CkdGeometry.Model3390(first + (int)cylinders);
        HeaderSum = Crc32C.Of(bytes, HeaderSum);
        TotalLength += length;
        Inode = sequence == 0 ? status.Inode : Inode;
        part = new Part(file, first * Geometry.Heads, (int)cylinders * Geometry.Heads, length);
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
