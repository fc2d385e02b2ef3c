using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Tests.Eckd;

/// <summary>A volume of some cylinders with one device; more devices may be added.</summary>
internal sealed class Rig : IDisposable
{
    private readonly EckdProfile _profile;

    public Rig(int cylinders = 10, bool readOnly = false, EckdProfile profile = EckdProfile.Linux, bool spaceEfficient = false)
    {
        _profile = profile;
        Store = new FakeStore(cylinders, readOnly);
        Volume = new EckdVolume(Store);
        Device = Add(0x0150, profile: profile, spaceEfficient: spaceEfficient);
    }

    public FakeStore Store { get; }

    public EckdVolume Volume { get; }

    public EckdDevice Device { get; }

    public LogLines Log { get; } = new();

    /// <summary>Another device on the volume; without a profile it has the first one's.</summary>
    public EckdDevice Add(ushort number, bool readOnly = false, EckdProfile? profile = null, bool spaceEfficient = false) => new(
        Volume, new EckdOptions(new DeviceId(0, 0, number), ReadOnly: readOnly, Profile: profile ?? _profile, SpaceEfficient: spaceEfficient), Log);

    /// <summary>Formats a track as dasdfmt does: so many records of one size, no key; the data is the record number, repeated.</summary>
    public Rig Formatted(int track, int records, int size, int key = 0)
    {
        var steps = new List<Step> { Step.Extent(0x00, track, track), Step.Locate(0x03, records, track, 0, size) };
        for (int r = 1; r <= records; r++)
        {
            byte[] count = Step.Count(track / 15, track % 15, r, key, size);
            steps.Add(Step.W(0x1D, [.. count, .. Enumerable.Repeat((byte)r, key + size)]));
        }
        Device.Run([.. steps]).Ok();
        return this;
    }

    /// <summary>Formats a track and gives it random data, which it returns, one record behind the other.</summary>
    public byte[] Filled(int track, int records, int size)
    {
        byte[] data = new byte[records * size];
        new Random(track).NextBytes(data);
        Formatted(track, records, size);
        IEnumerable<Step> writes = Enumerable.Range(0, records).Select(r => Step.W(0x85, data[(r * size)..((r + 1) * size)]));
        Device.Run([Step.Extent(0x80, track, track), Step.Locate(0x01, records, track, 1, size), .. writes]).Ok();
        return data;
    }

    /// <summary>The data of so many records of a track, read record by record.</summary>
    public byte[] Records(int track, int records, int size)
    {
        IEnumerable<Step> reads = Enumerable.Repeat(Step.R(0x86, size), records);
        return [.. Device.Run([Step.Extent(0x40, track, track), Step.Locate(0x06, records, track, 1, size), .. reads]).Ok().Data.SelectMany(d => d)];
    }

    public void Dispose()
    {
        Device.Dispose();
        Volume.Dispose();
    }

    /// <summary>A device on an image file.</summary>
    public static Opened Open(string path)
    {
        CkdImage image = CkdImage.Open(path);
        return new Opened(image, new EckdDevice(new EckdVolume(image), new EckdOptions(new DeviceId(0, 0, 0x0150))));
    }

    /// <summary>The device owns the image.</summary>
    internal sealed record Opened(CkdImage Image, EckdDevice Device) : IDisposable
    {
        public void Dispose() => Device.Dispose();
    }
}

internal sealed class LogLines : Microsoft.Extensions.Logging.ILogger
{
    private List<string>? _warnings;

    public List<string> Lines { get; } = [];

    /// <summary>Those of them that are warnings or worse, as a log has them by default.</summary>
    public List<string> Warnings => _warnings ?? [];

    /// <summary>How many lines there are of a kind, while other threads may write some.</summary>
    public int Count(Func<string, bool> isOfKind)
    {
        lock (Lines)
            return Lines.Count(isOfKind);
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => true;

    public void Log<TState>(
        Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        string line = formatter(state, exception);
        lock (Lines)
        {
            Lines.Add(line);
            if (logLevel >= Microsoft.Extensions.Logging.LogLevel.Warning)
                (_warnings ??= []).Add(line);
        }
    }
}
