using CcwFs.Emulation.Dasd.Images;
using Spectre.Console;

namespace CcwFs.Cli.Dasd;

/// <summary>Where the dasd verbs print, and how they end: one line "ccwfs: …" and status 1 for a fault, no stack trace.</summary>
internal sealed class DasdConsole(TextWriter? output, TextWriter? error)
{
    /// <summary>128 + SIGINT, as a shell has it.</summary>
    private const int Interrupted = 130;

    public TextWriter Out => output ?? Console.Out;

    public TextWriter Error => error ?? Console.Error;

    /// <summary>Runs a verb's work; gives its exit status.</summary>
    public int Run(Func<int> work)
    {
        try
        {
            return work();
        }
        catch (OperationCanceledException)
        {
            Error.WriteLine("ccwfs: interrupted");
            return Interrupted;
        }
        catch (Exception fault) when (fault is ImageException or ArgumentException)
        {
            Error.WriteLine($"ccwfs: {FirstLine(fault)}");
            return 1;
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
            ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: tracks);
            return work(new Bar(task));
        });
    }

    private static string FirstLine(Exception fault) =>
        fault is ArgumentException { ParamName: string name } ? fault.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : fault.Message;

    // Progress<T> would report on the thread pool, after the end.
    private sealed class Bar(ProgressTask task) : IProgress<long>
    {
        public void Report(long value) => task.Value = value;
    }
}
