using CcwFs.ChannelIo;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>
/// What devices share that work on one thing, a volume for instance: the gate under which they execute their commands, and the reserve. A reserve
/// belongs to a path, and with it to the other paths of its group. A program on another path is busy until it ends; a program that has begun goes on,
/// and a new reserve waits for it. Only an unconditional reserve waits for nobody. Everything is under <see cref="Gate"/> unless it says otherwise.
/// Lock order: a channel's own locks, then the gate; nothing calls out to a channel with the gate held except through the running command's data
/// transfer, and to present status of a device's own, for which the channel locks nothing.
/// </summary>
internal sealed class SharedUnit
{
    private readonly List<Sharer> _sharers = new(1); // most units have one

    /// <summary>Held during one command, data transfer included.</summary>
    public Lock Gate { get; } = new();

    /// <summary>What the devices work on is gone: no device comes to it, and commands are told so.</summary>
    public bool IsGone { get; set; }

    /// <summary>The devices.</summary>
    public IReadOnlyList<Sharer> Sharers => _sharers;

    /// <summary>The device that has the reserve, pending or held, if any.</summary>
    public Sharer? ReservedBy { get; private set; }

    /// <summary>Takes a device in. Throws when the unit is gone. Without the gate.</summary>
    public void Attach(Sharer sharer)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(IsGone, this);
            _sharers.Add(sharer);
        }
    }

    /// <summary>Lets a device go; true: it was the last. Without the gate.</summary>
    public bool Detach(Sharer sharer)
    {
        lock (Gate)
            return _sharers.Remove(sharer) && _sharers.Count == 0;
    }

    /// <summary>Tells the devices that were busy that they may try again. Without the gate.</summary>
    public void AnnounceFree()
    {
        Sharer[] waiting;
        lock (Gate)
        {
            waiting = [.. _sharers.Where(s => s.State.OwesDeviceEnd && (ReservedBy is null || s.State.Hold == Hold.Pending))];
            foreach (Sharer sharer in waiting)
                sharer.State = sharer.State.PayDeviceEnd();
        }
        foreach (Sharer sharer in waiting)
            sharer.NoLongerBusy?.Invoke();
    }

    /// <summary>Another device, or a path of this one outside the reserve's path group, has the reserve.</summary>
    public bool IsReservedElsewhere(Sharer sharer) =>
        ReservedBy is { } holder && (holder != sharer || !sharer.PathGroups.AreTogether(sharer.Path, sharer.ReservedPath));

    /// <summary>
    /// DEVICE RESERVE. False: another device has the unit, or programs of others have to end first, and the command is answered busy.
    /// </summary>
    public bool TryReserve(Sharer sharer)
    {
        if (ReservedBy is { } holder && holder != sharer)
        {
            sharer.State = sharer.State.AnswerBusy();
            return false;
        }
        if (ReservedBy != sharer)
            sharer.ReservedPath = sharer.Path;
        ReservedBy = sharer;
        sharer.State = sharer.State.Reserve(IsInUseBeside(sharer));
        return sharer.State.Hold == Hold.Held;
    }

    /// <summary>UNCONDITIONAL RESERVE. Gives the device that it was taken from; null: none had it.</summary>
    public Sharer? Steal(Sharer sharer)
    {
        Sharer? former = ReservedBy == sharer ? null : ReservedBy;
        foreach (Sharer other in _sharers)
            other.State = other == sharer ? other.State.Take() : other.State.BeTakenFrom();
        (ReservedBy, sharer.ReservedPath) = (sharer, sharer.Path);
        return former;
    }

    /// <summary>DEVICE RELEASE. False: the device has no reserve.</summary>
    public bool Release(Sharer sharer)
    {
        if (ReservedBy != sharer)
            return false;
        sharer.State = sharer.State.Release();
        ReservedBy = null;
        return true;
    }

    /// <summary>
    /// The running program's path leaves its group: the reserve stays with the group, and with the path when it was the last or all leave.
    /// </summary>
    public bool LeaveGroup(Sharer sharer, ReadOnlySpan<byte> id, bool all)
    {
        (PathGroups groups, int path) = (sharer.PathGroups, sharer.Path);
        bool holds = ReservedBy == sharer && groups.AreTogether(path, sharer.ReservedPath);
        int other = all ? -1 : sharer.OtherMember(path);
        if (!(all ? groups.Disband(path, id) : groups.Resign(path, id)))
            return false;
        if (holds)
            sharer.ReservedPath = other >= 0 ? other : path;
        return true;
    }

    /// <summary>A path is gone: the reserve stays with its group, and ends with a lone path. True: the unit is free.</summary>
    public bool LosePath(Sharer sharer, int path)
    {
        bool holds = ReservedBy == sharer && sharer.ReservedPath == path;
        int other = sharer.OtherMember(path);
        sharer.PathGroups.Reset(path);
        if (holds && other >= 0)
            sharer.ReservedPath = other;
        return holds && other < 0 && Release(sharer);
    }

    /// <summary>The device's program has ended. True: a reserve waits for that.</summary>
    public bool LeaveProgram(Sharer sharer)
    {
        sharer.State = sharer.State.Leave();
        return ReservedBy is { State.Hold: Hold.Pending } holder && holder != sharer;
    }

    /// <summary>The device's program, or the start of one, was given up. True: others may try again.</summary>
    public bool AbandonProgram(Sharer sharer)
    {
        bool awaited = LeaveProgram(sharer);
        bool freed = sharer.State.Hold == Hold.Pending && Release(sharer);
        sharer.State = sharer.State.Abandon();
        return awaited | freed;
    }

    /// <summary>The device forgets its paths and its part in the reserve. True: others may try again.</summary>
    public bool Reset(Sharer sharer)
    {
        bool freed = AbandonProgram(sharer) | Release(sharer);
        sharer.State = default;
        sharer.PathGroups.Clear();
        return freed;
    }

    private bool IsInUseBeside(Sharer sharer)
    {
        foreach (Sharer other in _sharers)
        {
            if (other != sharer && other.State.IsInProgram)
                return true;
        }
        return false;
    }
}
