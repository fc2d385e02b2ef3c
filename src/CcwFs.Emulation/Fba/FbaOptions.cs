using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Fba;

/// <summary>What distinguishes one emulated device from the others.</summary>
/// <param name="Device">Device number with its css and subchannel set.</param>
/// <param name="ReadOnly">Writes are inhibited, whatever the store allows.</param>
public sealed record FbaOptions(DeviceId Device, bool ReadOnly = false);
