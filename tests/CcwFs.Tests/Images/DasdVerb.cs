using CcwFs.Cli.Dasd;

namespace CcwFs.Tests.Images;

/// <summary>Runs a verb of "ccwfs dasd" in this process.</summary>
internal static class DasdVerb
{
    internal static (int Status, string Out, string Error) Run(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int status = DasdCommand.Create(output, error).Parse(arguments).Invoke();
        return (status, output.ToString(), error.ToString());
    }
}
