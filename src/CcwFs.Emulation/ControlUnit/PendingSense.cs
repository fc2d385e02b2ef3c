namespace CcwFs.Emulation.ControlUnit;

/// <summary>
/// The sense of the last unit check, until somebody takes it or a command makes it void. Touched by the thread of the device's program alone.
/// </summary>
/// <param name="size">Bytes that the family has.</param>
internal sealed class PendingSense(int size)
{
    private byte[]? _bytes; // made by the first unit check
    private bool _isPending;

    /// <summary>Bytes.</summary>
    public int Size => size;

    /// <summary>Unit check: the family's bytes are to be written to what is given back.</summary>
    public Span<byte> Make()
    {
        _isPending = true;
        return _bytes ??= new byte[size];
    }

    /// <summary>Nobody has asked for it.</summary>
    public void Forget() => _isPending = false;

    /// <summary>Copies as much of it as there is room for, and forgets it; 0 when there is none.</summary>
    public int Take(Span<byte> destination)
    {
        if (!_isPending)
            return 0;
        _isPending = false;
        int length = Math.Min(size, destination.Length);
        _bytes.AsSpan(0, length).CopyTo(destination);
        return length;
    }
}
