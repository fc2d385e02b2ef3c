using System.ComponentModel;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Control;
using CcwFs.Host;
using CcwFs.Linux;
using CcwFs.Vfio;
using Mono.Unix.Native;

namespace CcwFs.Cli.Qemu;

/// <summary>
/// Sees to it that a guest whose code QEMU translates (TCG) runs the code that it has read: a channel by which QEMU is told to drop translations, and
/// a plugin that marks what it has translated, so that QEMU is asked for those pages only.
/// </summary>
internal static class QemuCode
{
    private const string Channel = "ccwfs-code", PluginFile = "ccwfs-code.so";
    private const string Devices = "/dev/kvm";
    private const string TakesPlugin = "takes the plugin"; // as it is remembered

    /// <summary>What a printed command lacks: a shell has no socket pair, and cannot tell ccwfs.</summary>
    internal const string NotPrinted =
        "ccwfs: started by this line, QEMU is not told what the guest reads, and the guest may run code that is no longer in its memory; without --print it is told";

    /// <summary>
    /// Tells ccwfs, by the open <paramref name="iommu"/> file of the guest, and gives what is added to QEMU's arguments; the descriptors in them stay
    /// open over an exec. Nothing is added for a guest that the processor runs itself, and where the user has a qtest of his own.
    /// </summary>
    internal static IReadOnlyList<string> Offer(FileDescriptor iommu, IReadOnlyList<string> command, bool withPlugin)
    {
        if (IsHardware(command))
        {
            Tell(iommu, new GuestCodeChannel { Flags = GuestCodeChannel.FlagHardware });
            return [];
        }
        if (command.Any(word => word is "-qtest" or "--qtest"))
            return [];
        SharedMemory? marks = withPlugin ? TryPlugin(command[0]) : null;
        int result = Descriptors.SocketPair(out FileDescriptor ours, out FileDescriptor qemus);
        if (result < 0)
            throw new CommandException($"there is no socket for QEMU: {Problem.Of(result)}");
        using (ours)
        {
            GuestCodeChannel code = new()
            {
                Channel = ours.Number,
                OtherEnd = qemus.Number,
                Marks = marks?.File.Number ?? GuestCodeChannel.NoDescriptor,
            };
            if (marks is not null && Ask(iommu, code) < 0)
            {
                marks.Dispose(); // there is no room for them, or the system counts memory strictly
                (marks, code.Marks) = (null, GuestCodeChannel.NoDescriptor);
            }
            if (marks is null)
                Tell(iommu, code);
            return [.. Options(qemus.Number), .. marks is null ? [] : Plugin(marks.File.Number)];
        }
    }

    /// <summary>
    /// QEMU lets the processor run the guest's code: it is told to, with nothing else to fall back to, and this is a machine where that can be. When
    /// in doubt it translates.
    /// </summary>
    internal static bool IsHardware(IReadOnlyList<string> command)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.S390x
            || FileDescriptor.Open(Devices, OpenOptions.ReadWrite, 0, out FileDescriptor device) < 0)
            return false;
        device.Dispose();
        return IsToldHardware(command);
    }

    /// <summary>All that the words say of accelerators is KVM.</summary>
    internal static bool IsToldHardware(IReadOnlyList<string> command)
    {
        List<string> named = [];
        for (int i = 0; i < command.Count; i++)
        {
            string value = i + 1 < command.Count ? command[i + 1] : "";
            if (command[i] is "-enable-kvm" or "--enable-kvm")
                named.Add("kvm");
            else if (command[i] is "-accel" or "--accel")
                named.Add(value.Split(',')[0].Replace("accel=", "", StringComparison.Ordinal));
            else if (command[i] is "-machine" or "--machine" or "-M" or "--M")
                named.AddRange(value.Split(',').Where(part => part.StartsWith("accel=", StringComparison.Ordinal))
                    .SelectMany(part => part["accel=".Length..].Split(':')));
        }
        return named.Count > 0 && named.TrueForAll(name => name == "kvm");
    }

    private static string[] Options(int descriptor) =>
        ["-chardev", string.Create(CultureInfo.InvariantCulture, $"socket,id={Channel},fd={descriptor}"), "-qtest", $"chardev:{Channel}",
            "-qtest-log", "none"];

    private static string[] Plugin(int descriptor) =>
        ["-plugin", string.Create(CultureInfo.InvariantCulture, $"{PluginPath.Replace(",", ",,", StringComparison.Ordinal)},marks={descriptor}")];

    private static string PluginPath => Path.Combine(AppContext.BaseDirectory, PluginFile);

    /// <summary>The marks, when this QEMU takes the plugin: it says so in them. A QEMU that does not would not start with it.</summary>
    private static SharedMemory? TryPlugin(string program)
    {
        if (!File.Exists(PluginPath))
            return null;
        try
        {
            SharedMemory marks = SharedMemory.Create(Channel, GuestCodeMarks.Size);
            marks.File.KeepOverExec();

            string path = Execution.Find(program) ?? program;
            if (QemuMemory.Knows(TakesPlugin, path, PluginPath))
                return marks;

            // A machine without anything that ends at once, for there is no state to load.
            ChildProcess.Run(program, ["-machine", "none", "-nodefaults", "-display", "none", "-S", .. Plugin(marks.File.Number), "-loadvm", "none"]);
            if (marks.ReadOrdered(0) != 0)
            {
                QemuMemory.Remember(TakesPlugin, path, PluginPath);
                return marks;
            }
            marks.Dispose();
        }
        catch (Exception failure) when (failure is CommandException or Win32Exception)
        {
            // It does not end, or there is no memory for the marks.
        }
        return null;
    }

    private static void Tell(FileDescriptor iommu, GuestCodeChannel code)
    {
        int result = Ask(iommu, code);
        if (result == -(int)Errno.ENOTTY)
            throw new CommandException("the mount is of an older ccwfs; mount it again with this one");
        if (result < 0)
            throw new CommandException($"ccwfs does not take QEMU's channel for translated code: {Problem.Of(result)}");
    }

    private static int Ask(FileDescriptor iommu, GuestCodeChannel code)
    {
        code.Size = (uint)Unsafe.SizeOf<GuestCodeChannel>();
        return Descriptors.Control(iommu, (uint)IommufdIoctl.SetGuestCode, MemoryMarshal.AsBytes(new Span<GuestCodeChannel>(ref code)));
    }
}
