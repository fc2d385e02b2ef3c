using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using CcwFs.Cli.Trace;
using CcwFs.CommandSets;
using CcwFs.Replay;
using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Cli.Replay;

/// <summary>
/// Writes a recording: the trace of one subchannel with all data, as pcapng in gzip, and before it what device it is of. Thread-safe.
/// </summary>
internal sealed class Recorder : IDisposable
{
    /// <summary>What the image's SHA-256 is called in what a recording is of.</summary>
    internal const string HashKey = "image-sha256";

    private const int DataHead = DataPayload.HeadSize;

    private readonly Lock _gate = new();
    private readonly Stream _file;
    private readonly GZipStream _gzip;
    private readonly PcapngView _view;
    private readonly ArrayBufferWriter<byte> _made = new();
    private readonly DevicePayload _device;
    private readonly bool _keepsData;
    private string? _hash;
    private ulong _before;  // the last program before the image was read
    private bool _hasBegun, _isStopped;
    private bool _runs; // a program whose START was recorded

    /// <summary>Makes the file. <paramref name="keepsData"/>: with what programs read.</summary>
    internal Recorder(string path, DevicePayload device, CommandSet commands, bool keepsData)
    {
        var data = KeyValuePair.Create(Recording.DataKey, keepsData ? Recording.WithData : "sha256");
        (_device, _keepsData, _view) = (device with { Facts = [.. device.Facts, data] }, keepsData, new PcapngView(commands));
        _file = WholeFile.Begin(path);
        _gzip = new GZipStream(_file, CompressionLevel.Fastest);
    }

    /// <summary>Programs whose START and end were recorded.</summary>
    internal long Programs { get; private set; }

    /// <summary>Events that are missing at the end.</summary>
    internal long Lost { get; private set; }

    /// <summary>The device's image; null: it has none that is a file.</summary>
    internal string? Image => ImageHash.PathIn(_device.Facts);

    /// <summary>SHA-256 of the image, which counts if the first program is the one after <paramref name="before"/>.</summary>
    internal void SetHash(string hash, ulong before) => (_hash, _before) = (hash, before);

    /// <summary>Takes one event; false: none is wanted any more.</summary>
    internal bool Take(in TraceRecord record)
    {
        lock (_gate)
        {
            if (_isStopped)
                return false;
            if (record.Header.Event == TraceEvent.Lost)
            {
                Lost += record.Payload.Length >= sizeof(long) ? BinaryPrimitives.ReadInt64BigEndian(record.Payload) : 1;
                return false;
            }
            Begin(record);
            Count(record);
            const TraceFlags Whole = TraceFlags.ToStorage;
            if (!_keepsData && record.Header.Event == TraceEvent.Data && (record.Header.Flags & (Whole | TraceFlags.Cut)) == Whole
                && record.Payload.Length >= DataHead)
                WriteDigest(record);
            else
                Write(record);
            return true;
        }
    }

    /// <summary>Takes nothing more.</summary>
    internal void Stop()
    {
        lock (_gate)
            _isStopped = true;
    }

    /// <summary>Brings what was recorded to the file.</summary>
    internal void End()
    {
        lock (_gate)
        {
            if (!_hasBegun)
                Begin(new TraceRecord(TraceClock.Now, default, default));
            _isStopped = true;
            _gzip.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _gzip.Dispose();
        _file.Dispose();
    }

    /// <summary>
    /// A program ends with its last status, or with the answer to HALT or CLEAR, a reset, the end of the device, or the next program.
    /// </summary>
    private void Count(in TraceRecord record)
    {
        bool begins = record.Header.Event is TraceEvent.Start;
        bool ends = begins || ProgramEnd.IsWithoutStatus(record) || IsLast(record);
        Programs += ends && _runs ? 1 : 0;
        _runs = begins || (_runs && !ends);
    }

    /// <summary>It is the last status of a program.</summary>
    private static bool IsLast(in TraceRecord record) =>
        record.Header.Event is TraceEvent.Status && record.Header.Program != 0 && record.Payload.Length >= sizeof(long) + ChannelIo.Irb.Size
        && ChannelIo.Scsw.Read(record.Payload[sizeof(long)..]).HasEnded;

    /// <summary>Writes what the recording is of, once.</summary>
    private void Begin(in TraceRecord first)
    {
        if (_hasBegun)
            return;
        _hasBegun = true;
        bool isFresh = first.Header.Program <= _before + 1; // nothing ran between the hash and the first event
        DevicePayload device = _hash is not null && isFresh ? _device with { Facts = [.. _device.Facts, new(HashKey, _hash)] } : _device;
        ChannelIo.SubchannelId id = ChannelIo.SubchannelId.TryParse(_device.Facts.First(fact => fact.Key == "subchannel").Value, out var own) ? own : default;
        Write(new TraceRecord(first.Time, new TraceHeader(TraceEvent.Device, TraceFlags.None, id, 0), device.ToBytes()));
    }

    private void WriteDigest(in TraceRecord record)
    {
        ReadOnlySpan<byte> data = record.Payload[DataHead..];
        Span<byte> payload = stackalloc byte[DataHead + sizeof(int) + SHA256.HashSizeInBytes];
        record.Payload[..DataHead].CopyTo(payload);
        BinaryPrimitives.WriteInt32BigEndian(payload[DataHead..], data.Length);
        SHA256.HashData(data, payload[(DataHead + sizeof(int))..]);
        Write(new TraceRecord(record.Time, record.Header with { Flags = record.Header.Flags | TraceFlags.Digest }, payload));
    }

    private void Write(in TraceRecord record)
    {
        _made.ResetWrittenCount();
        _view.Write(record, _made);
        _gzip.Write(_made.WrittenSpan);
    }
}
