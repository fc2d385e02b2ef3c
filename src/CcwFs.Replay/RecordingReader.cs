using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using CcwFs.CommandSets;
using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Replay;

/// <summary>A recording that cannot be used. The message is one line for a person, without the file's name.</summary>
public sealed class RecordingException(string message) : IOException(message);

/// <summary>
/// Reads a recording, one thing after the other: a pcapng file of trace events (<see cref="PcapngView"/>), compressed with gzip, whose first event
/// says what device it is of (<see cref="TraceEvent.Device"/>). Keeps no more than a program.
/// </summary>
public sealed class RecordingReader : IDisposable
{
    private readonly Stream? _gzip;
    private readonly PcapngReader _events;
    private readonly ProgramAssembly _programs;
    private long _eventBytes;
    private bool _isAtEnd;

    /// <summary>Begins. <paramref name="source"/>: the file, which can be sought in, and stays the caller's.</summary>
    /// <param name="source">The file.</param>
    /// <param name="maxBytes">Most bytes that it may have when it is not compressed.</param>
    /// <exception cref="RecordingException">It is none, or is damaged.</exception>
    public RecordingReader(Stream source, long maxBytes = long.MaxValue)
    {
        _gzip = Unpack(source);
        _events = new PcapngReader(_gzip ?? source) { MaxBytes = maxBytes };
        DevicePayload? device = null;
        if (!TryRead(out TraceRecord record) || record.Header.Event != TraceEvent.Device || !DevicePayload.TryRead(record.Payload, out device))
            throw new RecordingException("it does not begin with what it is of; make one with ccwfs record");
        (Device, Commands) = (device, _events.Commands);
        _programs = new ProgramAssembly(Commands);
    }

    /// <summary>What it is of.</summary>
    public DevicePayload Device { get; }

    /// <summary>The commands of that device.</summary>
    public CommandSet Commands { get; }

    /// <summary>Nothing was lost up to here.</summary>
    public bool IsWhole => !_programs.IsOver;

    /// <summary>Bytes of memory that what was read so far takes.</summary>
    public long Bytes => _eventBytes + _programs.MadeBytes;

    /// <summary>The stream of a compressed file; null: it is not compressed. Also for traces that were stored with --pcapng.</summary>
    public static Stream? Unpack(Stream source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Span<byte> magic = stackalloc byte[2];
        int got = source.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        source.Seek(0, SeekOrigin.Begin);
        return got == magic.Length && magic is [0x1F, 0x8B] ? new GZipStream(source, CompressionMode.Decompress, leaveOpen: true) : null; // RFC 1952
    }

    /// <summary>The next program, status of the device's own, or channel report; false: there is none any more.</summary>
    /// <exception cref="RecordingException">It is damaged before the first one; after that what is whole counts: who recorded was killed.</exception>
    public bool TryRead([NotNullWhen(true)] out RecordedItem? item)
    {
        const int EventCost = 256;           // bytes of the objects of an event, rounded up
        const long LargestProgram = 256L << 20; // bytes, arbitrary: four times the data that a mount takes
        long before = Bytes;
        while (!_programs.Items.TryDequeue(out item))
        {
            if (_isAtEnd)
                return false;
            if (!_programs.IsOver && TryRead(out TraceRecord record))
            {
                _eventBytes += EventCost + record.Payload.Length;
                _programs.Take(record);
                if (Bytes - before > LargestProgram)
                    throw new RecordingException($"a program in it has over {LargestProgram >> 20} MiB");
                continue;
            }
            _isAtEnd = true;
            _programs.End();
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _gzip?.Dispose();

    private bool TryRead(out TraceRecord record)
    {
        try
        {
            return _events.TryRead(out record);
        }
        catch (Exception cut) when (_eventBytes > 0 && cut is (PcapngException { IsTooLarge: false } or InvalidDataException))
        {
            _programs.Cut();
        }
        catch (Exception wrong) when (wrong is PcapngException or InvalidDataException)
        {
            throw new RecordingException(wrong is PcapngException ? $"it is no recording, for {wrong.Message}" : "its compressed data is damaged");
        }
        record = default;
        return false;
    }
}
