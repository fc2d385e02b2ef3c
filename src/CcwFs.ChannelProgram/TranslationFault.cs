using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>Where and why a program could not be translated, for people.</summary>
/// <param name="CcwAddress">Where the guest has the CCW, or the chain that cannot be fetched.</param>
/// <param name="Reason">One clause, without a full stop.</param>
public sealed record TranslationFault(GuestCcwAddress CcwAddress, string Reason)
{
    /// <summary>A chain, or a program that is not prefetched, whose beginning cannot be fetched.</summary>
    internal static TranslationFault OfHead(GuestCcwAddress head) => new(
        head, $"the {Translator.FetchSize} bytes there, which are always fetched, are not all in the memory that the client has mapped to be read");

    /// <summary>A CCW whose data or list cannot be reached.</summary>
    internal static TranslationFault OfCcw(GuestCcwAddress address, Ccw ccw, ProgramFault fault)
    {
        if (ccw.IsTransferInChannel)
            return new TranslationFault(address, "it is a TIC to where no CCW is");
        string what = !ccw.Has(CcwFlags.IndirectData) ? "its data area"
            : "its list of IDAWs (of which 8 bytes each are read, also of 4-byte ones, as the kernel does), or what that names,";
        return new TranslationFault(address, fault switch
        {
            ProgramFault.Unmapped or ProgramFault.Overflow => $"{what} is not in the memory that the client has mapped",
            ProgramFault.Protected => $"{what} is in memory without the right that it needs",
            ProgramFault.Fault => $"{what} is in memory that is gone",
            ProgramFault.Invalid => $"the program names more than {PinRecord.MaxPages} pages",
            _ => $"{what} cannot be reached ({fault})",
        });
    }
}
