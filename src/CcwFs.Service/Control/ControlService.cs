using System.Globalization;
using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets.Decode;
using CcwFs.Control;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Policy;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Control;

/// <summary>
/// Carries out the requests of the control file. One row per verb. An error is a reply in words; nothing a client writes ends anything but its
/// own request. Thread-safe.
/// </summary>
internal sealed class ControlService(
    SubchannelTable table, DeviceFactory factory, Func<IReadOnlyList<KeyValuePair<string, string>>> facts, Func<Task<IReadOnlyList<string>>> end,
    ILogger logger)
{
    /// <summary>Most IRBs of one run that are reported (arbitrary; a looping program with PCI gives them without end).</summary>
    internal const int MaxIrbs = 1024;

    /// <summary>Most bytes of one read of a program's memory (arbitrary: as in a request that writes it).</summary>
    internal const int MaxRead = 128 << 10;

    /// <summary>What a row of list takes while the reply is made (arbitrary: 300 bytes of JSON, in a buffer that grows, and their copy).</summary>
    private const int RowCost = 1 << 10;

    /// <summary>What an id in the reply of add takes (arbitrary: the text, the JSON and its copy).</summary>
    private const int IdCost = 128;

    private static readonly Dictionary<string, Func<ControlService, ControlRequest, ControlCaller, CancellationToken,
        Task<ControlReply>>> s_verbs = new()
    {
        ["list"] = (service, _, caller, _) => Task.FromResult(service.List(caller)),
        ["info"] = (service, request, _, _) => Task.FromResult(service.Info(request)),
        ["add"] = (service, request, caller, _) => Waiting.Run(() => service.Add(request, caller)),
        ["remove"] = (service, request, _, _) => Waiting.Run(() => service.Remove(request)),
        ["end"] = (service, _, caller, _) => service.EndAsync(caller),
        ["path"] = (service, request, _, _) => Task.FromResult(service.SetPath(request)),
        ["fault"] = (service, request, caller, _) => Waiting.Run(() => FaultRequests.CarryOut(service.Device(request), request, caller)),
        ["run"] = (service, request, caller, cancelled) => service.RunAsync(request, caller, cancelled),
        ["space"] = (_, request, caller, _) => Task.FromResult(MakeSpace(request, caller)),
        ["write"] = (_, request, caller, _) => Task.FromResult(WriteSpace(request, caller)),
        ["read"] = (_, request, caller, _) => Task.FromResult(ReadSpace(request, caller)),
    };

    private readonly SubchannelTable _table = table;

    /// <summary>The session of a control file that <paramref name="opener"/> opens.</summary>
    internal IControlSession Open(CallerIdentity opener, ControlAccount account) => new ControlSession(this, opener, account);

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
            reply = new ControlReply
            {
                Error = $"the request is not understood at {wrong.Path ?? "its beginning"}: it is a JSON object like {{\"verb\":\"list\"}}",
            };
        }
        catch (Exception error) when (Expected.Is(error) || error is ArgumentException or FormatException)
        {
            var command = error as CommandException;
            reply = new ControlReply
            {
                Error = VisibleText.Of(Expected.Text(error).ReplaceLineEndings(" ")),
                Hint = command?.Hint,
                Usage = command?.Status == CommandException.WrongUsage ? true : null,
            };
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            ControlLog.Failed(logger, error);
            reply = new ControlReply { Error = "ccwfs failed to carry this out; its log says why" };
        }
        return JsonSerializer.SerializeToUtf8Bytes(reply, ControlJson.Default.ControlReply);
    }

    /// <summary>One row per device, made when it is written: all of them at once would be many times the reply.</summary>
    private ControlReply List(ControlCaller caller)
    {
        IReadOnlyList<MountedSubchannel> all = _table.All;
        Charge(caller, (long)all.Count * RowCost);
        return new ControlReply { Devices = new MadeList<MountedSubchannel, DeviceRow>(all, Row), Pid = Environment.ProcessId,
            Namespaces = OwnNamespaces.All };
    }

    /// <summary>Of a device, or without an id of the mount.</summary>
    private ControlReply Info(ControlRequest request) => new() { Facts = request.Id is null ? facts() : DeviceInfo.Facts(Device(request)) };

    /// <summary>What a long reply takes is counted before it is made.</summary>
    private static void Charge(ControlCaller caller, long bytes)
    {
        if (!caller.Session.Account.TryTakeForRequest(bytes))
            throw new CommandException("too much is asked at the same time by this user, or by all together; try again");
    }

    private static DeviceRow Row(MountedSubchannel one)
    {
        SubchannelIdentity identity = one.Identity;
        one.Store(out Schib schib);
        return new DeviceRow(
            one.Id.ToString(), one.Number.ToString(), identity.DeviceType, identity.ControlUnitType, one.IsBusy,
            DeviceInfo.Hex(schib.Pmcw.Pim), DeviceInfo.Hex(schib.Pmcw.Pam), DeviceInfo.Hex(schib.Pmcw.Pom), DeviceInfo.Chpids(schib.Pmcw),
            identity.Backend, DeviceInfo.StateName(one.State), SubchannelUuid.Of(one.Id),
            one.MapsCss ? one.HostId.ToString() : null, one.MapsCss ? one.HostNumber.ToString() : null);
    }

    private VfioCcwDevice Device(ControlRequest request) => Subchannel(request).Device;

    private MountedSubchannel Subchannel(ControlRequest request)
    {
        if (!SubchannelId.TryParse(request.Id, out SubchannelId id))
            throw new CommandException($"'{request.Id}' is no subchannel id; it is written like 0.0.0000", CommandException.WrongUsage);
        return _table.Find(id) ?? throw CommandException.Hinting($"there is no subchannel {id}; see: ", "ccwfs list");
    }

    private ControlReply Add(ControlRequest request, ControlCaller caller)
    {
        DeviceSpec spec = DeviceKinds.Parse(request.Spec ?? throw new CommandException("add needs a \"spec\""));
        if (spec.Conflict is { } conflict)
            throw new CommandException($"device '{request.Spec}': {conflict}", CommandException.WrongUsage);
        CallerIdentity opener = caller.Session.Opener;
        CallerIdentity? identity = opener.IsOurs ? null : opener;
        string directory = request.Directory ?? caller.Directory
            ?? throw new CommandException("the caller's working directory is not known; give an absolute path");
        if (!directory.StartsWith('/'))
            throw new CommandException("\"directory\" is an absolute path");
        if (FaultTexts.NotFor(identity, spec.Faults.WatchesFiles) is { } notHis)
            throw new CommandException(notHis);
        Charge(caller, (long)spec.Count * IdCost);
        return new ControlReply { Added = [.. factory.Add(spec, directory, identity).Select(device => device.Id.ToString())] };
    }

    private ControlReply Remove(ControlRequest request)
    {
        SubchannelId id = Subchannel(request).Id;
        if (factory.Remove(id, request.Force, out string? fault))
            return fault is null ? new ControlReply() : throw new CommandException($"{id} is removed, but {fault}");
        throw CommandException.Hinting($"there is no subchannel {id}; see: ", "ccwfs list");
    }

    /// <summary>The mount is unmounted: every device is closed, what went wrong with it is the reply, and then we end.</summary>
    private async Task<ControlReply> EndAsync(ControlCaller caller)
    {
        if (caller.Session.Opener.Uid is not 0 and var uid && uid != Descriptors.EffectiveUser)
            throw new CommandException("only the user who mounted this ccwfs, and root, may end it");
        IReadOnlyList<string> problems = await end().ConfigureAwait(false);
        return new ControlReply { Problems = problems.Count > 0 ? [.. problems.Select(VisibleText.Of)] : null };
    }

    private ControlReply SetPath(ControlRequest request)
    {
        VfioCcwDevice device = Device(request);
        if (!byte.TryParse(request.Chpid, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte chpid))
            throw new CommandException($"'{request.Chpid}' is no channel-path id; it is two hex digits, like 40", CommandException.WrongUsage);
        if (device.Subchannel.Paths is { } paths && paths.SetPath(chpid, request.Available))
            return new ControlReply();
        throw device.Subchannel.Identity.Backend == DeviceRow.RealBackend
            ? new CommandException($"{device.Id} is a real device: its channel paths are the host's; there: chchp --vary {(request.Available ? 1 : 0)} {device.HostId.CssId:x}.{chpid:x2}")
            : CommandException.Hinting($"{device.Id} has no channel path {chpid:x2}; its paths are shown by: ", "ccwfs list");
    }

    /// <summary>The program's memory comes with the request and goes back with the reply; or it is the session's, and stays there.</summary>
    private async Task<ControlReply> RunAsync(ControlRequest request, ControlCaller caller, CancellationToken cancelled)
    {
        VfioCcwDevice device = Device(request);
        byte[] orb = request.Orb is { Length: Orb.Size * 2 } hex && hex.All(char.IsAsciiHexDigit) ? Convert.FromHexString(hex)
            : throw new CommandException("\"orb\" is 12 bytes in hex");
        if (request is { Storage: null, Memory: null })
            return await RunAsync(device, orb, SpaceOf(caller), cancelled).ConfigureAwait(false);
        IReadOnlyList<StorageRun> runs = request is { Storage: { } storage, Memory: null } ? [new StorageRun(0, storage)] : request.Memory ?? [];
        using var space =
            new ProgramSpace([.. runs.Select(run => new StoragePart(run?.Address ?? 0, run?.Bytes?.Length ?? 0))], caller.Session.Account);
        foreach (StorageRun run in runs)
            space.Write(run.Address, run.Bytes);
        ControlReply reply = await RunAsync(device, orb, space, cancelled).ConfigureAwait(false);
        foreach (StorageRun run in runs)
            space.Read(run.Address, run.Bytes);
        return reply with { Storage = request.Storage, Memory = request.Memory };
    }

    private async Task<ControlReply> RunAsync(VfioCcwDevice device, byte[] orb, ProgramSpace space, CancellationToken cancelled)
    {
        List<string> irbs = [];
        uint? missed = null; // written before ended is set
        PolicyLayer layer = Layers.PolicyOf(device);
        PolicyRefusal? before = layer.LastRefusal, refusal = null;
        var ended = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Mono.Unix.Native.Errno refused = device.RunPrivate(space.Space, Orb.Read(orb), (irb, final, unfetched) =>
        {
            if (irb is { } status && irbs.Count < MaxIrbs)
                irbs.Add(Convert.ToHexStringLower(status));
            missed ??= unfetched;
            refusal = layer.LastRefusal; // no other program runs meanwhile
            if (final)
                ended.TrySetResult(irb is not null);
        }, out TranslationFault? fault);
        if (refused != 0)
            throw Refusal(device, refused, fault);
        device.GoOn(WorkThread.Own);
        using CancellationTokenRegistration abandon = cancelled.Register(() => device.Reset(system: false));
        if (!await ended.Task.ConfigureAwait(false))
            throw new CommandException($"{device.Id}: the program was ended by a reset");
        return new ControlReply
        {
            Irbs = irbs,
            Refusal = refusal is null || ReferenceEquals(refusal, before) ? null
                : new RefusalReply(refusal.CcwAddress.ToString("X8", CultureInfo.InvariantCulture), refusal.CcwText, refusal.Rule),
            Unfetched = missed?.ToString("X8", CultureInfo.InvariantCulture),
        };
    }

    private static ProgramSpace SpaceOf(ControlCaller caller) => caller.Session.Space
        ?? throw new CommandException("the program has no memory: send \"storage\" or \"memory\" with it, or \"space\" before it on the same open file");

    private static ControlReply MakeSpace(ControlRequest request, ControlCaller caller)
    {
        caller.Session.Space = null; // first: there may be no room for both
        caller.Session.Space = new ProgramSpace(request.Parts ?? [], caller.Session.Account);
        return new ControlReply();
    }

    private static ControlReply WriteSpace(ControlRequest request, ControlCaller caller)
    {
        if (request is not { Address: { } address, Bytes: { } bytes })
            throw new CommandException("write needs an \"address\" and \"bytes\" in base64");
        SpaceOf(caller).Write(address, bytes);
        return new ControlReply();
    }

    private static ControlReply ReadSpace(ControlRequest request, ControlCaller caller)
    {
        if (request is not { Address: { } address, Length: >= 0 and <= MaxRead and var length })
            throw new CommandException($"read needs an \"address\" and a \"length\" up to {MaxRead}");
        byte[] bytes = new byte[length];
        SpaceOf(caller).Read(address, bytes);
        return new ControlReply { Bytes = bytes.AsSpan().ContainsAnyExcept((byte)0) ? bytes : null };
    }

    /// <summary>CLEAR SUBCHANNEL as a shell says it: the command in the machine's byte order, and room for the return code.</summary>
    private string Clear(VfioCcwDevice device)
    {
        string command =
            string.Concat(BitConverter.GetBytes((ulong)RegionLayout.CommandClear << (BitConverter.IsLittleEndian ? 0 : 32)).Select(b => $"\\{b}"));
        return $"printf '{command}' > {ShellText.Quote($"{factory.MountPoint}/{device.Id}/cmd")}";
    }

    private CommandException Refusal(VfioCcwDevice device, Mono.Unix.Native.Errno errno, TranslationFault? fault) => errno switch
    {
        Mono.Unix.Native.Errno.EBUSY when device.IsTaken => new($"{device.Id} belongs to a VFIO client (QEMU); end that first"),
        Mono.Unix.Native.Errno.EBUSY => new($"{device.Id} is busy with another program; try again, or end that one: {Clear(device)}"),
        _ when fault is { } where =>
            new($"{device.Id}: the program cannot be translated because of its CCW at {where.CcwAddress.Value:X8}: {where.Reason}"),
        Mono.Unix.Native.Errno.EINVAL =>
            new($"{device.Id}: the program cannot be translated: over 256 CCWs in a chain, or an address outside its storage"),
        Mono.Unix.Native.Errno.ENODEV when device.Subchannel.Identity.Backend == DeviceRow.RealBackend =>
            new($"{device.Id}: the host has no channel path to the device; there: lscss {device.HostId}, then chchp --vary 1 for one of its paths"),
        Mono.Unix.Native.Errno.ENODEV =>
            CommandException.Hinting($"{device.Id}: no channel path is left; bring one back: ", $"ccwfs path {device.Id} CHPID on"),
        _ => new($"{device.Id} refused the program: {Problem.Of(-(int)errno)}"),
    };
}
