using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Fba;

/// <summary>Reads and writes of located blocks. Where the data lies, in how many CCWs and words of an IDAL, is the channel's business.</summary>
internal static class FbaTransfers
{
    /// <summary>The located blocks; a program may take less.</summary>
    public static DeviceStatus Read(FbaProgram program, FbaLocation located, IDataTransfer data)
    {
        FbaVolume volume = program.Volume;
        int size = volume.Geometry.BlockSize;
        (uint block, int left) = (located.Block, located.Count);
        while (left > 0)
        {
            int blocks = Math.Min(left, FbaVolume.BufferSize / size);
            Span<byte> bytes = volume.Buffer.AsSpan(0, blocks * size);
            volume.Store.Read(block, bytes);
            volume.Counts = volume.Counts with { Read = volume.Counts.Read + blocks };
            if (data.Send(bytes) < bytes.Length)
                break;
            (block, left) = (block + (uint)blocks, left - blocks);
        }
        return UnitStatus.Ended;
    }

    /// <summary>
    /// The located blocks. What the program does not give is zeros: the rest of a block, and all blocks after it, so that a count of 0 makes all of
    /// them zeros, and their space is given back. After an error of the channel only blocks that came whole are written.
    /// </summary>
    public static DeviceStatus Write(FbaProgram program, FbaLocation located, IDataTransfer data)
    {
        FbaVolume volume = program.Volume;
        int size = volume.Geometry.BlockSize;
        (uint block, int left) = (located.Block, located.Count);
        while (left > 0)
        {
            Span<byte> bytes = volume.Buffer.AsSpan(0, Math.Min(left, FbaVolume.BufferSize / size) * size);
            int got = data.Receive(bytes);
            int blocks = data.IsGood ? (got + size - 1) / size : got / size;
            if (data.IsGood)
                bytes[got..(blocks * size)].Clear();
            if (blocks > 0)
            {
                program.Wrote = true;
                volume.Store.Write(block, bytes[..(blocks * size)]);
                volume.Counts = volume.Counts with { Written = volume.Counts.Written + blocks };
            }
            if (!data.IsGood)
                break;
            (block, left) = (block + (uint)blocks, left - blocks);
            if (got == bytes.Length)
                continue;
            if (left > 0)
            {
                program.Wrote = true;
                volume.Store.Zero(block, (uint)left);
                volume.Counts = volume.Counts with { Zeroed = volume.Counts.Zeroed + left };
            }
            break;
        }
        return UnitStatus.Ended;
    }
}
