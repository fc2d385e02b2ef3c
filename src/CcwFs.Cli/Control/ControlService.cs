using System.Globalization;
using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Decode;
using CcwFs.ChannelProgram.Policy;
using CcwFs.Cli.Host;
using CcwFs.Cli.Mount;
using CcwFs.Cli.Qemu;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;
using Microsoft.Extensions.Logging;

namespace CcwFs.Cli.Control;

/// <summary>
/// Carries out the requests of the control file. One row a verb. An error is a reply in words; nothing a client writes ends anything but its
/// own request. Thread-safe.
/// </summary>
internal sealed class ControlService(SubchannelTable table, DeviceFactory factory, Func<Task<IReadOnlyList<string>>> end, ILogger logger)
{
    /// <summary>Most IRBs of one run that are reported (arbitrary; a looping program with PCI gives them without end).</summary>
    internal const int MaxIrbs = 1024;

    private static readonly Dictionary<string, Func<ControlService, ControlRequest, ControlCaller, CancellationToken, Task<ControlReply>>> s_verbs = new()
    {
        ["list"] = (service, _, _, _) => Task.FromResult(new ControlReply { Devices = [.. service._table.Devices.Select(Row)], Pid = Environment.ProcessId, Namespaces = OwnNamespaces.All }),
        ["info"] = (service, request, _, _) => Task.FromResult(new ControlReply { Facts = DeviceInfo.Facts(service.Device(request)) }),
        ["add"] = (service, request, caller, _) => Waiting.Run(() => service.Add(request, caller)),
        ["remove"] = (service, request, _, _) => Waiting.Run(() => service.Remove(request)),
        ["end"] = (service, _, _, _) => service.EndAsync(),
        ["path"] = (service, request, _, _) => Task.FromResult(service.SetPath(request)),
        ["run"] = (service, request, _, cancelled) => service.RunAsync(request, cancelled),
    };

    private readonly SubchannelTable _table = table;

    /// <summary>One request, JSON to JSON.</summary>
    internal async Task<byte[]> HandleAsync(ReadOnlyMemory<byte> request, ControlCaller caller, CancellationToken cancelled)
    {
        ControlReply reply;
        try
        {
            ControlRequest parsed = JsonSerializer.Deserialize(request.Span, ControlJson.Default.ControlRequest)
                ?? throw new CommandException("the request is null");
            if (!s_verbs.TryGetValue(parsed.Verb ?? "", out var carryOut))
                throw new CommandException($"unknown verb '{parsed.Verb}': it is one of {string.Join(", ", s_verbs.Keys)}");
            reply = await carryOut(this, parsed, caller, cancelled).ConfigureAwait(false);
        }
        catch (JsonException wrong)
        {
            reply = new ControlReply { Error = $"the request is not understood at {wrong.Path ?? "its beginning"}: it is a JSON object like {{\"verb\":\"list\"}}" };
        }
        catch (Exception error) when (Program.IsExpected(error) || error is ArgumentException or FormatException)
        {
            string message = FileProblem.Is(error) ? FileProblem.Of(error) : error.Message;
            var command = error as CommandException;
            reply = new ControlReply { Error = message.ReplaceLineEndings(" "), Hint = command?.Hint, Usage = command?.Status == CommandException.WrongUsage ? true : null };
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            ControlLog.Failed(logger, error);
            reply = new ControlReply { Error = "ccwfs failed to carry this out; its log says why" };
        }
        return JsonSerializer.SerializeToUtf8Bytes(reply, ControlJson.Default.ControlReply);
    }

    private static DeviceRow Row(VfioCcwDevice device)
    {
        Dictionary<string, string> facts = [];
        foreach ((string key, string value) in DeviceInfo.Facts(device))
            facts.TryAdd(key, value);
        return new DeviceRow(
            facts["subchannel"], facts["device"], facts["devtype"], facts["cutype"], device.IsTaken || device.State == DeviceState.Pending,
            facts["pim"], facts["pam"], facts["pom"], facts["chpids"], facts["backend"], facts["state"], facts["uuid"],
            device.MapsCss ? device.HostId.ToString() : null, device.MapsCss ? device.Subchannel.Device.ToString() : null);
    }

    private VfioCcwDevice Device(ControlRequest request)
    {
        if (!SubchannelId.TryParse(request.Id, out SubchannelId id))
            throw new CommandException($"'{request.Id}' is no subchannel id; it is written like 0.0.0000", CommandException.WrongUsage);
        return _table.Find(id) ?? throw CommandException.Hinting($"there is no subchannel {id}; see: ", "ccwfs list");
    }

    private ControlReply Add(ControlRequest request, ControlCaller caller)
    {
        DeviceSpec spec = DeviceSpec.Parse(request.Spec ?? throw new CommandException("add needs a \"spec\""));
        if (spec.Conflict is { } conflict)
            throw new CommandException($"device '{request.Spec}': {conflict}", CommandException.WrongUsage);
        bool ours = caller.Uid == Descriptors.EffectiveUser;
        if (caller.Pid == 0 && (!ours || request.Directory is null))
            throw new CommandException("the caller is in another pid namespace, so its rights and directory are not known; use ccwfs add from this one");
        CallerIdentity? identity = ours ? null : CallerIdentity.OfProcess((int)caller.Pid) ?? throw new CommandException("the caller is gone");
        string? directory = request.Directory;
        if (directory is null && FileSystems.ReadLink($"/proc/{caller.Pid}/cwd", out directory) < 0)
            throw new CommandException("the caller's working directory is not known; give an absolute path");
        if (!directory!.StartsWith('/'))
            throw new CommandException("\"directory\" is an absolute path");
        return new ControlReply { Added = [.. factory.Add(spec, directory, identity).Select(device => device.Id.ToString())] };
    }

    private ControlReply Remove(ControlRequest request)
    {
        SubchannelId id = Device(request).Id;
        return factory.Remove(id, request.Force) ? new ControlReply() : throw CommandException.Hinting($"there is no subchannel {id}; see: ", "ccwfs list");
    }

    /// <summary>Somebody unmounts: every device is closed, what went wrong with it is the reply, and then we end.</summary>
    private async Task<ControlReply> EndAsync()
    {
        IReadOnlyList<string> problems = await end().ConfigureAwait(false);
        return new ControlReply { Problems = problems.Count > 0 ? problems : null };
    }

    private ControlReply SetPath(ControlRequest request)
    {
        VfioCcwDevice device = Device(request);
        if (!byte.TryParse(request.Chpid, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte chpid))
            throw new CommandException($"'{request.Chpid}' is no channel-path id; it is two hex digits, like 40", CommandException.WrongUsage);
        if (device.Subchannel.SetPath(chpid, request.Available))
            return new ControlReply();
        throw device.Subchannel.Backend == HostMounts.RealBackend
            ? new CommandException($"{device.Id} is a real device: its channel paths are the host's; there: chchp --vary {(request.Available ? 1 : 0)} {device.HostId.CssId:x}.{chpid:x2}")
            : CommandException.Hinting($"{device.Id} has no channel path {chpid:x2}; its paths are shown by: ", "ccwfs list");
    }

    private async Task<ControlReply> RunAsync(ControlRequest request, CancellationToken cancelled)
    {
        VfioCcwDevice device = Device(request);
        byte[] orb = request.Orb is { Length: Orb.Size * 2 } hex && hex.All(char.IsAsciiHexDigit) ? Convert.FromHexString(hex) : throw new CommandException("\"orb\" is 12 bytes in hex");
        List<string> irbs = [];
        PolicyRefusal? policy = null; // written before ended is set
        var ended = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        IReadOnlyList<StorageRun> runs = RunsOf(request);
        using var memory = new InPlaceStore(SharedMemory.Create("ccwfs run", runs.Sum(run => (long)run.Bytes.Length))); // a real device's kernel must find it
        var space = new AddressSpace(Map(runs, memory));
        Mono.Unix.Native.Errno refused = device.RunPrivate(space, Orb.Read(orb), (irb, final, refusal) =>
        {
            if (irb is { } status && irbs.Count < MaxIrbs)
                irbs.Add(Convert.ToHexStringLower(status));
            policy ??= refusal;
            if (final)
                ended.TrySetResult(irb is not null);
        });
        if (refused != 0)
            throw Refusal(device, refused);
        device.Proceed(here: false);
        using CancellationTokenRegistration abandon = cancelled.Register(() => device.Reset(system: false));
        if (!await ended.Task.ConfigureAwait(false))
            throw new CommandException($"{device.Id}: the program was ended by a reset");
        TakeBack(runs, memory);
        return new ControlReply
        {
            Irbs = irbs, Storage = request.Storage, Memory = request.Memory,
            Refusal = policy is null ? null
                : new RefusalReply(policy.CcwAddress.ToString("X8", CultureInfo.InvariantCulture), StructureDecoder.CcwText(policy.Ccw), policy.Rule),
        };
    }

    private static IReadOnlyList<StorageRun> RunsOf(ControlRequest request)
    {
        IReadOnlyList<StorageRun> runs = request is { Storage: { } storage, Memory: null } ? [new StorageRun(0, storage)] : request.Memory ?? [];
        return runs.Count > 0 && runs.All(run => run?.Bytes is { Length: > 0 } bytes && bytes.Length % IovaMap.PageSize == 0)
            ? runs
            : throw new CommandException($"\"storage\", or each part of \"memory\", is a number of pages of {IovaMap.PageSize} bytes in base64");
    }

    /// <summary>The address space of a run: its parts stand one behind the other in one piece of memory.</summary>
    private static IovaMap Map(IReadOnlyList<StorageRun> runs, InPlaceStore memory)
    {
        var map = new IovaMap();
        long offset = 0;
        foreach (StorageRun run in runs)
        {
            memory.Write(offset, run.Bytes);
            if (map.Map(run.Address, (ulong)run.Bytes.Length, memory, offset, MemoryRights.ReadWrite) != MapOutcome.Done)
                throw new CommandException($"\"memory\": the part at {run.Address:X} overlaps another, or is not at a page");
            offset += run.Bytes.Length;
        }
        return map;
    }

    /// <summary>Takes the memory back into the request's own bytes, which are the reply.</summary>
    private static void TakeBack(IReadOnlyList<StorageRun> runs, InPlaceStore memory)
    {
        long offset = 0;
        foreach (StorageRun run in runs)
        {
            memory.Read(offset, run.Bytes);
            offset += run.Bytes.Length;
        }
    }

    /// <summary>CLEAR SUBCHANNEL as a shell says it: the command in the machine's byte order, and room for the return code.</summary>
    private string Clear(VfioCcwDevice device)
    {
        string command = string.Concat(BitConverter.GetBytes((ulong)RegionLayout.CommandClear << (BitConverter.IsLittleEndian ? 0 : 32)).Select(b => $"\\{b}"));
        return $"printf '{command}' > {ShellText.Quote($"{factory.MountPoint}/{device.Id}/cmd")}";
    }

    private CommandException Refusal(VfioCcwDevice device, Mono.Unix.Native.Errno errno) => errno switch
    {
        Mono.Unix.Native.Errno.EBUSY when device.IsTaken => new($"{device.Id} belongs to a VFIO client (QEMU); end that first"),
        Mono.Unix.Native.Errno.EBUSY => new($"{device.Id} is busy with another program; try again, or end that one: {Clear(device)}"),
        Mono.Unix.Native.Errno.EINVAL => new($"{device.Id}: the program cannot be translated: over 256 CCWs in a chain, or an address outside its storage"),
        Mono.Unix.Native.Errno.ENODEV when device.Subchannel.Backend == HostMounts.RealBackend =>
            new($"{device.Id}: the host has no channel path to the device; there: lscss {device.HostId}, then chchp --vary 1 for one of its paths"),
        Mono.Unix.Native.Errno.ENODEV => CommandException.Hinting($"{device.Id}: no channel path is left; bring one back: ", $"ccwfs path {device.Id} CHPID on"),
        _ => new($"{device.Id} refused the program: {Problem.Of(-(int)errno)}"),
    };
}
