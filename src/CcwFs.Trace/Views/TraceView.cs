using System.Buffers;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Trace.Views;

/// <summary>A form in which events are shown: one object per reader. Any bytes of an event are shown, whatever they say of themselves.</summary>
/// <param name="commands">The commands of the device that the first event is of.</param>
public abstract class TraceView(CommandSet commands)
{
    /// <summary>The commands of the device that the next event is of.</summary>
    public CommandSet Commands { get; set; } = commands;

    /// <summary>Writes what stands before the first event of a subchannel.</summary>
    public virtual void Begin(SubchannelId id, IBufferWriter<byte> output)
    {
    }

    /// <summary>Writes one event.</summary>
    public abstract void Write(in TraceRecord record, IBufferWriter<byte> output);
}
