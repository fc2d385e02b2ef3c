using System.Text.Json;
using CcwFs.Fuse;
using CcwFs.Linux;
using CcwFs.Metrics;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.FileSystem;

/// <summary>The file metrics: the numbers of the mount as they are when it is opened.</summary>
internal static class MountMetrics
{
    private static readonly (Resource Resource, string Word)[] s_resources =
        [.. Enum.GetValues<Resource>().Select(resource => (resource, JsonNamingPolicy.SnakeCaseLower.ConvertName(resource.ToString())))];

    /// <summary>The text.</summary>
    internal static byte[] Render(TreeServices services) => MetricFamily.Render(new MetricSources(
        OwnProgram.Version,
        services.MountedSeconds,
        [.. services.Table.All.Select(subchannel => subchannel.Metrics)],
        services.Session()?.Counters is { } requests ? [.. FuseOperationTable.All.Select(row => Row(row, requests.Of(row.Code)))] : [],
        [.. s_resources.Select(row => Row(row.Word, services.Vfio.Accounts.Use(row.Resource)))],
        services.Session()?.UsesRings ?? false));

    private static RequestCount Row(FuseOperation operation, (long Requests, long Errors) counted) =>
        new(operation.Name.ToLowerInvariant(), counted.Requests, counted.Errors);

    private static ResourceUse Row(string word, (long Used, long Limit) use) => new(word, use.Used, use.Limit);
}
