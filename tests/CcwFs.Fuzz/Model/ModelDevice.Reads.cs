namespace CcwFs.Fuzz;

/// <summary>Reads and searches (p.100 to 120).</summary>
internal sealed partial class ModelDevice
{
    private const byte Multitrack = 0x80;

    private bool IsPastEnd(int record) => record >= Track.Records.Count;

    /// <summary>The record whose count field comes next, record 0 included; it may be past the end.</summary>
    private int Next() => _place.Field is ModelField.Index or ModelField.HomeAddress ? 0 : _place.Record + 1;

    private void NextTrack(bool isRead)
    {
        bool isLastHead = _track % ModelTrack.Heads == ModelTrack.Heads - 1;
        if (_domain is null)
        {
            if (SeekPermission == 3)
                throw Protected();
            if (isLastHead)
                throw EndOfCylinder();
        }
        else if (_isConversion && isLastHead && isRead)
        {
            throw InExtent(_track + 1) ? EndOfCylinder() : Protected();
        }
        if (!InExtent(_track + 1))
            throw Protected();
        (_track, _place) = (_track + 1, new ModelPlace(ModelField.Index, 0));
    }

    /// <summary>Passes the end of a track: to the next one, or to the same again.</summary>
    private void PassIndex(bool isMultitrack, bool isRead = true)
    {
        if (isMultitrack)
        {
            NextTrack(isRead);
            return;
        }
        if (++_indexPasses == 2)
            throw NoRecord();
        _place = new ModelPlace(ModelField.Index, 0);
    }

    /// <summary>The next record behind record 0, on this track, the same again, or the next one.</summary>
    private int NextUser(bool isMultitrack, bool isRead = true)
    {
        int record = Math.Max(Next(), 1);
        if (!IsPastEnd(record))
            return record;
        // Outside a domain a multitrack command goes on over tracks without records; in a domain there is no record to be found then.
        bool goesOn = isMultitrack && _domain is not { IsAny: true };
        do
            PassIndex(goesOn, isRead);
        while (IsPastEnd(1) && goesOn && _domain is null);
        return IsPastEnd(1) ? throw NoRecord() : 1;
    }

    private void Read(byte code, ModelData data)
    {
        bool isMultitrack = (code & Multitrack) != 0;
        switch (code & ~Multitrack)
        {
            case 0x1A:
                if (isMultitrack && _domain is null)
                    NextTrack(isRead: true);
                data.Send([0, .. Track.Address]);
                _place = new ModelPlace(ModelField.HomeAddress, 0);
                break;
            case 0x16:
                if (isMultitrack && _place.Field != ModelField.HomeAddress)
                    NextTrack(isRead: true);
                data.Send(Track.Records[0].All);
                _place = new ModelPlace(ModelField.Data, 0);
                break;
            case 0x12:
                int counted = NextUser(isMultitrack);
                data.Send(Track.Records[counted].Count);
                _place = new ModelPlace(ModelField.Count, counted);
                break;
            case 0x1E:
                int whole = NextUser(isMultitrack);
                data.Send(Track.Records[whole].All);
                HaveRead(whole);
                break;
            case 0x06:
                int read = _place.Field is ModelField.Count or ModelField.Key ? _place.Record : NextUser(isMultitrack);
                data.Send(Track.Records[read].Data);
                HaveRead(read);
                break;
            case 0x0E:
                int keyed = _place.Field == ModelField.Count ? _place.Record : NextUser(isMultitrack);
                data.Send([.. Track.Records[keyed].Key, .. Track.Records[keyed].Data]);
                HaveRead(keyed);
                break;
            default:
                throw new InvalidOperationException($"command {code:X2}");
        }
    }

    private void HaveRead(int record)
    {
        _place = new ModelPlace(ModelField.Data, record);
        if (Track.Records[record].Data.Length == 0)
            throw new ModelEndOfFile();
    }

    /// <summary>From the next record to the end of the track; the next command begins at index (p.109).</summary>
    private void ReadMultiple(ModelData data)
    {
        if (!_isSeeked)
            throw BadSequence();
        data.Send([.. Track.Records.Skip(Math.Max(Next(), 1)).SelectMany(static r => r.All)]);
        _place = new ModelPlace(ModelField.Index, 0);
    }

    private void ReadIpl(ModelData data)
    {
        if (_hasExtent || _hasMask || _hasIpl)
            throw BadSequence();
        MoveTo(0);
        (_hasIpl, _place) = (true, new ModelPlace(ModelField.Data, 0));
        Read(0x06, data);
    }

    /// <summary>Records and eight FF: behind the record found, or from record 0 on (p.110).</summary>
    private void ReadTrack(ModelDomain domain, ModelData data)
    {
        bool isFirst = domain.Done.Count == 0;
        if (!isFirst && domain.Operation == ModelDomain.ReadSet)
            _track = domain.Set[domain.Had];
        else if (!isFirst)
            NextTrack(isRead: false); // the domain says how many tracks, over cylinders too
        int from = isFirst ? Next() : 0;
        data.Send([.. Track.Records.Skip(from).SelectMany(static r => r.All), .. ModelTrack.EndMark]);
        _place = new ModelPlace(ModelField.Data, Track.Records.Count - 1);
    }

    private bool SearchId(byte code, ModelData data)
    {
        if (!_isSeeked)
            throw BadSequence();
        if (IsPastEnd(Next()))
            PassIndex((code & Multitrack) != 0);
        int record = Next();
        byte[] argument = data.Take(5);
        _place = new ModelPlace(ModelField.Count, record);
        return IsFound(code, Track.Records[record].Id, argument, ModelProof.Id);
    }

    /// <summary>The key of the record whose count field has passed, else of the next one behind record 0.</summary>
    private bool SearchKey(byte code, ModelData data)
    {
        if (!_isSeeked)
            throw BadSequence();
        int record = _place.Field == ModelField.Count ? _place.Record : NextUser((code & Multitrack) != 0);
        byte[] key = Track.Records[record].Key;
        byte[] argument = data.Take(key.Length);
        _place = new ModelPlace(ModelField.Key, record);
        return key.Length > 0 && IsFound(code, key, argument, ModelProof.Key);
    }

    private bool SearchHomeAddress(byte code, ModelData data)
    {
        if (!_isSeeked)
            throw BadSequence();
        if ((code & Multitrack) != 0)
            NextTrack(isRead: true);
        else if (_place.Field != ModelField.Index)
            PassIndex(isMultitrack: false);
        byte[] argument = data.Take(4);
        _place = new ModelPlace(ModelField.HomeAddress, 0);
        return IsFound(code, Track.Address, argument, ModelProof.HomeAddress);
    }

    /// <summary>Compares as many bytes as the program gave; only all of them prove something to a write (p.121).</summary>
    private bool IsFound(byte code, byte[] field, byte[] argument, ModelProof proof)
    {
        int order = field.AsSpan(0, argument.Length).SequenceCompareTo(argument);
        bool isEqual = (code & 0x60) is 0x20 or 0x60 && order == 0;
        bool isHigh = (code & 0x40) != 0 && order > 0;
        bool isFound = argument.Length > 0 && (isEqual || isHigh);
        if (isFound && argument.Length == field.Length && (code & 0x60) == 0x20)
            _proof = proof;
        return isFound;
    }
}
