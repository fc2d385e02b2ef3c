using CcwFs.ChannelIo;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Tests.ControlUnit;

/// <summary>Each transition of the reserve, from each state: hold x program x device end owed.</summary>
public sealed class ReserveStateTests
{
    private static readonly ReserveState[] _all =
    [
        .. from hold in Enum.GetValues<Hold>()
           from program in Enum.GetValues<ProgramPhase>()
           from owes in (bool[])[false, true]
           select new ReserveState(hold, program, owes),
    ];

    /// <summary>
    /// What a transition makes of each hold and of each program phase, in the order of their enumerations, and of the device end owed.
    /// </summary>
    public static TheoryData<string, string, string, string> Table => new()
    {
        // transition          None Pending Held Lost        None Running Terminated                no, yes
        { "Begin",             "None Pending Held Lost",     "None Running Running",                "no yes" },
        { "Enter",             "None Pending Held Lost",     "Running Running Terminated",          "no yes" },
        { "Leave",             "None Pending Held Lost",     "None None None",                      "no yes" },
        { "Abandon",           "None None Held Lost",        "None None None",                      "no no" },
        { "AnswerBusy",        "None Pending Held Lost",     "None Running Terminated",             "yes yes" },
        { "PayDeviceEnd",      "None Pending Held Lost",     "None Running Terminated",             "no no" },
        { "Reserve alone",     "Held Held Held Held",        "None Running Terminated",             "no yes" },
        { "Reserve in use",    "Pending Pending Pending Pending", "None Running Terminated",        "yes yes" },
        { "Take",              "Held Held Held Held",        "None Running Terminated",             "no yes" },
        { "BeTakenFrom",       "None Lost Lost Lost",        "None Terminated Terminated",          "no yes" },
        { "TellLoss",          "None Pending Held None",     "None Running Running",                "no yes" },
        { "Release",           "None None None Lost",        "None Running Terminated",             "no yes" },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public void A_transition_is_defined_for_every_state(string transition, string holds, string programs, string owes)
    {
        foreach (ReserveState state in _all)
        {
            var expected = new ReserveState(
                Enum.Parse<Hold>(holds.Split(' ')[(int)state.Hold]), Enum.Parse<ProgramPhase>(programs.Split(' ')[(int)state.Program]),
                owes.Split(' ')[state.OwesDeviceEnd ? 1 : 0] == "yes");
            Assert.Equal((state, expected), (state, After(state, transition)));
        }
    }

    [Fact]
    public void Every_transition_is_in_the_table()
    {
        IEnumerable<string> known = typeof(ReserveState).GetMethods().Where(m => m.ReturnType == typeof(ReserveState)).Select(m => m.Name);
        IEnumerable<string> tested = Table.Select(row => ((string)row[0]).Split(' ')[0]).Distinct();
        Assert.Equal(known.Order(), tested.Order());
    }

    [Fact]
    public void What_others_ask_of_a_state_follows_from_it()
    {
        foreach (ReserveState state in _all)
        {
            Assert.Equal(state.Hold is Hold.Pending or Hold.Held, state.Reserves);
            Assert.Equal(state.Program is ProgramPhase.Running or ProgramPhase.Terminated, state.IsInProgram);
            Assert.Equal(state.Hold == Hold.Lost || state.Program == ProgramPhase.Terminated, state.MustTellLoss);
            Assert.False(state.TellLoss().MustTellLoss);
        }
    }

    /// <summary>Three devices, every sequence of four events: the unit's holder and the devices' states never disagree.</summary>
    [Fact]
    public void At_most_one_device_has_the_reserve_whatever_happens()
    {
        const int Devices = 3, Depth = 4;
        Action<SharedUnit, Sharer>[] events =
        [
            (unit, s) => unit.TryReserve(s), (unit, s) => unit.Steal(s), (unit, s) => unit.Release(s), (unit, s) => unit.Reset(s),
            (unit, s) =>
                unit.AbandonProgram(s), (unit, s) => unit.LosePath(s, 0), (_, s) => s.State = s.State.Enter(), (unit, s) => unit.LeaveProgram(s),
        ];
        int choices = events.Length * Devices;
        for (int sequence = 0; sequence < (int)Math.Pow(choices, Depth); sequence++)
        {
            var unit = new SharedUnit();
            Sharer[] sharers = [.. Enumerable.Range(0, Devices).Select(i => new Sharer(new DeviceId(0, 0, (ushort)i)))];
            Array.ForEach(sharers, unit.Attach);
            for (int step = 0, left = sequence; step < Depth; step++, left /= choices)
            {
                int choice = left % choices;
                events[choice / Devices](unit, sharers[choice % Devices]);
                Sharer[] reserving = [.. sharers.Where(s => s.State.Reserves)];
                Assert.Equal(unit.ReservedBy is null ? [] : [unit.ReservedBy], reserving);
            }
        }
    }

    private static ReserveState After(ReserveState state, string transition) => transition switch
    {
        "Begin" => state.Begin(),
        "Enter" => state.Enter(),
        "Leave" => state.Leave(),
        "Abandon" => state.Abandon(),
        "AnswerBusy" => state.AnswerBusy(),
        "PayDeviceEnd" => state.PayDeviceEnd(),
        "Reserve alone" => state.Reserve(othersRun: false),
        "Reserve in use" => state.Reserve(othersRun: true),
        "Take" => state.Take(),
        "BeTakenFrom" => state.BeTakenFrom(),
        "TellLoss" => state.TellLoss(),
        "Release" => state.Release(),
        _ => throw new ArgumentOutOfRangeException(nameof(transition)),
    };
}
