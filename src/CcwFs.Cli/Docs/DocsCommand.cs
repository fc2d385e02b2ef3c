using System.CommandLine;
using System.Text;

namespace CcwFs.Cli.Docs;

/// <summary><c>ccwfs docs man DIR</c>: writes the manual pages; for packages, so it is not shown.</summary>
internal static class DocsCommand
{
    internal static Command Create(RootCommand root)
    {
        var directory = new Argument<string>("DIR") { HelpName = "DIR", Description = "Where to write: man1, man5, man7 and man8 are made in it." };
        var man = new Command("man", "Write the manual pages.") { directory };
        man.SetAction(result =>
        {
            string version = typeof(DocsCommand).Assembly.GetName().Version!.ToString(fieldCount: 3);
            foreach (Page page in new ManPages(root).All())
            {
                string section = Path.Combine(result.GetValue(directory)!, $"man{page.Section}");
                Directory.CreateDirectory(section);
                WholeFile.Write(Path.Combine(section, page.File), file => file.Write(Encoding.UTF8.GetBytes(Roff.Of(page, version))));
            }
        });
        var docs = new Command("docs", "Write documentation.") { man };
        docs.Hidden = true;
        return docs;
    }
}
