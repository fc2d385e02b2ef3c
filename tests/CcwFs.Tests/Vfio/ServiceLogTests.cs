using CcwFs.Tests.Eckd;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Vfio;

/// <summary>What clients of the VFIO files can make the log say, they cannot make it say without end.</summary>
public sealed class ServiceLogTests
{
    [Fact]
    public void Requests_that_fail_give_few_lines_and_a_count_of_what_was_left_out()
    {
        const int Requests = 25, Lines = 10;
        var log = new LogLines();
        using (var service = new VfioService(log))
        {
            for (int i = 0; i < Requests; i++)
                service.OpenIommu().Thread.Report(new InvalidOperationException("of a defect"));
            Assert.Equal(Lines, log.Lines.Count);
        }
        Assert.EndsWith($"{Requests - Lines} more lines about requests of clients were left out", log.Lines[^1], StringComparison.Ordinal);
    }
}
