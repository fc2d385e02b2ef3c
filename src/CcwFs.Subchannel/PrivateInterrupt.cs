using CcwFs.ChannelIo;

namespace CcwFs.Subchannel;

/// <summary>
/// An interruption of a private run; null when it was ended by a reset. <paramref name="unfetched"/>: with the final one of a program that came to a
/// CCW which was not prefetched, its address. May be called under the device's gate: it must not wait or call back.
/// </summary>
public delegate void PrivateInterrupt(Irb? irb, bool final, uint? unfetched);
