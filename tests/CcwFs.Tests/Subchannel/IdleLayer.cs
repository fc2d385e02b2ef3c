using CcwFs.Subchannel;

namespace CcwFs.Tests.Subchannel;

/// <summary>A layer that does nothing.</summary>
internal sealed class IdleLayer(ISubchannel next) : SubchannelLayer(next);
