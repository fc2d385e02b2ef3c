using System.Buffers.Binary;
using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// What a device is: SENSE ID, asked once, as Linux does with every device that it finds, before a client can have the device and before its events
/// are watched. Keeps nothing; under the gate of the subchannel.
/// </summary>
internal sealed class IdentityQuestion(VfioDevice device, ProgramArena arena, EventWatch watch)
{
    /// <summary>How long a device may take to answer (arbitrary); then it is reset.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private const int AnswerOffset = 16; // in the arena, after the CCW

    // without command information words (SA22-7204, SENSE ID): FF, control unit type and model, device type and model
    private const int AnswerSize = 7, ControlUnitSize = 4;

    /// <summary>
    /// Asks, and puts types and commands into <paramref name="identity"/>. Null, or what went wrong; then the types stay as they were.
    /// <paramref name="start"/>: starts the program of an ORB.
    /// </summary>
    internal string? Ask(Func<Orb, FunctionResult> start, ref SubchannelIdentity identity)
    {
        Span<byte> bytes = stackalloc byte[AnswerOffset + AnswerSize];
        bytes.Clear();
        new Ccw(CommandCode.SenseId, CcwFlags.SuppressLength, AnswerSize, HostArena.Base + AnswerOffset).WriteFormat1(bytes);
        arena.Write(0, bytes);
        FunctionResult started = start(new Orb(0, OrbControl.Format1 | OrbControl.Prefetch | OrbControl.Format2Idaws, HostArena.Base));
        if (!started.IsInitiated)
            return started.Refusal != 0 ? $"START is refused, {Problem.Of(-(int)started.Refusal)}" : $"START ends with {started.Condition}";
        if (AwaitAnswer(out Scsw scsw) is { } problem)
            return device.Reset() is < 0 and var failed ? $"{problem}; it cannot be reset, {Problem.Of(failed)}" : problem;
        if (scsw.Device != (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd)
            || scsw.Subchannel is not (SubchannelStatus.None or SubchannelStatus.IncorrectLength)
            || scsw.DeferredConditionCode != 0)
            return $"SENSE ID ends with device status {(int)scsw.Device:X2}, subchannel status {(int)scsw.Subchannel:X2}";
        arena.Read(0, bytes);
        identity = Named(identity, bytes[AnswerOffset..], AnswerSize - scsw.Residual);
        return null;
    }

    private static SubchannelIdentity Named(SubchannelIdentity identity, ReadOnlySpan<byte> answer, int length)
    {
        (ushort controlUnit, ushort device) = (BinaryPrimitives.ReadUInt16BigEndian(answer[1..]), BinaryPrimitives.ReadUInt16BigEndian(answer[4..]));
        bool namesDevice = length >= AnswerSize && device != 0;
        return identity with
        {
            DeviceType = namesDevice ? Type(device, answer[6]) : "", ControlUnitType = length < ControlUnitSize ? "" : Type(controlUnit, answer[3]),
            Commands = namesDevice ? Families.Of(controlUnit, device) : Families.Basic,
        };

        static string Type(ushort type, byte model) => string.Create(CultureInfo.InvariantCulture, $"{type:x4}/{model:x2}");
    }

    /// <summary>Waits for the status that ends the program. Null, or why there is none.</summary>
    private string? AwaitAnswer(out Scsw scsw)
    {
        scsw = default;
        long until = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        int waited;
        while ((waited = watch.AwaitIo(until)) > 0)
        {
            Irb irb = default;
            int result = device.ReadIrb(irb);
            if (result < 0)
                return $"its status cannot be read, {Problem.Of(result)}";
            scsw = irb.Scsw;
            if ((scsw.Function & FunctionControl.Start) != 0
                && (scsw.Activity & (ActivityControl.SubchannelActive | ActivityControl.DeviceActive)) == 0)
                return null;
        }
        return waited < 0 ? $"its interrupt cannot be waited for, {Problem.Of(waited)}" : $"no answer in {s_patience.TotalSeconds} s";
    }
}
