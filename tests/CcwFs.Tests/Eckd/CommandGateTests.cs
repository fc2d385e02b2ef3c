using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>All 256 codes in each situation: which are refused, and how.</summary>
public sealed class CommandGateTests
{
    /// <summary>What may stand after a seek, outside a domain, whatever came before.</summary>
    private const string Always =
        "E4 03 04 FA 64 27 07 0B 1B 13 23 22 31 B1 51 D1 71 F1 29 A9 49 C9 69 E9 39 B9 06 86 0E 8E 12 92 1E 9E 1A 9A 16 96 5E";

    /// <summary>And what needs that no extent, mask or IPL came before.</summary>
    private const string Anywhere = Always + " 94 1F 63 E7 02 54";

    private static readonly byte[] _known =
    [
        0xE4, 0x03, 0x04, 0xFA, 0x64, 0x27, 0x3E, 0x34, 0xAF, 0xB4, 0x94, 0x14, 0x07, 0x0B, 0x1B, 0x13, 0x1F, 0x23, 0x22, 0x63, 0x47,
        0x31, 0xB1, 0x51, 0xD1, 0x71, 0xF1, 0x29, 0xA9, 0x49, 0xC9, 0x69, 0xE9, 0x39, 0xB9, 0x02, 0x06, 0x86, 0x0E, 0x8E, 0x12, 0x92,
        0x1E, 0x9E, 0x1A, 0x9A, 0x16, 0x96, 0x05, 0x0D, 0x85, 0x8D, 0x1D, 0x9D, 0x15, 0x19, 0x11,
    ];

    private static readonly byte[] _knownToLinux = [.. _known, 0x54, 0xE7, 0x4B, 0xA6, 0xA5, 0xDE, 0x95];

    private static readonly byte[] _knownToAll = [.. _knownToLinux, 0x5E];

    public static TheoryData<byte> Codes() => [.. Enumerable.Range(0, 256).Select(i => (byte)i)];

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_code_without_a_row_in_the_profile_is_an_invalid_command(byte code)
    {
        Check(EckdProfile.Minimal, _known);
        Check(EckdProfile.Linux, _knownToLinux);
        Check(EckdProfile.Full, _knownToAll);

        void Check(EckdProfile profile, byte[] known)
        {
            using var rig = new Rig(profile: profile);
            Outcome outcome = rig.Device.Run(Any(code));
            if (known.Contains(code))
                Assert.NotEqual((0x80, 0x01), (outcome.Sense.ElementAtOrDefault(0), outcome.Sense.ElementAtOrDefault(7)));
            else
                outcome.Fails(0x80, 0, 0x01);
        }
    }

    [Theory]
    [InlineData("first in the chain", "E4 03 04 FA 64 27 34 AF B4 94 14 07 0B 13 1F 22 63 E7 02 54")]
    [InlineData("after seek", Anywhere)]
    [InlineData("after define extent", "E4 03 04 FA 64 27 07 0B 13 22 47 4B")]
    [InlineData("after set file mask", "E4 03 04 FA 64 27 07 0B 13 22")]
    [InlineData("after read ipl", Always + " 47 4B")]
    [InlineData("after prepare", "3E")]
    [InlineData("read domain", "06 86 0E 8E 12 92 1E 9E 1A 9A")]
    [InlineData("read domain from home address", "06 86 0E 8E 12 92 1E 9E 1A 9A 16 96")]
    [InlineData("ckd read domain", "86 8E 92 9E")]
    [InlineData("ckd read domain from home address", "86 8E 92 9E 16 96")]
    [InlineData("ckd read domain from index", "86 8E 92 9E 1A 9A 16 96")]
    [InlineData("ckd read suffix", "92")]
    [InlineData("update domain", "85 8D")]
    [InlineData("update domain after data", "85")]
    [InlineData("update domain after key and data", "8D")]
    [InlineData("only one of update domain", "85 8D 05 0D")]
    [InlineData("only one of update domain from data", "85 8D")]
    [InlineData("last but one before read count", "85 8D 05 0D")]
    [InlineData("read count suffix", "92")]
    [InlineData("format domain", "1D")]
    [InlineData("format domain after a record", "1D 9D")]
    [InlineData("format domain from home address", "15 19")]
    [InlineData("format domain from index", "15 19")]
    [InlineData("format domain after home address", "15")]
    [InlineData("format domain after record zero", "1D")]
    [InlineData("track domain", "05")]
    [InlineData("track domain after record zero", "1D")]
    [InlineData("track domain at its end", "1D 11")]
    [InlineData("read tracks domain", "A6 DE")]
    [InlineData("read tracks domain after a track", "DE")]
    [InlineData("read tracks domain after data", "A6")]
    [InlineData("read any domain", "86 92 9E")]
    [InlineData("read any suffix after count", "86 92")]
    [InlineData("read any suffix after data", "92")]
    [InlineData("write any domain", "85")]
    [InlineData("write any suffix", "92")]
    [InlineData("read track set domain", "DE")]
    [InlineData("write track data domain", "A5")]
    [InlineData("write full track domain", "95")]
    [InlineData("after equal search id", Anywhere + " 05 0D 1D 11")]
    [InlineData("after equal search key", Anywhere + " 05 1D 11")]
    [InlineData("after search id and read", Anywhere + " 1D 11")]
    [InlineData("after equal search home address", Always + " 15 19")]
    [InlineData("after write home address", Always + " 15")]
    public void Only_these_commands_may_stand(string place, string allowed)
    {
        byte[] codes = [.. allowed.Split(' ').Select(c => Convert.ToByte(c, 16))];
        foreach (byte code in _knownToAll)
        {
            using Rig rig = new Rig(profile: EckdProfile.Full).Formatted(0, 1, 24).Formatted(1, 4, 64, 4);
            Step[] before = Before(place);
            Outcome outcome = rig.Device.Run([.. before, Any(code)]);
            bool refused = outcome.Last == before.Length && (outcome.Status & DeviceStatus.UnitCheck) != 0
                && outcome.Sense[0] == 0x80 && outcome.Sense[1] == 0 && outcome.Sense[7] == 0x02;
            string got = $"{outcome.Status} at {outcome.Last} of {before.Length} {Convert.ToHexString(outcome.Sense)}";
            Assert.True(codes.Contains(code) == !refused, $"{place}: {code:X2} {got}");
        }
    }

    [Fact]
    public void Every_write_to_a_read_only_volume_is_inhibited()
    {
        using var rig = new Rig(readOnly: true);
        foreach (byte operation in (byte[])[0x01, 0x03, 0x0B])
            rig.Device.Run(Step.Extent(0, 0, 1), Step.Locate(operation, 1, 0, 0, 8)).Fails(0x80, 0x02, 0, 1);
        rig.Device.Run(Step.Seek(0, 0), Step.SearchId(0, 0, 0), Step.Nop, Step.W(0x1D, Step.Count(0, 0, 1, 0, 0))).Fails(0x80, 0x02, 0, 3);
        rig.Device.Run(Step.Extent(0, 0, 1), Step.Locate(0x06, 1, 0, 0), Step.R(0x06, 8)).Ok();
    }

    [Fact]
    public void A_device_may_be_read_only_on_a_volume_that_is_not()
    {
        using Rig rig = new Rig().Formatted(0, 1, 64);
        using EckdDevice reader = rig.Add(0x0151, readOnly: true);
        Step[] update = [Step.Extent(0x80, 0, 0), Step.Locate(0x01, 1, 0, 1, 64), Step.Sized(0x85, 64)];
        reader.Run(update).Fails(0x80, 0x02, 0, 1);
        rig.Device.Run(update).Ok();
    }

    [Theory]
    [InlineData(0x00, true, true, false)]
    [InlineData(0x40, false, false, false)]
    [InlineData(0x80, true, false, false)]
    [InlineData(0xC0, true, true, true)]
    public void The_file_mask_says_what_may_be_written(byte mask, bool update, bool format, bool recordZero)
    {
        using Rig rig = new Rig().Formatted(1, 2, 64);
        Check(update, update, 0x01, 1, Step.Sized(0x85, 64));
        Check(format, format, 0x03, 0, Step.W(0x1D, Step.Count(0, 1, 1, 0, 0)));
        Check(format, format, 0x0B, 0, Step.Sized(0x05, 8));
        Check(recordZero, format, 0x43, 0, Step.W(0x15, [.. Step.Count(0, 1, 0, 0, 8), .. new byte[8]]));
        Check(recordZero, format, 0xC3, 0, Step.W(0x19, 0, 0, 0, 0, 1));

        // What the mask forbids to the whole operation is refused with LOCATE RECORD (SA22-1025, pages 58 and 77).
        void Check(bool allowed, bool located, byte operation, int record, Step write)
        {
            Outcome outcome = rig.Device.Run(Step.Extent(mask, 1, 1), Step.Locate(operation, 1, 1, record, 64), write);
            if (allowed)
                outcome.Ok();
            else
                outcome.Fails(0x80, 0, 0x02, located ? 2 : 1);
        }
    }

    [Theory]
    [InlineData(0x00, true, true, true)]
    [InlineData(0x08, false, true, true)]
    [InlineData(0x10, false, false, true)]
    [InlineData(0x18, false, false, false)]
    public void The_file_mask_says_which_seeks_are_allowed(byte mask, bool seek, bool cylinder, bool head)
    {
        using Rig rig = new Rig().Formatted(0, 1, 8).Formatted(1, 1, 8);
        byte[] address = [0, 0, 0, 0, 0, 1];
        Check(seek, Step.W(0x07, address));
        Check(seek, Step.W(0x13));
        Check(cylinder, Step.W(0x0B, address));
        Check(head, Step.W(0x1B, address));
        Check(head, Step.R(0x9A, 5));

        void Check(bool allowed, Step step)
        {
            Outcome outcome = rig.Device.Run(Step.Seek(0, 0), Step.W(0x1F, mask), step);
            if (allowed)
                outcome.Ok();
            else
                outcome.Fails(0, 0x04, 0, 2);
        }
    }

    private static Step Any(byte code) => code switch
    {
        0x07 or 0x0B or 0x1B => Step.W(code, 0, 0, 0, 0, 0, 1),
        0x27 => Step.W(code, 0x18, 0, 0, 0, 0, 0, 0x41, 0, 0, 0, 0, 0),
        0x1F or 0x23 => Step.W(code, 0),
        0xAF => Step.W(code, 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
        0x63 => Step.Extent(0, 0, 2),
        0x47 => Step.Locate(0x00, 0, 1, 0),
        0x4B => TrackSteps.Extended(0x00, 0, 1, 0),
        0xE7 => TrackSteps.Prefix(0, 0, 2),
        0x1D => Step.W(code, Step.Count(0, 1, 1, 0, 0)),
        0x9D => Step.W(code, Step.Count(0, 2, 1, 0, 0)),
        0x15 => Step.W(code, [.. Step.Count(0, 1, 0, 0, 8), .. new byte[8]]),
        0x11 => Step.W(code, Step.Count(0, 1, 1, 0, 0)),
        0x19 => Step.W(code, 0, 0, 0, 0, 1),
        0x03 or 0x13 => Step.W(code),
        _ when (code & 3) == 2 || (code & 0x0F) == 4 => Step.R(code, 600).WithSli(),
        0x05 or 0x85 => Step.Sized(code, 64),
        0x0D or 0x8D => Step.Sized(code, 68),
        _ => Step.Sized(code, 5),
    };

    private static Step[] Before(string place) => place switch
    {
        "first in the chain" => [],
        "after seek" => [Step.Seek(0, 1)],
        "after define extent" => [Step.Extent(0xC0, 0, 2)],
        "after set file mask" => [Step.W(0x1F, 0xC0)],
        "after read ipl" => [Step.R(0x02, 24)],
        "after prepare" => [Any(0x27)],
        "read domain" => Domain(0x06, 2, 1),
        "read domain from home address" => Domain(0x46, 2, 0),
        "ckd read domain" => Domain(0x16, 2, 1),
        "ckd read domain from home address" => Domain(0x56, 2, 0),
        "ckd read domain from index" => Domain(0xD6, 2, 0),
        "ckd read suffix" => [.. Domain(0x16, 2, 1, 0x01), Step.R(0x9E, 600).WithSli()],
        "update domain" => Domain(0x01, 2, 1),
        "update domain after data" => [.. Domain(0x01, 2, 1), Step.Sized(0x85, 64)],
        "update domain after key and data" => [.. Domain(0x01, 2, 1), Step.Sized(0x8D, 68)],
        "only one of update domain" => Domain(0x01, 1, 1),
        "only one of update domain from data" => Domain(0x81, 1, 1),
        "last but one before read count" => Domain(0x01, 2, 1, 0x01),
        "read count suffix" => [.. Domain(0x01, 2, 1, 0x01), Step.Sized(0x85, 64)],
        "format domain" => Domain(0x03, 2, 0),
        "format domain after a record" => [.. Domain(0x03, 2, 0), Any(0x1D)],
        "format domain from home address" => Domain(0x43, 2, 0),
        "format domain from index" => Domain(0xC3, 2, 0),
        "format domain after home address" => [.. Domain(0x43, 2, 0), Any(0x19)],
        "format domain after record zero" => [.. Domain(0x43, 2, 0), Any(0x15)],
        "track domain" => Domain(0x0B, 2, 0),
        "track domain after record zero" => [.. Domain(0x0B, 3, 0), Step.Sized(0x05, 8)],
        "track domain at its end" => [.. Domain(0x0B, 2, 0), Step.Sized(0x05, 8)],
        "read tracks domain" => [Step.Extent(0xC0, 0, 2), TrackSteps.Extended(0x0C, 2, 1, 1)],
        "read tracks domain after a track" => [.. Before("read tracks domain"), Any(0xDE)],
        "read tracks domain after data" => [.. Before("read tracks domain"), Any(0xA6)],
        "read any domain" => [Step.Extent(0xC0, 0, 2), TrackSteps.OfAnyRecord(0x0A, 2, 1)],
        "read any suffix after count" => [Step.Extent(0xC0, 0, 2), TrackSteps.OfAnyRecord(0x0A, 2, 1, auxiliary: 0x01), Any(0x92)],
        "read any suffix after data" => [.. Before("read any suffix after count"), Any(0x86)],
        "write any domain" => [Step.Extent(0xC0, 0, 2), TrackSteps.OfAnyRecord(0x09, 2, 1)],
        "write any suffix" => [Step.Extent(0xC0, 0, 2), TrackSteps.OfAnyRecord(0x09, 2, 1, auxiliary: 0x01), Step.Sized(0x85, 64)],
        "read track set domain" => [Step.Extent(0xC0, 0, 2), TrackSteps.Extended(0x7F, 2, 1, 0, extended: 0x0E, set: 0xC000)],
        "write track data domain" => [Step.Extent(0xC0, 0, 2), TrackSteps.Extended(0x3F, 2, 1, 1, 64, 0x23)],
        "write full track domain" => [Step.Extent(0xC0, 0, 2), TrackSteps.Extended(0x3F, 2, 1, 0, extended: 0x11, set: 0xC000)],
        "after equal search id" => [Step.Seek(0, 1), Step.SearchId(0, 1, 0), Step.Nop, Step.SearchId(0, 1, 1), Step.Nop],
        "after equal search key" => [Step.Seek(0, 1), Step.W(0x29, 1, 1, 1, 1), Step.Nop],
        "after search id and read" =>
            [Step.Seek(0, 1), Step.SearchId(0, 1, 0), Step.Nop, Step.SearchId(0, 1, 1), Step.Nop, Step.R(0x06, 64)],
        "after equal search home address" => [Step.Seek(0, 1), Step.W(0x1F, 0xC0), Step.W(0x39, 0, 0, 0, 1), Step.Nop],
        "after write home address" => [.. Before("after equal search home address"), Any(0x19)],
        _ => throw new ArgumentException(place),
    };

    private static Step[] Domain(byte operation, int count, int record, byte auxiliary = 0) =>
        [Step.Extent(0xC0, 0, 2), Step.Locate(operation, count, 1, record, 0, 0xFF, auxiliary)];
}
