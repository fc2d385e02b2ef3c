using CcwFs.CommandSets;
using CcwFs.Trace.Views;

namespace CcwFs.Replay;

/// <summary>A recording in memory, for a device that answers from it. Immutable.</summary>
public sealed class Recording
{
    /// <summary>Most bytes of memory that one may take, and of its file when that is not compressed (arbitrary: some boots of a guest).</summary>
    public const long MaxBytes = 512L << 20;

    private Recording(RecordingReader reader, IReadOnlyList<RecordedItem> items) =>
        (Device, Commands, Items, Bytes) = (reader.Device, reader.Commands, items, reader.Bytes);

    /// <summary>What is said of data in <see cref="Device"/>: the key, and the value when what programs have read is in the recording.</summary>
    public const string DataKey = "data", WithData = "whole";

    /// <summary>What it is of.</summary>
    public DevicePayload Device { get; }

    /// <summary>The commands of that device.</summary>
    public CommandSet Commands { get; }

    /// <summary>Programs, status of the device's own, channel reports, in the order of their ends.</summary>
    public IReadOnlyList<RecordedItem> Items { get; }

    /// <summary>Bytes of memory.</summary>
    public long Bytes { get; }

    /// <summary>
    /// Reads one, all of it. <paramref name="source"/>: the file, which can be sought in. <paramref name="charge"/>: is told of bytes before more of
    /// them are kept, and may throw.
    /// </summary>
    /// <exception cref="RecordingException">It is none, is damaged, or is too large.</exception>
    public static Recording Read(Stream source, Action<long>? charge = null)
    {
        const long Step = 1 << 20; // bytes that are charged at a time
        using var reader = new RecordingReader(source, MaxBytes);
        if (!reader.Device.Facts.Contains(new KeyValuePair<string, string>(DataKey, WithData)))
            throw new RecordingException("a device needs what programs have read, and it is not recorded; record with --data");
        List<RecordedItem> items = [];
        long charged = 0;
        while (reader.TryRead(out RecordedItem? item))
        {
            if (reader.Bytes > MaxBytes)
                throw new RecordingException($"a device can replay {MaxBytes >> 20} MiB, and it has more; record less, with --count");
            for (; charged < reader.Bytes; charged += Step)
                charge?.Invoke(Step);
            items.Add(item);
        }
        return new Recording(reader, items);
    }
}
