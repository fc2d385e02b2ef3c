namespace CcwFs.SystemTests;

/// <summary>sys/ of one mount, read as QEMU reads it.</summary>
public sealed class SysTreeTests : IClassFixture<SysTreeTests.TwoSystems>
{
    private readonly TwoSystems _mounted;

    public SysTreeTests(TwoSystems mounted) => _mounted = mounted;

    /// <summary>Two channel subsystems, so that css0 is not all there is.</summary>
    public sealed class TwoSystems : MountedCcwfs
    {
        public TwoSystems()
            : base(["--device", "dasd,devno=0.0.0150", "--device", "dasd,id=1.2.00ab,devno=1.2.1234,chpids=40.a1.42"])
        {
        }
    }

    [Fact]
    public void Every_file_that_qemu_reads_has_its_format() => _mounted.Python("""
        import json, re
        uuids = {r['subchannel']: r['uuid'] for r in json.loads(subprocess.check_output([CCWFS, 'list', '--json', '--mount', D]))}
        def text(p): return open(f'{D}/sys/{p}').read()
        for sch, masks, chpids in ('0.0.0000', '80 80 ff', '40 00 00 00 00 00 00 00'), ('1.2.00ab', 'e0 e0 ff', '40 a1 42 00 00 00 00 00'):
            css = sch[0]
            real = os.path.realpath(f'{D}/sys/bus/css/devices/{sch}/{uuids[sch]}')
            assert real == f'{D}/sys/devices/css{css}/{sch}/{uuids[sch]}', real
            assert os.path.realpath(f'{D}/sys/bus/mdev/devices/{uuids[sch]}') == real
            assert text(f'bus/css/devices/{sch}/pimpampom') == masks + '\n'
            assert text(f'bus/css/devices/{sch}/chpids') == chpids + ' \n'
            assert text(f'bus/css/devices/{sch}/type') == '0\n'
            assert text(f'bus/css/devices/{sch}/modalias') == 'css:t0\n'
            for chpid in [c for c in chpids.split() if c != '00']:
                assert text(f'devices/css{css}/chp0.{chpid}/type') == '1b\n'
                assert text(f'devices/css{css}/chp0.{chpid}/status') == 'online\n'
        assert text('bus/css/devices/1.2.00ab/dev_busid') == '1.2.1234\n'
        assert os.listdir(f'{D}/sys/devices/system') == []
        assert f"uuid         {uuids['0.0.0000']}\n" in open(f'{D}/0.0.0000/info').read()
        """);

    [Fact]
    public void Links_are_those_of_real_sysfs_and_none_dangles() => _mounted.Python("""
        import glob
        links = {}
        for top, dirs, files in os.walk(f'{D}/sys'):
            for n in dirs + files:
                p = f'{top}/{n}'
                st = os.lstat(p)
                if os.path.islink(p):
                    assert os.path.exists(p) and st.st_size == len(os.readlink(p)), p
                    links[p[len(D) + 5:]] = os.readlink(p)
                elif not os.path.isdir(p):
                    assert open(p).read().endswith('\n') and st.st_size == 4096, p
        uuid = os.path.basename(glob.glob(f'{D}/sys/devices/css0/0.0.0000/*-*-*')[0])
        dev = 'devices/css0/0.0.0000'
        for link, target in {
            'bus/css/devices/0.0.0000': '../../../' + dev,
            'bus/css/devices/1.2.00ab': '../../../devices/css1/1.2.00ab',
            'bus/css/drivers/vfio_ccw/0.0.0000': '../../../../' + dev,
            f'bus/mdev/devices/{uuid}': f'../../../{dev}/{uuid}',
            f'{dev}/driver': '../../../bus/css/drivers/vfio_ccw',
            f'{dev}/subsystem': '../../../bus/css',
            f'{dev}/{uuid}/mdev_type': '../mdev_supported_types/vfio_ccw-io',
            f'{dev}/{uuid}/driver': '../../../../bus/mdev/drivers/vfio_ccw_mdev',
        }.items():
            assert links[link] == target, (link, links.get(link))
        """);

    [Fact]
    public void Masks_and_channel_paths_follow_path_events() => _mounted.Python("""
        def text(p): return open(f'{D}/sys/{p}').read().strip()
        def vary(chpid, state): subprocess.check_call([CCWFS, 'path', '1.2.00ab', chpid, state, '--mount', D])
        vary('a1', 'off')
        assert text('bus/css/devices/1.2.00ab/pimpampom') == 'e0 a0 ff'
        assert text('bus/css/devices/1.2.00ab/chpids').startswith('40 a1 42 00')
        assert text('devices/css1/chp0.a1/status') == 'offline' and text('devices/css1/chp0.40/status') == 'online'
        vary('a1', 'on')
        assert text('bus/css/devices/1.2.00ab/pimpampom') == 'e0 e0 ff' and text('devices/css1/chp0.a1/status') == 'online'
        """);

    [Theory]
    [InlineData("bus/css/devices/0.0.0001")]
    [InlineData("bus/css/devices/00.0.0000")] // would parse, but is not the name
    [InlineData("devices/css1/0.0.0000")]
    [InlineData("devices/css2")]
    [InlineData("devices/css")]
    [InlineData("devices/css0/chp0.41")]
    [InlineData("devices/css0/chp0.4")]
    [InlineData("devices/css0/chp1.40")]
    [InlineData("devices/css0/{id}")]
    [InlineData("devices/css0/0.0.0000/00000000-0000-8000-8000-000000000000")]
    [InlineData("devices/system/cpu")]
    [InlineData("bus/mdev/devices/x")]
    public void What_is_not_there_is_not_found(string path) =>
        _mounted.Python($"assert name(call(os.lstat, D + '/sys/{path}')) == 'ENOENT'");

    [Fact]
    public void Nothing_in_it_is_made_removed_or_written() => _mounted.Python("""
        dev = D + '/sys/devices/css0/0.0.0000'
        def write():
            fd = os.open(dev + '/driver_override', os.O_WRONLY)
            try: os.write(fd, b'x')
            finally: os.close(fd)
        assert name(call(write)) == 'EINVAL'
        for act in lambda: os.mkdir(D + '/sys/x'), lambda: os.unlink(dev + '/driver'), lambda: os.rmdir(D + '/sys/devices/system'):
            assert name(call(act)) in ('EPERM', 'EACCES')
        assert name(call(os.readlink, dev + '/type')) == 'EINVAL'
        """);

    [Fact]
    public void Hundreds_of_subchannels_are_listed_once_each_and_a_removed_one_is_gone() => _mounted.Python("""
        subprocess.check_call([CCWFS, 'add', 'dasd,count=300,id=3.0.0000,devno=3.0.0000', '--mount', D], stdout=subprocess.DEVNULL)
        want = {f'3.0.{i:04x}' for i in range(300)}
        names = os.listdir(D + '/sys/bus/css/devices')
        assert len(names) == 302 and want <= set(names)
        names = os.listdir(D + '/sys/devices/css3')
        assert len(names) == 301 and set(names) == want | {'chp0.40'}
        held = os.open(D + '/sys/devices/css3/3.0.0000', os.O_PATH)
        subprocess.check_call([CCWFS, 'remove', '3.0.0000', '--mount', D], stdout=subprocess.DEVNULL)
        assert not os.path.lexists(D + '/sys/bus/css/devices/3.0.0000') and os.path.exists(D + '/sys/bus/css/devices/3.0.0001')
        assert name(call(lambda: os.stat('type', dir_fd=held))) == 'ENOENT'
        """);
}
