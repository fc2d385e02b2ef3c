using System.Globalization;
using System.Text.Json.Serialization;
using CcwFs.ChannelIo.Text;
using CcwFs.CommandSets.Text;

namespace CcwFs.Control;

/// <summary>One request of the control file. Which members count depends on the verb.</summary>
internal sealed record ControlRequest
{
    /// <summary>list, info, add, remove, path, fault, run, space, write, read, end.</summary>
    public string? Verb { get; init; }

    /// <summary>A subchannel's bus id; info without it is about the mount.</summary>
    public string? Id { get; init; }

    /// <summary>add: the device.</summary>
    public string? Spec { get; init; }

    /// <summary>add: what relative paths start from; without it the caller's working directory.</summary>
    public string? Directory { get; init; }

    /// <summary>remove: suddenly.</summary>
    public bool Force { get; init; }

    /// <summary>path: channel-path id, two hex digits.</summary>
    public string? Chpid { get; init; }

    /// <summary>path: whether it is there.</summary>
    public bool Available { get; init; }

    /// <summary>fault: add, list or remove.</summary>
    public string? Action { get; init; }

    /// <summary>fault: the rule or preset to add; the number of the one to remove, or all.</summary>
    public string? Rule { get; init; }

    /// <summary>run: 12 bytes in hex.</summary>
    public string? Orb { get; init; }

    /// <summary>run: the program's address space from address 0, base64.</summary>
    public byte[]? Storage { get; init; }

    /// <summary>
    /// run: the program's address space in place of <see cref="Storage"/>, where it is not one piece from 0 on. Without either it is what "space"
    /// made and "write" filled on the same open file, for a request with more than a few pages is too long; "read" gives it back.
    /// </summary>
    public IReadOnlyList<StorageRun>? Memory { get; init; }

    /// <summary>space: the parts of the address space of the next run, which are zeros.</summary>
    public IReadOnlyList<StoragePart>? Parts { get; init; }

    /// <summary>write, read: where, inside one part.</summary>
    public ulong? Address { get; init; }

    /// <summary>write: base64.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>read: how many bytes.</summary>
    public int? Length { get; init; }
}

/// <summary>A part of a program's address space.</summary>
/// <param name="Address">Address of the first byte, a multiple of 4096.</param>
/// <param name="Length">Bytes, a multiple of 4096.</param>
internal sealed record StoragePart(ulong Address, int Length);

/// <summary>Some pages of a program's address space.</summary>
/// <param name="Address">Address of the first byte, a multiple of 4096.</param>
/// <param name="Bytes">Whole pages, base64.</param>
internal sealed record StorageRun(ulong Address, byte[] Bytes);

/// <summary>One reply of the control file: an error in one line, or what the verb gives.</summary>
internal sealed record ControlReply
{
    /// <summary>What went wrong; null when nothing did.</summary>
    public string? Error { get; init; }

    /// <summary>With <see cref="Error"/>: the request is wrong in itself, whatever devices there are.</summary>
    public bool? Usage { get; init; }

    /// <summary>A command of ccwfs that <see cref="Error"/> ends with; for another mount than the default one --mount follows it.</summary>
    public string? Hint { get; init; }

    /// <summary>add: the new subchannels.</summary>
    public IReadOnlyList<string>? Added { get; init; }

    /// <summary>list: one object per subchannel.</summary>
    public IReadOnlyList<DeviceRow>? Devices { get; init; }

    /// <summary>list: the process that serves the mount, in its own pid namespace.</summary>
    public int? Pid { get; init; }

    /// <summary>list: the mount and pid namespaces of that process, as the links in /proc/PID/ns name them.</summary>
    public IReadOnlyList<string>? Namespaces { get; init; }

    /// <summary>end: what went wrong when the devices were closed, a line each; null when nothing did.</summary>
    public IReadOnlyList<string>? Problems { get; init; }

    /// <summary>info: facts, key and value in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Facts { get; init; }

    /// <summary>fault: the rules, or those that were added.</summary>
    public IReadOnlyList<FaultRow>? Faults { get; init; }

    /// <summary>fault: faults that were injected so far.</summary>
    public long? Injected { get; init; }

    /// <summary>run: the IRBs, the last one final, in hex.</summary>
    public IReadOnlyList<string>? Irbs { get; init; }

    /// <summary>run: why the policy refused the program; null when it did not.</summary>
    public RefusalReply? Refusal { get; init; }

    /// <summary><see cref="Unfetched"/> as a number; null also from a ccwfs that says something else.</summary>
    internal uint? UnfetchedCcw => Address(Unfetched);

    /// <summary>run: address of the CCW that a program check is for because it was not prefetched, eight hex digits; null when none was.</summary>
    public string? Unfetched { get; init; }

    /// <summary>run: the address space afterwards, base64.</summary>
    public byte[]? Storage { get; init; }

    /// <summary>run: the same for a request with <see cref="ControlRequest.Memory"/>.</summary>
    public IReadOnlyList<StorageRun>? Memory { get; init; }

    /// <summary>read: the bytes, base64; left out where all of them are zeros.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>An address in hex digits; null: it is none.</summary>
    internal static uint? Address(string? hex) =>
        uint.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint address) ? address : null;
}

/// <summary>Why a policy refused a program.</summary>
/// <param name="Ccw">Address of the CCW, eight hex digits.</param>
/// <param name="Text">The CCW in words.</param>
/// <param name="Rule">The rule.</param>
internal sealed record RefusalReply(string Ccw, string Text, string Rule)
{
    /// <summary>For a report; null from a ccwfs that says something else.</summary>
    internal ProgramRefusal? ToReport() => ControlReply.Address(Ccw) is { } address ? new ProgramRefusal(address, Text, Rule) : null;
}

/// <summary>A rule by which faults are injected.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Rule">Its words.</param>
/// <param name="Preset">The preset that it is of; null: of none.</param>
/// <param name="Seen">How often what it looks at came.</param>
/// <param name="Injected">How often it has acted.</param>
internal sealed record FaultRow(int Number, string Rule, string? Preset, long Seen, long Injected);

/// <summary>
/// A row of `ccwfs list`; the columns of lscss. The ids on the host are there where they differ from what is shown (css= of a SPEC).
/// </summary>
internal sealed record DeviceRow(
    string Subchannel, string Device, string Devtype, string Cutype, bool Use, string Pim, string Pam, string Pom,
    string Chpids, string Backend, string State, string Uuid, string? HostSubchannel = null, string? HostDevice = null)
{
    /// <summary>The <see cref="Backend"/> of real devices.</summary>
    internal const string RealBackend = "vfio";

    /// <summary>Of a device of the host that is in no mount: its driver there.</summary>
    public string? Driver { get; init; }
}

/// <summary>JSON of the control file: camel case, made at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
[JsonSerializable(typeof(IReadOnlyList<DeviceRow>))]
[JsonSerializable(typeof(IReadOnlyList<FaultRow>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class ControlJson : JsonSerializerContext;
