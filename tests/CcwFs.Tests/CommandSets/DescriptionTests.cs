using System.Reflection;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Eckd;
using CcwFs.CommandSets.Text;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Policy;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Policy;

namespace CcwFs.Tests.CommandSets;

/// <summary>The description of a family, and those who work by it.</summary>
public sealed class DescriptionTests
{
    private static readonly byte[] s_block = [.. Enumerable.Repeat((byte)0xAB, 4096)];

    [Fact]
    public void The_emulated_control_unit_has_a_handler_for_each_command_that_is_described_and_for_no_other()
    {
        for (int code = 0; code < 256; code++)
        {
            CommandDescription? row = Families.Eckd.Find((byte)code);
            bool emulated = row is { OnlyReal: false, Direction: not CommandDirection.Transfer }; // transfers are the channel's
            Assert.Equal(emulated ? row!.Name : null, EckdDevice.CommandName((byte)code));
        }
    }

    [Fact]
    public void A_row_agrees_with_the_codes_low_bits_and_with_its_kind()
    {
        foreach (CommandDescription row in Families.All.SelectMany(family => family.Rows))
        {
            Assert.Equal(row.Direction == CommandDirection.Input, CommandCode.MovesToStorage(row.Code));
            Assert.False(CommandCode.IsInvalid(row.Code), row.Name);
            Assert.NotEqual(CommandKind.Unknown, row.Kind);
            if (row.Direction == CommandDirection.Input)
                Assert.Null(row.Layout);
            if (row.Layout is not null && row.DefaultCount > 0 && row.Layout != SubsystemFunctionLayout.Layout)
                Assert.Equal(row.DefaultCount, row.Layout.Size);
        }
    }

    [Fact]
    public void Fields_lie_one_behind_the_other_inside_their_layout()
    {
        HashSet<ParameterLayout> left =
            [.. Families.All.SelectMany(family => family.Rows).Select(row => row.Layout).OfType<ParameterLayout>()];
        foreach (Type type in typeof(ParameterLayout).Assembly.GetTypes())
        {
            ParameterField[] fields = [.. type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => field.GetValue(null)).OfType<ParameterField>().OrderBy(field => field.Offset)];
            ParameterLayout[] layouts = [.. type.GetProperties(BindingFlags.Public | BindingFlags.Static)
                .Where(property => property.PropertyType == typeof(ParameterLayout)).Select(property => (ParameterLayout)property.GetValue(null)!)];
            int end = 0;
            foreach (ParameterField field in fields)
            {
                Assert.InRange(field.Offset, end, layouts.Max(layout => layout.Size) - field.Length);
                Assert.All(layouts, layout => Assert.True(field.Offset >= layout.Size || field.End <= layout.Size, $"{type.Name}: {field}"));
                end = field.End;
            }
            if (fields.Length > 0)
                left.ExceptWith(layouts);
        }
        Assert.Empty(left); // each layout has fields beside it
    }

    [Fact]
    public void Each_layout_has_words_in_program_text()
    {
        foreach (CommandDescription row in Families.All.SelectMany(family => family.Rows).Where(row => row.Layout is not null))
            Assert.NotEmpty(ProgramText.ParameterKeys(row));
    }

    public static TheoryData<string> Writers =>
    [
        "DEFINE_EXTENT begin={0} end={0} mask=update|LOCATE_RECORD op=write seek={0} search={0}/1 length=4096|WRITE_UPDATE_DATA data={1}",
        "DEFINE_EXTENT begin={0} end={0} mask=update|LOCATE_RECORD_EXTENDED op=write seek={0} search={0}/1 length=4096|WRITE_UPDATE_DATA data={1}",
        "PREFIX begin={0} end={0} mask=update op=write seek={0} search={0}/1 length=4096|WRITE_UPDATE_DATA data={1}",
        "PREFIX begin={0} end={0} mask=update|LOCATE_RECORD op=write seek={0} search={0}/1 length=4096|WRITE_UPDATE_DATA data={1}",
        "DEFINE_EXTENT begin={0} end={0} mask=update|SEEK to={0}|s: SEARCH_ID_EQUAL id={0}/1|tic=s|WRITE_DATA data={1}",
        "DEFINE_EXTENT begin={0} end={0} mask=update|SEEK_CYLINDER to={0}|s: SEARCH_ID_EQUAL id={0}/1|tic=s|WRITE_DATA data={1}",
    ];

    /// <summary>Program text writes the layouts' fields, policies read them, and the device goes where they say.</summary>
    [Theory]
    [MemberData(nameof(Writers))]
    public void Program_text_policies_and_the_device_mean_the_same_fields(string text)
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { Extents = PolicyRig.Tracks("1-1") });
        rig.Run(Steps(text, "1/0")).Good();
        Assert.Equal(s_block, rig.Track(15)[..4096]);
        byte[] before = rig.Track(0);
        rig.Run(Steps(text, "0/0")).WriteInhibited();
        Assert.Equal(before, rig.Track(0));
        rig.Machine.Device.SetPolicy(null);
        rig.Run(Steps(text, "0/0")).Good();
        Assert.Equal(s_block, rig.Track(0)[..4096]);
    }

    [Theory]
    [InlineData("eckd", "8002000000000000", "command reject, write inhibited.")]
    [InlineData("fba", "8002000000000000", "command reject, write inhibited.")]
    [InlineData("basic", "8002000000000000", "command reject.")]
    [InlineData("basic", "0012000000000000", "no error bit that is known.")]
    public void Sense_reads_as_the_family_has_it(string family, string start, string words) =>
        Assert.StartsWith(words, Families.Find(family)!.Sense.Explain(Convert.FromHexString(start)), StringComparison.Ordinal);

    private static Step[] Steps(string text, string track)
    {
        string[] lines = [.. text.Split('|').Select(line => string.Format(null, line, track, Convert.ToHexString(s_block)))];
        Assert.True(ProgramText.TryAssemble(lines, null, Families.Eckd, out AssembledProgram program, out string error), error);
        return [.. program.Steps.Select(step => step.Direction == CommandDirection.Transfer
            ? Step.Tic((int)step.Ccw.DataAddress / Ccw.Size)
            : Step.W(step.Ccw.Command, program.Storage.AsSpan((int)step.DataAddress, step.Count).ToArray()))];
    }
}
