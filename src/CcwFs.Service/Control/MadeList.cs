using System.Collections;

namespace CcwFs.Service.Control;

/// <summary>A list whose elements are made each time they are looked at.</summary>
internal sealed class MadeList<TFrom, T>(IReadOnlyList<TFrom> from, Func<TFrom, T> make) : IReadOnlyList<T>
{
    public int Count => from.Count;

    public T this[int index] => make(from[index]);

    public IEnumerator<T> GetEnumerator() => from.Select(make).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
