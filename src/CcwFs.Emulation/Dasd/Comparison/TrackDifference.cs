namespace CcwFs.Emulation.Dasd.Comparison;

/// <summary>In what a track of one volume (A) differs from that of another (B).</summary>
[Flags]
public enum DifferenceKinds
{
    /// <summary>In nothing.</summary>
    None = 0,

    /// <summary>The track was never formatted in B.</summary>
    FormattedOnlyInA = 1,

    /// <summary>The track was never formatted in A.</summary>
    FormattedOnlyInB = 1 << 1,

    /// <summary>The slot of A holds no whole track.</summary>
    DamagedInA = 1 << 2,

    /// <summary>The slot of B holds no whole track.</summary>
    DamagedInB = 1 << 3,

    /// <summary>A has more records.</summary>
    RecordsOnlyInA = 1 << 4,

    /// <summary>B has more records.</summary>
    RecordsOnlyInB = 1 << 5,

    /// <summary>The count field of a record.</summary>
    Count = 1 << 6,

    /// <summary>The key of a record.</summary>
    Key = 1 << 7,

    /// <summary>The data of a record.</summary>
    Data = 1 << 8,
}

/// <summary>One track that differs.</summary>
/// <param name="Track">Its number.</param>
/// <param name="Kinds">In what.</param>
/// <param name="Records">How many of its records differ; 0: it is not a matter of records.</param>
/// <param name="First">The first difference, for a person.</param>
public readonly record struct TrackDifference(int Track, DifferenceKinds Kinds, int Records, string First);
