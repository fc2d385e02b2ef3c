namespace CcwFs.GuestTests;

/// <summary>What a guest is made of, besides the subchannels.</summary>
internal sealed record GuestOptions
{
    /// <summary>Words for the kernel's command line, behind those of every guest.</summary>
    internal string KernelWords { get; init; } = "";

    /// <summary>Modules to load before the guest says that it is ready.</summary>
    internal string Modules { get; init; } = "dasd_eckd_mod,ext4";

    /// <summary>Whether QEMU's BIOS loads the system from a device (bootindex) in place of the guest's own kernel.</summary>
    internal bool Ipl { get; init; }

    /// <summary>Whether a system that wants to be loaded again is; else QEMU ends.</summary>
    internal bool Reboots { get; init; }

    /// <summary>Whether it has fio, which takes it 67 MB more.</summary>
    internal bool HasFio { get; init; }

    /// <summary>Options for QEMU, behind those of every guest.</summary>
    internal string[] Qemu { get; init; } = [];

    /// <summary>Options for ccwfs qemu.</summary>
    internal string[] Verb { get; init; } = [];
}
