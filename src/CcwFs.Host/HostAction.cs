using CcwFs.Control;
using CcwFs.Linux;

namespace CcwFs.Host;

/// <summary>One thing that a step does to the host: it can be done, and it can be printed for a shell.</summary>
internal abstract record HostAction
{
    /// <summary>The same for a POSIX shell.</summary>
    internal abstract string ToShell();

    /// <summary>Does it; throws <see cref="CommandException"/> with what failed and why.</summary>
    internal abstract void Carry();
}

/// <summary>A write of an attribute.</summary>
internal sealed record WriteAttribute(string Path, string Text) : HostAction
{
    /// <inheritdoc/>
    internal override string ToShell() =>
        Text.Length == 0 ? $"echo > {ShellText.Quote(Path)}" : $"echo {ShellText.Quote(Text)} > {ShellText.Quote(Path)}";

    /// <inheritdoc/>
    internal override void Carry()
    {
        int failed = HostFiles.TryWrite(Path, Text + "\n");
        if (failed < 0)
            throw new CommandException($"writing '{Text}' to {Path}: {Problem.Of(failed)}{HostFiles.Advice(failed)}");
    }
}

/// <summary>A program that runs to its end; <paramref name="Advise"/>: what to add to its own words when it fails.</summary>
internal sealed record RunProgram(string Program, IReadOnlyList<string> Arguments, Func<string, string>? Advise = null) : HostAction
{
    /// <inheritdoc/>
    internal override string ToShell() => string.Join(' ', ((string[])[Program, .. Arguments]).Select(ShellText.Quote));

    /// <inheritdoc/>
    internal override void Carry()
    {
        if (Execution.Find(Program) is not { } path)
            throw new CommandException($"{Program} is not found; install it, or do what it does by hand: {ToShell()}");
        (int status, string output, string error) = ChildProcess.Run(path, Arguments);
        if (status != 0)
        {
            string said = ChildProcess.FirstLine(error.Length > 0 ? error : output);
            throw new CommandException($"{ToShell()}: {said}{Advise?.Invoke(said)}");
        }
    }
}

/// <summary>A state of the host that comes by itself, soon after an action.</summary>
internal sealed record AwaitState(Func<bool> HasCome, TimeSpan Patience, string Shell, string Otherwise) : HostAction
{
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(20); // arbitrary; sysfs announces no new files

    /// <inheritdoc/>
    internal override string ToShell() => $"until {Shell}; do sleep 0.1; done";

    /// <inheritdoc/>
    internal override void Carry()
    {
        for (long start = Environment.TickCount64; !HasCome();)
        {
            if (Environment.TickCount64 - start >= Patience.TotalMilliseconds)
                throw new CommandException(Otherwise);
            Thread.Sleep(s_lookAgain);
        }
    }
}

/// <summary>A request to the mounted ccwfs.</summary>
internal sealed record AskMount(string MountPoint, ControlRequest Request, string Shell) : HostAction
{
    /// <inheritdoc/>
    internal override string ToShell() => $"{Shell} --mount {ShellText.Quote(MountPoint)}";

    /// <inheritdoc/>
    internal override void Carry() => ControlClient.Send(MountPoint, Request);
}

/// <summary>A file of ours with this text.</summary>
internal sealed record SaveFile(string Path, string Text) : HostAction
{
    /// <inheritdoc/>
    internal override string ToShell() =>
        $"mkdir -p {ShellText.Quote(System.IO.Path.GetDirectoryName(Path)!)} && {ShellText.Printf(Text)} > {ShellText.Quote(Path)}";

    /// <inheritdoc/>
    internal override void Carry()
    {
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
            File.WriteAllText(Path + ".new", Text);
            File.Move(Path + ".new", Path, overwrite: true); // whole or not at all
        }
        catch (UnauthorizedAccessException)
        {
            throw new CommandException($"{Path} cannot be written: permission denied; be root");
        }
        catch (IOException)
        {
            File.Delete(Path + ".new"); // part of it, on a full disk
            throw;
        }
    }
}

/// <summary>A symbolic link of ours.</summary>
internal sealed record SaveLink(string Path, string Target) : HostAction
{
    /// <inheritdoc/>
    internal override string ToShell() =>
        $"mkdir -p {ShellText.Quote(System.IO.Path.GetDirectoryName(Path)!)} && ln -sfn {ShellText.Quote(Target)} {ShellText.Quote(Path)}";

    /// <inheritdoc/>
    internal override void Carry()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        File.Delete(Path);
        File.CreateSymbolicLink(Path, Target);
    }
}

/// <summary>A file of ours goes.</summary>
internal sealed record DeleteFile(string Path) : HostAction
{
    /// <inheritdoc/>
    internal override string ToShell() => $"rm -f {ShellText.Quote(Path)}";

    /// <inheritdoc/>
    internal override void Carry()
    {
        try
        {
            File.Delete(Path);
        }
        catch (DirectoryNotFoundException)
        {
            // Its directory was not made yet.
        }
    }
}
