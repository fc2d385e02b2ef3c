using System.Globalization;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.Policy;

/// <summary>
/// Commands, and orders of those that are what their order says: words of a <see cref="CommandSet"/> or two hex digits, <c>psf:18</c>,
/// <c>psf:18/0e</c> (order and suborder), <c>dso:81</c>, with dots between. Equal when the text is.
/// </summary>
public sealed class CommandList : IEquatable<CommandList>
{
    private const int AnySuborder = -1;

    private readonly bool[] _codes = new bool[256];
    private readonly HashSet<(byte Code, byte Order, int Suborder)> _orders = []; // a list may name one a thousand times
    private readonly string _text;

    private CommandList(string text) => _text = text;

    /// <summary>Reads a list of a family's commands; gives null, or what is wrong with it.</summary>
    public static string? TryParse(string text, CommandSet commands, out CommandList? list)
    {
        list = null;
        var parsed = new CommandList(text);
        foreach (string word in text.Split('.'))
        {
            if (parsed.TryAdd(word, commands))
                continue;
            return commands.Rows.Any(row => row.Kind == CommandKind.Orders)
                ? $"'{word}' is no command: a name of ccwfs run's, two hex digits, or an order like psf:18, psf:18/0e or dso:81; with dots between"
                : $"'{word}' is no command of {commands.Device}: one of {string.Join(", ", commands.Rows.Select(row => row.Word))}, or two hex digits; with dots between";
        }
        list = parsed;
        return null;
    }

    /// <summary>The command as such is in the list, with all its orders.</summary>
    internal bool Has(byte code) => _codes[code];

    /// <summary>The list names orders of the command.</summary>
    internal bool HasOrders(byte code) => _orders.Any(o => o.Code == code);

    /// <summary>The order is in the list, by itself or with all of its suborders.</summary>
    internal bool Has(byte code, byte order, byte suborder) =>
        _orders.Contains((code, order, AnySuborder)) || _orders.Contains((code, order, suborder));

    /// <inheritdoc/>
    public bool Equals(CommandList? other) => other is not null && other._text == _text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CommandList);

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The list as it was written.</summary>
    public override string ToString() => _text;

    private bool TryAdd(string word, CommandSet commands)
    {
        string[] ordered = word.Split(':');
        CommandDescription? known = commands.Find(ordered[0]);
        if (ordered.Length > 1)
            return ordered.Length == 2 && known is { Kind: CommandKind.Orders } && TryAddOrder(known, ordered[1].Split('/'));
        byte command = 0;
        if (known is not null)
            command = known.Code;
        else if (!TryHex(word, out command))
            return false;
        _codes[command] = true;
        return true;
    }

    private bool TryAddOrder(CommandDescription command, string[] parts)
    {
        byte suborder = 0;
        if (parts.Length > 2 || !TryHex(parts[0], out byte order) || (parts.Length == 2 && !TryHex(parts[1], out suborder)))
            return false;
        if (parts.Length == 2 && (command.Layout != SubsystemFunctionLayout.Layout || order != SubsystemFunctionLayout.PrepareForRead))
            return false; // no other order has suborders that are judged
        _orders.Add((command.Code, order, parts.Length == 2 ? suborder : AnySuborder));
        return true;
    }

    private static bool TryHex(string text, out byte value)
    {
        value = 0;
        return text.Length == 2 && byte.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
