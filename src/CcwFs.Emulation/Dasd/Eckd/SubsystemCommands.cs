using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Orders to the control unit and the data they prepare.</summary>
internal static class SubsystemCommands
{
    public const byte ReadSubsystemDataCode = 0x3E;

    /// <summary>Bytes of SENSE SUBSYSTEM STATUS as a model-6 control unit gives them.</summary>
    private const int SubsystemStatusSize = 44;

    /// <summary>
    /// An order of <see cref="OrderTable"/>; data that it prepares waits for READ SUBSYSTEM DATA in this chain. Others are an invalid parameter
    /// (sense 80, byte 7 = 04), which drivers take as "not supported" and do not repeat.
    /// </summary>
    public static DeviceStatus PerformSubsystemFunction(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[OrderTable.LongestOrder];
        if (ReceiveOrder(program, data, bytes) is not { } order)
            return UnitStatus.Failed;
        Execute(program, order, bytes);
        return UnitStatus.Ended;
    }

    /// <summary>Receives an order; null with sense when it is none of ours, or the program's count is too small.</summary>
    internal static OrderRow? ReceiveOrder(EckdProgram program, IDataTransfer data, Span<byte> bytes)
    {
        bytes.Clear();
        if (!program.ReceiveAll(data, bytes[..1]))
            return null;
        int suborder = OrderRow.NoSuborder, received = 1;
        if (SubsystemFunctionLayout.Order.Byte(bytes) == SubsystemFunctionLayout.PrepareForRead)
        {
            if (!program.ReceiveAll(data, bytes[1..SubsystemFunctionLayout.PrepareSize]))
                return null;
            (suborder, received) = (SubsystemFunctionLayout.Suborder.Byte(bytes), SubsystemFunctionLayout.PrepareSize);
        }
        if (OrderTable.Find(bytes[0], suborder, program.Options.Profile) is not { } order)
        {
            program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidParameter));
            return null;
        }
        return program.ReceiveAll(data, bytes[received..order.Length]) ? order : null;
    }

    /// <summary>Does what a received order says.</summary>
    internal static void Execute(EckdProgram program, OrderRow order, ReadOnlySpan<byte> bytes)
    {
        if (order.Build is { } build)
        {
            byte[] answer = new byte[order.Answer];
            program.Chain.Prepared = answer.AsMemory(0, build(program, bytes[..order.Length], answer));
        }
    }

    /// <summary>What the order before it prepared; only right after that order.</summary>
    public static DeviceStatus ReadSubsystemData(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (program.Chain.Prepared.IsEmpty)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        ReadOnlyMemory<byte> prepared = program.Chain.Prepared;
        program.Chain.Prepared = default;
        data.Send(prepared.Span);
        return UnitStatus.Ended;
    }

    /// <summary>44 bytes: 0 format of a model 6, 1 unit address, 2 the last unit address, 38 subsystem id; no cache is shown.</summary>
    public static DeviceStatus SenseSubsystemStatus(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[SubsystemStatusSize];
        bytes.Clear();
        (bytes[0], bytes[1], bytes[2]) = (1, program.Options.UnitAddress, 0xFF);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[38..], program.Options.SubsystemId);
        data.Send(bytes);
        return UnitStatus.Ended;
    }
}
