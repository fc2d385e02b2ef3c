using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// A device's running program as its commands see it: the volume, what the program has set up, how the head moves over records and tracks, and the
/// sense that a command ends with. Where a method gives false, sense has been made. One object a device, which every program begins anew. Under the
/// volume's gate.
/// </summary>
internal sealed class EckdProgram(EckdVolume volume, EckdOptions options, Announcement announced, PendingSense pending)
{
    /// <summary>What it has set up.</summary>
    public ChainState Chain = ChainState.Begin(volume.Geometry.Tracks);

    /// <summary>The volume, shared with other devices.</summary>
    public EckdVolume Volume => volume;

    /// <summary>What the device was made with.</summary>
    public EckdOptions Options => options;

    /// <summary>What the device says it can do.</summary>
    public Announcement Announced => announced;

    /// <summary>Messages that wait for the device's drivers; they outlive programs.</summary>
    public SpaceMessages Messages { get; } = new();

    /// <summary>Writes are inhibited.</summary>
    public bool IsReadOnly => options.ReadOnly || volume.IsReadOnly;

    /// <summary>An ESE volume.</summary>
    public bool IsSpaceEfficient => IsOnDemand(options);

    /// <summary>The device has an ESE volume, and a profile that knows of such.</summary>
    public static bool IsOnDemand(EckdOptions options) => options.SpaceEfficient && options.Profile >= EckdProfile.Linux;

    /// <summary>The track under the head, and the record that it has come to; none before a command has led it anywhere.</summary>
    public CommandPlace Place => !Chain.At.IsKnown ? default
        : CommandPlace.OfTrack(Under.Cylinder, Under.Head, Chain.At.Record < 0 ? null : (byte)(Chain.At.Count >> 24));

    private TrackAddress Under => new(Chain.At.Track / volume.Geometry.Heads, Chain.At.Track % volume.Geometry.Heads);

    /// <summary>Receives a parameter block; false with sense when the program's count is too small.</summary>
    public bool ReceiveAll(IDataTransfer data, Span<byte> buffer) =>
        data.Receive(buffer) == buffer.Length || Refuse(EckdSense.CommandReject(SenseMessage.CountTooSmall));

    /// <summary>A new program: nothing is kept of the last one.</summary>
    public void Begin() => Chain = ChainState.Begin(volume.Geometry.Tracks);

    /// <summary>The reason for the last unit check.</summary>
    public EckdSense LastSense { get; private set; }

    /// <summary>Makes sense, which names the track under the head; gives unit check.</summary>
    public DeviceStatus Check(EckdSense sense)
    {
        LastSense = sense;
        WriteSense(sense, pending.Make(), addressValid: IsSpaceEfficient);
        return UnitStatus.Failed;
    }

    /// <summary>Makes sense; gives false.</summary>
    public bool Refuse(EckdSense sense)
    {
        Check(sense);
        return false;
    }

    /// <summary>Writes sense for the track under the head.</summary>
    public void WriteSense(EckdSense sense, Span<byte> destination, bool addressValid) =>
        sense.Write(destination, options.UnitAddress, Under, addressValid, volume.Geometry.IsExtended);

    /// <summary>The track under the head.</summary>
    public CkdTrack CurrentTrack()
    {
        uint loads = volume.Statistics.Loads;
        CkdTrack track = volume.Track(Chain.At.Track);
        Chain.Missed |= volume.Statistics.Loads != loads;
        return track;
    }

    /// <summary>Orients to record <paramref name="index"/>, of which <paramref name="field"/> has passed.</summary>
    public void Orient(CkdTrack track, int index, Field field)
    {
        Chain.At.Record = index;
        Chain.At.Field = field;
        Chain.At.Count = BinaryPrimitives.ReadUInt64BigEndian(track.Count(index));
    }

    /// <summary>The record that was oriented to is still there: another device may have formatted the track between two commands.</summary>
    public bool Holds(CkdTrack track) =>
        Chain.At.Record >= 0 && Chain.At.Record < track.RecordCount
        && BinaryPrimitives.ReadUInt64BigEndian(track.Count(Chain.At.Record)) == Chain.At.Count;

    /// <summary>
    /// Moves on to the next record's count. Passing index twice without data in between is no record found; a multitrack
    /// command goes to the next track instead, and outside a domain for as long as the cylinder lasts.
    /// </summary>
    public bool NextRecord(CommandRow row, bool skipRecordZero, out CkdTrack track)
    {
        while (true)
        {
            track = CurrentTrack();
            int next = Math.Max(Chain.At.Record + 1, skipRecordZero ? 1 : 0);
            if (next < track.RecordCount)
            {
                Orient(track, next, Field.Count);
                return true;
            }
            if (!PassIndex(row))
                return false;
        }
    }

    /// <summary>The record whose count or key has just passed, or the next one: what a read or update of data works on.</summary>
    public bool ThisOrNextRecord(CommandRow row, bool keyMustBeAhead, out CkdTrack track)
    {
        track = CurrentTrack();
        bool ahead = Chain.At.Field == Field.Count || (Chain.At.Field == Field.Key && !keyMustBeAhead);
        if (ahead && Holds(track))
            return true;
        return NextRecord(row, true, out track);
    }

    /// <summary>
    /// To the next track of the extent; outside a domain only within the cylinder and if the file mask lets the head change. In CKD conversion mode a
    /// read in a domain does not leave the cylinder either (SA22-1025, page 61).
    /// </summary>
    public bool AdvanceTrack(CommandRow row)
    {
        bool endsCylinder = Chain.At.Track % volume.Geometry.Heads == volume.Geometry.Heads - 1;
        if (!Chain.Domain.IsOpen)
        {
            if (!Chain.Extent.Mask.AllowsHeadChange)
                return Refuse(EckdSense.FileProtected);
            if (endsCylinder)
                return Refuse(EckdSense.EndOfCylinder);
        }
        if (!Chain.Extent.Contains(Chain.At.Track + 1))
            return Refuse(EckdSense.FileProtected);
        if (endsCylinder && Chain.Extent.Converts && row.Write == WriteClass.None)
            return Refuse(EckdSense.EndOfCylinder);
        Chain.At.MoveTo(Chain.At.Track + 1);
        return true;
    }

    /// <summary>To the track that the next command of a domain that counts tracks works on; the domain may cross cylinders.</summary>
    public bool ToDomainTrack()
    {
        int advance = Chain.Domain.Advance;
        if (advance == 0)
            return true;
        if (!Chain.Extent.Contains(Chain.At.Track + advance))
            return Refuse(EckdSense.FileProtected);
        Chain.At.MoveTo(Chain.At.Track + advance);
        return true;
    }

    /// <summary>
    /// Receives into the track in place: what the program does not fill becomes zero. When a channel error came before the first byte
    /// the old bytes stay.
    /// </summary>
    public void ReceiveInPlace(IDataTransfer data, Span<byte> destination)
    {
        MarkChanged();
        int received = data.Receive(destination);
        if (received == destination.Length)
            return;
        if (received > 0 || data.IsGood)
            destination[received..].Clear();
    }

    /// <summary>The track that <see cref="CurrentTrack"/> gave last is about to be changed.</summary>
    public void MarkChanged()
    {
        if (!Chain.Wrote)
            (Chain.Wrote, Chain.LostWritesBefore) = (true, volume.LostWrites);
        volume.MarkChanged(this);
    }

    /// <summary>The data of what <paramref name="found"/> names passes: a record may still be written after it (SA22-1025, page 124).</summary>
    public void LinkFoundRecord(Link found)
    {
        if ((Chain.Previous & found) != 0)
            Chain.Link = Link.RecordPassed;
    }

    /// <summary>At the end of a track: to index, or to the next track.</summary>
    public bool PassIndex(CommandRow row)
    {
        bool unlimited = row.IsMultitrack && !Chain.Domain.IsOpen;
        if (Chain.At.IndexPassed && !unlimited)
            return Refuse(EckdSense.NoRecordFound);
        if (!row.IsMultitrack || Chain.Domain.WrapsAtTrackEnd)
        {
            Chain.At.MoveTo(Chain.At.Track);
            Chain.At.IndexPassed = true;
            return true;
        }
        if (!AdvanceTrack(row))
            return false;
        Chain.At.IndexPassed |= !row.Has(Rules.KeepsIndex);
        return true;
    }
}
