using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>A path that hangs when it is opened, in a file system whose server does not answer: nobody else waits for it.</summary>
public sealed class HungFileTests : ReloadHarness
{
    private readonly Process _server;

    public HungFileTests()
    {
        _server = Child.Start("/", null, "python3", AppContext.BaseDirectory + "/hung.py", Scratch.MakeDirectory("hung"));
        Says("mounted");
    }

    private string Image => Scratch.At("hung/v.ckd");

    public override void Dispose()
    {
        if (!_server.HasExited)
            Release();
        _server.Dispose();
        base.Dispose();
    }

    [Fact]
    public void Adding_it_keeps_no_other_request_and_no_reload_waiting()
    {
        Mount("""{ "devices": [ "dasd,id=0.0.0001" ] }""");
        using Process add = Child.Start("/", null, Places.Program, "add", $"dasd,image={Image},id=0.0.0007", "--mount", Mounted.MountPoint);
        Says("asked");
        Mounted.Ccwfs("add", "dasd,id=0.0.0008").Ok();
        Assert.Contains("0.0.0007 exists already", Mounted.Ccwfs("add", "dasd,id=0.0.0007").Refused(1), StringComparison.Ordinal);
        Assert.Equal("added 0.0.0000\n", Mounted.Ccwfs("add", "dasd").Ok().Output);
        Mounted.Ccwfs("remove", "0.0.0008").Ok();
        Assert.Contains("reloaded", Reload("""{ "devices": [ "dasd,id=0.0.0002" ] }"""), StringComparison.Ordinal);
        Assert.Equal("0.0.0000\n0.0.0002\n", Ids());
        Release();
        Assert.Contains(Image, Child.Finish(add).Refused(1), StringComparison.Ordinal);
        Mounted.Ccwfs("add", "dasd,id=0.0.0007").Ok();
    }

    [Fact]
    public void A_reload_that_hangs_in_it_leaves_all_devices_at_work_and_can_be_ended()
    {
        Mount("""{ "devices": [ "dasd,id=0.0.0001" ] }""");
        BeginReload($$"""{ "devices": [ "dasd,id=0.0.0002", "dasd,id=0.0.0001,image={{Image}}" ] }""");
        Says("asked");
        Mounted.Ccwfs("run", "0.0.0001", "SENSE_ID sli count=40").Ok();
        Mounted.Ccwfs("add", "dasd,id=0.0.0008").Ok();
        Assert.Equal("0.0.0001\n0.0.0008\n", Ids());
        Mounted.Signal("TERM");
        Mounted.Logged("unmounted ");
        Release(); // Linux ends no process while a file system has its request
        Assert.Equal(0, Mounted.WaitForExit());
    }

    private void Says(string word) => _server.Says(word);

    private void Release()
    {
        _server.StandardInput.Close();
        Assert.True(_server.WaitForExit(Child.Patience), "the server did not end");
    }
}
