namespace CcwFs.Subchannel;

/// <summary>What a device's volume has, and what its programs asked of it.</summary>
/// <param name="Bytes">What it can hold.</param>
/// <param name="AllocatedBytes">What its image takes on its disk, or in memory; null: that is not known, as of a block device.</param>
/// <param name="Places">Tracks or blocks that programs can name.</param>
/// <param name="CacheRequests">Requests of programs for tracks; null: it has no cache.</param>
/// <param name="CacheHits">Those of them that the cache had; null: it has no cache.</param>
public readonly record struct VolumeFigures(
    long Bytes, long? AllocatedBytes, long Places, long? CacheRequests = null, long? CacheHits = null);
