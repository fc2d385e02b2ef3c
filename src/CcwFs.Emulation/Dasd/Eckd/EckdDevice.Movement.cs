using System.Buffers.Binary;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>How the head moves over records and tracks. Where a method gives false, sense has been made.</summary>
public sealed partial class EckdDevice
{
    /// <summary>The track under the head.</summary>
    internal CkdTrack CurrentTrack()
    {
        uint loads = Volume.Statistics.Loads;
        CkdTrack track = Volume.Track(Chain.Track);
        Chain.Missed |= Volume.Statistics.Loads != loads;
        return track;
    }

    /// <summary>Orients to record <paramref name="index"/>, of which <paramref name="field"/> has passed.</summary>
    internal void Orient(CkdTrack track, int index, Field field)
    {
        Chain.Record = index;
        Chain.Field = field;
        Chain.Count = BinaryPrimitives.ReadUInt64BigEndian(track.Count(index));
    }

    /// <summary>The record that was oriented to is still there: another device may have formatted the track between two commands.</summary>
    internal bool Holds(CkdTrack track) =>
        Chain.Record >= 0 && Chain.Record < track.RecordCount
        && BinaryPrimitives.ReadUInt64BigEndian(track.Count(Chain.Record)) == Chain.Count;

    /// <summary>
    /// Moves on to the next record's count. Passing index twice without data in between is no record found; a multitrack
    /// command goes to the next track instead, and outside a domain for as long as the cylinder lasts.
    /// </summary>
    internal bool NextRecord(CommandRow row, bool skipRecordZero, out CkdTrack track)
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
    internal bool ThisOrNextRecord(CommandRow row, bool keyMustBeAhead, out CkdTrack track)
    {
        track = CurrentTrack();
        bool ahead = Chain.Field == Field.Count || (Chain.Field == Field.Key && !keyMustBeAhead);
        if (ahead && Holds(track))
            return true;
        return NextRecord(row, true, out track);
    }

    /// <summary>
    /// To the next track of the extent; outside a domain only within the cylinder and if the file mask lets the head change. In CKD conversion mode a read in a
    /// domain does not leave the cylinder either (SA22-1025, page 61).
    /// </summary>
    internal bool AdvanceTrack(CommandRow row)
    {
        bool endsCylinder = Chain.Track % Volume.Geometry.Heads == Volume.Geometry.Heads - 1;
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
    internal bool ToDomainTrack()
    {
        int advance = Chain.Domain.Advance;
        if (advance == 0)
            return true;
        if (!Chain.Contains(Chain.Track + advance))
            return Refuse(EckdSense.FileProtected);
        Chain.MoveTo(Chain.Track + advance);
        return true;
    }

    /// <summary>Receives a parameter block; false with sense when the program's count is too small.</summary>
    internal bool ReceiveAll(IDataTransfer data, Span<byte> buffer)
    {
        if (data.Receive(buffer) == buffer.Length)
            return true;
        return Refuse(EckdSense.CommandReject(SenseMessage.CountTooSmall));
    }

    /// <summary>
    /// Receives into the track in place: what the program does not fill becomes zero. When a channel error came before the first byte
    /// the old bytes stay.
    /// </summary>
    internal void ReceiveInPlace(IDataTransfer data, Span<byte> destination)
    {
        MarkChanged();
        int received = data.Receive(destination);
        if (received == destination.Length)
            return;
        if (received > 0 || data.IsGood)
            destination[received..].Clear();
    }

    /// <summary>The track that <see cref="CurrentTrack"/> gave last is about to be changed.</summary>
    internal void MarkChanged()
    {
        if (!Chain.Wrote)
            (Chain.Wrote, Chain.LostWritesBefore) = (true, Volume.LostWrites);
        Volume.MarkChanged(this);
    }

    /// <summary>The data of what <paramref name="found"/> names passes: a record may still be written behind it (SA22-1025, page 124).</summary>
    internal void LinkFoundRecord(Link found)
    {
        if ((Chain.Previous & found) != 0)
            Chain.Link = Link.RecordPassed;
    }

    /// <summary>Makes sense; gives false.</summary>
    internal bool Refuse(EckdSense sense)
    {
        Check(sense);
        return false;
    }

    /// <summary>At the end of a track: to index, or to the next track.</summary>
    internal bool PassIndex(CommandRow row)
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
