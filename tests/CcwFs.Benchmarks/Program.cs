using BenchmarkDotNet.Running;
using CcwFs.Benchmarks;

// No argument: every row of the table. Names of groups: only those. "micro": the translator under BenchmarkDotNet, with its own options behind it.
if (args is ["micro", .. var options])
{
    BenchmarkSwitcher.FromTypes([typeof(TranslatorMicro)]).Run(options.Length == 0 ? ["--filter", "*"] : options);
    return 0;
}
if (args is ["compare", .. var tables]) // those of the older build, then -- and those of this one
    return Comparison.Print(tables.TakeWhile(t => t != "--"), tables.SkipWhile(t => t != "--").Skip(1), Console.Out) == 0 ? 0 : 1;
(string Name, Action<Report> Run)[] groups =
[
    ("translate", TranslateBench.Run),
    ("layer", LayerBench.Run),
    ("trace", TraceBench.Run),
    ("pair", PairBench.Run),
    ("backend", BackendBench.Run),
    ("read", ReadBench.Run),
    ("write", WriteBench.Run),
    ("start", StartBench.Run),
    ("mount", MountBench.Run),
    ("scale", ScaleBench.Run),
    ("guest", GuestBench.Run),
    ("guest", CodeBench.Run),
    ("fio", FioBench.Run),
];
string? unknown = Array.Find(args, a => !Array.Exists(groups, g => g.Name == a));
if (unknown is not null)
{
    Console.Error.WriteLine($"bench: {unknown}: no such group; there are: {string.Join(", ", groups.Select(g => g.Name).Distinct())}, and micro");
    return 2;
}
var report = new Report();
foreach ((string name, Action<Report> run) in groups)
{
    if (args.Length == 0 || args.Contains(name))
        run(report);
}
report.Print(Console.Out);
return 0;
