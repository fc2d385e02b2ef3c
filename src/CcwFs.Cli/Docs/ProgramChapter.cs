using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;

namespace CcwFs.Cli.Docs;

/// <summary>The chapter on the language of channel programs, with every command and its words.</summary>
internal static class ProgramChapter
{
    internal static void Write(Roff page)
    {
        page.Section("CHANNEL PROGRAMS");
        page.Paragraph("A CCW is one argument, or one line of a file: [LABEL:] COMMAND [FLAG…] [KEY=VALUE…] [# comment]. CCWs that follow each other are chained.");
        page.Term("COMMAND", null, "One of the names below, small letters too, or two hex digits. tic=LABEL goes on at another CCW. DATA goes on with the data of the CCW before, which has the flag cd.");
        page.Term("FLAG", null, "cd (chain data), nochain, sli (a length that differs is no error), skip (store nothing), pci, ida (reach the data through IDAWs), suspend.");
        page.Term("count=", "N", "The number of bytes, decimal or 0x; without it as much as is written, or as the command usually reads.");
        page.Term("data=", "HEX|\"text\"|ebcdic:\"TEXT\"|@FILE", "Bytes to write; may be repeated. zero=N are N zeros. What is missing up to count= is zeros.");
        page.Paragraph("Some commands take their parameters as words, in place of data=. A track is CYLINDER/HEAD, a record CYLINDER/HEAD/RECORD; mask= is format, read, update or all; op= is read, write, format, orient, erase, read-tracks or read-ckd.");
        page.Subsection("Commands");
        foreach (EckdCommand command in EckdCommands.All)
            page.Term(command.Name, null, string.Create(CultureInfo.InvariantCulture, $"{command.Code:X2}, {EckdCommands.Words(command.Direction)}.{Also(command)}{Words(command)}"));
    }

    private static string Also(EckdCommand command) => command.Aliases.Length == 0 ? "" : $" Also {Values.List(command.Aliases, "or")}.";

    private static string Words(EckdCommand command) =>
        ProgramText.ParameterKeys(command.Code) is { Count: > 0 } keys ? $" Words: {string.Join(", ", keys.Select(key => key + "="))}." : "";
}
