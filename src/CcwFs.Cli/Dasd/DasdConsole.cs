using System.Runtime.InteropServices;
using CcwFs.ChannelIo.Text;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using Spectre.Console;

namespace CcwFs.Cli.Dasd;

/// <summary>Where the dasd verbs print, and how they end: one line "ccwfs: …" and status 1 (or a verb's own) for a fault, no stack trace.</summary>
internal sealed class DasdConsole(TextWriter? output, TextWriter? error)
{
    /// <summary>128 + SIGINT or SIGTERM, as a shell has it.</summary>
    private const int Interrupted = 130, Terminated = 143;

    private int _status = Interrupted; // of an end by a signal

    public TextWriter Out => output ?? VisibleWriter.Output;

    public TextWriter Error => error ?? VisibleWriter.Error;

    /// <summary>"1 track", "2 tracks".</summary>
    public static string Count(long count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    /// <summary>Runs a verb's work; gives its exit status, <paramref name="failed"/> after a fault.</summary>
    public int Run(Func<int> work, int failed = 1)
    {
        try
        {
            return work();
        }
        catch (OperationCanceledException)
        {
            Error.WriteLine("ccwfs: interrupted");
            return _status;
        }
        catch (Exception fault) when (fault is ImageException or ArgumentException)
        {
            Error.WriteLine($"ccwfs: {FirstLine(fault)}");
            return failed;
        }
    }

    /// <summary>
    /// Runs work that takes long: the first SIGINT or SIGTERM cancels its token, so that it ends in order; a second one ends it at once.
    /// </summary>
    public int RunLong(Func<CancellationToken, int> work, int failed = 1)
    {
        using var end = new CancellationTokenSource();
        var signals = new SignalWatch();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, Interrupted));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, Terminated));
        return Run(() => work(end.Token), failed);

        void Stop(PosixSignalContext context, int status)
        {
            context.Cancel = signals.Take() != SignalMeaning.AtOnce;
            _status = status;
            end.Cancel();
        }
    }

    /// <summary>
    /// Runs something long. On a terminal a bar counts the volume's tracks on standard error; anywhere else nothing is printed.
    /// </summary>
    public T WithProgress<T>(string title, int tracks, Func<IProgress<long>?, T> work)
    {
        if (error is not null || Console.IsErrorRedirected)
            return work(null);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Progress().AutoClear(true).Start(context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(VisibleText.Of(title)), maxValue: tracks);
            return work(new Bar(task));
        });
    }

    private static string FirstLine(Exception fault) =>
        fault is ArgumentException { ParamName: string name } ? fault.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal)
            : fault.Message;

    // Progress<T> would report on the thread pool, after the end.
    private sealed class Bar(ProgressTask task) : IProgress<long>
    {
        public void Report(long value) => task.Value = value;
    }
}
