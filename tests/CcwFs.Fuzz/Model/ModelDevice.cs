using System.Globalization;
using CcwFs.ChannelIo;

namespace CcwFs.Fuzz;

/// <summary>
/// A second 3990 with one 3390, written from the manuals and not from the device it is compared with: S/390 Internal Disk Subsystem Reference Guide
/// (SA22-1025; "p." in comments), and where that is silent what is decided in the table of programs, tests/CcwFs.Tests/Eckd/Programs. Slow and plain:
/// a track is a list that is replaced whole, a fault is an exception, and a command changes something only at its end.
/// </summary>
internal sealed partial class ModelDevice
{
    private const DeviceStatus Good = ModelChannel.Good;

    private readonly ModelTrack[] _tracks;
    private readonly HashSet<int> _changed = [];

    // What one chain sets up.
    private int _first, _last, _blockSize;
    private byte _mask;
    private bool _hasExtent, _hasMask, _hasIpl, _isConversion;
    private ModelDomain? _domain;
    private bool _isSeeked;
    private int _track;
    private ModelPlace _place = new(ModelField.Index, 0);
    private int _indexPasses;
    private ModelProof _proof;
    private bool _hasTransferSince; // a read or write of data or key and data stands between the search and now

    internal ModelDevice(IEnumerable<ModelTrack> tracks) => _tracks = [.. tracks];

    internal IReadOnlyList<ModelTrack> Tracks => _tracks;

    /// <summary>Tracks that a program has changed since this was last emptied.</summary>
    internal ISet<int> Changed => _changed;

    private ModelTrack Track => _tracks[_track];

    /// <summary>Runs a program as the simplest channel does.</summary>
    internal ModelAnswer Run(IReadOnlyList<ModelStep> steps)
    {
        (_first, _last, _blockSize, _mask) = (0, _tracks.Length - 1, 0, 0);
        (_hasExtent, _hasMask, _hasIpl, _isConversion, _domain) = (false, false, false, false, null);
        (_isSeeked, _track, _place, _indexPasses, _proof, _hasTransferSince) =
            (false, 0, new ModelPlace(ModelField.Index, 0), 0, ModelProof.None, false);
        return ModelChannel.Run(steps, Execute, End);
    }

    /// <summary>A domain of writes that is not exhausted is told.</summary>
    private (DeviceStatus Status, string Sense) End(DeviceStatus status, string sense) =>
        status == Good && _domain is { IsWrite: true, Remaining: > 0 } ? (Good | DeviceStatus.UnitCheck, "81 00 00") : (status, sense);

    private static ModelCheck Rejected(int message) => new(0x80, 0, (byte)message);

    private static ModelCheck BadSequence() => Rejected(2);

    private static ModelCheck TooShort() => Rejected(3);

    private static ModelCheck BadParameter() => Rejected(4);

    private static ModelCheck NoRecord() => new(0, 0x08, 0);

    private static ModelCheck Protected() => new(0, 0x04, 0);

    private static ModelCheck EndOfCylinder() => new(0, 0x20, 0);

    private static ModelCheck BadFormat() => new(0, 0x40, 0);

    private (DeviceStatus Status, string Sense) Execute(byte code, ModelData data)
    {
        try
        {
            bool isFound = false;
            // Index may be passed once from one command to the next that moves data or is a control; READ COUNT and searches go on counting.
            bool isCounting = code == 0x12 || (code & 0x7F) is 0x31 or 0x51 or 0x71 or 0x29 or 0x49 or 0x69 or 0x39;
            if (!isCounting)
                _indexPasses = 0;
            if (_domain is { } domain)
                ExecuteInDomain(domain, code, data);
            else
                isFound = ExecuteOutside(code, data);
            if (!isCounting)
                _indexPasses = 0;
            return (isFound ? Good | DeviceStatus.StatusModifier : Good, "");
        }
        catch (ModelCheck check)
        {
            return (Good | DeviceStatus.UnitCheck,
                string.Create(CultureInfo.InvariantCulture, $"{check.Sense0:X2} {check.Sense1:X2} {check.Sense7:X2}"));
        }
        catch (ModelEndOfFile)
        {
            return (Good | DeviceStatus.UnitException, "");
        }
    }

    /// <summary>Only what the operation takes, in its order; the domain ends with its count, and orientation with it (p.65).</summary>
    private void ExecuteInDomain(ModelDomain domain, byte code, ModelData data)
    {
        if (!domain.Takes(code))
            throw BadSequence();
        bool isSameRecord = domain.IsDataOfCounted(code);
        switch (code)
        {
            case 0x05 or 0x85:
                UpdateInDomain(domain, code, withKey: false, data);
                break;
            case 0x0D or 0x8D:
                UpdateInDomain(domain, code, withKey: true, data);
                break;
            case 0x15 or 0x19 or 0x11 or 0x1D or 0x9D:
                FormatInDomain(code, data);
                break;
            case 0x95:
                WriteFullTrack(domain, data);
                break;
            case 0xA5:
                WriteTrackData(domain, data);
                break;
            case 0xDE:
                ReadTrack(domain, data);
                break;
            default:
                Read(code, data);
                break;
        }
        domain.Done.Add(code);
        if (!isSameRecord)
            domain.Had++;
        if (domain.Remaining > 0)
            return;
        _domain = null;
        if (domain.Operation != ModelDomain.ReadAny)
            ForgetOrientation();
    }

    /// <summary>True: a search was satisfied.</summary>
    private bool ExecuteOutside(byte code, ModelData data)
    {
        (ModelProof proof, bool hasTransferSince) = (_proof, _hasTransferSince);
        (_proof, _hasTransferSince) = (ModelProof.None, false);
        switch (code)
        {
            case 0x03:
                return false;
            case 0x07 or 0x0B or 0x1B or 0x13:
                Seek(code, data);
                return false;
            case 0x23:
                SetSector(data);
                return false;
            case 0x1F:
                SetFileMask(data);
                return false;
            case 0x63:
                DefineExtent(data);
                return false;
            case 0x47:
                Locate(data);
                return false;
            case 0x4B:
                LocateExtended(data);
                return false;
            case 0xE7:
                Prefix(data);
                return false;
            case 0x31 or 0xB1 or 0x51 or 0xD1 or 0x71 or 0xF1:
                return SearchId(code, data);
            case 0x29 or 0xA9 or 0x49 or 0xC9 or 0x69 or 0xE9:
                return SearchKey(code, data);
            case 0x39 or 0xB9:
                return SearchHomeAddress(code, data);
            case 0x02:
                ReadIpl(data);
                return false;
            case 0x05 or 0x0D:
                WriteOutside(code, proof, hasTransferSince, data);
                break;
            case 0x15 or 0x19 or 0x11 or 0x1D:
                FormatOutside(code, proof, hasTransferSince, data);
                return false;
            case 0x85 or 0x8D or 0x9D or 0x95 or 0xA5 or 0xDE:
                throw BadSequence(); // only in a domain
            case 0x5E:
                ReadMultiple(data);
                return false;
            default:
                if (!_isSeeked)
                    throw BadSequence();
                Read(code, data);
                break;
        }
        // Between a search and WRITE CKD may stand data, behind a search of an identifier key and data too (p.124).
        bool isData = code is 0x05 or 0x06 or 0x86;
        bool isKeyAndData = code is 0x0D or 0x0E or 0x8E;
        if (!hasTransferSince && ((isData && proof is ModelProof.Id or ModelProof.Key) || (isKeyAndData && proof == ModelProof.Id)))
            (_proof, _hasTransferSince) = (proof, true);
        return false;
    }

    /// <summary>The head stays where it is, but no field that has passed belongs to the next command.</summary>
    private void ForgetOrientation() => _place = _place.Field switch
    {
        ModelField.Count or ModelField.Key => new ModelPlace(ModelField.Data, _place.Record),
        ModelField.HomeAddress => new ModelPlace(ModelField.Index, 0),
        _ => _place,
    };

    private void Change(ModelTrack track)
    {
        _tracks[track.Number] = track;
        _changed.Add(track.Number);
    }

    private sealed class ModelCheck(byte sense0, byte sense1, byte sense7) : Exception
    {
        internal byte Sense0 => sense0;

        internal byte Sense1 => sense1;

        internal byte Sense7 => sense7;
    }

    private sealed class ModelEndOfFile : Exception;
}

/// <summary>The field of a track that has passed the head last.</summary>
internal enum ModelField
{
    Index,
    HomeAddress,
    Count,
    Key,
    Data,
}

/// <summary>Where on a track the head is: behind that field of that record.</summary>
internal readonly record struct ModelPlace(ModelField Field, int Record);

/// <summary>What the command before has found or written, for a write outside a domain.</summary>
internal enum ModelProof
{
    None,
    HomeAddress,
    Id,
    Key,
    WrittenHomeAddress,
    WrittenRecord,
}
