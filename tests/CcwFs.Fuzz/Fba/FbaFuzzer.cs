using System.Buffers.Binary;
using CcwFs.Emulation.Fba;
using CcwFs.Emulation.Images;

namespace CcwFs.Fuzz;

/// <summary>
/// A 9336 in a file or in memory, with several devices, and <see cref="FbaModel"/>: ending status, sense, what was sent, and all bytes of the file,
/// those after the disk too, are the same after every program.
/// </summary>
/// <param name="seed">The first volume's.</param>
public sealed class FbaFuzzer(int seed) : VolumeFuzzer(seed)
{
    private const int ProgramsPerVolume = 60; // arbitrary

    /// <inheritdoc/>
    protected override void RunVolume()
    {
        var random = new Random(Seed);
        var geometry = new BlockGeometry(512 << random.Next(4), (uint)random.Next(1, 120));
        byte[] bytes = new byte[geometry.Bytes + (random.Next(3) * geometry.BlockSize)];
        random.NextBytes(bytes);
        string? path = random.Next(3) == 0 ? null : Path.GetTempFileName();
        try
        {
            RunPrograms(new FbaGenerator(random, geometry), geometry, bytes, path, random.Next(20) == 0 ? ImageSync.Program : ImageSync.None);
        }
        finally
        {
            if (path is not null)
                File.Delete(path);
        }
    }

    private void RunPrograms(FbaGenerator generator, BlockGeometry geometry, byte[] bytes, string? path, ImageSync sync)
    {
        using (var pair = new FbaPair(bytes, geometry, path, sync))
        {
            for (int number = 1; number <= ProgramsPerVolume; number++)
            {
                if (pair.Run(generator.Event()) is not { } disagreement)
                {
                    Count(pair.Ending);
                    continue;
                }
                throw new FuzzException(
                    $"seed {Seed}, program {number} on {geometry.Blocks} blocks of {geometry.BlockSize} in {(path is null ? "memory" : "a file")}: "
                    + "device and model disagree", disagreement);
            }
            bytes = pair.Bytes;
        }
        if (path is not null && !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
            throw new FuzzException($"seed {Seed}: closing the disk has changed it", "");
    }
}

/// <summary>Makes programs that mean something on a disk; many are spoilt a little.</summary>
internal sealed class FbaGenerator(Random random, BlockGeometry geometry)
{
    private const int ExtentSize = 16, LocateSize = 8;
    private static readonly byte[] s_others = [0x03, 0x04, 0xE4, 0x64, 0xA4, 0x94, 0xB4, 0x14, 0x02];

    // What the program has said so far, as if all of it were valid.
    private uint _first, _last;
    private int _count;
    private int? _holder; // of the reserve, until it gives it back

    internal FbaEvent Event()
    {
        int device = random.Next(FbaPair.Devices);
        if (Chance(40))
            return new FbaEvent(device, [], false);
        if (_holder is { } holder && Chance(3)) // or all others would be busy most of the time
        {
            _holder = null;
            return new FbaEvent(holder, [Other(0x94)], false);
        }
        var steps = new List<ModelStep>();
        if (Chance(12))
        {
            steps.Add(Other(One<byte>(0xB4, 0x14)));
            _holder = device;
        }
        if (!Chance(25))
            steps.Add(Extent());
        for (int i = random.Next(4); i >= 0; i--)
        {
            bool writes = Chance(2);
            if (!Chance(25))
                steps.Add(Locate(out writes));
            if (!Chance(25))
                steps.Add(writes ? Write() : Read());
            if (Chance(8))
                steps.Add(Chance(3) ? Extent() : Other(Chance(6) ? (byte)random.Next(1, 256) : One<byte>(s_others)));
        }
        return new FbaEvent(device, steps, Chance(20));
    }

    private ModelStep Extent()
    {
        uint blocks = (uint)random.NextInt64(1, geometry.Blocks + 1L), locator = (uint)random.NextInt64(geometry.Blocks - blocks + 1L);
        _first = random.Next(4) switch
        {
            0 => locator,
            1 => uint.MaxValue - blocks + 1,
            2 => (uint)random.Next(),
            _ => 0,
        };
        _last = _first + blocks - 1;
        byte[] bytes = new byte[ExtentSize];
        bytes[0] = (byte)(One<byte>(0x00, 0x80, 0xC0, 0xC0, 0x40) | (Chance(8) ? 0x04 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)(Chance(4) ? 0 : geometry.BlockSize));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), locator);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), _first);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), _last);
        return Sent(0x63, Spoilt(bytes));
    }

    private ModelStep Locate(out bool writes)
    {
        long blocks = (long)_last - _first + 1;
        int most = (int)Math.Min(blocks, ushort.MaxValue);
        _count = Chance(4) ? most : random.Next(1, Math.Min(most, 12) + 1);
        uint block = _first + (uint)random.NextInt64(Math.Max(1, blocks - _count + 1));
        byte[] bytes = new byte[LocateSize];
        bytes[0] = One<byte>(1, 1, 1, 5, 6, 6, 6, 2, 4);
        bytes[1] = (byte)(bytes[0] == 2 ? _count * random.Next(1, 3) : Chance(8) ? random.Next(256) : 0);
        writes = bytes[0] is 1 or 5;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)_count);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), block);
        return Sent(0x43, Spoilt(bytes));
    }

    private ModelStep Write()
    {
        byte[] bytes = new byte[Length(least: 0)];
        random.NextBytes(bytes.AsSpan(0, Math.Min(bytes.Length, 64)));
        for (int i = 64; i < bytes.Length; i++)
            bytes[i] = (byte)(bytes[i % 64] + (i >> 6)); // no two sectors are the same
        return Failing(new ModelStep(0x41, bytes, Sli: !Chance(4)), bytes.Length);
    }

    private ModelStep Read()
    {
        int length = Length(least: 1);
        return Failing(new ModelStep(0x42, [], length, Sli: !Chance(4)), length);
    }

    private ModelStep Other(byte code) => (code & 3) == 2 || (code & 15) == 4 ? new ModelStep(code, [], random.Next(1, 40), !Chance(4))
        : new ModelStep(code, [], 0, !Chance(4));

    /// <summary>All that was located, or about that, or anything.</summary>
    private int Length(int least)
    {
        int located = _count * geometry.BlockSize;
        return Math.Max(least, random.Next(6) switch
        {
            0 => 0,
            1 => random.Next(located + (2 * geometry.BlockSize)),
            2 => located + random.Next(-1, 2),
            3 => random.Next(_count + 2) * geometry.BlockSize,
            _ => located,
        });
    }

    /// <summary>The channel may meet an error on the way: of the program, or in its memory.</summary>
    private ModelStep Failing(ModelStep step, int length) => Chance(15) ? step with { FailsAt = random.Next(length + 1) } : step;

    private ModelStep Sent(byte code, byte[] bytes) => new(code, bytes, Sli: Chance(3));

    private byte[] Spoilt(byte[] bytes)
    {
        switch (random.Next(40))
        {
            case < 3:
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case 3:
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                break;
            case 4:
                return bytes[..random.Next(bytes.Length)];
            case 5:
                return [.. bytes, .. new byte[random.Next(1, 9)]];
            case 6:
                random.NextBytes(bytes);
                break;
            case 7:
                bytes.AsSpan(bytes.Length - sizeof(uint)).Fill(0xFF);
                break;
        }
        return bytes;
    }

    private bool Chance(int of) => random.Next(of) == 0;

    private T One<T>(params ReadOnlySpan<T> of) => of[random.Next(of.Length)];
}
