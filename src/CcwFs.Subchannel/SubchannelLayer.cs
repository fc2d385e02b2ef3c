using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;

namespace CcwFs.Subchannel;

/// <summary>
/// Something between the regions of a device and its backend, or between other layers: it hands every call on to <see cref="Next"/> and every event
/// to who is above, and a layer overrides what it wants to see or change. It owns the next one. What holds for calls and locks of
/// <see cref="ISubchannel"/> holds for each layer; what a layer finds out about a program before it is started it keeps in a
/// <see cref="ProgramNote"/>, for a program that is given up may still be prepared while the next one runs.
/// </summary>
public abstract class SubchannelLayer : ISubchannel, ISubchannelEvents
{
    private ISubchannelEvents? _above; // null until Connect

    /// <summary>A layer over <paramref name="next"/>, which it takes over.</summary>
    protected SubchannelLayer(ISubchannel next) => Next = next;

    /// <summary>What is below.</summary>
    public ISubchannel Next { get; }

    /// <inheritdoc/>
    public virtual SubchannelIdentity Identity => Next.Identity;

    /// <inheritdoc/>
    public virtual IMemoryBound? Memory => Next.Memory;

    /// <inheritdoc/>
    public virtual IChannelPaths? Paths => Next.Paths;

    /// <inheritdoc/>
    public virtual VolumeFigures? Volume => Next.Volume;

    /// <summary>The layer of this kind in a stack; null: it has none.</summary>
    public static TLayer? Find<TLayer>(ISubchannel top)
        where TLayer : SubchannelLayer
    {
        for (ISubchannel at = top; at is SubchannelLayer layer; at = layer.Next)
        {
            if (layer is TLayer found)
                return found;
        }
        return null;
    }

    /// <inheritdoc/>
    public void Connect(ISubchannelEvents events)
    {
        _above = events;
        Next.Connect(this);
    }

    /// <inheritdoc/>
    public virtual bool Store(out Schib schib) => Next.Store(out schib);

    /// <inheritdoc/>
    public virtual ProgramFault Prepare(BackendProgram program) => Next.Prepare(program);

    /// <inheritdoc/>
    public virtual FunctionResult Start(in Orb orb, BackendProgram program) => Next.Start(orb, program);

    /// <inheritdoc/>
    public virtual FunctionResult Resume() => Next.Resume();

    /// <inheritdoc/>
    public virtual FunctionResult Halt() => Next.Halt();

    /// <inheritdoc/>
    public virtual FunctionResult Clear() => Next.Clear();

    /// <inheritdoc/>
    public virtual bool Test(out Irb irb) => Next.Test(out irb);

    /// <inheritdoc/>
    public virtual bool Reset(bool system) => Next.Reset(system);

    /// <inheritdoc/>
    public virtual void Unplug() => Next.Unplug();

    /// <inheritdoc/>
    public virtual IEnumerable<KeyValuePair<string, string>> Describe() => Next.Describe();

    /// <inheritdoc/>
    public virtual void Interrupt() => _above?.Interrupt();

    /// <inheritdoc/>
    public virtual void Report(Crw crw) => _above?.Report(crw);

    /// <inheritdoc/>
    public virtual void ReturnRequested() => _above?.ReturnRequested();

    /// <inheritdoc/>
    public virtual void Vanished() => _above?.Vanished();

    /// <inheritdoc/>
    public virtual void Failed(Exception failure) => _above?.Failed(failure);

    /// <inheritdoc/>
    public virtual int DataWanted => _above?.DataWanted ?? ISubchannelEvents.NoCommands;

    /// <inheritdoc/>
    public virtual void Executed(in ExecutedCommand command) => _above?.Executed(command);

    /// <inheritdoc/>
    public virtual void Refused(uint address, Ccw ccw, string why) => _above?.Refused(address, ccw, why);

    /// <inheritdoc/>
    public virtual void Injected(string rule) => _above?.Injected(rule);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Disposes the next one, after what a layer has of its own.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            Next.Dispose();
    }
}
