namespace CcwFs.Tests.Eckd;

/// <summary>Parameters that are refused: one row a case, the last step is the one that fails.</summary>
public sealed class ParameterTests
{
    /// <summary>Two records of 8 bytes on track 1, and the extent for what follows.</summary>
    private static readonly Step[] _records =
    [
        Step.Extent(0, 0, 1), Step.Locate(0x03, 2, 1, 0), Step.W(0x1D, [.. Step.Count(0, 1, 1, 0, 8), .. new byte[8]]),
        Step.W(0x1D, [.. Step.Count(0, 1, 2, 0, 8), .. new byte[8]]),
    ];

    private static readonly Dictionary<string, (Step[] Steps, byte Sense0, byte Sense1, byte Sense7)> _cases = new()
    {
        ["seek to a bin"] = ([Step.W(0x07, 0, 1, 0, 0, 0, 0)], 0x80, 0, 0x04),
        ["seek behind the last cylinder"] = ([Step.Seek(10, 0)], 0x80, 0, 0x04),
        ["seek to head 15"] = ([Step.Seek(0, 15)], 0x80, 0, 0x04),
        ["seek with five bytes"] = ([Step.Sized(0x07, 5)], 0x80, 0, 0x03),
        ["seek outside the extent"] = ([Step.Extent(0, 15, 29), Step.Seek(0, 14)], 0, 0x04, 0),
        ["seek head outside the extent"] = ([Step.Extent(0, 0, 3), Step.Seek(0, 1), Step.W(0x1B, 0, 0, 0, 0, 0, 4)], 0, 0x04, 0),
        ["recalibrate outside the extent"] = ([Step.Extent(0, 15, 29), Step.W(0x13)], 0, 0x04, 0),
        ["file mask with a reserved bit"] = ([Step.W(0x1F, 0x20)], 0x80, 0, 0x04),
        ["file mask without a byte"] = ([Step.W(0x1F)], 0x80, 0, 0x03),
        ["sector 224"] = ([Step.Seek(0, 0), Step.W(0x23, 224)], 0x80, 0, 0x04),
        ["extent in count-key-data mode"] = ([Step.Extent(0, 0, 1, 0x00)], 0x80, 0, 0x04),
        ["extent with a reserved mask bit"] = ([Step.Extent(0x20, 0, 1)], 0x80, 0, 0x04),
        ["extent that ends before it begins"] = ([Step.Extent(0, 2, 1)], 0x80, 0, 0x04),
        ["extent behind the volume"] = ([Step.Extent(0, 0, 150)], 0x80, 0, 0x04),
        ["extent of 15 bytes"] = ([Step.Sized(0x63, 15)], 0x80, 0, 0x03),
        ["second extent"] = ([Step.Extent(0, 0, 1), Step.Extent(0, 0, 1)], 0x80, 0, 0x02),
        ["locate of 15 bytes"] = ([Step.Extent(0, 0, 1), Step.Sized(0x47, 15)], 0x80, 0, 0x03),
        ["locate an unknown operation"] = ([Step.Extent(0, 0, 1), Step.Locate(0x02, 1, 0, 0)], 0x80, 0, 0x04),
        ["locate an operation of the extended form"] = ([Step.Extent(0, 0, 1), Step.Locate(0x3F, 1, 0, 0)], 0x80, 0, 0x04),
        ["locate with count 0"] = ([Step.Extent(0, 0, 1), Step.Locate(0x06, 0, 0, 0)], 0x80, 0, 0x04),
        ["locate orient with count 1"] = ([Step.Extent(0, 0, 1), Step.Locate(0x00, 1, 0, 0)], 0x80, 0, 0x04),
        ["locate update from home address"] = ([Step.Extent(0, 0, 1), Step.Locate(0x41, 1, 0, 0)], 0x80, 0, 0x04),
        ["locate format from data"] = ([Step.Extent(0, 0, 1), Step.Locate(0x83, 1, 0, 0)], 0x80, 0, 0x04),
        ["locate read from index"] = ([Step.Extent(0, 0, 1), Step.Locate(0xC6, 1, 0, 0)], 0x80, 0, 0x04),
        ["locate with reserved auxiliary bits"] = ([Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 0, 0, 0, 0xFF, 0x02)], 0x80, 0, 0x04),
        ["locate with length valid and none"] = ([Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 0, 0, 0, 0xFF, 0x80)], 0x80, 0, 0x04),
        ["locate with a read count suffix and one command"] = ([Step.Extent(0, 0, 1), Step.Locate(0x01, 1, 0, 0, 0, 0xFF, 0x01)], 0x80, 0, 0x04),
        ["locate sector 224"] = ([Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 0, 0, 0, 224)], 0x80, 0, 0x04),
        ["locate longer than a block"] = ([Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 0, 0, 57335)], 0x80, 0, 0x04),
        ["locate outside the extent"] = ([Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 2, 0)], 0, 0x04, 0),
        ["locate behind the volume"] = ([Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 150, 0)], 0x80, 0, 0x04),
        ["locate a record that is not there"] = ([Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 0, 5)], 0, 0x08, 0),
        ["locate without an extent"] = ([Step.Seek(0, 0), Step.Locate(0x06, 1, 0, 0)], 0x80, 0, 0x02),
        ["update domain of two with one command"] = ([.. _records, Step.Locate(0x01, 2, 1, 1, 8), Step.Sized(0x85, 8)], 0x81, 0, 0),
        ["update domain of two with one command and a short length"] =
            ([.. _records, Step.Locate(0x01, 2, 1, 1, 8), Step.Sized(0x85, 3).WithSli()], 0x81, 0, 0),
        ["update domain without a command"] = ([.. _records, Step.Locate(0x01, 1, 1, 1, 8)], 0x81, 0, 0),
        ["format domain without a command"] = ([Step.Extent(0, 0, 1), Step.Locate(0x03, 1, 1, 0)], 0x81, 0, 0),
        ["read outside an exhausted domain's extent"] = (
            [Step.Extent(0, 0, 1), Step.Locate(0x46, 1, 0, 0), Step.R(0x16, 16), Step.Seek(0, 2)], 0, 0x04, 0),
        ["next track outside the extent"] = (
            [Step.Extent(0, 0, 1), Step.Locate(0x03, 2, 1, 0), Step.W(0x1D, Step.Count(0, 1, 1, 0, 0)), Step.W(0x9D, Step.Count(0, 2, 1, 0, 0))],
            0, 0x04, 0),
        ["format that looks like an end mark"] = ([Step.Extent(0, 0, 1), Step.Locate(0x03, 1, 1, 0), Step.Sized(0x1D, 8, 0xFF)], 0x80, 0, 0x04),
        ["erase of more than a track"] =
            ([Step.Extent(0, 0, 1), Step.Locate(0x0B, 2, 1, 0), Step.Sized(0x05, 8), Step.W(0x11, Step.Count(0, 1, 1, 0, 65535))], 0, 0x40, 0),
        ["order without a byte"] = ([Step.W(0x27)], 0x80, 0, 0x03),
        ["order 18 with eleven bytes"] = ([Step.Sized(0x27, 11, 0x18)], 0x80, 0, 0x03),
        ["unknown order"] = ([Step.Sized(0x27, 12, 0x99)], 0x80, 0, 0x04),
        ["path group id of eleven bytes"] = ([Step.Sized(0xAF, 11, 1)], 0x80, 0, 0x03),
        ["path group id of zeros"] = ([Step.W(0xAF, [0x80, .. new byte[11]])], 0x80, 0, 0x04),
        ["path group with a reserved function"] = ([Step.W(0xAF, [0xE0, .. new byte[10], 1])], 0x80, 0, 0x04),
        ["path group with reserved bits"] = ([Step.W(0xAF, [0x81, .. new byte[10], 1])], 0x80, 0, 0x04),
    };

    public static TheoryData<string> Names() => [.. _cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Refused(string name)
    {
        using var rig = new Rig();
        (Step[] steps, byte sense0, byte sense1, byte sense7) = _cases[name];
        rig.Device.Run(steps).Fails(sense0, sense1, sense7, steps.Length - 1);
    }

    [Fact]
    public void A_domain_of_writes_that_a_length_error_cut_short_is_incomplete_and_one_of_reads_is_not()
    {
        using var rig = new Rig();
        Outcome written = rig.Device.Run([.. _records, Step.Locate(0x01, 2, 1, 1, 8), Step.Sized(0x85, 4), Step.Sized(0x85, 8)]);
        Assert.True(written.IncorrectLength);
        written.Fails(0x81, 0, 0, 5);
        Outcome read = rig.Device.Run(Step.Extent(0, 0, 1), Step.Locate(0x46, 2, 0, 0), Step.R(0x16, 4), Step.R(0x16, 16));
        Assert.True(read.IncorrectLength);
        Assert.Equal(Outcome.Good, read.Status);
        rig.Device.Run(Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 0, 0)).Ok();
        rig.Device.Run(Step.Extent(0, 0, 1), Step.Locate(0x46, 2, 0, 0), Step.R(0x16, 16)).Ok();
    }
}
