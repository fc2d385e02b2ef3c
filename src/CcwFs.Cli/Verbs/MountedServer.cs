using CcwFs.Control;
using CcwFs.Fuse;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Cli.Verbs;

/// <summary>The ccwfs process of a mount that is to be unmounted. Dispose lets go of it.</summary>
internal sealed class MountedServer : IDisposable
{
    /// <summary>
    /// How long it may take to say who it is (arbitrary: a busy machine takes seconds); one that does not answer is not waited for.
    /// </summary>
    private static readonly TimeSpan s_answerPatience = TimeSpan.FromSeconds(20);

    /// <summary>How long it may close its devices in silence (arbitrary: a disk that syncs may take long).</summary>
    private static readonly TimeSpan s_closePatience = TimeSpan.FromSeconds(5);

    private const int EndPatience = 30_000; // milliseconds that a process may take to end which has closed its devices (arbitrary)

    private readonly MountEntry _mount;
    private readonly TextWriter _error;
    private readonly FileDescriptor? _process; // a pidfd
    private readonly int _pid;
    private readonly State _state;

    private MountedServer(MountEntry mount, TextWriter error, State state, string? trouble = null, ControlReply? reply = null)
    {
        (_mount, _error, _state, Trouble) = (mount, error, state, trouble);
        bool isSeen = reply?.Namespaces is not [_, { } processes] || processes == OwnNamespaces.Processes;
        _pid = state == State.Dead ? 0 : reply?.Pid ?? FuseServer.Find(mount);
        if (_pid > 0 && isSeen && Descriptors.OpenProcess(_pid, out FileDescriptor process) == 0)
            _process = process;
    }

    private enum State
    {
        /// <summary>It answers, and its mount was made in this mount namespace.</summary>
        Here,

        /// <summary>It answers, and its mount was made in another one.</summary>
        Elsewhere,

        /// <summary>It lets us not at its files, which does not matter to who may unmount.</summary>
        Closed,

        /// <summary>It does not answer.</summary>
        Silent,

        /// <summary>The mount has no server any more.</summary>
        Dead,
    }

    /// <summary>It does not answer.</summary>
    internal bool IsSilent => _state == State.Silent;

    /// <summary>It can be told to end.</summary>
    internal bool CanEnd => _state == State.Here;

    /// <summary>It ends by itself when it is unmounted and nobody has it anywhere else.</summary>
    internal bool EndsUnused => _state is State.Here or State.Closed;

    /// <summary>Why it does not end when it is unmounted; null when it does.</summary>
    internal string? Trouble { get; }

    /// <summary>What root can do about one that goes on; null where its process cannot be seen from here.</summary>
    internal string? Remedy => _process is null ? null
        : IsSilent
            ? $"root can let it go on where it was stopped (kill -CONT {_pid}), or end it, and what it has not written is lost: kill -KILL {_pid}"
        : $"root can end it for all of them, and it closes its images: kill {_pid}";

    /// <summary>For a message.</summary>
    internal string Name => _pid > 0 ? $"ccwfs (pid {_pid})" : "its ccwfs";

    /// <summary>Asks who it is, without waiting for one that does not answer.</summary>
    internal static MountedServer Ask(MountEntry mount, TextWriter error)
    {
        bool? isDead = IsDead(mount);
        if (isDead == true)
            return new MountedServer(mount, error, State.Dead);
        Task<ControlReply> asked = Waiting.Run(() => ControlClient.Send(mount.MountPoint, new ControlRequest { Verb = "list" }));
        try
        {
            if (isDead is null || !asked.Wait(s_answerPatience))
                return new MountedServer(mount, error, State.Silent, "it does not answer, and keeps its images");
        }
        catch (AggregateException failure) when (failure.InnerException is { } refused && Expected.Is(refused))
        {
            return new MountedServer(mount, error, IsDead(mount) == true ? State.Dead : State.Closed);
        }
        return asked.Result.Namespaces is [{ } mounts, ..] && mounts != OwnNamespaces.Mounts
            ? new MountedServer(mount, error, State.Elsewhere, "it was mounted in another mount namespace, where it stays", asked.Result)
            : new MountedServer(mount, error, State.Here, reply: asked.Result);
    }

    /// <summary>Has it close its devices and end; gives what went wrong with that, a line each.</summary>
    internal IReadOnlyList<string> End()
    {
        Task<ControlReply> ended = Waiting.Run(() => ControlClient.Send(_mount.MountPoint, new ControlRequest { Verb = "end" }));
        try
        {
            if (!ended.Wait(s_closePatience))
                _error.WriteLine($"ccwfs: waiting for {Name} to close its images");
            return ended.Result.Problems ?? [];
        }
        catch (AggregateException failure) when (failure.InnerException is { } refused && Expected.Is(refused))
        {
            // One that ended before it could answer has nothing more to say.
            return HasEnded() || IsDead(_mount) == true ? [] : throw new CommandException(Expected.Text(refused));
        }
    }

    /// <summary>Whether its process is gone; true for a dead mount.</summary>
    internal bool HasEnded() =>
        _state == State.Dead || (_process is not null && Descriptors.Poll(_process, Descriptors.PollIn, timeoutMilliseconds: 0) > 0);

    /// <summary>Waits for that. What is in another pid namespace cannot be watched.</summary>
    internal bool WaitForEnd() => _process is null || Descriptors.Poll(_process, Descriptors.PollIn, EndPatience) > 0;

    public void Dispose() => _process?.Dispose();

    /// <summary>A connection without a server answers at once, and asks nobody; null: no answer.</summary>
    private static bool? IsDead(MountEntry mount)
    {
        Task<int> asked = Waiting.Run(() => FileSystems.Type(mount.MountPoint, out _));
        return asked.Wait(s_answerPatience) ? asked.Result is -(int)Errno.ENOTCONN or -(int)Errno.ECONNABORTED : null;
    }
}
