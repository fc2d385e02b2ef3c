using System.Buffers;
using System.IO.Compression;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Replay;
using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Tests.Replay;

/// <summary>A recording of a 3390 that a test makes event by event.</summary>
internal sealed class RecordingFile
{
    private readonly PcapngView _view = new(Families.Eckd);
    private readonly ArrayBufferWriter<byte> _made = new();

    public RecordingFile() => Add(TraceEvent.Device, new DevicePayload(
        0x3990, 0xE9, 0x3390, 0x0A, new Schib(new Pmcw(0, 0, 0x150, 0x80, 0, 0, 0x80, 0xFF, 0x80, 0x40UL << 56), default),
        [new(Recording.DataKey, Recording.WithData)]).ToBytes());

    /// <summary>An event of a program; 0: of none.</summary>
    public RecordingFile Add(TraceEvent what, byte[] payload, ulong program = 0, TraceFlags flags = TraceFlags.None)
    {
        _view.Write(new TraceRecord(1, new TraceHeader(what, flags, new SubchannelId(0, 0, 0), program), payload), _made);
        return this;
    }

    /// <summary>Its bytes, not compressed.</summary>
    public MemoryStream ToStream() => new(_made.WrittenSpan.ToArray());

    /// <summary>Stores it.</summary>
    public void Store(string path)
    {
        using var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        gzip.Write(_made.WrittenSpan);
    }
}
