using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Text;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Tests.Images;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Eckd;

/// <summary>
/// Programs in words, how each ends, and what is on tracks then: the files of Programs, which say their form. A new finding is a new case there. The
/// programs run as those of any client: translated, by the channel, on an image.
/// </summary>
public sealed class ProgramCaseTests(ProgramCaseTests.Volume volume) : IClassFixture<ProgramCaseTests.Volume>
{
    private const string Directory = "Eckd/Programs";

    private static readonly Dictionary<string, string> _senses = new()
    {
        ["NRF"] = "00 08 00", ["FP"] = "00 04 00", ["EOC"] = "00 20 00", ["ITF"] = "00 40 00", ["INHIBITED"] = "80 02 00",
            ["INCOMPLETE"] = "81 00 00",
        ["CR 1"] = "80 00 01", ["CR 2"] = "80 00 02", ["CR 3"] = "80 00 03", ["CR 4"] = "80 00 04",
    };

    /// <summary>An image that each case copies.</summary>
    public sealed class Volume : IDisposable
    {
        public Volume() => Files.Create("made.ckd", 20, VolumeFormat.Cdl, "TEST01");

        internal ImageDirectory Files { get; } = new();

        public void Dispose() => Files.Dispose();
    }

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string file in System.IO.Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, Directory), "*.txt")
            .Order(StringComparer.Ordinal))
        {
            foreach (string line in File.ReadLines(file).Where(l => l.StartsWith("== ", StringComparison.Ordinal)))
                cases.Add(Path.GetFileName(file), line[3..]);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Case(string file, string name)
    {
        string path = volume.Files["case.ckd"];
        File.Copy(volume.Files["made.ckd"], path, overwrite: true);
        using Rig.Opened opened = Rig.Open(path);
        using var machine = new Machine(opened.Device);
        var program = new List<string>();
        string read = "";
        foreach (string line in Lines(file, name))
        {
            if (line.StartsWith("-> ", StringComparison.Ordinal))
            {
                read = Run(machine, program, line[3..]);
                program.Clear();
            }
            else if (line.StartsWith("read: ", StringComparison.Ordinal))
            {
                Assert.Equal(line[6..].Replace(" ", "", StringComparison.Ordinal), read);
            }
            else if (line.StartsWith("track ", StringComparison.Ordinal))
            {
                CheckTrack(machine, line);
            }
            else
            {
                program.Add(line);
            }
        }
        Assert.Empty(program);
    }

    private static IEnumerable<string> Lines(string file, string name) =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, Directory, file))
            .SkipWhile(l => l != $"== {name}").Skip(1).TakeWhile(l => !l.StartsWith("== ", StringComparison.Ordinal))
                .Where(l => l.Length > 0 && l[0] != '#');

    private static string Run(Machine machine, List<string> lines, string ending)
    {
        (Irb irb, AssembledProgram program) = Run(machine, lines);
        string[] words = ending.Split(" at ");
        int last =
            Assert.IsType<int>(program.Steps.Select((s, i) => (s.CcwAddress, Number: i + 1))
            .FirstOrDefault(s => s.CcwAddress + Ccw.Size == irb.Scsw.CcwAddress).Number);
        string got = Ending(irb);
        Assert.Equal((words[0], words.Length > 1 ? int.Parse(words[1], CultureInfo.InvariantCulture) : last), (got, last));
        var read = new System.Text.StringBuilder();
        foreach (ProgramStep step in program.Steps.Take(last).Where(s => s.Direction == CommandDirection.Input))
        {
            int left = step == program.Steps[last - 1] ? irb.Scsw.Residual : 0;
            read.Append(Convert.ToHexString(machine.Memory, (int)step.DataAddress, step.Count - left));
        }
        return read.ToString();
    }

    private static (Irb Irb, AssembledProgram Program) Run(Machine machine, List<string> lines)
    {
        Assert.True(ProgramText.TryAssemble(lines, null, Families.Eckd, out AssembledProgram program, out string error), error);
        program.Storage.CopyTo(machine.Memory.AsSpan());
        return (machine.Run(program.ProgramAddress, program.OrbControl), program);
    }

    private static string Ending(Irb irb)
    {
        Assert.Equal((SubchannelStatus)0, irb.Scsw.Subchannel & ~SubchannelStatus.IncorrectLength);
        if ((irb.Scsw.Device & DeviceStatus.UnitCheck) == 0)
            return (irb.Scsw.Device & DeviceStatus.UnitException) != 0 ? "UX" : irb.Scsw.Subchannel == 0 ? "well" : "incorrect length";
        ReadOnlySpan<byte> sense = ((ReadOnlySpan<byte>)irb)[Irb.EcwOffset..];
        string bytes = $"{sense[0]:X2} {sense[1]:X2} {sense[7]:X2}";
        return (_senses.FirstOrDefault(s => s.Value == bytes).Key ?? bytes) + (irb.Scsw.Subchannel == 0 ? "" : ", incorrect length");
    }

    private static void CheckTrack(Machine machine, string line)
    {
        string[] words = line.Split(' ');
        string place = words[1].TrimEnd(':');
        string expected = string.Join(' ', words[2..]);
        if (expected == "as made")
            expected = string.Join(' ', Enumerable.Range(1, 12).Select(r => $"{r}:0:4096").Prepend("0:0:8"));
        (Irb irb, AssembledProgram program) = Run(
            machine,
                [$"DEFINE_EXTENT mask=read begin={place} end={place}", $"LOCATE_RECORD op=read-tracks orient=home seek={place} count=1",
                "READ_TRACK sli count=57326"]);
        Assert.Equal("well", Ending(irb));
        var got = new List<string>();
        for (int at = (int)program.Steps[2].DataAddress; machine.Memory.AsSpan(at, 8).IndexOfAnyExcept((byte)0xFF) >= 0;)
        {
            byte[] count = machine.Memory[at..(at + 8)];
            int length = (count[6] << 8) | count[7];
            got.Add($"{count[4]}:{count[5]}:{length}");
            at += 8 + count[5] + length;
        }
        Assert.Equal(expected, string.Join(' ', got));
    }
}
