using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;

namespace CcwFs.Vfio.Backend;

/// <content>What the device is: SENSE ID, asked once, as Linux does with every device that it finds.</content>
public sealed partial class VfioSubchannel
{
    /// <summary>
    /// How long a device may take to say what it is (arbitrary); then it is reset, and nothing but its types are missing: its commands are those of
    /// every device.
    /// </summary>
    internal static readonly TimeSpan IdentityPatience = TimeSpan.FromSeconds(1);

    private const int IdentityOffset = 16; // in the arena, behind the CCW
    // without command information words (SA22-7204, SENSE ID): FF, control unit type and model, device type and model
    private const int IdentitySize = 7, ControlUnitSize = 4;

    /// <summary>
    /// Asks the device for its types, and so for its commands (<see cref="Identity"/>). Before <see cref="Connect"/>: no client is there yet.
    /// Whatever goes wrong is logged, and they stay empty, and basic.
    /// </summary>
    public void Identify()
    {
        lock (_gate)
        {
            string? problem = Ask();
            if (problem is not null)
                BackendLog.Unidentified(_logger, Id, problem);
            (_expects, _waitsSince) = (FunctionControl.None, null);
            ForgetStatus();
        }
    }

    private string? Ask()
    {
        Span<byte> bytes = stackalloc byte[IdentityOffset + IdentitySize];
        bytes.Clear();
        new Ccw(CommandCode.SenseId, CcwFlags.SuppressLength, IdentitySize, HostArena.Base + IdentityOffset).WriteFormat1(bytes);
        _arena.Write(0, bytes);
        FunctionResult started =
            RequestStart(new Orb(0, OrbControl.Format1 | OrbControl.Prefetch | OrbControl.Format2Idaws, HostArena.Base), joined: false);
        if (!started.IsInitiated)
            return started.Refusal != 0 ? $"START is refused, {Problem.Of(-(int)started.Refusal)}" : $"START ends with {started.Condition}";
        if (!AwaitAnswer(out Scsw scsw))
        {
            _device.Reset();
            return $"no answer in {IdentityPatience.TotalSeconds} s";
        }
        if (scsw.Device != (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd)
            || scsw.Subchannel is not (SubchannelStatus.None or SubchannelStatus.IncorrectLength)
            || scsw.DeferredConditionCode != 0)
            return $"SENSE ID ends with device status {(int)scsw.Device:X2}, subchannel status {(int)scsw.Subchannel:X2}";
        _arena.Read(0, bytes);
        ReadOnlySpan<byte> identity = bytes[IdentityOffset..];
        (string device, string controlUnit) = Name(identity, IdentitySize - scsw.Residual);
        CommandSet commands = device.Length == 0 ? Families.Basic
            : Families.Of(BinaryPrimitives.ReadUInt16BigEndian(identity[1..]), BinaryPrimitives.ReadUInt16BigEndian(identity[4..]));
        Identity = Identity with { DeviceType = device, ControlUnitType = controlUnit, Commands = commands };
        return null;
    }

    private static (string Device, string ControlUnit) Name(ReadOnlySpan<byte> identity, int length)
    {
        return (length < IdentitySize || BinaryPrimitives.ReadUInt16BigEndian(identity[4..]) == 0 ? "" : Type(identity[4..]), length < ControlUnitSize
            ? "" : Type(identity[1..]));

        static string Type(ReadOnlySpan<byte> at) =>
            string.Create(CultureInfo.InvariantCulture, $"{BinaryPrimitives.ReadUInt16BigEndian(at):x4}/{at[2]:x2}");
    }

    /// <summary>Waits for the status that ends the program.</summary>
    [SuppressMessage("Design", "CA2000", Justification = "the descriptor is a field's")]
    private bool AwaitAnswer(out Scsw scsw)
    {
        scsw = default;
        FileDescriptor[] watched = [_io!];
        short[] ready = new short[1];
        Span<byte> count = stackalloc byte[sizeof(ulong)];
        long until = Environment.TickCount64 + (long)IdentityPatience.TotalMilliseconds;
        while (until - Environment.TickCount64 is var left && left > 0)
        {
            if (_device.System.Poll(watched, ready, (int)left) <= 0 || _device.System.Read(_io!, count) <= 0)
                continue;
            Irb irb = default;
            if (_device.ReadIrb(irb) < 0)
                return false;
            scsw = irb.Scsw;
            if ((scsw.Function & FunctionControl.Start) != 0
                && (scsw.Activity & (ActivityControl.SubchannelActive | ActivityControl.DeviceActive)) == 0)
                return true;
        }
        return false;
    }
}
