namespace CcwFs.SystemTests;

/// <summary>A mount with a configuration c.json in a scratch directory, reloaded step by step as under a service manager.</summary>
public abstract class ReloadHarness : IDisposable
{
    private readonly NotifySocket _manager;

    protected ReloadHarness() => _manager = new NotifySocket(Scratch.At("notify"));

    private protected Scratch Scratch { get; } = new();

    private protected MountedCcwfs Mounted { get; private set; } = null!;

    public virtual void Dispose()
    {
        GC.SuppressFinalize(this);
        Mounted?.Dispose();
        _manager.Dispose();
        Scratch.Dispose();
    }

    private protected void Mount(string text)
    {
        Write(text);
        Mounted =
            new MountedCcwfs(["--config", "c.json", "--log-level", "information"], workingDirectory: Scratch.Path, environment: _manager.Environment);
        _manager.Expect("READY=1");
    }

    private protected void Write(string text) => File.WriteAllText(Scratch.At("c.json"), text);

    /// <summary>Reloads, with another text if one is given; gives the status line afterwards.</summary>
    private protected string Reload(string? text)
    {
        BeginReload(text);
        return EndReload();
    }

    private protected void BeginReload(string? text)
    {
        if (text is not null)
            Write(text);
        Mounted.Signal("HUP");
        _manager.Expect("RELOADING=1");
    }

    private protected string EndReload() => _manager.Expect("READY=1");

    /// <summary>The subchannels in the tree, a line each.</summary>
    private protected string Ids() => Mounted.Bash("shopt -s nullglob; cd $D; printf '%s\n' 0.*").Ok().Output;

    /// <summary>What another device under the same id would have differently.</summary>
    private protected string Identity(string id) => Mounted.Bash($"stat -c %i $D/{id}/io").Ok().Output;
}
