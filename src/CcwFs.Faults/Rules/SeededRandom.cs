namespace CcwFs.Faults.Rules;

/// <summary>
/// Numbers that look random and are the same for the same seed, on every machine and in every version (SplitMix64; Steele, Lea, Flood 2014).
/// </summary>
internal struct SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next number.</summary>
    internal ulong Next()
    {
        ulong mixed = _state = unchecked(_state + 0x9E37_79B9_7F4A_7C15);
        mixed = unchecked((mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9);
        mixed = unchecked((mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB);
        return mixed ^ (mixed >> 31);
    }

    /// <summary>The next number below a bound, which is not 0.</summary>
    internal int Below(int bound) => (int)(Next() % (ulong)bound);

    /// <summary>True with this probability.</summary>
    internal bool Happens(double chance) => (Next() >> 11) * (1.0 / (1UL << 53)) < chance;
}
