using System.Globalization;
using System.Text;
using CcwFs.Tests.Fuse;

namespace CcwFs.Tests.Linux;

/// <summary>A C compiler as the judge of sizes, offsets and numbers.</summary>
internal static class CCompiler
{
    /// <summary>Whether each C expression has its value: status 0, or the compiler's words on those that have not.</summary>
    internal static (int Status, string Output) Judge(string declarations, IEnumerable<(string Expression, long Value)> facts, string compiler = "gcc")
    {
        var source = new StringBuilder(declarations);
        foreach ((string expression, long value) in facts)
            source.Append(CultureInfo.InvariantCulture, $"_Static_assert({expression} == {value}, \"{expression} is not {value}\");\n");
        return Judge(source.ToString(), compiler);
    }

    /// <summary>Whether a source compiles.</summary>
    internal static (int Status, string Output) Judge(string source, string compiler = "gcc")
    {
        string file = Path.Combine(Path.GetTempPath(), $"ccwfs-{Guid.NewGuid():N}.c");
        File.WriteAllText(file, source);
        try
        {
            return Child.Run(Child.Start("/", compiler, "-x", "c", "-fsyntax-only", "-Wall", "-Werror", file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
