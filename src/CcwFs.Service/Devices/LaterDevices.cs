using CcwFs.FileSystem;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices;

/// <summary>
/// The devices of one SPEC that are made when somebody uses them: all but the first, which shows that they can be, and what they look like. They have
/// no file, for what is wrong with one must be told when it is named, and their rules and policies are the first one's.
/// </summary>
/// <param name="AtRest">What is known of them meanwhile.</param>
/// <param name="What">What they are, for the log.</param>
/// <param name="Log">Where their coming and going is told.</param>
/// <param name="Make">Makes one.</param>
internal sealed record LaterDevices(RestingDevice AtRest, string What, ILogger Log, DeviceMaker Make);

/// <summary>Makes a device in a place, without a file; gives what closes it too, which takes the device's own Dispose.</summary>
internal delegate (VfioCcwDevice Device, Func<Action, string?> Closing) DeviceMaker(DevicePlace place);
