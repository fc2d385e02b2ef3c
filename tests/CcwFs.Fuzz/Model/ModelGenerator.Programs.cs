namespace CcwFs.Fuzz;

/// <summary>The programs.</summary>
internal sealed partial class ModelGenerator
{
    private const byte Tic = 0x08;

    // What there is for a command that takes another's place. The model knows all of these.
    private static readonly byte[] s_commands =
    [
        0x03, 0x07, 0x0B, 0x1B, 0x13, 0x1F, 0x23, 0x63, 0x47, 0x4B, 0x02, 0x12, 0x92, 0x06, 0x86, 0x0E, 0x8E, 0x1E, 0x9E, 0x1A, 0x9A, 0x16, 0x96,
            0x5E, 0xDE,
        0x05, 0x85, 0x0D, 0x8D, 0x1D, 0x9D, 0x15, 0x19, 0x11, 0xA5, 0x95, 0x31, 0xB1, 0x51, 0xD1, 0x71, 0xF1, 0x29, 0xA9, 0x49, 0xC9, 0x69, 0xE9,
            0x39, 0xB9,
    ];

    private readonly List<ModelStep> _steps = [];
    private ModelDevice _device = null!;
    private bool _hasExtent;
    private int _first, _last, _parts;

    /// <summary>A program for what is on the tracks now.</summary>
    internal List<ModelStep> Program(ModelDevice device)
    {
        (_device, _hasExtent) = (device, false);
        _steps.Clear();
        for (_parts = One(1, 1, 1, 2, 2, 3); _parts > 0; _parts--)
        {
            if (random.Next(3) > 0)
                Domain();
            else
                Search();
        }
        List<ModelStep> steps = [.. _steps];
        for (int fault = One(0, 0, 0, 1, 1, 2); fault > 0; fault--)
            Spoil(steps);
        return steps;
    }

    private ModelTrack Track(int number) => _device.Tracks[number];

    private void Add(byte code, byte[] bytes, bool sli = false) => _steps.Add(new ModelStep(code, bytes, Sli: sli));

    /// <summary>A read of about what there is; most do not mind its length.</summary>
    private void AddRead(byte code, int length) =>
        _steps.Add(new ModelStep(code, [], Chance(8) ? length + random.Next(1, 9) : Math.Max(length, 1), !Chance(4)));

    private void Search()
    {
        int track = HotTrack();
        ModelTrack on = Track(track);
        if (!_hasExtent && Chance(5))
        {
            byte mask = (byte)(One(0x00, 0x40, 0x80, 0xC0) | One(0x00, 0x00, 0x08, 0x10, 0x18));
            AddExtent(track, Math.Min(track + random.Next(3), _device.Tracks.Count - 1), mask);
        }
        else if (!_hasExtent && Chance(6))
            Add(0x1F, [One<byte>(0x00, 0x40, 0x80, 0xC0, 0x18, 0xD8, 0x08)]);
        if (Chance(15))
            _steps.Add(new ModelStep(0x02, [], 24, Sli: true));
        else
            Add(One<byte>(0x07, 0x07, 0x07, 0x07, 0x07, 0x07, 0x0B, 0x1B), [0, 0, .. on.Address]);
        if (Chance(4))
            Add(0x23, [One<byte>(0, 0xFF, 17)]);
        int record = random.Next(on.Records.Count);
        int first = _steps.Count;
        byte multitrack = (byte)(Chance(4) ? 0x80 : 0);
        switch (random.Next(10))
        {
            case 0:
                AddRead((byte)(One(0x06, 0x0E, 0x12, 0x1E, 0x16, 0x1A) | multitrack), 100);
                break;
            case 1:
                Add((byte)(0x39 | multitrack), on.Address);
                _steps.Add(new ModelStep(Tic, [], Target: first));
                if (Chance(2))
                    Add(0x19, [0, .. on.Address]);
                if (Chance(2))
                    Add(0x15, [.. ModelTrack.Empty(track).Records[0].Count, .. Bytes(8)]);
                break;
            case 2 or 3 when on.Records[record].Key.Length > 0:
                Add((byte)(One(0x29, 0x29, 0x49, 0x69) | multitrack), on.Records[record].Key);
                _steps.Add(new ModelStep(Tic, [], Target: first));
                break;
            default:
                byte[] id = [.. on.Records[record].Id];
                if (Chance(10))
                    id[4]++;
                bool isPart = Chance(12); // that proves nothing to a write
                Add((byte)(One(0x31, 0x31, 0x31, 0x31, 0x51, 0x71) | multitrack), isPart ? id[..random.Next(3, 5)] : id, isPart);
                if (!Chance(10))
                    _steps.Add(new ModelStep(Tic, [], Target: first));
                break;
        }
        for (int i = random.Next(1, 4); i > 0; i--)
            AfterSearch(on, record++);
    }

    private void AfterSearch(ModelTrack on, int record)
    {
        ModelRecord found = on.Records[Math.Min(record, on.Records.Count - 1)];
        // A write wants the search, or another format write, in front of it.
        bool mayFormat = _steps[^1].Code is 0x1D or 0x15 || _steps[^1].Target >= 0 || (_steps[^1].Code is 0x05 or 0x06 && _steps[^2].Target >= 0);
        bool mayUpdate = _steps[^1].Target >= 0;
        int from = mayUpdate ? 0 : mayFormat ? 3 : 6;
        switch (Chance(8) ? random.Next(12) : random.Next(from, 12))
        {
            case 0 or 1:
                Add(0x05, Bytes(found.Data.Length), Chance(2));
                break;
            case 2:
                Add(0x0D, Bytes(found.Key.Length + found.Data.Length), Chance(2));
                break;
            case 3 or 4:
                AddFormat(0x1D, on.Number, record + 1);
                break;
            case 5:
                Add(0x11, NewRecord(on.Number, record + 1), Chance(2));
                break;
            case 6:
                _steps.Add(new ModelStep(0x5E, [], 4_000, Sli: true));
                break;
            default:
                AddRead(One<byte>(0x06, 0x0E, 0x12, 0x1E, 0x86, 0x8E, 0x92, 0x9E, 0x16, 0x96, 0x1A), found.All.Length);
                break;
        }
    }

    private void AddExtent(int first, int last, byte mask, int blockSize = 0)
    {
        Add(0x63, Extent(first, last, mask, blockSize));
    }

    private byte[] Extent(int first, int last, byte mask, int blockSize)
    {
        (_hasExtent, _first, _last) = (true, first, last);
        bool isForMore = _parts > 1 && !Chance(4); // what follows may be a write
        return
        [
            isForMore ? (byte)0xC0 : mask, One<byte>(0xC0, 0xC0, 0xC4, 0xE0), (byte)(blockSize >> 8), (byte)blockSize, 0, 0, 0,
                One<byte>(0, 0, 0x04, 0x40),
            .. ModelTrack.AddressOf(first), .. ModelTrack.AddressOf(last),
        ];
    }

    private byte[] NewRecord(int track, int record)
    {
        int keyLength = Chance(4) ? random.Next(1, 12) : 0, length = Chance(20) ? LargestBehind(track, record, keyLength) + random.Next(2) : Size();
        byte[] id = [.. ModelTrack.AddressOf(track), (byte)record];
        if (Chance(30))
            return Bytes(8 + random.Next(20)); // any lengths
        return new ModelRecord(id, Bytes(keyLength), Bytes(length)).All;
    }

    /// <summary>The longest data of a record that takes the place of this one.</summary>
    private int LargestBehind(int track, int record, int keyLength)
    {
        ModelTrack before = Track(Math.Min(track, _device.Tracks.Count - 1)).First(record);
        int least = 0, most = LargestRecord + 1; // the first fits, the second does not
        while (most - least > 1)
        {
            int length = (least + most) / 2;
            bool fits = before.Behind(record, new ModelRecord(new byte[5], new byte[keyLength], new byte[length])).Fits;
            (least, most) = fits ? (length, most) : (least, length);
        }
        return least;
    }

    private void AddFormat(byte code, int track, int record)
    {
        byte[] bytes = NewRecord(track, record);
        bool isCount = Chance(3); // the device fills the rest with zeros
        Add(code, isCount ? bytes[..8] : bytes, isCount || Chance(3));
    }

    private void Domain()
    {
        int track = HotTrack();
        switch (random.Next(12))
        {
            case 0 or 1 or 2:
                Updates(track);
                break;
            case 3 or 4:
                Formats(track);
                break;
            case 5:
                WriteTrack(track);
                break;
            case 6 or 7 or 8:
                Reads(track);
                break;
            case 9:
                ReadTracks(track);
                break;
            case 10:
                AnyRecord(track);
                break;
            default:
                TrackSet(track);
                break;
        }
    }

    /// <summary>What a domain needs in front: DEFINE EXTENT and LOCATE RECORD, its extended form, or PREFIX.</summary>
    private void Begin(
        byte mask, byte form, int count, int track, byte[] search, int length = 0, bool suffix = false, byte extended = 0, byte[]? parameter = null)
    {
        int last = Math.Min(track + random.Next(4), _device.Tracks.Count - 1);
        int blockSize = length > 0 && Chance(3) ? length : 0;
        int given = blockSize > 0 ? 0 : length;
        byte[] locate =
        [
            form, (byte)((given > 0 ? 0x80 : 0) | (suffix ? 1 : 0)), 0, (byte)count, .. ModelTrack.AddressOf(track), .. search,
            One<byte>(0xFF, 0xFF, 3), (byte)(given >> 8), (byte)given,
        ];
        byte[] longer = [.. locate, 0, extended, 0, (byte)(parameter?.Length ?? 0), .. parameter ?? []];
        if (!_hasExtent && Chance(4) && form is not (0x00 or 0x40 or 0x80))
        {
            Add(0xE7, [1, 0x80, 0x50, 0, 1, .. new byte[7], .. Extent(track, last, mask, blockSize), .. new byte[16], .. longer]);
            return;
        }
        if (!_hasExtent && Chance(10))
        {
            Add(0xE7, [0, 0x80, 0x50, 0, 1, .. new byte[7], .. Extent(track, last, mask, blockSize), .. new byte[36]]);
        }
        if (!_hasExtent)
            AddExtent(track, last, Chance(6) ? (byte)0xC0 : mask, blockSize);
        bool isLonger = extended != 0 || (Chance(4) && form is not (0x00 or 0x40 or 0x80));
        Add(isLonger ? (byte)0x4B : (byte)0x47, isLonger ? longer : locate);
    }

    private byte[] Search(ModelTrack on, int record) => record < on.Records.Count ? on.Records[record].Id : [.. on.Address, (byte)record];

    private void Updates(int track)
    {
        ModelTrack on = Track(track);
        int record = random.Next(on.Records.Count);
        bool suffix = Chance(5), onData = Chance(5);
        int at = onData ? record + 1 : record;
        bool withKey = Chance(3);
        int updates = One(1, 1, 2, 2, 3, random.Next(1, 8));
        ModelRecord first = on.Records[Math.Min(at, on.Records.Count - 1)];
        int length = first.Data.Length + (withKey ? first.Key.Length : 0);
        Begin(One<byte>(0x80, 0x80, 0x00, 0xC0), onData ? (byte)0x81 : (byte)0x01, updates + (suffix ? 1 : 0), track, Search(on, record), length,
            suffix);
        bool isSingle = updates == 1 && !onData && Chance(2);
        for (int i = 0; i < updates; i++)
            Add((byte)((withKey ? 0x0D : 0x05) | (isSingle ? 0 : 0x80)), Bytes(Chance(8) ? random.Next(length + 9) : length), Chance(3));
        if (suffix)
            AddRead(0x92, 8);
        After();
    }

    private void Formats(int track)
    {
        ModelTrack on = Track(track);
        byte form = One<byte>(0x03, 0x03, 0x03, 0x43, 0xC3);
        bool hasHome = form != 0x03 && Chance(3), hasZero = form != 0x03 && !Chance(6);
        int records = random.Next(form == 0x03 ? 1 : 0, 5);
        int record = form == 0x03 ? random.Next(on.Records.Count) : 0;
        int count = Math.Max(records + (hasHome ? 1 : 0) + (hasZero ? 1 : 0), 1);
        Begin(form == 0x03 ? One<byte>(0x00, 0xC0) : (byte)0xC0, form, count, track, Search(on, record), Chance(3) ? 100 : 0);
        if (hasHome)
            Add(0x19, [0, .. on.Address]);
        if (hasZero)
            Add(0x15, [.. ModelTrack.Empty(track).Records[0].Count, .. Bytes(One(0, 8, 8))], true);
        int number = form == 0x03 ? record + 1 : 1;
        for (int i = 0; i < records; i++)
        {
            bool isNext = i > 0 && Chance(4);
            if (isNext)
                (track, number) = (track + 1, 1);
            AddFormat(isNext ? (byte)0x9D : (byte)0x1D, track, number++);
        }
        After();
    }

    private void WriteTrack(int track)
    {
        int records = random.Next(0, 4);
        bool erases = Chance(4);
        ModelTrack on = Track(track);
        byte[] search = Search(on, Chance(8) ? random.Next(on.Records.Count) : 0);
        Begin(One<byte>(0x00, 0xC0), 0x0B, 1 + records + (erases ? 1 : 0), track, search, Chance(3) ? 60 : 0);
        Add(0x05, Bytes(8));
        for (int i = 1; i <= records; i++)
            AddFormat(0x1D, track, i);
        if (erases)
            Add(0x11, NewRecord(track, records + 1), true);
        After();
    }

    private void Reads(int track)
    {
        ModelTrack on = Track(track);
        bool isCkd = Chance(3);
        byte form = isCkd ? One<byte>(0x16, 0x16, 0x56, 0x96, 0xD6) : One<byte>(0x06, 0x06, 0x06, 0x46, 0x86);
        int reads = random.Next(1, 9);
        bool suffix = isCkd && reads > 1 && Chance(4);
        Begin(One<byte>(0x40, 0x40, 0x00, 0xC0), form, reads, track, Search(on, random.Next(on.Records.Count)), Chance(4) ? 512 : 0, suffix);
        byte[] rare = isCkd ? [0x9A, 0x1A, 0x16, 0x96] : [0x1A, 0x16, 0x96, 0x9A];
        for (int i = 0; i < reads; i++)
        {
            byte code = One<byte>(0x86, 0x92, 0x8E, 0x9E);
            if (isCkd && form != 0x16 && i < 2 && Chance(2))
                code = rare[random.Next(4)];
            else if (!isCkd && Chance(8))
                code = rare[random.Next(4)];
            else if (!isCkd && Chance(2))
                code &= 0x7F;
            if (suffix && i == reads - 1)
                code = 0x92;
            AddRead(code, on.Records[random.Next(on.Records.Count)].All.Length);
        }
        After();
    }

    private void ReadTracks(int track)
    {
        ModelTrack on = Track(track);
        int tracks = random.Next(1, 4);
        Begin(0x40, One<byte>(0x0C, 0x4C), tracks, track, Search(on, random.Next(on.Records.Count)));
        for (int i = 0; i < tracks; i++)
            AddRead(0xDE, Chance(3) ? Track(track).Image.Length - 5 : 3_000);
        After();
    }

    private void AnyRecord(int track)
    {
        ModelTrack on = Track(track);
        bool writes = Chance(2), suffix = Chance(4);
        int count = random.Next(1, 9) + (suffix ? 1 : 0);
        int length = on.Records[^1].Data.Length;
        Begin(writes ? (byte)0x80 : (byte)0x40, 0x3F, count, track, Search(on, 0), writes ? length : 0, suffix, (byte)(writes ? 0x09 : 0x0A), [1]);
        for (int i = suffix ? 1 : 0; i < count; i++)
        {
            if (writes)
            {
                Add(0x85, Bytes(length), Chance(3));
                continue;
            }
            AddRead(One<byte>(0x92, 0x9E, 0x86), 100);
            if (_steps[^1].Code == 0x92 && Chance(2))
                AddRead(0x86, 100);
        }
        if (suffix)
            AddRead(0x92, 8);
        After();
    }

    private void TrackSet(int track)
    {
        int bits = 0x8000 | (random.Next(16) << 11);
        int[] set = [.. Enumerable.Range(0, 16).Where(b => (bits & (0x8000 >> b)) != 0).Select(b => track + b)];
        byte[] map = Chance(2) ? [(byte)(bits >> 8), (byte)bits] : [(byte)(bits >> 8)];
        byte operation = One<byte>(0x0E, 0x11, 0x13);
        int length = Track(track).Records[^1].Data.Length;
        byte form = operation switch { 0x0E => One<byte>(0x3F, 0x7F), 0x13 => One<byte>(0x3F, 0xBF), _ => 0x3F };
        byte mask = operation is 0x11 ? (byte)0xC0 : operation is 0x13 ? (byte)0x80 : (byte)0x40;
        Begin(mask, form, set.Length, track, Search(Track(track), Chance(4) ? 1 : 0), operation == 0x13 ? length : 0, extended: operation,
            parameter: map);
        foreach (int number in set.Where(t => t < _device.Tracks.Count))
        {
            if (operation == 0x0E)
                AddRead(0xDE, 3_000);
            else if (operation == 0x13)
                Add(0xA5, Bytes(length * (Track(number).Records.Count - 1)), Chance(3));
            else if (operation == 0x11)
                Add(0x95, [.. (Chance(4) ? Filled(number) : Track(HotTrack()) with { Number = number }).Image[5..]], Chance(3));
        }
        After();
    }

    /// <summary>Now and then something behind the domain.</summary>
    private void After()
    {
        if (Chance(5))
            AddRead(One<byte>(0x06, 0x86, 0x12, 0x92, 0x1E, 0x0E, 0x16, 0x1A), 100);
        if (Chance(10))
            Add(0x03, []);
    }

    /// <summary>Makes one thing wrong, perhaps.</summary>
    private void Spoil(List<ModelStep> steps)
    {
        int at = random.Next(steps.Count);
        ModelStep step = steps[at];
        switch (random.Next(9))
        {
            case 0:
                Remove(steps, at);
                break;
            case 1:
                Insert(steps, at, step with { Target = -1, Code = step.Target >= 0 ? (byte)0x03 : step.Code });
                break;
            case 2 when step.Target < 0 && step.Code != 0xE7:
                byte code = One<byte>(s_commands);
                bool isRead = (code & 3) == 2 || code == 0x5E;
                steps[at] = isRead ? new ModelStep(code, [], Math.Max(step.Read, 20), step.Sli) : step with { Code = code, Read = 0 };
                break;
            case 3 when step.Out.Length > 0:
                steps[at] = step with { Out = step.Out[..random.Next(step.Out.Length)] };
                break;
            case 4 when step.Target < 0:
                steps[at] = step with { Sli = !step.Sli };
                break;
            case 5 when at + 1 < steps.Count && step.Target < 0 && steps[at + 1].Target < 0:
                (steps[at], steps[at + 1]) = (steps[at + 1], step);
                break;
            default:
                if (step.Out.Length == 0)
                    break;
                byte[] bytes = [.. step.Out];
                int place = random.Next(Math.Min(bytes.Length, Chance(2) ? 16 : 66));
                bytes[place] =
                    One((byte)random.Next(256), (byte)(bytes[place] ^ (1 << random.Next(8))), (byte)(bytes[place] + 1), (byte)(bytes[place] - 1));
                steps[at] = step with { Out = bytes };
                break;
        }
        Avoid(steps);
    }

    internal static void Remove(List<ModelStep> steps, int at)
    {
        if (steps.Count == 1)
            return;
        steps.RemoveAt(at);
        for (int i = 0; i < steps.Count; i++)
        {
            if (steps[i].Target > at)
                steps[i] = steps[i] with { Target = steps[i].Target - 1 };
        }
        NoLoops(steps);
        Avoid(steps);
    }

    private static void Insert(List<ModelStep> steps, int at, ModelStep step)
    {
        for (int i = 0; i < steps.Count; i++)
        {
            if (steps[i].Target >= at)
                steps[i] = steps[i] with { Target = steps[i].Target + 1 };
        }
        steps.Insert(at, step);
        NoLoops(steps);
    }

    /// <summary>A transfer in channel goes back to the search before it; where that has gone, it goes too, or the program might not end.</summary>
    private static void NoLoops(List<ModelStep> steps)
    {
        for (int i = 0; i < steps.Count; i++)
        {
            if (steps[i].Target >= 0 && (i == 0 || steps[i].Target != i - 1))
                steps[i] = new ModelStep(0x03, []);
        }
    }

    /// <summary>What the model does not have: PREFIX of format 2, and the operation 3F23, which no manual describes.</summary>
    private static void Avoid(List<ModelStep> steps)
    {
        for (int i = 0; i < steps.Count; i++)
        {
            byte[] bytes = [.. steps[i].Out];
            int locate = steps[i].Code switch { 0xE7 => 44, 0x4B => 0, _ => -1 };
            if (steps[i].Code == 0xE7 && bytes.Length > 0 && bytes[0] == 2)
                bytes[0] = 3;
            if (locate >= 0 && bytes.Length > locate + 17 && bytes[locate + 17] == 0x23)
                bytes[locate + 17] = 0x22;
            steps[i] = steps[i] with { Out = bytes };
        }
        // A loop must be one of a search: nothing else ends it.
        for (int i = 1; i < steps.Count; i++)
        {
            bool isSearch = (steps[i - 1].Code & 0x7F) is 0x31 or 0x51 or 0x71 or 0x29 or 0x49 or 0x69 or 0x39;
            if (steps[i].Target >= 0 && !isSearch)
                steps[i] = new ModelStep(0x03, []);
        }
    }
}
