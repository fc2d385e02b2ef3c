using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>Linux on devices with a policy.</summary>
public sealed class PolicyTests(ITestOutputHelper output) : GuestTest(output)
{
    private const int BlocksOfCylinder = 12 * 15;

    [Fact]
    public void A_guest_writes_where_it_may_and_gets_errors_elsewhere()
    {
        string some = Volume.Create(Scratch, "some.ckd", 30, "--format", "cdl"),
            none = Volume.Create(Scratch, "none.ckd", 30, "--format", "cdl", "--volser", "SECOND");
        using MountedCcwfs mounted = Mount(some + ",extents=10-20", none + ",readonly");
        using Guest guest = Boot(mounted, ["0.0.0000", "0.0.0001"]);
        some = guest.Online("0.0.0150");
        none = guest.Online("0.0.0151");
        guest.Ok(Write(some, 12));
        guest.Run(Write(some, 2)).Failed();
        guest.Run(Write(some, 20, blocks: BlocksOfCylinder + 1)).Failed(); // the last one lies in cylinder 21
        guest.Ok(Write(some, 13));
        guest.Ok($"dd if=/dev/{some} bs=4096 skip={12 * BlocksOfCylinder} count=1 iflag=direct status=none | grep -q written");
        guest.Run(Write(none, 12)).Failed();
        guest.Ok($"dd if=/dev/{none} of=/dev/null bs=4096 count=400 iflag=direct status=none");
        guest.Halt();
        mounted.Logged("0.0.0000: the policy refused a program because of");
        mounted.Logged("extents=10-20");
        mounted.Dispose();
        Volume.Check(Scratch.At("some.ckd"));
    }

    private static string Write(string device, int cylinder, int blocks = 12) =>
        $"yes written | dd of=/dev/{device} bs=4096 seek={cylinder * BlocksOfCylinder} count={blocks} iflag=fullblock oflag=direct status=none";
}
