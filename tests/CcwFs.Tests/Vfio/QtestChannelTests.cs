using System.Globalization;
using System.Text;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Vfio;

/// <summary>The channel by which QEMU drops translations, with the other end of a real socket in the place of QEMU's main loop.</summary>
public sealed class QtestChannelTests : IDisposable
{
    private const int Memory = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly FileDescriptor _ours, _theirs, _qemus;
    private readonly QtestChannel _channel;
    private readonly byte[] _memory = new byte[Memory];
    private readonly List<string> _commands = [];
    private readonly User _user = new();

    public QtestChannelTests()
    {
        Assert.Equal(0, Descriptors.SocketPair(out _ours, out _theirs));
        Assert.Equal(0, _theirs.Duplicate(out _qemus));
        _channel = new QtestChannel(_ours, _theirs);
        _memory.AsSpan().Fill(0xEE);
    }

    public void Dispose()
    {
        _channel.Dispose();
        _qemus.Dispose();
    }

    [Fact]
    public void Ranges_are_set_to_zeros_to_the_byte_however_many_they_are()
    {
        CodeRange[] ranges = [.. Enumerable.Range(0, 1000).Select(i => new CodeRange((ulong)(i * 1000) + 1, 500 - (i % 3)))];
        using (Qemu())
            Assert.True(_channel.Drop(ranges, _user));
        foreach (CodeRange range in ranges)
        {
            Span<byte> bytes = _memory.AsSpan((int)range.Address - 1, range.Length + 2);
            Assert.Equal((0xEE, 0xEE), (bytes[0], bytes[^1]));
            Assert.False(bytes[1..^1].ContainsAnyExcept((byte)0));
        }
        Assert.Equal(1000, _commands.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(599)]
    [InlineData(600)]
    [InlineData(601)]
    [InlineData(4096)]
    public void Bytes_are_written_as_they_are(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        using (Qemu())
            Assert.True(_channel.Write(0x1234, bytes, _user));
        Assert.Equal(bytes, _memory[0x1234..(0x1234 + length)]);
        Assert.Equal((0xEE, 0xEE), (_memory[0x1233], _memory[0x1234 + length]));
    }

    /// <summary>QEMU reads this much at once; what it has read it carries out, so that a line in two pieces could be taken back in part.</summary>
    [Fact]
    public void No_line_lies_in_two_of_the_pieces_that_qemu_reads()
    {
        using (Qemu())
        {
            Assert.True(_channel.Drop([.. Enumerable.Range(0, 100).Select(i => new CodeRange((ulong)i * 4096, 4096))], _user));
            Assert.True(_channel.Write(0, new byte[5000], _user));
            Assert.True(_channel.Drop([new CodeRange(ulong.MaxValue - 4095, int.MaxValue)], _user)); // the longest numbers
        }
    }

    [Fact]
    public void What_qemu_has_not_read_is_taken_back_when_nobody_wants_it_any_more()
    {
        _user.IsOver = true;
        Assert.False(_channel.Drop([new CodeRange(0, 4096), new CodeRange(8192, 4096)], _user));
        _user.IsOver = false;
        using (Qemu())
            Assert.True(_channel.Drop([new CodeRange(16384, 4096)], _user));
        Assert.Equal(0xEE, _memory[0]);
        Assert.Equal(0xEE, _memory[8192]);
        Assert.Equal(0, _memory[16384]);
        Assert.Single(_commands);
    }

    [Fact]
    public async Task What_qemu_has_read_is_waited_for_by_the_next_one()
    {
        Task<bool> first = Task.Run(() => _channel.Drop([new CodeRange(0, 1)], _user));
        byte[] line = Read();
        _user.IsOver = true;
        Assert.False(await first.WaitAsync(s_patience));
        _user.IsOver = false;
        Task<bool> second = Task.Run(() => _channel.Drop([new CodeRange(4096, 1)], _user));
        Assert.Equal(0, Descriptors.Poll(_qemus, Descriptors.PollIn, 100)); // it waits for the first answer
        Execute(line);
        using (Qemu())
            Assert.True(await second.WaitAsync(s_patience));
        Assert.Equal(2, _commands.Count);
    }

    [Theory]
    [InlineData("FAIL Unknown command\n")]
    [InlineData("OK\nOK\n")] // more answers than questions
    [InlineData("ok\n")]
    public async Task Nonsense_ends_it_for_good(string answer)
    {
        Task<bool> asked = Task.Run(() => _channel.Drop([new CodeRange(0, 1)], _user));
        Read();
        Sockets.Send(_qemus, Encoding.ASCII.GetBytes(answer));
        Assert.False(await asked.WaitAsync(s_patience));
        Assert.False(_channel.Drop([new CodeRange(0, 1)], _user));
        Assert.False(_channel.Write(0, [1], _user));
    }

    [Fact]
    public async Task One_that_waits_for_another_can_be_told_to_stop()
    {
        Task<bool> first = Task.Run(() => _channel.Drop([new CodeRange(0, 1)], _user));
        byte[] line = Read();
        User other = new() { IsOver = true };
        Assert.False(await Task.Run(() => _channel.Drop([new CodeRange(0, 1)], other)).WaitAsync(s_patience));
        Assert.False(first.IsCompleted);
        Execute(line);
        Assert.True(await first.WaitAsync(s_patience));
    }

    /// <summary>QEMU's main loop, on a thread of its own until it is disposed.</summary>
    private Loop Qemu() => new(this);

    private byte[] Read()
    {
        byte[] bytes = new byte[QtestChannel.Piece];
        Assert.Equal(Descriptors.PollIn, Descriptors.Poll(_qemus, Descriptors.PollIn, (int)s_patience.TotalMilliseconds));
        return bytes[..Sockets.Receive(_qemus, bytes)];
    }

    private void Execute(byte[] lines)
    {
        string text = Encoding.ASCII.GetString(lines);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            string[] words = line.Split(' ');
            ulong address = Number(words[1]);
            int length = (int)Number(words[2]);
            if (address < Memory)
            {
                Span<byte> bytes = _memory.AsSpan((int)address, length);
                if (words[0] == "memset")
                    bytes.Fill((byte)Number(words[3]));
                else
                    Convert.FromBase64String(words[3]).CopyTo(bytes);
            }
            _commands.Add(line);
            Sockets.Send(_qemus, "OK\n"u8);
        }
    }

    private static ulong Number(string word) =>
        ulong.Parse(word.AsSpan(2).TrimStart('0') is { Length: > 0 } digits ? digits : "0", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private sealed class Loop : IDisposable
    {
        private readonly Thread _thread;
        private readonly List<Exception> _failures = [];
        private volatile bool _ended;

        internal Loop(QtestChannelTests test)
        {
            _thread = new Thread(() =>
            {
                try
                {
                    while (!_ended || Descriptors.Poll(test._qemus, Descriptors.PollIn, 0) > 0)
                    {
                        if (Descriptors.Poll(test._qemus, Descriptors.PollIn, 1) > 0)
                            test.Execute(test.Read());
                    }
                }
                catch (Exception failure)
                {
                    _failures.Add(failure);
                }
            });
            _thread.Start();
        }

        public void Dispose()
        {
            _ended = true;
            _thread.Join();
            Assert.Empty(_failures);
        }
    }

    private sealed class User : ICodeUser
    {
        public bool IsOver { get; set; }
    }
}
