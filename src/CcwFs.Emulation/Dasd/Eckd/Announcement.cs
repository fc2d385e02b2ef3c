namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// The facilities that a device announces to drivers, as bits at their places in its structures: derived from the tables of what it can do
/// (<see cref="FeatureTable"/>), and handed to whoever writes these structures. Immutable, and shared by all devices of a profile.
/// </summary>
/// <param name="FeatureCodes">256 bytes (PERFORM SUBSYSTEM FUNCTION, suborder 41).</param>
/// <param name="Characteristics">64 bytes (READ DEVICE CHARACTERISTICS); what is no facility is 0.</param>
internal sealed record Announcement(ReadOnlyMemory<byte> FeatureCodes, ReadOnlyMemory<byte> Characteristics);
