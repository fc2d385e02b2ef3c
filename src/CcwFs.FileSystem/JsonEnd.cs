namespace CcwFs.FileSystem;

/// <summary>
/// Finds the end of a JSON object that comes in pieces, in one pass: braces and brackets are counted outside of texts. Whether it is good JSON is for
/// its reader to say; what cannot become an object is at its end at once.
/// </summary>
internal struct JsonEnd
{
    private int _depth;
    private bool _inText, _escaped;

    /// <summary>Looks at the next piece; true when the object ends in it, or none can come of it.</summary>
    internal bool IsIn(ReadOnlySpan<byte> piece)
    {
        foreach (byte at in piece)
        {
            if (_depth == 0 && at is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
                continue;
            if (_depth == 0 && at != '{')
                return true;
            if (_inText)
                LookInText(at);
            else if (at is (byte)'{' or (byte)'[')
                _depth++;
            else if (at is (byte)'}' or (byte)']' && --_depth == 0)
                return true;
            else
                _inText = at == '"';
        }
        return false;
    }

    private void LookInText(byte at)
    {
        _inText = _escaped || at != '"';
        _escaped = !_escaped && at == '\\';
    }
}
