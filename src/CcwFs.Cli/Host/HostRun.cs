using System.Runtime.InteropServices;

namespace CcwFs.Cli.Host;

/// <summary>What came of one step.</summary>
/// <param name="Name">The step.</param>
/// <param name="Changed">It did something; else it was so already.</param>
internal sealed record StepResult(string Name, bool Changed);

/// <summary>Carries the steps out. Ctrl-C is a failure of the step under way, so that it is undone too.</summary>
internal static class HostRun
{
    /// <summary>Does what is not done yet; a failure undoes what this call did and says so.</summary>
    internal static IReadOnlyList<StepResult> Attach(HostTarget target, string what)
    {
        using var interruption = new Interruption();
        List<StepResult> results = [];
        List<HostStep> begun = [];
        foreach (HostStep step in HostSteps.All)
        {
            try
            {
                interruption.ThrowIfAsked();
                if (step.IsDone(target))
                {
                    results.Add(new StepResult(step.Name, Changed: false));
                    continue;
                }
                begun.Add(step);
                foreach (HostAction action in step.Do(target))
                {
                    action.Carry();
                    interruption.ThrowIfAsked();
                }
                results.Add(new StepResult(step.Name, Changed: true));
            }
            catch (Exception error) when (Program.IsExpected(error))
            {
                throw new CommandException($"attaching {what} failed at step '{step.Name}': {error.Message}; {TakeBack(target, begun)}");
            }
        }
        return results;
    }

    /// <summary>Undoes what is not undone; stops at the first failure, and can be called again.</summary>
    internal static IReadOnlyList<StepResult> Detach(HostTarget target, string what)
    {
        List<StepResult> results = [];
        foreach (HostStep step in HostSteps.All.Reverse())
        {
            try
            {
                results.Add(new StepResult(step.Name, Undo(step, target)));
            }
            catch (Exception error) when (Program.IsExpected(error))
            {
                throw new CommandException(
                    $"detaching {what} failed at step '{step.Name}': {error.Message}; undone so far: {Names(results.Where(r => r.Changed).Select(r => r.Name))}; run it again once that is solved");
            }
        }
        return results;
    }

    /// <summary>The rows of attach, or with <paramref name="backwards"/> of detach, for a shell.</summary>
    internal static IEnumerable<string> Print(HostTarget target, bool backwards)
    {
        foreach (HostStep step in backwards ? HostSteps.All.Reverse() : HostSteps.All)
        {
            if (!target.IsFound && step.Name is not ("record" or "unhide"))
            {
                yield return $"# then the subchannel of {target.Device} is known, and the other steps with it";
                yield break;
            }
            bool nothing = backwards ? step.IsUndone(target) : step.IsDone(target);
            yield return nothing ? $"# {step.Name}: nothing to do" : $"# {step.Name}";
            if (nothing)
                continue;
            foreach (HostAction action in backwards ? step.Undo(target) : step.Do(target))
                yield return action.ToShell();
        }
    }

    private static bool Undo(HostStep step, HostTarget target)
    {
        if (step.IsUndone(target))
            return false;
        foreach (HostAction action in step.Undo(target))
            action.Carry();
        return true;
    }

    /// <summary>Undoes every step that was begun, also after one of them could not be; gives what came of it.</summary>
    private static string TakeBack(HostTarget target, List<HostStep> begun)
    {
        target.IsRollback = true;
        List<string> undone = [], left = [];
        foreach (HostStep step in Enumerable.Reverse(begun))
        {
            if (left.Count > 0 && step == HostSteps.All[0])
                continue; // the record of what was before is needed again
            try
            {
                if (Undo(step, target))
                    undone.Add(step.Name);
            }
            catch (Exception error) when (Program.IsExpected(error))
            {
                left.Add($"{step.Name} ({error.Message})");
            }
        }
        return left.Count == 0 ? $"undone: {Names(undone)}" : $"undone: {Names(undone)}; NOT undone: {Names(left)}; solve that and run: ccwfs detach {target.SafeName}";
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names) is { Length: > 0 } all ? all : "nothing, nothing had been changed";

    /// <summary>SIGINT and SIGTERM as a question asked between actions.</summary>
    private sealed class Interruption : IDisposable
    {
        private readonly PosixSignalRegistration[] _registrations;
        private volatile bool _asked;

        internal Interruption() =>
            _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                _asked = true;
            }))];

        public void Dispose()
        {
            foreach (PosixSignalRegistration registration in _registrations)
                registration.Dispose();
        }

        internal void ThrowIfAsked()
        {
            if (_asked)
                throw new CommandException("interrupted by a signal");
        }
    }
}
