using CcwFs.CommandSets.Text;

namespace CcwFs.CommandSets.Fba;

/// <summary>Parameters of a 9336's DEFINE EXTENT and LOCATE as words.</summary>
internal static class BlockParameters
{
    internal static readonly ParameterBuilder[] Builders =
    [
        new(FbaExtentLayout.Layout, ["begin", "end", "first", "mask", "block"], (o, _) => DefineExtent(o)),
        new(FbaLocateLayout.Layout, ["op", "at", "count", "repeat"], (o, _) => Locate(o)),
    ];

    /// <summary>The blocks from begin to end of the device, which LOCATE numbers from first on (0 when it is not given).</summary>
    private static byte[] DefineExtent(Operands operands)
    {
        byte[] bytes = new byte[FbaExtentLayout.Layout.Size];
        long begin = operands.Number("begin", uint.MaxValue, 0), end = operands.Number("end", uint.MaxValue, begin),
            first = operands.Number("first", uint.MaxValue, 0);
        FbaExtentLayout.Mask.Put(bytes, TrackParameters.Mask(operands));
        FbaExtentLayout.BlockSize.Put(bytes, operands.Number("block", ushort.MaxValue, FbaExtentLayout.UsualBlock));
        FbaExtentLayout.Locator.Put(bytes, begin);
        FbaExtentLayout.First.Put(bytes, first);
        FbaExtentLayout.Last.Put(bytes, first + end - begin);
        return bytes;
    }

    private static byte[] Locate(Operands operands)
    {
        byte[] bytes = new byte[FbaLocateLayout.Layout.Size];
        FbaLocateLayout.Operation.Put(bytes, operands.Named("op", FbaLocateLayout.Read, FbaLocateLayout.Operations));
        FbaLocateLayout.Replication.Put(bytes, operands.Number("repeat", byte.MaxValue, 0));
        FbaLocateLayout.Count.Put(bytes, operands.Number("count", ushort.MaxValue, 1));
        FbaLocateLayout.Block.Put(bytes, operands.Number("at", uint.MaxValue, 0));
        return bytes;
    }
}
