using CcwFs.CommandSets.Eckd;

namespace CcwFs.CommandSets.Text;

/// <summary>Parameters that can be written as words in place of raw bytes.</summary>
/// <param name="Layout">Of the commands that have them.</param>
/// <param name="Keys">The words.</param>
/// <param name="Build">Makes the parameter bytes; only called when one of the words is there. The number: bytes of data= behind them.</param>
internal sealed record ParameterBuilder(ParameterLayout Layout, string[] Keys, Func<Operands, int, byte[]> Build)
{
    internal static readonly ParameterBuilder[] All =
    [
        new(DefineExtentLayout.Layout, TrackParameters.ExtentKeys, (o, _) => TrackParameters.DefineExtent(o)),
        new(LocateRecordLayout.Layout, TrackParameters.LocateKeys, (o, _) => TrackParameters.LocateRecord(o)),
        new(LocateRecordLayout.Extended, TrackParameters.ExtendedKeys, (o, _) => TrackParameters.LocateExtended(o)),
        new(PrefixLayout.Layout, TrackParameters.PrefixKeys, (o, _) => TrackParameters.Prefix(o)),
        new(SubsystemFunctionLayout.Layout, ["prepare", "unit", "parm"], (o, _) => OrderParameters.PrepareForRead(o)),
        new(SubsystemOperationLayout.Layout, ["unit", "begin", "end"], (o, _) => OrderParameters.ReleaseSpace(o)),
        new(SeekLayout.Layout, ["to"], (o, _) => TrackParameters.Seek(o)),
        new(SearchIdLayout.Layout, ["id"], (o, _) => o.NeededAddress("id", withRecord: true)),
        new(SearchHomeLayout.Layout, ["to"], (o, _) => o.NeededAddress("to", withRecord: false)),
        new(SectorLayout.Layout, ["sector"], (o, _) => [(byte)o.Number("sector", 255, 0)]),
        new(FileMaskLayout.Layout, ["mask"], (o, _) => [TrackParameters.Mask(o)]),
        new(CountLayout.Layout, ["id", "kl", "dl"], TrackParameters.CountField),
        .. Fba.BlockParameters.Builders,
    ];

    /// <summary>The words of a command; null: it has none.</summary>
    internal static ParameterBuilder? Find(CommandDescription? command) =>
        command?.Layout is { } layout ? Array.Find(All, b => b.Layout == layout) : null;
}
