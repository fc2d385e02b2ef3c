using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Fba;
using CcwFs.Emulation.Images;

namespace CcwFs.Fuzz;

/// <summary>What happens to a device.</summary>
/// <param name="Device">Which one it is.</param>
/// <param name="Steps">The program that runs; none: a system reset.</param>
/// <param name="IsHalted">It is ended from outside after its last command, so that no status comes.</param>
internal sealed record FbaEvent(int Device, IReadOnlyList<ModelStep> Steps, bool IsHalted);

/// <summary>Devices on one disk, in a file or in memory, and a model of them.</summary>
internal sealed class FbaPair : IDisposable
{
    /// <summary>Devices on the disk; the last one is read-only.</summary>
    internal const int Devices = 3;

    private readonly IImageFile? _file;
    private readonly FbaVolume _volume;
    private readonly FbaDevice[] _devices;
    private readonly FbaModel _model;
    private readonly MemoryBlockStore? _memory;
    private readonly byte[] _seen;

    /// <summary>
    /// The disk has these bytes. <paramref name="path"/>: where its file is made, which may be longer than the disk; null: in memory.
    /// </summary>
    internal FbaPair(byte[] bytes, BlockGeometry geometry, string? path, ImageSync sync)
    {
        bool[] isReadOnly = new bool[Devices];
        isReadOnly[^1] = true;
        _model = new FbaModel((byte[])bytes.Clone(), geometry.BlockSize, geometry.Blocks, isReadOnly);
        _seen = new byte[bytes.Length];
        IBlockStore store;
        if (path is not null)
        {
            File.WriteAllBytes(path, bytes);
            _file = HostImageFiles.Unlocked.OpenDisk(path, write: false);
            store = FileBlockStore.Open(
                HostImageFiles.Instance, path, new BlockOptions(geometry.BlockSize, geometry.Blocks), new ImageOptions(Sync: sync));
        }
        else
        {
            store = _memory = new MemoryBlockStore(geometry);
            _memory.Write(0, bytes.AsSpan(0, (int)geometry.Bytes));
        }
        _volume = new FbaVolume(store);
        _devices = [.. isReadOnly.Select((readOnly, i) => new FbaDevice(_volume, new FbaOptions(new DeviceId(0, 0, (ushort)(0x150 + i)), readOnly)))];
    }

    /// <summary>How the last program ended.</summary>
    internal string Ending { get; private set; } = "";

    /// <summary>The bytes as they are to be.</summary>
    internal byte[] Bytes => _model.File;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FbaDevice device in _devices)
            device.Dispose();
        _volume.Dispose();
        _file?.Dispose();
    }

    /// <summary>Lets it happen to both. Null, or what they disagree about, in words.</summary>
    internal string? Run(FbaEvent one)
    {
        string text = ModelStep.Text(one.Steps, Families.Fba);
        if (one.Steps.Count == 0)
        {
            (Ending, text) = ("reset", "reset");
            _model.Reset(one.Device);
            _devices[one.Device].AbandonProgram(reset: true);
            return Difference(text);
        }
        ModelAnswer expected = _model.Run(one.Device, one.Steps), got;
        Ending = one.IsHalted ? "halted" : $"{expected.Status}{(expected.Sense.Length > 0 ? $", sense {expected.Sense}" : "")}";
        try
        {
            got = RunDevice(_devices[one.Device], one);
        }
        catch (Exception fault)
        {
            return $"device {one.Device} failed\n{text}\n{fault}";
        }
        if (one.IsHalted)
            expected = expected with { Sense = "" };
        return got.Difference(expected) is { } difference
            ? $"{difference} of device {one.Device} differ\n{text}\ndevice: {got}\nmodel: {expected}" : Difference(text);
    }

    private static ModelAnswer RunDevice(FbaDevice device, FbaEvent one)
    {
        device.BeginProgram(0);
        return ModelChannel.Run(
            one.Steps, (code, data) => (device.Execute(code, new DeviceData(data)), ""), (status, _) =>
            {
                if (status == DeviceStatus.Busy || one.IsHalted)
                {
                    device.AbandonProgram(reset: false);
                    return (status, "");
                }
                DeviceStatus ended = device.EndProgram(status);
                return (ended, (ended & DeviceStatus.UnitCheck) != 0 ? Sense(device) : "");
            });
    }

    /// <summary>Bytes 0 and 1; more where there is more than a 9336 says.</summary>
    private static string Sense(FbaDevice device)
    {
        byte[] sense = new byte[32];
        int length = device.TakeSense(sense);
        bool isPlain = length == 24 && sense.AsSpan(2).IndexOfAnyExcept((byte)0) < 0;
        return isPlain ? $"{sense[0]:X2} {sense[1]:X2}" : $"{length} bytes {Convert.ToHexString(sense)}";
    }

    /// <summary>The whole file is as the model's, its length too.</summary>
    private string? Difference(string text)
    {
        int length = (int)_volume.Geometry.Bytes;
        if (_file is { } file)
        {
            if (file.Length() is var now && now != _seen.Length)
                return $"the file has {now} bytes\n{text}";
            length = file.ReadAt(0, _seen);
        }
        else
        {
            _memory!.Read(0, _seen.AsSpan(0, length));
        }
        int at = _seen.AsSpan(0, length).CommonPrefixLength(Bytes);
        int size = _volume.Geometry.BlockSize;
        return at == length ? null
            : $"block {at / size} differs at byte {at % size}: device {_seen[at]:X2}, model {Bytes[at]:X2}\n{text}";
    }
}
