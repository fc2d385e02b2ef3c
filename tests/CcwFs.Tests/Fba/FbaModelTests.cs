using CcwFs.ChannelIo;
using CcwFs.Emulation.Fba;
using CcwFs.Tests.Eckd;

namespace CcwFs.Tests.Fba;

/// <summary>Random programs against an array of bytes and the rules in a few lines.</summary>
public sealed class FbaModelTests
{
    private const int Blocks = 40, Programs = 20_000, Seed = 1;

    [Fact]
    public void Random_programs_do_what_a_model_of_them_does()
    {
        using var rig = new FbaRig(Blocks);
        FbaDevice[] devices = [rig.Device, rig.Add(0x0151)];
        var random = new Random(Seed);
        byte[] model = new byte[Blocks * 512];
        int good = 0;
        for (int n = 0; n < Programs; n++)
        {
            Step[] program = Program(random);
            (int last, bool ok, List<byte[]> read) = Run(model, program);
            Outcome outcome = devices[random.Next(2)].Run(program);
            string what = $"program {n} of seed {Seed}: {string.Join(' ', program.Select(Shown))}";
            Assert.True((last, ok) == (outcome.Last, outcome.Status == Outcome.Good),
                $"{what}: {outcome.Last} {outcome.Status}, {last} {ok} by the model");
            Assert.True(read.SequenceEqual(outcome.Data.Where((_, i) => i < read.Count), BytesComparer.Instance), what);
            good += ok ? 1 : 0;
        }
        Assert.Equal(model, rig.Get(0, Blocks));
        Assert.InRange(good, Programs / 10, Programs - (Programs / 10));
        rig.Add(0x0152).Dispose();
    }

    private static Step[] Program(Random random)
    {
        var steps = new List<Step>();
        int length = random.Next(1, 7);
        uint first = (uint)random.Next(0, 30);
        for (int i = 0; i < length; i++)
        {
            steps.Add((i == 0 ? 0 : i == 1 ? 1 : random.Next(8)) switch
            {
                0 => FbaRig.Extent((byte)(random.Next(5) * 0x40), (uint)random.Next(Blocks + 2), first, first + (uint)random.Next(-1, 30)),
                1 or 2 => FbaRig.Locate((byte)random.Next(8), random.Next(0, 8), first + (uint)random.Next(0, 20), (byte)random.Next(9)),
                3 or 4 => Step.R(0x42, random.Next(0, 9) * 512 + (random.Next(4) == 0 ? 100 : 0)) with { Sli = true },
                5 or 6 => Step.Sized(0x41, random.Next(0, 9) * 512 + (random.Next(4) == 0 ? 100 : 0), (byte)random.Next(256)).WithSli(),
                _ => Step.Nop,
            });
        }
        return [.. steps];
    }

    private static (int Last, bool Ok, List<byte[]> Read) Run(byte[] disk, Step[] program)
    {
        List<byte[]> read = [];
        (byte Mask, long Locator, long First, long Last)? extent = null;
        (long Block, int Count, bool Writes)? located = null;
        for (int i = 0; i < program.Length; i++)
        {
            Step step = program[i];
            (long Block, int Count, bool Writes)? found = located;
            located = null;
            bool ok;
            switch (step.Code)
            {
                case 0x63:
                    (byte mask, long locator, long first, long last) = (step.Out[0], Number(step.Out, 4), Number(step.Out, 8), Number(step.Out, 12));
                    ok = extent is null && last >= first && locator + last - first < Blocks;
                    extent = ok ? (mask, locator, first, last) : extent;
                    break;
                case 0x43:
                    int operation = step.Out[0], count = step.Out[3], repeat = step.Out[1];
                    long block = Number(step.Out, 4);
                    ok = extent is { } e && operation is 1 or 2 or 4 or 5 or 6 && count > 0 && block >= extent!.Value.First && block
                        + count - 1 <= extent.Value.Last
                        && (operation != 2 || (repeat > 0 && repeat % count == 0)) && (operation is not (1 or 5) || extent.Value.Mask != 0x40)
                        && (operation != 4 || extent.Value.Mask == 0xC0);
                    if (ok && operation != 4)
                        located = (extent!.Value.Locator + block - extent.Value.First, count, operation is 1 or 5);
                    break;
                case 0x42:
                    ok = found is { Writes: false };
                    if (ok && step.Read > 0)
                        read.Add(disk[(int)(found!.Value.Block * 512)..][..Math.Min(step.Read, found.Value.Count * 512)]);
                    break;
                case 0x41:
                    ok = found is { Writes: true };
                    if (ok)
                    {
                        Span<byte> place = disk.AsSpan((int)(found!.Value.Block * 512), found.Value.Count * 512);
                        place.Clear();
                        step.Out.AsSpan(0, Math.Min(step.Out.Length, place.Length)).CopyTo(place);
                    }
                    break;
                default:
                    ok = true;
                    break;
            }
            if (!ok)
                return (i, false, read);
        }
        return (program.Length - 1, true, read);
    }

    private static string Shown(Step step) =>
        $"{step.Code:X2}:{Convert.ToHexString(step.Out.AsSpan(0, Math.Min(step.Out.Length, 16)))}/{step.Read}";

    private static long Number(byte[] bytes, int at) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));

    private sealed class BytesComparer : IEqualityComparer<byte[]>
    {
        internal static readonly BytesComparer Instance = new();

        public bool Equals(byte[]? one, byte[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode(byte[] bytes) => bytes.Length;
    }
}
