using System.CommandLine;
using System.Text;

namespace CcwFs.Cli.Docs;

/// <summary><c>ccwfs docs man DIR</c>: writes the manual pages; for packages, so it is not shown.</summary>
internal static class DocsCommand
{
    internal static Command Create(RootCommand root)
    {
        var directory = new Argument<string>("DIR") { HelpName = "DIR", Description = "Where to: man1 and man5 are made in it" };
        var man = new Command("man", "Write the manual pages") { directory };
        man.SetAction(result =>
        {
            string version = typeof(DocsCommand).Assembly.GetName().Version!.ToString(fieldCount: 3);
            foreach ((string file, string text) in new ManPages(root, version).All())
            {
                string section = Path.Combine(result.GetValue(directory)!, "man" + file[^1]);
                Directory.CreateDirectory(section);
                WholeFile.Write(Path.Combine(section, file), page => page.Write(Encoding.UTF8.GetBytes(text)));
            }
        });
        var docs = new Command("docs", "Write documentation") { man };
        docs.Hidden = true;
        return docs;
    }
}
