namespace CcwFs.Fuzz;

/// <summary>Writes (p.121 to 141).</summary>
internal sealed partial class ModelDevice
{
    private const int CountSize = 8;

    /// <summary>WRITE DATA and WRITE KEY AND DATA behind a search.</summary>
    private void WriteOutside(byte code, ModelProof proof, bool hasTransferSince, ModelData data)
    {
        bool withKey = code == 0x0D;
        bool isProven = !hasTransferSince && (proof == ModelProof.Id || (proof == ModelProof.Key && !withKey));
        if (!isProven || Permission == NoWrites)
            throw BadSequence();
        Update(_place.Record, withKey, length: null, data);
    }

    private void UpdateInDomain(ModelDomain domain, byte code, bool withKey, ModelData data)
    {
        bool isFirstOnCount = domain.Done.Count == 0 && _place.Field == ModelField.Count;
        int record = isFirstOnCount ? _place.Record : NextUser((code & Multitrack) != 0, isRead: false);
        bool isTrackWrite = domain.Operation == ModelDomain.WriteTrack;
        int length = isTrackWrite && record == 0 ? 8 : domain.Length;
        Update(record, withKey, _isConversion || length == 0 ? null : length, data);
        if (isTrackWrite && domain.Count == 1)
            Change(Track.First(record + 1)); // the rest is erased (SC26-7298 p.39)
    }

    /// <summary>Key and data, or data, get what the program gives, and zeros; a record without data is the end of a file.</summary>
    private void Update(int index, bool withKey, int? length, ModelData data)
    {
        ModelRecord record = Track.Records[index];
        int keyLength = withKey ? record.Key.Length : 0;
        if (length is not null && length != keyLength + record.Data.Length)
            throw BadFormat();
        if (record.Data.Length == 0)
            throw new ModelEndOfFile();
        byte[] bytes = data.TakeFilled(keyLength + record.Data.Length);
        Change(Track.Replace(index, record.With(withKey ? bytes[..keyLength] : null, bytes[keyLength..])));
        _place = new ModelPlace(ModelField.Data, index);
    }

    private void FormatOutside(byte code, ModelProof proof, bool hasTransferSince, ModelData data)
    {
        bool isProven = code switch
        {
            0x19 => proof == ModelProof.HomeAddress,
            0x15 => proof is ModelProof.HomeAddress or ModelProof.WrittenHomeAddress,
            _ => proof is ModelProof.Id or ModelProof.Key or ModelProof.WrittenRecord,
        };
        if (!isProven || (hasTransferSince && code is 0x19 or 0x15))
            throw BadSequence();
        Format(code, data);
        _proof = code == 0x19 ? ModelProof.WrittenHomeAddress : code is 0x15 or 0x1D ? ModelProof.WrittenRecord : ModelProof.None;
    }

    private void FormatInDomain(byte code, ModelData data)
    {
        if (code == 0x9D)
        {
            NextTrack(isRead: false);
            _place = new ModelPlace(ModelField.Data, 0);
        }
        Format(code, data);
    }

    private void Format(byte code, ModelData data)
    {
        bool isPermitted = code is 0x19 or 0x15 ? Permission == AllWrites : Permission is 0 or AllWrites;
        if (!isPermitted)
            throw BadSequence();
        switch (code)
        {
            case 0x19:
                WriteHomeAddress(data);
                break;
            case 0x15:
                WriteRecordZero(data);
                break;
            case 0x11:
                Erase(data);
                break;
            default:
                WriteCountKeyData(data);
                break;
        }
    }

    /// <summary>It compares; the track keeps a standard record 0 (p.122).</summary>
    private void WriteHomeAddress(ModelData data)
    {
        byte[] bytes = data.Take(5);
        if (bytes.Length < 5)
            throw TooShort();
        if (bytes[0] != 0 || !bytes.AsSpan(1).SequenceEqual(Track.Address))
            throw BadParameter();
        Change(ModelTrack.Empty(_track));
        _place = new ModelPlace(ModelField.HomeAddress, 0);
    }

    private void WriteRecordZero(ModelData data)
    {
        byte[] count = data.Take(CountSize);
        if (count.Length < CountSize)
            throw TooShort();
        if (!count.AsSpan().SequenceEqual(ModelTrack.Empty(_track).Records[0].Count))
            throw BadParameter();
        Change(new ModelTrack(_track, [new ModelRecord(count[..5], [], data.TakeFilled(8))]));
        _place = new ModelPlace(ModelField.Data, 0);
    }

    private void WriteCountKeyData(ModelData data)
    {
        byte[] count = data.TakeFilled(CountSize);
        if (count.All(static b => b == 0xFF))
            throw BadParameter();
        int keyLength = count[5], length = (count[6] << 8) | count[7];
        ModelTrack track = Track.Behind(_place.Record + 1, new ModelRecord(count[..5], new byte[keyLength], new byte[length]));
        if (!track.Fits)
            throw BadFormat();
        byte[] bytes = data.TakeFilled(keyLength + length);
        Change(Track.Behind(_place.Record + 1, new ModelRecord(count[..5], bytes[..keyLength], bytes[keyLength..])));
        _place = new ModelPlace(ModelField.Data, _place.Record + 1);
    }

    /// <summary>The lengths only say how much the program gives (p.128).</summary>
    private void Erase(ModelData data)
    {
        byte[] count = data.TakeFilled(CountSize);
        int length = count[5] + ((count[6] << 8) | count[7]);
        ModelTrack track = Track.Behind(_place.Record + 1, new ModelRecord(count[..5], new byte[count[5]], new byte[length - count[5]]));
        if (!track.Fits)
            throw BadFormat();
        _ = data.Take(length);
        Change(Track.First(_place.Record + 1));
        _place = new ModelPlace(ModelField.Data, _place.Record);
    }

    /// <summary>A whole track as READ TRACK gives it from record 0 on (p.137).</summary>
    private void WriteFullTrack(ModelDomain domain, ModelData data)
    {
        if (Permission != AllWrites)
            throw BadSequence();
        _track = domain.Set[domain.Had];
        List<ModelRecord> records = [];
        while (true)
        {
            byte[] count = data.Take(CountSize);
            if (count.Length < CountSize)
                throw TooShort();
            if (count.All(static b => b == 0xFF))
                break;
            int keyLength = count[5], length = (count[6] << 8) | count[7];
            if (records.Count == 0 && (count[4] != 0 || count[5] != 0))
                throw BadFormat(); // p.137 wants the standard record 0, but the page ends before it says what else happens
            if (!new ModelTrack(_track, [.. records, new ModelRecord(count[..5], new byte[keyLength], new byte[length])]).Fits)
                throw BadFormat();
            byte[] bytes = data.Take(keyLength + length);
            if (bytes.Length < keyLength + length)
                throw TooShort();
            records.Add(new ModelRecord(count[..5], bytes[..keyLength], bytes[keyLength..]));
        }
        Change(new ModelTrack(_track, records));
        _place = new ModelPlace(ModelField.Data, records.Count - 1);
    }

    /// <summary>The data of every record behind record 0 (p.140), as far as the program gives some: what is missing of a record is zeros.</summary>
    private void WriteTrackData(ModelDomain domain, ModelData data)
    {
        _track = domain.Set[domain.Had];
        if (IsPastEnd(1))
            throw NoRecord();
        ModelTrack track = Track;
        for (int record = 1; record < track.Records.Count; record++)
        {
            int length = track.Records[record].Data.Length;
            if (length != domain.Length)
                throw BadFormat();
            if (length > 0 && data.Left == 0)
                continue;
            _place = new ModelPlace(ModelField.Data, record);
            track = track.Replace(record, track.Records[record].With(data: data.TakeWhatIs(length)));
        }
        Change(track);
    }
}
