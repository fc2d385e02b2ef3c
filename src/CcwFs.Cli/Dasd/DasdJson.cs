using System.Text.Encodings.Web;
using System.Text.Json;

namespace CcwFs.Cli.Dasd;

/// <summary>How the dasd verbs print JSON.</summary>
internal static class DasdJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
