using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Subchannel;

/// <summary>What a subchannel is. It stays what it is from <see cref="ISubchannel.Connect"/> on.</summary>
/// <param name="Id">Bus id.</param>
/// <param name="Device">The device's bus id.</param>
/// <param name="Backend">What runs its programs, one word for tables: "emulated" or "vfio".</param>
/// <param name="FetchesByItself">
/// It fetches a program that must not be prefetched (ORB P bit 0) CCW by CCW, as a <see cref="ChannelProgram.LiveProgram"/>; another is given every
/// program translated as a whole, a <see cref="ChannelProgram.HostProgram"/>, as the kernel does.
/// </param>
/// <param name="DeviceType">Device type and model as lscss prints them, "3390/0c"; empty when unknown.</param>
/// <param name="ControlUnitType">Control-unit type and model, "3990/e9"; empty when unknown.</param>
/// <param name="Commands">What is known of the device's commands, by these types.</param>
public sealed record SubchannelIdentity(
    SubchannelId Id, DeviceId Device, string Backend, bool FetchesByItself, string DeviceType, string ControlUnitType, CommandSet Commands);
