using System.Text.Json;
using System.Text.Json.Nodes;
using CcwFs.Cli.Translate;

namespace CcwFs.Tests.ChannelProgram;

/// <summary>Every vector captured from the kernel's own translator, compared field by field.</summary>
public sealed class TranslatorVectorTests
{
    private static readonly string[] s_compared = ["init", "prefetch", "orb_out", "pinned_pages", "iova_pinned", "scsw", "scsw_raw"];

    [Theory]
    [InlineData("translator-named.jsonl", 206)]
    [InlineData("translator-random.jsonl", 1000)]
    public void Every_vector_is_answered_as_the_kernel_does(string file, int number)
    {
        List<string> failures = [];
        int run = 0;
        foreach (string line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Vectors", file)))
        {
            using JsonDocument vector = JsonDocument.Parse(line);
            run++;
            if (Compare(vector.RootElement) is { } difference)
                failures.Add($"{vector.RootElement.GetProperty("name").GetString()}: {difference}");
        }
        Assert.Equal(number, run);
        Assert.True(failures.Count == 0, $"{failures.Count} vectors differ:\n{string.Join('\n', failures.Take(10))}");
    }

    private static string? Compare(JsonElement vector)
    {
        JsonObject answer = VectorRunner.Run(vector);
        JsonNode actual = answer["result"]!;
        if (vector.TryGetProperty("kernel", out JsonElement kernel) && kernel.GetString() == "unbounded")
            return actual["init"]!.GetValue<int>() == -22 ? null : $"unbounded, but init {actual["init"]}";
        JsonObject expected = JsonNode.Parse(vector.GetProperty("result").GetRawText())!.AsObject();
        if (expected.ContainsKey("layout_dependent"))
            return null;
        if (kernel.ValueKind == JsonValueKind.String && actual["init"]!.GetValue<int>() == -22)
            return null; // "deep": the result or -EINVAL by a named limit
        bool dataChained = vector.TryGetProperty("data_chained", out _);
        foreach (string key in s_compared)
        {
            if (dataChained && key is "pinned_pages" or "iova_pinned")
                continue; // the kernel leaves data-chained CCWs unpinned by their own code, we do not
            if (expected[key] is { } wanted && !JsonNode.DeepEquals(wanted, actual[key]))
                return $"{key}: expected {wanted.ToJsonString()}, got {actual[key]?.ToJsonString()}";
        }
        if (vector.TryGetProperty("iommufd", out JsonElement iommufd))
        {
            JsonNode backend = answer["iommufd"] ?? actual;
            if (iommufd.GetProperty("init").GetInt32() != backend["init"]!.GetValue<int>()
                || (iommufd.TryGetProperty("prefetch", out JsonElement p) && p.ValueKind == JsonValueKind.Number
                    && p.GetInt32() != backend["prefetch"]!.GetValue<int>()))
                return $"iommufd: expected {iommufd}, got {backend.ToJsonString()}";
        }
        return CompareChains(expected["chains"]?.AsArray(), actual["chains"]?.AsArray(), dataChained);
    }

    private static string? CompareChains(JsonArray? expected, JsonArray? actual, bool dataChained)
    {
        if (expected is null)
            return null;
        if (actual?.Count != expected.Count)
            return $"{actual?.Count} chains for {expected.Count}";
        for (int c = 0; c < expected.Count; c++)
        {
            JsonArray? wanted = expected[c]!["ccws"]?.AsArray();
            if (!JsonNode.DeepEquals(expected[c]!["iova"], actual[c]!["iova"])
                || !JsonNode.DeepEquals(expected[c]!["translated"], actual[c]!["translated"]))
                return $"chain {c}: expected {expected[c]!.ToJsonString()}, got {actual[c]!.ToJsonString()}";
            for (int i = 0; i < (wanted?.Count ?? 0); i++)
            {
                JsonNode want = wanted![i]!, got = actual[c]!["ccws"]![i]!;
                bool pinnedOnlyByUs = dataChained && got["pinned"]?.GetValue<bool>() == true && want["pinned"]?.GetValue<bool>() == false;
                if (got["idal_raw"]?.GetValue<string>().StartsWith("ffffffffffffffff", StringComparison.Ordinal) == true)
                    (want, got) = (Without(want, "idal_raw"), Without(got, "idal_raw")); // would have named a pinned page; ours resolves to nothing
                if (!pinnedOnlyByUs && !JsonNode.DeepEquals(want, got))
                    return $"chain {c} ccw {i}: expected {want.ToJsonString()}, got {got.ToJsonString()}";
            }
        }
        return null;
    }

    private static JsonNode Without(JsonNode node, string key)
    {
        JsonNode copy = node.DeepClone();
        copy.AsObject().Remove(key);
        return copy;
    }
}
