using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using CcwFs.Control;

namespace CcwFs.Cli.Top;

/// <summary><c>ccwfs top</c>: what the subchannels of a mount do now, again and again; on a terminal in one screen.</summary>
internal static class TopCommand
{
    private const double Shortest = 0.1, Longest = 3600; // seconds, arbitrary
    private const string AlternateScreen = "\e[?1049h\e[?25l", OrdinaryScreen = "\e[?25h\e[?1049l"; // xterm; the cursor is hidden meanwhile
    private const string Home = "\e[H", RestOfLine = "\e[K", RestOfScreen = "\e[J";                 // ECMA-48

    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        var interval = new Option<double>("--interval")
        {
            HelpName = "SECONDS", Description = "Look every so many seconds, 0.1 to 3600. The default is 1.", DefaultValueFactory = _ => 1,
        };
        interval.Number(0, (int)Longest);
        var once = new Option<bool>("--once") { Description = "Show one table, of the first interval, and end." };
        var json = new Option<bool>("--json") { Description = "Print JSON, an object per line." };
        var command = new Command("top", "Show live what the subchannels of a mounted ccwfs do.") { interval, once, json, mount };
        command.SetAction(result =>
        {
            double seconds = result.GetValue(interval);
            if (seconds < Shortest)
            {
                throw new CommandException(
                    string.Create(CultureInfo.InvariantCulture, $"--interval {seconds}: say a number from {Shortest} to {Longest}"),
                        CommandException.WrongUsage);
            }
            bool isScreen = !Console.IsOutputRedirected && !result.GetValue(once) && !result.GetValue(json)
                && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
            using Stream output = PlainOutput.OfStandardOutput();
            using var ended = new ManualResetEventSlim();
            PosixSignal[] ends = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
            PosixSignalRegistration[] signals = Array.ConvertAll(ends, signal => PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true; // the terminal is put in order first
                ended.Set();
            }));
            Action<TopTable> show = result.GetValue(json) ? table => WriteJson(table, output)
                : isScreen ? table => WriteScreen(table, output) : table => WriteLines(table, output);
            try
            {
                if (isScreen)
                    BeginScreen(output, ended);
                Look(result.GetValue(mount) ?? Places.MountPoint, TimeSpan.FromSeconds(seconds), result.GetValue(once), ended, show);
            }
            finally
            {
                if (isScreen)
                    Write(output, OrdinaryScreen);
                Array.ForEach(signals, signal => signal.Dispose());
            }
        });
        return command;
    }

    /// <summary>Until it is to end, or who reads the table has gone.</summary>
    private static void Look(string mountPoint, TimeSpan interval, bool once, ManualResetEventSlim ended, Action<TopTable> show)
    {
        long start = Stopwatch.GetTimestamp();
        MetricsSample before = MetricsSample.Read(mountPoint, Stopwatch.GetElapsedTime(start));
        while (!ended.Wait(interval))
        {
            MetricsSample now = MetricsSample.Read(mountPoint, Stopwatch.GetElapsedTime(start));
            try
            {
                show(new TopTable(mountPoint, before, now));
            }
            catch (ReaderGoneException)
            {
                return;
            }
            before = now;
            if (once)
                return;
        }
    }

    private static void BeginScreen(Stream output, ManualResetEventSlim ended)
    {
        Write(output, AlternateScreen);
        if (Console.IsInputRedirected)
            return;
        new Thread(() =>
        {
            while (char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar) != 'q')
            {
            }
            ended.Set();
        })
        { IsBackground = true, Name = "keys" }.Start();
    }

    private static void WriteScreen(TopTable table, Stream output)
    {
        var screen = new StringBuilder(Home);
        IReadOnlyList<string> lines = table.Screen(DateTime.Now, Math.Max(1, Console.WindowHeight), Math.Max(1, Console.WindowWidth));
        for (int i = 0; i < lines.Count; i++)
            screen.Append(i > 0 ? "\n" : "").Append(lines[i]).Append(RestOfLine);
        Write(output, screen.Append(RestOfScreen).ToString());
    }

    private static void WriteLines(TopTable table, Stream output) => Write(output, string.Join('\n', table.Lines(DateTime.Now)) + "\n");

    private static void WriteJson(TopTable table, Stream output)
    {
        using (var json = new Utf8JsonWriter(output))
            table.Write(json, DateTimeOffset.UtcNow);
        Write(output, "\n");
    }

    private static void Write(Stream output, string text)
    {
        output.Write(Encoding.UTF8.GetBytes(text));
        output.Flush();
    }
}
