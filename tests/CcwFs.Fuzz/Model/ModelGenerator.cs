namespace CcwFs.Fuzz;

/// <summary>Makes volumes, and programs that mean something on them; some are then spoilt a little.</summary>
internal sealed partial class ModelGenerator(Random random)
{
    private const int LargestRecord = 56_664;

    private readonly List<int> _hot = []; // the tracks that programs are about

    internal int Cylinders() => random.Next(2, 4);

    /// <summary>Some tracks with records, on both sides of the cylinders' borders; the others with a record at most.</summary>
    internal List<ModelTrack> Volume(int cylinders)
    {
        int tracks = cylinders * ModelTrack.Heads;
        int[] starts = [0, ModelTrack.Heads - 3, tracks - 3, random.Next(tracks - 3)];
        _hot.AddRange(starts.SelectMany(static s => Enumerable.Range(s, 3)).Distinct());
        return [.. Enumerable.Range(0, tracks).Select(t => _hot.Contains(t) || Chance(10) ? Filled(t) : ModelTrack.Empty(t))];
    }

    private ModelTrack Filled(int number)
    {
        ModelTrack track = ModelTrack.Empty(number);
        if (Chance(8))
            return track;
        int keyLength = Chance(3) ? random.Next(1, 20) : 0;
        int size = Size();
        bool isRegular = Chance(2);
        for (int record = random.Next(1, 7); record > 0; record--)
        {
            if (!isRegular)
                (keyLength, size) = (Chance(3) ? random.Next(1, 256) : 0, Size());
            byte[] id = [.. track.Address, (byte)(Chance(20) ? random.Next(256) : track.Records.Count)];
            if (Chance(30))
                id[random.Next(4)] ^= 1;
            ModelTrack next = track.Behind(track.Records.Count, new ModelRecord(id, Bytes(keyLength), Bytes(size)));
            if (next.Fits)
                track = next;
        }
        return track;
    }

    private int Size() => random.Next(12) switch
    {
        0 => 0,
        1 => 8,
        2 => random.Next(500, 4_097),
        3 when Chance(4) => random.Next(4_096, LargestRecord + 1),
        _ => random.Next(1, 130),
    };

    private bool Chance(int of) => random.Next(of) == 0;

    private T One<T>(params ReadOnlySpan<T> of) => of[random.Next(of.Length)];

    private byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes.AsSpan(0, Math.Min(length, 16))); // few bytes of each decide
        for (int i = 16; i < length; i++)
            bytes[i] = bytes[i % 16];
        return bytes;
    }

    /// <summary>A track to be about; once there is an extent, mostly one in it.</summary>
    private int HotTrack() => _hasExtent && !Chance(10) ? random.Next(_first, _last + 1) : _hot[random.Next(_hot.Count)];
}
