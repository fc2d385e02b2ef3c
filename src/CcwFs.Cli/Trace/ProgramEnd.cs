using CcwFs.ChannelIo;
using CcwFs.Trace;

namespace CcwFs.Cli.Trace;

/// <summary>How a program ends that gives no last status.</summary>
internal static class ProgramEnd
{
    /// <summary>
    /// The answer to HALT or CLEAR, a reset, the end of the device: the program that runs on the subchannel has ended, though the event is not its
    /// own.
    /// </summary>
    internal static bool IsWithoutStatus(in TraceRecord record) => record.Header.Event switch
    {
        TraceEvent.Reset or TraceEvent.Gone => true,
        TraceEvent.Status when record.Header.Program == 0 && record.Payload.Length >= sizeof(long) + Irb.Size =>
            (Scsw.Read(record.Payload[sizeof(long)..]).Function & (FunctionControl.Halt | FunctionControl.Clear)) != 0,
        _ => false,
    };
}
