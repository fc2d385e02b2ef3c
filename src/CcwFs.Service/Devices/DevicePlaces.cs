using System.Numerics;
using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.FileSystem;
using CcwFs.Subchannel;

namespace CcwFs.Service.Devices;

/// <summary>
/// The subchannel ids and device numbers that are taken: by devices of the table, and by places that were taken here for devices that are being
/// opened. Not thread-safe.
/// </summary>
internal sealed class DevicePlaces(SubchannelTable table)
{
    /// <summary>The device number of subchannel 0 where none is named (arbitrary: an address that DASDs often have).</summary>
    internal const int FirstDeviceNumber = 0x0150;

    private const int Numbers = ushort.MaxValue + 1;

    private readonly Dictionary<SubchannelId, DevicePlace> _shown = [], _host = [];
    private readonly Dictionary<DeviceId, DevicePlace> _numbers = [];
    private readonly NumberSet _takenHost = new(); // of channel subsystem and set 0
    private readonly Dictionary<(byte Css, byte Set), NumberSet> _takenNumbers = [];

    /// <summary>
    /// Takes the id that was given, or <paramref name="own"/> (the device's own, where it has one), or the first free one from
    /// <paramref name="from"/> on. What <paramref name="leaving"/> have is free. <see cref="Free"/> gives it back.
    /// </summary>
    internal DevicePlace Take(DeviceSpec spec, int index, SubchannelId? own, int from, IReadOnlySet<OpenDevice> leaving)
    {
        if ((spec.Id is null ? own : spec.IdAt(index)) is { } id)
        {
            if (Holder(id, spec.Shown(id), leaving) is { } holder)
                throw CommandException.Hinting($"{holder} exists already; give another id, or remove it first: ", $"ccwfs remove {holder}");
            return Keep(new DevicePlace(id, spec.Shown(id), spec.Css));
        }
        for (int number = NextFree(_takenHost, from, leaving); number < Numbers; number = NextFree(_takenHost, number + 1, leaving))
        {
            var free = new SubchannelId(0, 0, (ushort)number);
            if (Holder(free, spec.Shown(free), leaving) is null)
                return Keep(new DevicePlace(free, spec.Shown(free), spec.Css));
        }
        throw new CommandException("all 65,536 subchannels of set 0 are in use; give an id like 0.1.0000");
    }

    /// <summary>
    /// Takes the device number that was given, or <paramref name="own"/>; where none is given, 0150 and the subchannel's number, or the first free
    /// one after it: there are as many as subchannels.
    /// </summary>
    internal void TakeNumber(DevicePlace place, DeviceSpec spec, int index, DeviceId? own, IReadOnlySet<OpenDevice> leaving)
    {
        DeviceId? given = spec.Device is { } first ? first with { Number = DeviceSpec.Following(first.Number, index, "devno") } : own;
        place.Number = given ?? new DeviceId(place.Id.CssId, place.Id.SetId, (ushort)(FirstDeviceNumber + place.Id.Number));
        NumberSet taken = TakenNumbers(place.ShownNumber);
        for (int tries = 1; Holder(place.ShownNumber, leaving) is { } holder; tries++)
        {
            if (given is not null || tries == Numbers)
                throw new CommandException($"{place.Shown}: device {place.Number} would be shown as {place.ShownNumber}, as {holder} is already; give another devno= or css=");
            int next = NextFree(taken, place.Number.Number + 1, leaving);
            place.Number = place.Number with { Number = (ushort)(next < Numbers ? next : NextFree(taken, 0, leaving)) };
        }
        _numbers.Add(place.ShownNumber, place);
        taken[place.Number.Number] = true;
    }

    /// <summary>The device stands in the table now, until <see cref="Free"/>.</summary>
    internal void Settle(DevicePlace place)
    {
        Remove(_shown, place.Shown, place);
        Remove(_host, place.Id, place);
        Remove(_numbers, place.ShownNumber, place);
    }

    /// <summary>The device was given up, or has left the table. What stands in its place by now stays.</summary>
    internal void Free(DevicePlace place)
    {
        Settle(place);
        if (IsInSet0(place.Id))
            _takenHost[place.Id.Number] = _host.ContainsKey(place.Id) || table.FindHost(place.Id) is not null;
        TakenNumbers(place.ShownNumber)[place.Number.Number] = _numbers.ContainsKey(place.ShownNumber)
            || table.FindDevice(place.ShownNumber) is not null;
    }

    private static bool IsInSet0(SubchannelId id) => id is { CssId: 0, SetId: 0 };

    /// <summary>The next number that is not known to be taken. Where devices leave, the taken ones are looked at too.</summary>
    private static int NextFree(NumberSet taken, int from, IReadOnlySet<OpenDevice> leaving) => leaving.Count == 0 ? taken.FirstFree(from) : from;

    private NumberSet TakenNumbers(DeviceId shown)
    {
        if (!_takenNumbers.TryGetValue((shown.CssId, shown.SetId), out NumberSet? taken))
            _takenNumbers.Add((shown.CssId, shown.SetId), taken = new NumberSet());
        return taken;
    }

    private static void Remove<T>(Dictionary<T, DevicePlace> places, T key, DevicePlace place)
        where T : notnull
    {
        if (ReferenceEquals(places.GetValueOrDefault(key), place))
            places.Remove(key);
    }

    private DevicePlace Keep(DevicePlace place)
    {
        _shown.Add(place.Shown, place);
        _host.Add(place.Id, place);
        if (IsInSet0(place.Id))
            _takenHost[place.Id.Number] = true;
        return place;
    }

    /// <summary>As what the device is shown that has one of these ids; null when both are free.</summary>
    private SubchannelId? Holder(SubchannelId id, SubchannelId shown, IReadOnlySet<OpenDevice> leaving) =>
        Staying(table.FindHost(id), leaving) ?? Staying(table.Find(shown), leaving)
            ?? (_host.GetValueOrDefault(id) ?? _shown.GetValueOrDefault(shown))?.Shown;

    private SubchannelId? Holder(DeviceId shown, IReadOnlySet<OpenDevice> leaving) =>
        Staying(table.FindDevice(shown), leaving) ?? _numbers.GetValueOrDefault(shown)?.Shown;

    private static SubchannelId? Staying(MountedSubchannel? subchannel, IReadOnlySet<OpenDevice> leaving) =>
        subchannel is OpenDevice device && !leaving.Contains(device) ? device.Id : null;

    /// <summary>Numbers of 16 bits, where the next free one is found without a look at each.</summary>
    private sealed class NumberSet
    {
        private const int Bits = 64;

        private readonly ulong[] _words = new ulong[Numbers / Bits];

        internal bool this[int number]
        {
            set => _words[number / Bits] = value ? _words[number / Bits] | (1UL << number) : _words[number / Bits] & ~(1UL << number);
        }

        /// <summary>The first number from <paramref name="from"/> on that is not in it; <see cref="Numbers"/> where there is none.</summary>
        internal int FirstFree(int from)
        {
            ulong free = from < Numbers ? ~_words[from / Bits] & (ulong.MaxValue << from) : 0;
            int word = from / Bits;
            while (free == 0 && ++word < _words.Length)
                free = ~_words[word];
            return free == 0 ? Numbers : (word * Bits) + BitOperations.TrailingZeroCount(free);
        }
    }
}
