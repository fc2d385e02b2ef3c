using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// The head of one device over the tracks of its volume: where the running program stands, how it moves over records and tracks, and the sense for
/// what it meets there. Where a method gives false, sense has been made.
/// </summary>
internal sealed class Head(EckdVolume volume, EckdOptions options, PendingSense pending)
{
    /// <summary>The running program's state.</summary>
    public ChainState Chain = ChainState.Begin(volume.Geometry.Tracks);

    /// <summary>The reason for the last unit check.</summary>
    public EckdSense LastSense { get; private set; }

    /// <summary>Makes sense, which names the track under the head; gives unit check.</summary>
    public DeviceStatus Check(EckdSense sense)
    {
        LastSense = sense;
        WriteSense(sense, pending.Make(), addressValid: EckdProgram.IsOnDemand(options));
        return UnitStatus.Failed;
    }

    /// <summary>Makes sense; gives false.</summary>
    public bool Refuse(EckdSense sense)
    {
        Check(sense);
        return false;
    }

    /// <summary>Writes sense for the track under the head.</summary>
    public void WriteSense(EckdSense sense, Span<byte> destination, bool addressValid)
    {
        int heads = volume.Geometry.Heads;
        var at = new TrackAddress(Chain.Track / heads, Chain.Track % heads);
        sense.Write(destination, options.UnitAddress, at, addressValid, volume.Geometry.IsExtended);
    }

    /// <summary>The track under the head.</summary>
    public CkdTrack CurrentTrack()
    {
        uint loads = volume.Statistics.Loads;
        CkdTrack track = volume.Track(Chain.Track);
        Chain.Missed |= volume.Statistics.Loads != loads;
        return track;
    }

    /// <summary>Orients to record <paramref name="index"/>, of which <paramref name="field"/> has passed.</summary>
    public void Orient(CkdTrack track, int index, Field field)
    {
        Chain.Record = index;
        Chain.Field = field;
        Chain.Count = BinaryPrimitives.ReadUInt64BigEndian(track.Count(index));
    }

    /// <summary>The record that was oriented to is still there: another device may have formatted the track between two commands.</summary>
    public bool Holds(CkdTrack track) =>
        Chain.Record >= 0 && Chain.Record < track.RecordCount
        && BinaryPrimitives.ReadUInt64BigEndian(track.Count(Chain.Record)) == Chain.Count;

    /// <summary>
    /// Moves on to the next record's count. Passing index twice without data in between is no record found; a multitrack
    /// command goes to the next track instead, and outside a domain for as long as the cylinder lasts.
    /// </summary>
    public bool NextRecord(CommandRow row, bool skipRecordZero, out CkdTrack track)
    {
        while (true)
        {
            track = CurrentTrack();
            int next = Math.Max(Chain.Record + 1, skipRecordZero ? 1 : 0);
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
        bool ahead = Chain.Field == Field.Count || (Chain.Field == Field.Key && !keyMustBeAhead);
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
        bool endsCylinder = Chain.Track % volume.Geometry.Heads == volume.Geometry.Heads - 1;
        if (!Chain.Domain.IsOpen)
        {
            if (!Chain.Mask.AllowsHeadChange)
                return Refuse(EckdSense.FileProtected);
            if (endsCylinder)
                return Refuse(EckdSense.EndOfCylinder);
        }
        if (!Chain.Contains(Chain.Track + 1))
            return Refuse(EckdSense.FileProtected);
        if (endsCylinder && Chain.Converts && row.Write == WriteClass.None)
            return Refuse(EckdSense.EndOfCylinder);
        Chain.MoveTo(Chain.Track + 1);
        return true;
    }

    /// <summary>To the track that the next command of a domain that counts tracks works on; the domain may cross cylinders.</summary>
    public bool ToDomainTrack()
    {
        int advance = Chain.Domain.Advance;
        if (advance == 0)
            return true;
        if (!Chain.Contains(Chain.Track + advance))
            return Refuse(EckdSense.FileProtected);
        Chain.MoveTo(Chain.Track + advance);
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
        if (Chain.IndexPassed && !unlimited)
            return Refuse(EckdSense.NoRecordFound);
        if (!row.IsMultitrack || Chain.Domain.WrapsAtTrackEnd)
        {
            Chain.MoveTo(Chain.Track);
            Chain.IndexPassed = true;
            return true;
        }
        if (!AdvanceTrack(row))
            return false;
        Chain.IndexPassed |= !row.Has(Rules.KeepsIndex);
        return true;
    }
}
