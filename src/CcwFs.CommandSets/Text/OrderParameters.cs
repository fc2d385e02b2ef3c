using CcwFs.CommandSets.Eckd;

namespace CcwFs.CommandSets.Text;

/// <summary>Parameters of PERFORM SUBSYSTEM FUNCTION and DEFINE SUBSYSTEM OPERATION as words.</summary>
internal static class OrderParameters
{
    /// <summary>PREPARE FOR READ SUBSYSTEM DATA.</summary>
    internal static byte[] PrepareForRead(Operands operands)
    {
        byte[] bytes = new byte[SubsystemFunctionLayout.PrepareSize];
        SubsystemFunctionLayout.Order.Put(bytes, SubsystemFunctionLayout.PrepareForRead);
        SubsystemFunctionLayout.Unit.Put(bytes, operands.Number("unit", 0xFFFF, 0));
        SubsystemFunctionLayout.Suborder.Put(bytes, operands.Named("prepare", 0x41, SubsystemFunctionLayout.Suborders));
        SubsystemFunctionLayout.Parameter.Put(bytes, operands.HexByte("parm", 0));
        return bytes;
    }

    /// <summary>RELEASE ALLOCATED SPACE: the range from begin to end; without begin the whole volume.</summary>
    internal static byte[] ReleaseSpace(Operands operands)
    {
        byte[] bytes = new byte[SubsystemOperationLayout.Size];
        SubsystemOperationLayout.Order.Put(bytes, SubsystemOperationLayout.ReleaseSpace);
        SubsystemOperationLayout.Unit.Put(bytes, operands.Number("unit", 0xFFFF, 0));
        if (!operands.Has("begin") && !operands.Has("end"))
            return bytes;
        SubsystemOperationLayout.Scope.Put(bytes, SubsystemOperationLayout.ByExtent | SubsystemOperationLayout.GuaranteeInitialization);
        SubsystemOperationLayout.Ranges.Put(bytes, 1);
        byte[] begin = operands.NeededAddress("begin", withRecord: false);
        return [.. bytes, .. begin, .. operands.Address("end", withRecord: false) ?? begin];
    }
}
