using CcwFs.ChannelIo;

namespace CcwFs.Fuzz;

/// <summary>The simplest channel, for the model and for the device alike: one chain, status modifier, TIC, incorrect length, and an error
/// of its own that a step may ask for, which ends the chain as incorrect length does.</summary>
internal static class ModelChannel
{
    /// <summary>Normal ending.</summary>
    internal const DeviceStatus Good = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;

    private const int Patience = 20_000; // steps of one program; arbitrary

    /// <summary>
    /// Runs a program. <paramref name="execute"/> executes one command, and <paramref name="end"/> concludes the program; both give status and sense
    /// in words.
    /// </summary>
    internal static ModelAnswer Run(
        IReadOnlyList<ModelStep> steps, Func<byte, ModelData, (DeviceStatus Status, string Sense)> execute,
        Func<DeviceStatus, string, (DeviceStatus Status, string Sense)> end)
    {
        var read = new List<byte[]>();
        (DeviceStatus status, string sense, bool incorrect, int last) = (Good, "", false, 0);
        int at = 0;
        for (int executed = 0; at < steps.Count; executed++)
        {
            if (executed > Patience)
                throw new InvalidOperationException("the program does not end");
            if (steps[at].Target >= 0)
            {
                at = steps[at].Target;
                continue;
            }
            last = at;
            var data = new ModelData(steps[at]);
            (status, sense) = execute(steps[at].Code, data);
            if (steps[at].Read > 0)
                read.Add([.. data.Sent]);
            incorrect = (data.IsIncorrect && !steps[at].Sli) || !data.IsGood;
            if ((status & ~DeviceStatus.StatusModifier) != Good || incorrect)
                break;
            at += status == Good ? 1 : 2;
            status = Good;
        }
        (status, sense) = end(status, sense);
        return new ModelAnswer(status, incorrect, last, read, sense);
    }
}
