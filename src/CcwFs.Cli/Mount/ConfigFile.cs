using System.Text;
using System.Text.Json;

namespace CcwFs.Cli.Mount;

/// <summary>
/// The configuration file: JSON with comments, the keys of the options and of the SPECs. Errors name file and line.
/// </summary>
internal static class ConfigFile
{
    private const int MaxSize = 1 << 20; // arbitrary

    /// <summary>Reads a file into settings.</summary>
    internal static void Read(string path, MountSettings settings)
    {
        byte[] text;
        try
        {
            if (new FileInfo(path).Length > MaxSize)
                throw new CommandException($"{path}: over {MaxSize >> 20} MiB, that is no configuration");
            text = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"--config {path}: {error.Message}");
        }
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        try
        {
            ReadSettings(ref reader, path, text, settings);
        }
        catch (JsonException error)
        {
            throw new CommandException($"{path}:{error.LineNumber + 1}: not JSON: {error.Message.Split(" LineNumber", 2)[0]}");
        }
    }

    private static void ReadSettings(ref Utf8JsonReader reader, string path, byte[] text, MountSettings settings)
    {
        reader.Read();
        Expect(ref reader, JsonTokenType.StartObject, path, text, "an object { … }");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string key = reader.GetString()!;
            int line = Line(ref reader, text);
            reader.Read();
            switch (key)
            {
                case "mountpoint": settings.MountPoint = Text(ref reader, path, text, key); break;
                case "memory": settings.Memory = Text(ref reader, path, text, key); break;
                case "owner": settings.Owner = Text(ref reader, path, text, key); break;
                case "group": settings.Group = Text(ref reader, path, text, key); break;
                case "mode": settings.Mode = Text(ref reader, path, text, key); break;
                case "allow-other": settings.AllowOther = Flag(ref reader, path, text, key); break;
                case "verbose": settings.Verbose = Flag(ref reader, path, text, key); break;
                case "device" or "devices": ReadDevices(ref reader, path, text, settings); break;
                default:
                    throw new CommandException(
                        $"{path}:{line}: unknown key '{key}'; the keys are mountpoint, devices, memory, owner, group, mode, allow-other, verbose");
            }
        }
    }

    private static void ReadDevices(ref Utf8JsonReader reader, string path, byte[] text, MountSettings settings)
    {
        Expect(ref reader, JsonTokenType.StartArray, path, text, "an array of devices [ … ]");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            int line = Line(ref reader, text);
            try
            {
                settings.Devices.Add(reader.TokenType == JsonTokenType.String
                    ? DeviceSpec.Parse(reader.GetString()!)
                    : ReadDevice(ref reader, path, text));
            }
            catch (CommandException wrong) when (!wrong.Message.StartsWith(path, StringComparison.Ordinal))
            {
                throw new CommandException($"{path}:{line}: {wrong.Message}");
            }
        }
    }

    private static DeviceSpec ReadDevice(ref Utf8JsonReader reader, string path, byte[] text)
    {
        Expect(ref reader, JsonTokenType.StartObject, path, text, "a device: { \"kind\": \"dasd\", … } or \"dasd,…\"");
        string? kind = null;
        List<(int Line, string Key, string? Value)> given = []; // the kind may come last
        int first = Line(ref reader, text);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string key = reader.GetString()!;
            reader.Read();
            int line = Line(ref reader, text);
            string? value = reader.TokenType switch
            {
                JsonTokenType.String => reader.GetString(),
                JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
                JsonTokenType.True => null,
                _ => throw new CommandException($"{path}:{line}: {key}: a text, a number or true"),
            };
            if (key == "kind")
                kind = value ?? "";
            else
                given.Add((line, key, value));
        }
        var spec = DeviceSpec.OfKind(kind ?? throw new CommandException($"{path}:{first}: a device needs \"kind\": \"dasd\""), kind);
        foreach ((int line, string key, string? value) in given)
        {
            if (spec.Apply(key, value) is { } wrong)
                throw new CommandException($"{path}:{line}: {wrong}");
        }
        return spec;
    }

    private static string Text(ref Utf8JsonReader reader, string path, byte[] text, string key)
    {
        Expect(ref reader, JsonTokenType.String, path, text, $"{key}: a text");
        return reader.GetString()!;
    }

    private static bool Flag(ref Utf8JsonReader reader, string path, byte[] text, string key) => reader.TokenType is JsonTokenType.True or JsonTokenType.False
        ? reader.GetBoolean()
        : throw new CommandException($"{path}:{Line(ref reader, text)}: {key}: true or false");

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string path, byte[] text, string wanted)
    {
        if (reader.TokenType != type)
            throw new CommandException($"{path}:{Line(ref reader, text)}: expected {wanted}");
    }

    private static int Line(ref Utf8JsonReader reader, byte[] text) => 1 + text.AsSpan(0, (int)reader.TokenStartIndex).Count((byte)'\n');
}
