using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using CcwFs.Cli.Dasd;
using CcwFs.Cli.Verbs;
using CcwFs.Control;

namespace CcwFs.Cli;

/// <summary>
/// JSON that verbs print: indented, camel case, for people and scripts and not for web pages, so that quotes and angle brackets stand as they are.
/// Made at compile time.
/// </summary>
[JsonSerializable(typeof(AttachReport))]
[JsonSerializable(typeof(CheckReport))]
[JsonSerializable(typeof(CompareReport))]
[JsonSerializable(typeof(MapReport))]
[JsonSerializable(typeof(Dictionary<string, object?>))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(IReadOnlyList<DeviceRow>))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>Members without a value are null.</summary>
    internal static CliJson Whole { get; } = new(Like(JsonIgnoreCondition.Never));

    /// <summary>Members without a value are left out.</summary>
    internal static CliJson Short { get; } = new(Like(JsonIgnoreCondition.WhenWritingNull));

    private static JsonSerializerOptions Like(JsonIgnoreCondition condition) => new()
    {
        WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase, DefaultIgnoreCondition = condition,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
