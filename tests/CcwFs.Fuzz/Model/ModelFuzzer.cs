namespace CcwFs.Fuzz;

/// <summary>
/// Makes volumes and programs, runs them on a device and on a model of it, and compares. A volume and its programs follow from one seed; the next
/// volume has the next seed.
/// </summary>
/// <param name="seed">The first volume's.</param>
public abstract class VolumeFuzzer(int seed)
{
    private readonly SortedDictionary<string, int> _endings = new(StringComparer.Ordinal);

    /// <summary>Programs run.</summary>
    public int Programs { get; private set; }

    /// <summary>The seed of the volume that is or was under way.</summary>
    public int Seed { get; private set; } = seed;

    /// <summary>How many programs ended how: what the programs are worth.</summary>
    public IReadOnlyDictionary<string, int> Endings => _endings;

    /// <summary>
    /// Runs whole volumes while <paramref name="goesOn"/>; throws <see cref="FuzzException"/> for the first program with two answers.
    /// </summary>
    public void Run(Func<bool> goesOn)
    {
        for (; goesOn(); Seed++)
            RunVolume();
    }

    /// <summary>Runs the programs of the volume of <see cref="Seed"/>.</summary>
    protected abstract void RunVolume();

    /// <summary>A program has run and ended so.</summary>
    protected void Count(string ending)
    {
        Programs++;
        _endings[ending] = _endings.GetValueOrDefault(ending) + 1;
    }
}

/// <summary>A 3390 and <see cref="ModelDevice"/>: ending status, sense, what was sent, and all tracks are the same.</summary>
/// <param name="seed">The first volume's.</param>
public sealed class ModelFuzzer(int seed) : VolumeFuzzer(seed)
{
    /// <summary>Programs that run on one volume, one after another (arbitrary).</summary>
    public const int ProgramsPerVolume = 40;

    /// <inheritdoc/>
    protected override void RunVolume()
    {
        var generator = new ModelGenerator(new Random(Seed));
        using var pair = new ModelPair(generator.Volume(generator.Cylinders()));
        for (int number = 1; number <= ProgramsPerVolume; number++)
        {
            List<ModelTrack> before = [.. pair.Model.Tracks];
            List<ModelStep> steps = generator.Program(pair.Model);
            // All tracks at the end, in case that one was written which nobody was told about.
            string? disagreement = pair.Run(steps, allTracks: number == ProgramsPerVolume);
            if (disagreement is not null)
            {
                List<ModelStep> fewer = Shrink(before, steps);
                string all = fewer.Count < steps.Count ? $"\nof the program:\n{ModelStep.Text(steps)}" : "";
                throw new FuzzException(
                    $"seed {Seed}, program {number}: device and model disagree", Disagreement(before, fewer) is { } text ? text + all : disagreement);
            }
            Count(pair.Ending);
        }
    }

    private static string? Disagreement(List<ModelTrack> before, List<ModelStep> steps)
    {
        using var pair = new ModelPair(before);
        return pair.Run(steps, allTracks: true);
    }

    /// <summary>Leaves steps out as long as the two still disagree.</summary>
    private static List<ModelStep> Shrink(List<ModelTrack> before, List<ModelStep> steps)
    {
        for (int at = steps.Count - 1; at >= 0; at--)
        {
            List<ModelStep> fewer = [.. steps];
            ModelGenerator.Remove(fewer, at);
            if (fewer.Count < steps.Count && Disagreement(before, fewer) is not null)
                (steps, at) = (fewer, fewer.Count);
        }
        return steps;
    }
}
