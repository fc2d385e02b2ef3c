using CcwFs.ChannelProgram;
using CcwFs.Faults.Rules;
using CcwFs.Memory;

namespace CcwFs.Faults;

/// <summary>A list entry of a program that is to lead to altered data.</summary>
/// <param name="Idaw">Where it is.</param>
/// <param name="Copy">Where the altered data is.</param>
internal readonly record struct Redirection(HostAddress Idaw, HostAddress Copy);

/// <summary>Bytes of a program's storage that are to be others. The data of a command goes on in the CCWs that are chained to it.</summary>
internal sealed class DataPatch
{
    private readonly List<Part> _parts;
    private readonly FaultAction _action;

    private DataPatch(List<Part> parts, FaultAction action) => (_parts, _action) = (parts, action);

    /// <summary>What an action alters of the data of a command; null: the command has no such byte.</summary>
    internal static DataPatch? Of(HostProgram program, HostAddress command, FaultAction action) =>
        Parts(program, command, action) is { Count: > 0 } parts ? new DataPatch(parts, action) : null;

    /// <summary>
    /// Makes copies of those parts of a command's data in the program, altered. It waits for the program's memory. None: the command has no such
    /// byte, or its memory is gone.
    /// </summary>
    internal static Redirection[] Copy(HostProgram program, HostAddress command, FaultAction action)
    {
        List<Redirection> made = [];
        foreach (Part part in Parts(program, command, action))
        {
            byte[] copy = new byte[part.Piece.Length];
            if (!part.Piece.Store.Read(part.Piece.Offset, copy) || !program.TryFetchIdaw(part.Idaw, out ulong idaw))
                return [];
            part.Change(copy.AsSpan(part.Into), action);
            made.Add(new Redirection(part.Idaw, program.CopyBlock(copy, (int)(idaw % (ulong)program.IdawBlock))));
        }
        return [.. made];
    }

    /// <summary>Alters the bytes; waits for their owner.</summary>
    internal void Apply()
    {
        foreach (Part part in _parts)
        {
            long offset = part.Piece.Offset + part.Into;
            byte[] now = new byte[part.Count];
            if (!part.Piece.Store.Read(offset, now))
                return; // it is gone, and nobody will see it
            part.Change(now, _action);
            part.Piece.Store.Write(offset, now);
        }
    }

    private static List<Part> Parts(HostProgram program, HostAddress command, FaultAction action)
    {
        List<Part> parts = [];
        int before = 0, end = action.Offset + action.Bytes.Length;
        bool isIn = false;
        foreach (ref readonly ProgramCcw ccw in program.Ccws)
        {
            isIn = ccw.Host == command || (isIn && ccw.Continues);
            if (!isIn)
                continue;
            HostAddress idaw = ccw.List;
            foreach (DataPiece piece in new DataPieces(program, ccw))
            {
                int first = Math.Max(action.Offset, before), behind = Math.Min(end, before + piece.Length);
                if (first < behind)
                    parts.Add(new Part(idaw, piece, first - before, first - action.Offset, behind - first));
                before += piece.Length;
                idaw = idaw.Plus(HostProgram.IdawSize);
            }
        }
        return parts;
    }

    /// <summary>What an action alters of one piece: so many bytes of its own from one on, so far into the piece.</summary>
    private readonly record struct Part(HostAddress Idaw, DataPiece Piece, int Into, int From, int Count)
    {
        internal void Change(Span<byte> data, FaultAction action)
        {
            for (int i = 0; i < Count; i++)
                data[i] = action.Flips ? (byte)(data[i] ^ action.Bytes[From + i]) : action.Bytes[From + i];
        }
    }
}
