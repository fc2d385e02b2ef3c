using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Replay;
using CcwFs.Tests.Subchannel;
using CcwFs.Trace;

namespace CcwFs.Tests.Replay;

/// <summary>Recordings of programs that are longer than any that a guest has.</summary>
public sealed class LongProgramTests
{
    [Fact]
    public async Task A_program_with_very_many_commands_is_read_in_a_moment()
    {
        const int Commands = 200_000, CcwHead = 16, CommandSize = 20;
        RecordingFile file = new RecordingFile().Add(TraceEvent.Start, new byte[Orb.Size], program: 1);
        byte[] ccw = new byte[CcwHead], command = new byte[CommandSize];
        command[3] = 1; // none of the CCWs is there: each is looked for behind all of them
        for (int i = 0; i < Commands; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(ccw, (uint)i * Ccw.Size);
            file.Add(TraceEvent.Ccw, ccw, program: 1);
        }
        for (int i = 0; i < Commands; i++)
            file.Add(TraceEvent.Command, command, program: 1);
        using MemoryStream stream = file.ToStream();
        Recording recording = await Task.Run(() => Recording.Read(stream)).WaitAsync(Machine.Patience);
        Assert.Equal(Commands, Assert.IsType<RecordedProgram>(Assert.Single(recording.Items)).Commands.Count);
    }
}
