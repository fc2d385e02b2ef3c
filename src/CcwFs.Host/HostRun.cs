using System.Runtime.InteropServices;
using CcwFs.Control;

namespace CcwFs.Host;

/// <summary>What came of one step.</summary>
/// <param name="Name">The step.</param>
/// <param name="Changed">It did something; else it was so already.</param>
internal sealed record StepResult(string Name, bool Changed);

/// <summary>What one step would do.</summary>
/// <param name="Step">The step.</param>
/// <param name="Commands">For a POSIX shell; none when there is nothing to do.</param>
internal sealed record PlannedStep(string Step, IReadOnlyList<string> Commands);

/// <summary>Carries the steps out. Ctrl-C is a failure of the step under way, so that it is undone too.</summary>
internal static class HostRun
{
    /// <summary>Does what is not done yet; a failure undoes what this call did and says so.</summary>
    internal static IReadOnlyList<StepResult> Attach(HostTarget target, string what)
    {
        using var interruption = new Interruption();
        target.Waiting = interruption.ThrowIfAsked;
        List<StepResult> results = [];
        HashSet<HostStep> before = [.. HostSteps.All.Where(step => (target.IsFound || step.IsEarly) && step.IsDone(target))];
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
                foreach (HostAction action in step.Do(target))
                {
                    action.Carry();
                    interruption.ThrowIfAsked();
                }
                results.Add(new StepResult(step.Name, Changed: true));
            }
            catch (Exception error) when (Expected.Is(error))
            {
                throw new CommandException($"attaching {what} failed at step '{step.Name}': {error.Message}; {TakeBack(target, before)}");
            }
        }
        return results;
    }

    /// <summary>
    /// Undoes what is not undone; stops at the first failure, and can be called again. Of a subchannel that is gone, what outlived it.
    /// </summary>
    internal static IReadOnlyList<StepResult> Detach(HostTarget target, string what)
    {
        List<StepResult> results = [];
        foreach (HostStep step in Left(target))
        {
            try
            {
                results.Add(new StepResult(step.Name, Undo(step, target)));
            }
            catch (Exception error) when (Expected.Is(error))
            {
                throw new CommandException(
                    $"detaching {what} failed at step '{step.Name}': {error.Message}; undone so far: {Names(results.Where(r => r.Changed).Select(r => r.Name))}; run it again once that is solved");
            }
        }
        return results;
    }

    /// <summary>
    /// What attach would do now, or with <paramref name="backwards"/> detach, as commands for a shell; a step without any is done already.
    /// </summary>
    internal static IReadOnlyList<PlannedStep> Plan(HostTarget target, bool backwards) =>
        backwards
            ? [.. Left(target).Select(step => new PlannedStep(step.Name, Commands(step.IsUndone(target) ? [] : step.Undo(target))))]
            : [.. HostSteps.All.Where(step => target.IsFound || step.IsEarly)
                .Select(step => new PlannedStep(step.Name, Commands(step.IsDone(target) ? [] : step.Do(target))))];

    private static IReadOnlyList<string> Commands(IEnumerable<HostAction> actions) => [.. actions.Select(action => action.ToShell())];

    private static IEnumerable<HostStep> Left(HostTarget target) => HostSteps.All.Reverse().Where(step => step.OutlivesSubchannel || target.IsThere);

    private static bool Undo(HostStep step, HostTarget target)
    {
        if (step.IsUndone(target))
            return false;
        foreach (HostAction action in step.Undo(target))
            action.Carry();
        return true;
    }

    /// <summary>
    /// Undoes every step that was not done before, also after one of them could not be; gives what came of it. Steps after the failed one too:
    /// driverctl does some of theirs.
    /// </summary>
    private static string TakeBack(HostTarget target, HashSet<HostStep> before)
    {
        (target.IsRollback, target.Waiting) = (true, () => { });
        List<string> undone = [], left = [];
        foreach (HostStep step in HostSteps.All.Reverse().Where(step => !before.Contains(step) && (target.IsFound || step.IsEarly)))
        {
            if (left.Count > 0 && step == HostSteps.All[0])
                continue; // the record of what was before is needed again
            try
            {
                if ((step.OutlivesSubchannel || step.IsEarly || target.IsThere) && Undo(step, target))
                    undone.Add(step.Name);
            }
            catch (Exception error) when (Expected.Is(error))
            {
                left.Add($"{step.Name} ({error.Message})");
            }
        }
        return left.Count == 0 ? $"undone: {Names(undone)}"
            : $"undone: {Names(undone)}; NOT undone: {Names(left)}; solve that and run: ccwfs detach {target.SafeName}";
    }

    private static string Names(IEnumerable<string> names) =>
        string.Join(", ", names) is { Length: > 0 } all ? all : "nothing, nothing had been changed";

    /// <summary>SIGINT, SIGTERM and SIGHUP as a question asked between actions.</summary>
    private sealed class Interruption : IDisposable
    {
        private readonly PosixSignalRegistration[] _registrations;
        private volatile bool _asked;

        internal Interruption() =>
            _registrations =
                [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal =>
                PosixSignalRegistration.Create(signal, context =>
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
