using CcwFs.Emulation.Channel;

namespace CcwFs.Fuzz;

/// <summary>The data phase of one command.</summary>
internal sealed class ModelData(ModelStep step)
{
    private int _taken;
    private bool _isShort;

    internal List<byte> Sent { get; } = [];

    /// <summary>The channel has met no error.</summary>
    internal bool IsGood { get; private set; } = true;

    internal int Left => step.Out.Length - _taken;

    /// <summary>Less or more than the device wanted or had.</summary>
    internal bool IsIncorrect => _isShort || (step.Read > 0 ? Sent.Count < step.Read : Left > 0);

    /// <summary>The device wants so many bytes; there may be fewer.</summary>
    internal byte[] Take(int length)
    {
        byte[] bytes = step.Out[_taken..Reached(_taken + length, step.Out.Length)];
        _taken += bytes.Length;
        _isShort |= bytes.Length < length;
        return bytes;
    }

    /// <summary>The same, with zeros for what is missing.</summary>
    internal byte[] TakeFilled(int length)
    {
        byte[] bytes = Take(length);
        return [.. bytes, .. new byte[length - bytes.Length]];
    }

    /// <summary>The same where the device does not mind that there are fewer.</summary>
    internal byte[] TakeWhatIs(int length)
    {
        byte[] bytes = Take(Math.Min(length, Left));
        return [.. bytes, .. new byte[length - bytes.Length]];
    }

    internal void Send(byte[] bytes)
    {
        int length = Reached(Sent.Count + bytes.Length, step.Read) - Sent.Count;
        Sent.AddRange(bytes.AsSpan(0, length));
        _isShort |= length < bytes.Length;
    }

    /// <summary>How far a transfer comes that is to reach so far, where there are so many bytes: the channel may meet its error before.</summary>
    private int Reached(int wanted, int there)
    {
        int end = Math.Min(wanted, there);
        IsGood &= step.FailsAt is not { } limit || end <= limit;
        return IsGood ? end : Math.Min(end, step.FailsAt!.Value);
    }
}

/// <summary>The same, as a device sees it.</summary>
internal sealed class DeviceData(ModelData data) : IDataTransfer
{
    public bool IsGood => data.IsGood;

    public int Receive(Span<byte> buffer)
    {
        byte[] bytes = data.Take(buffer.Length);
        bytes.CopyTo(buffer);
        return bytes.Length;
    }

    public int ReceiveAvailable(Span<byte> buffer)
    {
        byte[] bytes = data.Take(Math.Min(buffer.Length, data.Left));
        bytes.CopyTo(buffer);
        return bytes.Length;
    }

    public int Send(ReadOnlySpan<byte> bytes)
    {
        int before = data.Sent.Count;
        data.Send(bytes.ToArray());
        return data.Sent.Count - before;
    }
}
