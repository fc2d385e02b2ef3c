namespace CcwFs.SystemTests;

/// <summary>Devices shown in another channel subsystem than they are in: css= of a SPEC.</summary>
public sealed class CssMappingTests(CssMappingTests.Mapped mounted) : IClassFixture<CssMappingTests.Mapped>
{
    /// <summary>One of css 1 in fe, one of css 2 in 0, one of css 0 in 3, and one where it is.</summary>
    public sealed class Mapped : MountedCcwfs
    {
        public Mapped()
            : base(["--device", "dasd,id=1.0.0000,devno=1.0.1234,css=fe", "--device", "dasd,id=2.0.0001,devno=2.0.1235,css=0,chpids=41",
                "--device", "dasd,id=0.1.0002,devno=0.1.1236,css=3", "--device", "dasd,id=0.0.0003,devno=0.0.1237"])
        {
        }
    }

    private Outcome Add(string spec) => mounted.Ccwfs("add", spec);

    private Outcome Qemu(params string[] ids) => Child.Ccwfs(["qemu", "--mount", mounted.MountPoint, "--print", .. ids, "--", "qemu-system-s390x"]);

    [Fact]
    public void The_tree_and_sys_show_the_css_that_was_asked_for_and_programs_run_there() => mounted.Python("""
        assert sorted(n for n in os.listdir(D) if '.' in n) == ['0.0.0001', '0.0.0003', '3.1.0002', 'fe.0.0000']
        assert sorted(os.listdir(D + '/sys/bus/css/devices')) == ['0.0.0001', '0.0.0003', '3.1.0002', 'fe.0.0000']
        assert sorted(os.listdir(D + '/sys/devices')) == ['css0', 'css3', 'cssfe', 'system']
        assert sorted(n for n in os.listdir(D + '/sys/devices/css0') if n[0] == 'c') == ['chp0.40', 'chp0.41']
        def text(p): return open(f'{D}/sys/{p}').read().strip()
        for sch, dev in ('fe.0.0000', 'fe.0.1234'), ('0.0.0001', '0.0.1235'), ('3.1.0002', '3.1.1236'):
            css = sch.split('.')[0]
            assert os.path.realpath(f'{D}/sys/bus/css/devices/{sch}') == f'{D}/sys/devices/css{css}/{sch}'
            assert text(f'bus/css/devices/{sch}/dev_busid') == dev
            chpid = text(f'bus/css/devices/{sch}/chpids').split()[0]
            assert text(f'devices/css{css}/chp0.{chpid}/type') == '1b' and text(f'devices/css{css}/chp0.{chpid}/status') == 'online'
            subprocess.check_call([CCWFS, 'run', sch, 'SENSE_ID sli count=40', '--mount', D], stdout=subprocess.DEVNULL)
        """);

    [Fact]
    public void Info_and_list_give_the_ids_on_the_host_too() => mounted.Python("""
        import json
        def ccwfs(*a): return subprocess.check_output([CCWFS, *a, '--mount', D], text=True)
        rows = {r['subchannel']: r for r in json.loads(ccwfs('list', '--json'))}
        ids = {s: (r['device'], r.get('hostSubchannel'), r.get('hostDevice')) for s, r in rows.items()}
        assert ids == {'fe.0.0000': ('fe.0.1234', '1.0.0000', '1.0.1234'), '0.0.0001': ('0.0.1235', '2.0.0001', '2.0.1235'),
                       '3.1.0002': ('3.1.1236', '0.1.0002', '0.1.1236'), '0.0.0003': ('0.0.1237', None, None)}, ids
        lines = ccwfs('list').splitlines()
        assert any(l.startswith('fe.0.1234 fe.0.0000 ') and l.endswith(' 1.0.1234 1.0.0000') for l in lines), lines
        assert any(l.startswith('0.0.1237  0.0.0003 ') and l.endswith(' ' + rows['0.0.0003']['uuid']) for l in lines), lines
        info = open(D + '/fe.0.0000/info').read()
        for line in 'subchannel   fe.0.0000', 'device       fe.0.1234', 'host id      1.0.0000', 'host device  1.0.1234':
            assert line + '\n' in info, info
        facts = json.loads(ccwfs('info', '0.0.0001', '--json'))
        assert (facts['subchannel'], facts['host id'], facts['host device']) == ('0.0.0001', '2.0.0001', '2.0.1235')
        assert 'host' not in open(D + '/0.0.0003/info').read()
        """);

    [Fact]
    public void Qemu_is_given_the_ids_that_are_shown()
    {
        string command = Qemu("fe.0.0000", "0.0.0001").Ok().Output;
        Assert.Contains("/css/devices/fe.0.0000/", command, StringComparison.Ordinal);
        Assert.Contains("devno=fe.0.1234 ", command, StringComparison.Ordinal);
        Assert.Contains("/css/devices/0.0.0001/", command, StringComparison.Ordinal);
        Assert.Contains("devno=fe.0.1235 ", command, StringComparison.Ordinal); // what a guest sees as 0.0.1235
        Assert.Contains("no subchannel 1.0.0000", Qemu("1.0.0000").Refused(1), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dasd,id=3.0.0000,css=fe", "fe.0.0000 exists already")]
    [InlineData("dasd,id=fe.0.0000", "fe.0.0000 exists already")]
    [InlineData("dasd,id=1.0.0000", "fe.0.0000 exists already")] // the host's 1.0.0000
    [InlineData("dasd,id=3.0.0007,devno=3.0.1234,css=fe", "device 3.0.1234 would be shown as fe.0.1234")]
    [InlineData("dasd,id=2.0.0007,devno=2.0.1237,css=0", "would be shown as 0.0.1237")]
    [InlineData("dasd,id=0.0.0007,devno=0.0.1235", "would be shown as 0.0.1235")]
    public void Two_devices_at_one_id_are_refused(string spec, string because)
    {
        Outcome outcome = Add(spec);
        Assert.Contains(because, outcome.Refused(1), StringComparison.Ordinal);
    }

    [Fact]
    public void Verbs_know_a_device_by_the_id_that_is_shown_and_a_removed_one_leaves_both()
    {
        Assert.Equal("added fe.0.0100\nadded fe.0.0101\n", Add("dasd,count=2,id=1.0.0100,devno=1.0.2000,css=fe").Ok().Output);
        mounted.Ccwfs("path", "fe.0.0100", "40", "off").Ok();
        mounted.Ccwfs("remove", "1.0.0100").Refused(1);
        mounted.Ccwfs("remove", "fe.0.0100").Ok();
        Assert.Equal("added 0.0.0100\n", Add("dasd,id=1.0.0100,devno=1.0.2000,css=0").Ok().Output);
        Assert.Equal("added fe.0.0100\n", Add("dasd,id=2.0.0100,devno=2.0.2000,css=fe").Ok().Output);
        foreach (string id in (string[])["0.0.0100", "fe.0.0100", "fe.0.0101"])
            mounted.Ccwfs("remove", id).Ok();
    }
}
