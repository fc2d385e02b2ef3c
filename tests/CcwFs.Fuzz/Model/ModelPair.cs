using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Fuzz;

/// <summary>A device and a model of the same tracks.</summary>
internal sealed class ModelPair : IDisposable
{
    private const int Shown = 160;       // bytes of a track that differs

    private readonly ModelStore _store;
    private readonly EckdVolume _volume;
    private readonly EckdDevice _device;

    internal ModelPair(IReadOnlyList<ModelTrack> tracks)
    {
        Model = new ModelDevice(tracks);
        _store = new ModelStore(CkdGeometry.Model3390(tracks.Count / ModelTrack.Heads), tracks.Select(static t => t.Image));
        _volume = new EckdVolume(_store);
        _device = new EckdDevice(_volume, new EckdOptions(new DeviceId(0, 0, 0x150), Profile: EckdProfile.Full));
    }

    internal ModelDevice Model { get; }

    /// <summary>How the last program ended.</summary>
    internal string Ending { get; private set; } = "";

    public void Dispose()
    {
        _device.Dispose();
        _volume.Dispose();
        _store.Dispose();
    }

    /// <summary>Runs a program on both. Null, or what they disagree about, in words.</summary>
    internal string? Run(IReadOnlyList<ModelStep> steps, bool allTracks)
    {
        List<ModelTrack> before = [.. Model.Tracks];
        Model.Changed.Clear();
        _store.Written.Clear();
        ModelAnswer expected = Model.Run(steps);
        Ending = $"{expected.Status}{(expected.Sense.Length > 0 ? $", sense {expected.Sense}" : "")}";
        ModelAnswer got;
        try
        {
            got = RunDevice(steps);
        }
        catch (Exception fault)
        {
            return $"the device failed\n{ModelStep.Text(steps)}\n{fault}";
        }
        string? difference = got.Difference(expected);
        List<int> differing = [.. (allTracks ? Enumerable.Range(0, before.Count) : _store.Written.Union(Model.Changed)).Where(IsDifferent)];
        if (difference is null && differing.Count == 0)
            return null;
        IEnumerable<int> named = Named(steps).Where(t => t < before.Count).Union(Model.Changed).Union(_store.Written).Order();
        string tracks =
            string.Concat(differing.Select(t => $"\ndevice {_store.Hex(t, Shown)}\nmodel {Model.Tracks[t]}\n      {Beginning(Model.Tracks[t])}"));
        string on = string.Join('\n', named.Select(t => before[t]));
        return $"{difference ?? "tracks"} differ\n{ModelStep.Text(steps)}\non\n{on}\ndevice: {got}\nmodel: {expected}{tracks}";
    }

    private bool IsDifferent(int track) => !_store.Holds(track, Model.Tracks[track].Image);

    private static string Beginning(ModelTrack track) => Convert.ToHexString(track.Image, 0, Math.Min(track.Image.Length, Shown));

    /// <summary>Tracks that parameters of the program name.</summary>
    private static IEnumerable<int> Named(IReadOnlyList<ModelStep> steps) => steps.SelectMany(static step => step.Code switch
    {
        0x07 or 0x0B => Bytes(step, 2),
        0x47 or 0x4B => Bytes(step, 4),
        0xE7 => Bytes(step, 48),
        _ => [],
    });

    private static IEnumerable<int> Bytes(ModelStep step, int at) =>
        step.Out.Length >= at + 4 ? [(((step.Out[at] << 8) | step.Out[at + 1]) * ModelTrack.Heads) + step.Out[at + 3]] : [];

    private ModelAnswer RunDevice(IReadOnlyList<ModelStep> steps)
    {
        _device.BeginProgram(0);
        return ModelChannel.Run(steps, (code, data) => (_device.Execute(code, new DeviceData(data)), ""), (status, _) => End(status));
    }

    private (DeviceStatus Status, string Sense) End(DeviceStatus status)
    {
        status = _device.EndProgram(status);
        byte[] sense = new byte[32];
        bool hasSense = (status & DeviceStatus.UnitCheck) != 0 && _device.TakeSense(sense) > 0;
        return (status, hasSense ? string.Create(CultureInfo.InvariantCulture, $"{sense[0]:X2} {sense[1]:X2} {sense[7]:X2}") : "");
    }
}
