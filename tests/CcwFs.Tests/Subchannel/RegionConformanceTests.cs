using System.Text.Json;

namespace CcwFs.Tests.Subchannel;

/// <summary>
/// The cases captured from the kernel's vfio_ccw on the device in this process, through the region files and through the device file, compared in
/// what the driver decides.
/// </summary>
public sealed class RegionConformanceTests
{
    /// <summary>Every comparison that is not made, counted by reason: none is lost in silence.</summary>
    private const string Expected = """
        4 a defect of the kernel that we do not copy
        7 an eventfd of the client is taken away or replaced
        34 memory of a calling process
        4 one byte of a host-endian field on a big-endian host
        8 ours: a positive or out-of-range ret_code is not a write's result
        2 ours: a suspended program stays pending
        15 ours: several unread IRBs are queued
        6 presumes hardware that ends at once
        12 removal while open belongs to the device file's request loop
        271 the VFIO device file: info, irq and map ioctls, raw offsets, reopening
        9 the captured hardware defers condition code 3, ours gives it at once
        37 the captured hardware's own
        """;

    /// <summary>The same through the device file. DeviceIoctlTests, DeviceLifeTests and EventfdTests run what belongs to it alone.</summary>
    private const string ExpectedThroughDevice = """
        4 a defect of the kernel that we do not copy
        2 a part of a field that lies elsewhere in the client's byte order
        7 an eventfd of the client is taken away or replaced
        34 memory of a calling process
        4 one byte of a host-endian field on a big-endian host
        8 ours: a positive or out-of-range ret_code is not a write's result
        2 ours: a suspended program stays pending
        23 ours: several unread IRBs are queued
        6 presumes hardware that ends at once
        12 removal while open belongs to the device file's request loop
        271 the VFIO device file: info, irq and map ioctls, raw offsets, reopening
        9 the captured hardware defers condition code 3, ours gives it at once
        37 the captured hardware's own
        """;

    /// <summary>
    /// On the region files of a second ccwfs, whose real device the device file of the first is: what the captured helper does is done to the first.
    /// The same cases apply but for one address.
    /// </summary>
    private const string ExpectedThroughBackend = """
        4 a defect of the kernel that we do not copy
        7 an eventfd of the client is taken away or replaced
        34 memory of a calling process
        4 one byte of a host-endian field on a big-endian host
        2 ours: a CCW address of the kernel's own is not shown
        8 ours: a positive or out-of-range ret_code is not a write's result
        2 ours: a suspended program stays pending
        15 ours: several unread IRBs are queued
        6 presumes hardware that ends at once
        12 removal while open belongs to the device file's request loop
        271 the VFIO device file: info, irq and map ioctls, raw offsets, reopening
        9 the captured hardware defers condition code 3, ours gives it at once
        37 the captured hardware's own
        """;

    [Theory]
    [InlineData(RegionDoor.Files, false, 254, 49, 119, 2005, Expected)]
    [InlineData(RegionDoor.DeviceFile, false, 250, 53, 119, 1960, ExpectedThroughDevice)]
    [InlineData(RegionDoor.Backend, false, 253, 50, 119, 2003, ExpectedThroughBackend)]
    [InlineData(RegionDoor.Files, true, 254, 49, 119, 2005, Expected)]
    [InlineData(RegionDoor.DeviceFile, true, 250, 53, 119, 1960, ExpectedThroughDevice)]
    [InlineData(RegionDoor.Backend, true, 253, 50, 119, 2003, ExpectedThroughBackend)]
    public void Every_captured_case_is_answered_as_the_kernel_does_where_the_driver_decides(
        RegionDoor door, bool layered, int wholeCases, int partOfCases, int noCases, int comparisons, string expected)
    {
        List<string> differences = [];
        Dictionary<string, int> leftOut = [];
        int cases = 0, whole = 0, partly = 0, none = 0, compared = 0;
        foreach (string line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Vectors", "regions.jsonl")))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            using var run = new RegionCase(document.RootElement, door, layered);
            run.Run();
            cases++;
            compared += run.Compared;
            differences.AddRange(run.Differences);
            _ = run.LeftOut.Count == 0 ? whole++ : run.Compared > 0 ? partly++ : none++;
            foreach (string reason in run.LeftOut)
                leftOut[reason] = leftOut.GetValueOrDefault(reason) + 1;
        }
        string table = string.Join('\n', leftOut.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Value} {r.Key}"));
        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join('\n', differences)}\n{table}");
        Assert.Equal((422, wholeCases, partOfCases, noCases, comparisons), (cases, whole, partly, none, compared));
        Assert.True(table == expected, table);
    }
}
