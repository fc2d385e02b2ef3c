namespace CcwFs.Emulation.Dasd.Images;

/// <summary>The 3390 models by name and primary cylinders.</summary>
public static class CkdModel
{
    private static readonly (string Name, int Cylinders)[] Models =
    [
        ("3390-1", 1_113), ("3390-2", 2_226), ("3390-3", 3_339), ("3390-9", 10_017), ("3390-27", 32_760), ("3390-54", 65_520),
    ];

    /// <summary>All names, smallest first.</summary>
    public static IEnumerable<string> Names => Models.Select(static model => model.Name);

    /// <summary>Cylinders of a model given as "3390-3" (or "3"); 0 when there is none of that name.</summary>
    public static int Cylinders(string name) =>
        Models.FirstOrDefault(model => model.Name == name || model.Name.AsSpan(5).SequenceEqual(name)).Cylinders;

    /// <summary>The model of so many cylinders, or "3390" for a size between the models.</summary>
    public static string Name(int cylinders) => Models.FirstOrDefault(model => model.Cylinders == cylinders).Name ?? "3390";
}
