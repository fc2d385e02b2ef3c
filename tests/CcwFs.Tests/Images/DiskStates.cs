using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Tests.Images;

/// <summary>
/// States that the steps of a <see cref="RecordedDisk"/> may leave on the medium. A power cut keeps what was synced; of each page that was written
/// since, any version, and of a page that was on its way, sectors of two; of names made and removed since, the first ones; of a longer file, any
/// length. A kill of the process keeps every step before it, and of a write that was under way whole pages from its beginning.
/// </summary>
internal sealed class DiskStates(byte[] image, IReadOnlyList<DiskStep> steps)
{
    private const int PageSize = 4_096, SectorSize = 512;

    /// <summary>What the image is.</summary>
    public StoreForm Form { get; init; } = StoreForm.Ckd;

    private readonly Dictionary<DiskFile, (int Step, DiskFile Bytes)> _durable = [];

    /// <summary>A power cut before step <paramref name="cut"/>; the system has another boot id then.</summary>
    public RecordedDisk AfterPowerCut(int cut, Random random)
    {
        var files = new Dictionary<DiskFile, DiskFile>();
        DiskFile first = steps.First(step => step.File is not null && step.File.Inode == 1).File!;
        files[first] = new DiskFile(1, []);
        int synced = -1;
        for (int index = 0; index < cut; index++)
            synced = steps[index].Act == DiskAct.SyncNames ? index : synced;
        int[] changes = [.. Enumerable.Range(synced + 1, cut - synced - 1).Where(index => steps[index].Act is DiskAct.Create or DiskAct.Remove)];
        int last = changes.Length == 0 || random.Next(2) == 0 ? (random.Next(2) == 0 ? cut : synced) : changes[random.Next(changes.Length)];
        DiskFile? redo = null;
        for (int index = 0; index <= last && index < cut; index++)
            redo = steps[index].Act switch { DiskAct.Create => steps[index].File, DiskAct.Remove => null, _ => redo };
        if (redo is not null)
            files[redo] = new DiskFile(redo.Inode, []);
        foreach ((DiskFile file, DiskFile copy) in files)
            Fill(file, copy, cut, random);
        return new RecordedDisk(files[first], redo is null ? null : files[redo], Guid.NewGuid()) { Form = Form };
    }

    /// <summary>A kill before step <paramref name="cut"/>, or in the middle of it.</summary>
    public RecordedDisk AfterKill(int cut, Random random, Guid boot)
    {
        var files = new Dictionary<DiskFile, DiskFile>();
        DiskFile Copy(DiskFile file) =>
            files.TryGetValue(file, out DiskFile? copy) ? copy : files[file] = new DiskFile(file.Inode, file.Inode == 1 ? (byte[])image.Clone() : []);
        DiskFile? redo = null;
        DiskFile first = Copy(steps.First(step => step.File is { Inode: 1 }).File!);
        for (int index = 0; index < cut; index++)
        {
            DiskStep step = steps[index];
            redo = step.Act switch { DiskAct.Create => step.File, DiskAct.Remove => null, _ => redo };
            if (step.Act == DiskAct.Write)
                Copy(step.File!).Write(step.Offset, step.Bytes);
        }
        if (cut < steps.Count && steps[cut] is { Act: DiskAct.Write } under)
        {
            int pages = random.Next(0, under.Bytes.Length / PageSize + 1);
            long end = pages == 0 ? 0 : (under.Offset / PageSize + pages) * PageSize - under.Offset;
            Copy(under.File!).Write(under.Offset, under.Bytes.AsSpan(0, (int)Math.Min(end, under.Bytes.Length)));
        }
        return new RecordedDisk(first, redo is null ? null : Copy(redo), boot) { Form = Form };
    }

    private void Fill(DiskFile file, DiskFile copy, int cut, Random random)
    {
        int synced = -1;
        for (int index = 0; index < cut; index++)
        {
            if (steps[index].Act == DiskAct.Sync && steps[index].File == file)
                synced = index;
        }
        DiskFile durable = Durable(file, synced);
        (copy.Bytes, copy.Length) = (durable.Bytes.AsSpan(0, Math.Max(durable.Length, copy.Length)).ToArray(), durable.Length);
        int length = copy.Length;
        var versions = new SortedDictionary<long, List<byte[]>>();
        var cache = new DiskFile(0, copy.Bytes.AsSpan(0, copy.Length).ToArray());
        for (int index = synced + 1; index < cut; index++)
        {
            DiskStep step = steps[index];
            if (step.Act != DiskAct.Write || step.File != file || step.Bytes.Length == 0)
                continue;
            cache.Write(step.Offset, step.Bytes);
            for (long page = step.Offset / PageSize; page <= (step.Offset + step.Bytes.Length - 1) / PageSize; page++)
            {
                if (!versions.TryGetValue(page, out List<byte[]>? list))
                    versions.Add(page, list = [Page(copy, page)]);
                list.Add(Page(cache, page));
            }
        }
        foreach ((long page, List<byte[]> list) in versions)
            copy.Write(page * PageSize, Mix(list, random));
        int longest = Math.Max(cache.Length, length);
        copy.Length = file.Inode == 1 || random.Next(2) == 0 ? longest : random.Next(length, longest + 1);
        Array.Clear(copy.Bytes, copy.Length, copy.Bytes.Length - copy.Length);
    }

    /// <summary>What the file holds after a step; the last answer is gone on from, for cuts come in order.</summary>
    private DiskFile Durable(DiskFile file, int step)
    {
        (int at, DiskFile? durable) = _durable.TryGetValue(file, out (int Step, DiskFile Bytes) known) ? (known.Step, known.Bytes) : (-1, null);
        if (durable is null || at > step)
            (at, durable) = (-1, new DiskFile(file.Inode, file.Inode == 1 ? (byte[])image.Clone() : []));
        for (int index = at + 1; index <= step; index++)
        {
            if (steps[index].Act == DiskAct.Write && steps[index].File == file)
                durable.Write(steps[index].Offset, steps[index].Bytes);
        }
        _durable[file] = (step, durable);
        return durable;
    }

    private static byte[] Mix(List<byte[]> versions, Random random)
    {
        byte[] page = (byte[])versions[random.Next(3) == 0 ? 0 : random.Next(3) == 0 ? versions.Count - 1 : random.Next(versions.Count)].Clone();
        if (random.Next(3) != 0)
            return page;
        byte[] other = versions[random.Next(versions.Count)];
        for (int sector = 0; sector < PageSize; sector += SectorSize)
        {
            if (random.Next(2) == 0)
                other.AsSpan(sector, SectorSize).CopyTo(page.AsSpan(sector));
        }
        return page;
    }

    private static byte[] Page(DiskFile file, long page)
    {
        byte[] bytes = new byte[PageSize];
        int start = (int)page * PageSize;
        if (start < file.Length)
            file.Bytes.AsSpan(start, Math.Min(PageSize, file.Length - start)).CopyTo(bytes);
        return bytes;
    }
}
