using System.Net.Sockets;
using System.Text;
using CcwFs.Control;
using CcwFs.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace CcwFs.Service.Logs;

/// <summary>
/// Where log lines go and which. The lines are standard error's in any case; for the journal they carry priorities, as sd-daemon(3) wants them.
/// </summary>
internal sealed class LogOutput : IDisposable
{
    /// <summary>--log: standard error, for people.</summary>
    internal const string Console = "console";

    /// <summary>--log: the journal.</summary>
    internal const string Journal = "journal";

    /// <summary>The stream of journald; one line, one message (systemd, sd_journal_stream_fd(3)).</summary>
    private const string JournalSocket = "/run/systemd/journal/stdout";

    private const uint SocketMode = 0xC000; // S_IFSOCK

    /// <summary>How long the end waits for lines to be written (arbitrary); a standard error that nobody reads takes none.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private static Socket? s_journal; // open as long as the process: it is standard error

    private readonly CountingWriter _error;
    private volatile LogLevel _level;

    /// <summary>Lines of <paramref name="level"/> and worse, for the journal when <paramref name="log"/> says so.</summary>
    internal LogOutput(string? log, LogLevel level)
    {
        _level = level;
        bool journal = log == Journal || (log is null && IsJournal());
        if (journal && !IsJournal())
            ConnectJournal();
        TextWriter error = System.Console.Error; // not before: it keeps the stream that it begins with
        _error = new CountingWriter(error);
        System.Console.SetError(_error); // whose the console's loggers are when they are made
        Loggers = new VisibleLoggers(LoggerFactory.Create(logging =>
        {
            if (journal)
            {
                logging.AddSystemdConsole();
            }
            else
            {
                logging.AddSimpleConsole(console =>
                {
                    console.SingleLine = true;
                    console.ColorBehavior = LoggerColorBehavior.Disabled;
                    console.TimestampFormat = "HH:mm:ss ";
                });
            }
            logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
                .SetMinimumLevel(LogLevel.Trace)
                .AddFilter(level => level >= _level);
        }));
        System.Console.SetError(error);
    }

    internal VisibleLoggers Loggers { get; }

    /// <summary>A journal listens on this machine.</summary>
    internal static bool HasJournal
    {
        get
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                probe.Connect(new UnixDomainSocketEndPoint(JournalSocket));
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }

    /// <summary>The least level that is logged, from now on.</summary>
    internal void SetLevel(LogLevel level) => _level = level;

    /// <summary>
    /// Waits until all lines are written. A thread of the loggers writes them, for which their own end does not wait long: on a busy machine, or one
    /// whose disk is, the last lines were lost.
    /// </summary>
    public void Dispose()
    {
        Loggers.Dispose();
        SpinWait.SpinUntil(() => _error.Lines >= Loggers.Lines, s_patience);
    }

    /// <summary>The service manager names the socket that it made standard error: device:inode (systemd.exec(5)).</summary>
    private static bool IsJournal()
    {
        using FileDescriptor error = Detaching.Keep(2);
        return Environment.GetEnvironmentVariable("JOURNAL_STREAM")?.Split(':') is [_, { } inode]
            && error.Status(out FileStatus status) >= 0 && status.Type == SocketMode
                && inode == status.Inode.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void ConnectJournal()
    {
        s_journal = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            s_journal.Connect(new UnixDomainSocketEndPoint(JournalSocket));
            // Identifier, unit, priority of a line without one, whether lines have one, and what it forwards to.
            s_journal.Send(Encoding.ASCII.GetBytes("ccwfs\n\n6\n1\n0\n0\n0\n"));
        }
        catch (SocketException error)
        {
            throw new CommandException($"--log journal: {JournalSocket}: {error.Message}; is systemd-journald running? Or use --log console");
        }
        int result = Detaching.ReplaceError(s_journal.SafeHandle);
        if (result < 0)
            throw new CommandException($"--log journal: {Problem.Of(result)}");
    }

    /// <summary>Counts the lines, each of which comes in one piece.</summary>
    private sealed class CountingWriter(TextWriter inner) : TextWriter
    {
        private long _lines; // Interlocked

        internal long Lines => Interlocked.Read(ref _lines);

        public override Encoding Encoding => inner.Encoding;

        public override void Write(char value) => inner.Write(value);

        public override void Write(string? value)
        {
            try
            {
                inner.Write(value);
            }
            finally
            {
                Interlocked.Increment(ref _lines);
            }
        }

        public override void Flush() => inner.Flush();
    }
}
