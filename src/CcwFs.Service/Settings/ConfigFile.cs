using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using CcwFs.ChannelIo.Text;
using CcwFs.Control;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using Mono.Unix.Native;

namespace CcwFs.Service.Settings;

/// <summary>
/// The configuration file: JSON with comments, the keys of <see cref="MountKey"/> and <see cref="SpecKey"/>. Every error is one line that names file
/// and line.
/// </summary>
internal sealed class ConfigFile
{
    private static readonly string[] s_keys = [.. MountKey.Keys.Select(k => k.Key)];

    /// <summary>Where the service has it.</summary>
    internal const string DefaultPath = "/etc/ccwfs/ccwfs.json";

    private const int MaxSize = 1 << 20; // arbitrary

    private readonly string _path;
    private readonly MountSettings _settings;
    private readonly List<string> _errors = [];
    private byte[] _text = [];

    private ConfigFile(string path, MountSettings settings) => (_path, _settings) = (path, settings);

    /// <summary>Reads a file into settings and gives every error.</summary>
    internal static IReadOnlyList<string> Errors(string path, MountSettings settings)
    {
        var file = new ConfigFile(path, settings);
        file.ReadAll();
        return file._errors;
    }

    private void ReadAll()
    {
        if (!TryReadText(out string? wrong))
        {
            _errors.Add(wrong);
            return;
        }
        var reader = new Utf8JsonReader(_text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        try
        {
            ReadKeys(ref reader);
            while (reader.Read())
            {
                // What follows the object is the reader's error.
            }
        }
        catch (JsonException error)
        {
            _errors.Add($"{_path}:{error.LineNumber + 1}: not JSON: {error.Message.Split(" LineNumber", 2)[0]}");
        }
        catch (InvalidOperationException)
        {
            Complain(ref reader, "not JSON: a text is not UTF-8");
        }
    }

    private bool TryReadText([NotNullWhen(false)] out string? wrong)
    {
        const NamedFileRules Rules = NamedFileRules.OwnLinks | NamedFileRules.SeveralNames | NamedFileRules.NotShared;
        wrong = NamedFile.Open(_path, OpenOptions.ReadOnly, Rules, friend: null, out FileDescriptor file, out int failed);
        using (file)
        {
            if (wrong is not null)
            {
                wrong = (Errno)(-failed) switch
                {
                    Errno.ENOENT => FileProblem.Of(new FileNotFoundException(wrong, _path), _path),
                    Errno.EACCES => FileProblem.Of(new UnauthorizedAccessException(wrong), _path),
                    _ => $"{_path}: {wrong}",
                };
                return false;
            }
            failed = file.Status(out FileStatus status);
            if (failed < 0 || status.Size > MaxSize)
            {
                wrong = failed < 0 ? $"{_path}: {Problem.Of(failed)}" : $"{_path}: over {MaxSize >> 20} MiB, that is no configuration";
                return false;
            }
            _text = new byte[status.Size];
            wrong = file.ReadWholeAt(0, _text) ? null : $"{_path}: cannot be read to its end; is it being written?";
            return wrong is null;
        }
    }

    private void ReadKeys(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (!Expect(ref reader, JsonTokenType.StartObject, "an object { … }"))
            return;
        HashSet<MountKey> seen = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string name = reader.GetString()!;
            MountKey? key = MountKey.Find(name);
            if (key is null)
                Complain(ref reader, $"unknown key '{name}'{Nearest.Hint(name, s_keys, $"the keys are {string.Join(", ", s_keys)}")}");
            else if (!seen.Add(key))
                Complain(ref reader, $"{name} is given twice");
            reader.Read();
            if (key is null)
                reader.Skip();
            else if (key.Type == MountKeyType.Devices)
                ReadDevices(ref reader);
            else
                ReadValue(ref reader, key);
        }
    }

    private void ReadValue(ref Utf8JsonReader reader, MountKey key)
    {
        string value;
        if (key.Type == MountKeyType.Flag && reader.TokenType is JsonTokenType.True or JsonTokenType.False)
        {
            value = reader.TokenType == JsonTokenType.True ? "true" : "false";
        }
        else if (key.Type == MountKeyType.Text && reader.TokenType == JsonTokenType.String)
        {
            value = reader.GetString()!;
        }
        else
        {
            Complain(ref reader, $"{key.Key}: {(key.Type == MountKeyType.Flag ? "true or false" : "a text")} is expected");
            reader.Skip();
            return;
        }
        if (_settings.Apply(key, value) is { } wrong)
            Complain(ref reader, $"{key.Key}: {value}: {wrong}");
        else
            _settings.Origins[key.Key] = $"{_path}:{Line(ref reader)}";
    }

    private void ReadDevices(ref Utf8JsonReader reader)
    {
        if (!Expect(ref reader, JsonTokenType.StartArray, "an array of devices [ … ]"))
            return;
        _settings.Devices ??= [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            try
            {
                if (reader.TokenType != JsonTokenType.String)
                {
                    ReadDevice(ref reader);
                    continue;
                }
                DeviceSpec spec = DeviceKinds.Parse(reader.GetString()!);
                spec.Origin = $"{_path}:{Line(ref reader)}";
                _settings.Devices.Add(spec);
            }
            catch (CommandException wrong)
            {
                Complain(ref reader, wrong.Message);
            }
        }
    }

    private void ReadDevice(ref Utf8JsonReader reader)
    {
        if (!Expect(ref reader, JsonTokenType.StartObject, "a device: { \"kind\": \"dasd\", … } or \"dasd,…\""))
            return;
        string? kind = null;
        List<(int Line, string Key, string? Value)> given = []; // the kind may come last
        HashSet<string> seen = [], off = [];
        int first = Line(ref reader), errors = _errors.Count;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string key = reader.GetString()!;
            reader.Read();
            int line = Line(ref reader);
            if (!seen.Add(key))
            {
                Complain(line, $"{key} is given twice");
                reader.Skip();
            }
            else if (reader.TokenType == JsonTokenType.StartArray && TryReadTexts(ref reader, out List<string> texts))
            {
                given.AddRange(texts.Select(text => (line, key, (string?)text)));
            }
            else if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False))
            {
                Complain(line, $"{key}: a text, a number, true or false is expected");
                reader.Skip();
            }
            else if (key == "kind")
            {
                kind = reader.TokenType == JsonTokenType.String ? reader.GetString() : "";
            }
            else
            {
                if (reader.TokenType == JsonTokenType.False)
                    off.Add(key);
                given.Add((line, key, reader.TokenType switch
                {
                    JsonTokenType.String => reader.GetString(),
                    JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
                    _ => null,
                }));
            }
        }
        if (kind is null)
            Complain(first, "a device needs \"kind\": \"dasd\"");
        else if (MakeDevice(kind, given, off, first) is { } spec && _errors.Count == errors)
            _settings.Devices!.Add(spec);
    }

    /// <summary>An array of texts, for a key that can be given several times. False, and where it begins: it holds something else.</summary>
    private static bool TryReadTexts(ref Utf8JsonReader reader, out List<string> texts)
    {
        Utf8JsonReader ahead = reader;
        texts = [];
        while (ahead.Read() && ahead.TokenType == JsonTokenType.String)
            texts.Add(ahead.GetString()!);
        if (ahead.TokenType != JsonTokenType.EndArray)
            return false;
        reader = ahead;
        return true;
    }

    /// <summary>A key that is <paramref name="off"/>, false, is looked at and then left out.</summary>
    private DeviceSpec? MakeDevice(string kind, List<(int Line, string Key, string? Value)> given, HashSet<string> off, int first)
    {
        try
        {
            DeviceSpec spec = DeviceKinds.OfKind(kind, kind);
            spec.Origin = $"{_path}:{first}";
            foreach ((int line, string key, string? value) in given)
            {
                if ((off.Contains(key) ? spec.Wrong(key, value) : spec.Apply(key, value)) is { } wrong)
                    Complain(line, wrong);
            }
            return spec;
        }
        catch (CommandException wrong)
        {
            Complain(first, wrong.Message);
            return null;
        }
    }

    private bool Expect(ref Utf8JsonReader reader, JsonTokenType type, string wanted)
    {
        if (reader.TokenType == type)
            return true;
        Complain(ref reader, $"expected {wanted}");
        reader.Skip();
        return false;
    }

    private void Complain(ref Utf8JsonReader reader, string what) => Complain(Line(ref reader), what);

    private void Complain(int line, string what) => _errors.Add($"{_path}:{line}: {what.ReplaceLineEndings(" ")}");

    private int Line(ref Utf8JsonReader reader) => 1 + _text.AsSpan(0, (int)reader.TokenStartIndex).Count((byte)'\n');
}
