namespace CcwFs.Fuzz;

/// <summary>SEEK and its like, DEFINE EXTENT, LOCATE RECORD, LOCATE RECORD EXTENDED, PREFIX (p.46 to 83).</summary>
internal sealed partial class ModelDevice
{
    private const int Sectors = 224, LargestBlock = 57_334;
    private const int NoWrites = 1, UpdatesOnly = 2, AllWrites = 3; // mask, bits 0 and 1; 0: all but home address and record 0

    // Operations with their orientations, of both LOCATE RECORDs (p.52 and 68, and what systems send).
    private static readonly byte[] s_forms = [0x01, 0x81, 0x03, 0x43, 0xC3, 0x06, 0x46, 0x86, 0x0B, 0x0C, 0x4C, 0x16, 0x56, 0x96, 0xD6];

    private int Permission => _mask >> 6;

    private int SeekPermission => (_mask >> 3) & 3;

    private bool InExtent(int track) => track >= _first && track <= _last;

    /// <summary>The track of four bytes; -1: there is none.</summary>
    private int TrackOf(ReadOnlySpan<byte> bytes)
    {
        int cylinder = (bytes[0] << 8) | bytes[1];
        int head = (bytes[2] << 8) | bytes[3];
        return cylinder < _tracks.Length / ModelTrack.Heads && head < ModelTrack.Heads ? (cylinder * ModelTrack.Heads) + head : -1;
    }

    private void MoveTo(int track)
    {
        (_isSeeked, _track, _place, _indexPasses) = (true, track, new ModelPlace(ModelField.Index, 0), 0);
    }

    private void Seek(byte code, ModelData data)
    {
        int[] permitted = code switch { 0x1B => [0, 1, 2], 0x0B => [0, 1], _ => [0] };
        if (code == 0x1B && !_isSeeked)
            throw BadSequence();
        if (!permitted.Contains(SeekPermission))
            throw Protected();
        byte[] bytes = new byte[6];
        if (code != 0x13)
            bytes = data.Take(6);
        if (bytes.Length < 6)
            throw TooShort();
        if (code == 0x1B)
            bytes = [bytes[0], bytes[1], .. ModelTrack.AddressOf(_track)[..2], 0, (byte)(bytes[5] & 0x0F)]; // the upper bits belong to the cylinder
        int track = TrackOf(bytes.AsSpan(2));
        if (bytes[0] != 0 || bytes[1] != 0 || track < 0)
            throw BadParameter();
        if (!InExtent(track))
            throw Protected();
        MoveTo(track);
    }

    private void SetSector(ModelData data)
    {
        if (!_isSeeked)
            throw BadSequence();
        byte[] bytes = data.Take(1);
        if (bytes.Length < 1)
            throw TooShort();
        if (bytes[0] is not 0xFF and >= Sectors)
            throw BadParameter();
    }

    private void SetFileMask(ModelData data)
    {
        if (_hasMask || _hasExtent || _hasIpl)
            throw BadSequence();
        byte[] bytes = data.Take(1);
        if (bytes.Length < 1)
            throw TooShort();
        if ((bytes[0] & 0x20) != 0)
            throw BadParameter();
        (_mask, _hasMask) = (bytes[0], true);
    }

    /// <summary>Sixteen bytes, and as many more where byte 7 says so (SA22-1025, pages 46 to 51).</summary>
    private void DefineExtent(ModelData data)
    {
        if (_hasExtent || _hasMask || _hasIpl)
            throw BadSequence();
        byte[] bytes = data.Take(16);
        if (bytes.Length < 16 || ((bytes[7] & 0x0A) != 0 && data.Take(16).Length < 16))
            throw TooShort();
        DefineExtent(bytes);
    }

    private void DefineExtent(byte[] bytes)
    {
        int blockSize = (bytes[2] << 8) | bytes[3];
        int first = TrackOf(bytes.AsSpan(8)), last = TrackOf(bytes.AsSpan(12));
        if (bytes[1] < 0xC0 || (bytes[0] & 0x20) != 0 || blockSize > LargestBlock || bytes[4] != 0 || bytes[5] != 0 || bytes[6] != 0)
            throw BadParameter();
        if (first < 0 || last < first)
            throw BadParameter();
        (_mask, _blockSize, _first, _last, _hasExtent) = (bytes[0], blockSize, first, last, true);
        _isConversion = (bytes[1] & 0x20) != 0;
        ForgetOrientation();
    }

    /// <summary>Twelve bytes, 32 of DEFINE EXTENT, LOCATE RECORD EXTENDED.</summary>
    private void Prefix(ModelData data)
    {
        if (_hasExtent || _hasMask || _hasIpl)
            throw BadSequence();
        byte[] bytes = data.Take(64);
        if (bytes.Length < 64)
            throw TooShort();
        byte[] parameter = bytes[0] == 1 ? TakeParameter(bytes[44..64], data) : [];
        bool hasExtent = (bytes[1] & 0x80) != 0;
        bool isForOther = (bytes[1] & 0x30) != 0 && (bytes[2] != 0x50 || bytes[4] != 0x01); // verify base, HyperPAV
        bool isReserved = (bytes[1] & 0x0F) != 0 || bytes[5..12].Any(static b => b != 0);
        if (bytes[0] > 1 || isReserved || isForOther || (bytes[0] == 1 && !hasExtent))
            throw BadParameter();
        if (hasExtent)
            DefineExtent(bytes[12..28]);
        if (bytes[0] == 1)
            Locate(bytes[44..64], parameter);
    }

    private void Locate(ModelData data)
    {
        if (!_hasExtent && !_hasIpl)
            throw BadSequence();
        byte[] bytes = data.Take(16);
        if (bytes.Length < 16)
            throw TooShort();
        CheckLocate(bytes, [0x00, 0x40, 0x80, .. s_forms], bytes[0] & 0x3F, isLonger: false);
        Begin(bytes, bytes[0] & 0x3F, []);
    }

    private void LocateExtended(ModelData data)
    {
        if (!_hasExtent && !_hasIpl)
            throw BadSequence();
        byte[] bytes = data.Take(20);
        if (bytes.Length < 20)
            throw TooShort();
        Locate(bytes, TakeParameter(bytes, data));
    }

    private static int OperationOf(byte[] bytes) => (bytes[0] & 0x3F) == 0x3F ? ModelDomain.Extended | bytes[17] : bytes[0] & 0x3F;

    /// <summary>
    /// The extended parameter: as long as it says, and at most as long as the operation's can be. The count comes before all that is in it (p.65).
    /// </summary>
    private static byte[] TakeParameter(byte[] bytes, ModelData data)
    {
        int most = OperationOf(bytes) switch
        {
            ModelDomain.WriteAny or ModelDomain.ReadAny => 1,
            ModelDomain.WriteSet or ModelDomain.ReadSet or ModelDomain.UpdateSet => 2,
            _ => 0,
        };
        int length = Math.Min((bytes[18] << 8) | bytes[19], most);
        byte[] parameter = data.Take(length);
        return parameter.Length < length ? throw TooShort() : parameter;
    }

    private void Locate(byte[] bytes, byte[] parameter)
    {
        bool isExtended = (bytes[0] & 0x3F) == 0x3F;
        int operation = OperationOf(bytes);
        byte[] forms = operation switch
        {
            ModelDomain.WriteAny or ModelDomain.ReadAny or ModelDomain.WriteSet => [0x3F],
            ModelDomain.ReadSet => [0x3F, 0x7F],
            ModelDomain.UpdateSet => [0x3F, 0xBF],
            >= ModelDomain.Extended => [], // others are unknown
            _ => s_forms,
        };
        int length = (bytes[18] << 8) | bytes[19];
        bool isAny = operation is ModelDomain.WriteAny or ModelDomain.ReadAny;
        if (forms.Length == 0 || bytes[0] % 64 == ModelDomain.Orient)
            throw BadParameter();
        if (isAny ? length != 1 : isExtended ? length is not (1 or 2) : length != 0)
            throw BadParameter();
        CheckLocate(bytes, forms, operation, isLonger: true);
        if (bytes[16] != 0 || (!isExtended && bytes[17] != 0))
            throw BadParameter();
        if (isAny && parameter[0] != 1)
            throw BadParameter();
        List<int> set = [];
        if (isExtended && !isAny)
        {
            for (int bit = 0; bit < 8 * length; bit++)
            {
                if ((parameter[bit / 8] & (0x80 >> (bit % 8))) != 0)
                    set.Add(TrackOf(bytes.AsSpan(4)) + bit);
            }
            if ((parameter[0] & 0x80) == 0 || set.Count != bytes[3])
                throw BadParameter();
        }
        Begin(bytes, operation, set);
    }

    /// <summary>The fields that both forms have, in the order of p.52 and p.68.</summary>
    private void CheckLocate(byte[] bytes, byte[] forms, int operation, bool isLonger)
    {
        bool isExtended = operation >= ModelDomain.Extended;
        if (!forms.Contains(bytes[0]))
            throw BadParameter();
        bool hasLength = (bytes[1] & 0x80) != 0, hasSuffix = (bytes[1] & 0x01) != 0;
        bool maySuffix = operation is ModelDomain.Write or ModelDomain.ReadCkd or ModelDomain.WriteAny or ModelDomain.ReadAny;
        if ((bytes[1] & (isLonger ? 0x3E : 0x7E)) != 0 || (hasSuffix && !maySuffix) || bytes[2] != 0)
            throw BadParameter();
        if (operation == ModelDomain.Orient ? bytes[3] != 0 : bytes[3] < (hasSuffix ? 2 : 1))
            throw BadParameter();
        if (TrackOf(bytes.AsSpan(4)) < 0)
            throw BadParameter();
        if (!isExtended && bytes[13] is not 0xFF and >= Sectors)
            throw BadParameter();
        int length = (bytes[14] << 8) | bytes[15];
        int blockSize = operation == ModelDomain.ReadTracks ? 0 : _blockSize;
        if (hasLength != (length != 0) || length > (blockSize == 0 ? LargestBlock : blockSize))
            throw BadParameter();
        if (operation == ModelDomain.UpdateSet && length == 0 && blockSize == 0)
            throw BadParameter();
    }

    private void Begin(byte[] bytes, int operation, List<int> set)
    {
        bool isUpdate = operation is ModelDomain.Write or ModelDomain.WriteAny or ModelDomain.UpdateSet;
        bool isFormat = operation is ModelDomain.Format or ModelDomain.WriteTrack or ModelDomain.WriteSet;
        if ((isUpdate && Permission == NoWrites) || (isFormat && Permission is NoWrites or UpdatesOnly))
            throw BadSequence();
        int track = TrackOf(bytes.AsSpan(4));
        if (!InExtent(track) || !set.All(InExtent))
            throw Protected();
        int length = (bytes[14] << 8) | bytes[15];
        var domain = new ModelDomain(operation, bytes[0] >> 6, bytes[3], (bytes[1] & 1) != 0, length == 0 ? _blockSize : length, set);
        MoveTo(track);
        if (domain.IsAny)
        {
            if (Track.Records.Count < 2)
                throw NoRecord();
            _place = new ModelPlace(ModelField.Data, 0);
        }
        else if (set.Count == 0)
        {
            _place = Oriented(domain.Orientation, bytes[8..13]);
        }
        _domain = operation == ModelDomain.Orient ? null : domain;
    }

    private ModelPlace Oriented(int orientation, byte[] search)
    {
        if (orientation == ModelDomain.OnIndex)
            return new ModelPlace(ModelField.Index, 0);
        if (orientation == ModelDomain.OnHome)
            return search.AsSpan(0, 4).SequenceEqual(Track.Address) ? new ModelPlace(ModelField.HomeAddress, 0) : throw NoRecord();
        for (int record = 0; record < Track.Records.Count; record++)
        {
            if (Track.Records[record].Id.AsSpan().SequenceEqual(search))
                return new ModelPlace(orientation == ModelDomain.OnCount ? ModelField.Count : ModelField.Data, record);
        }
        throw NoRecord();
    }
}
