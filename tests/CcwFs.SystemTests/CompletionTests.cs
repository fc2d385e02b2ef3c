namespace CcwFs.SystemTests;

/// <summary>A real bash on a terminal, and the TAB key.</summary>
public sealed class CompletionTests
{
    [Fact]
    public void Tab_completes_verbs_options_devices_and_SPECs()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd,id=0.0.00ab"]);
        File.WriteAllText(mounted.Scratch.At("volume.ckd"), "");
        // Readline takes key by key, so that nothing has to be waited for: each line is completed, then made an echo of itself.
        mounted.Python($$"""
            import pty
            asked = {
                'ccwfs mou': 'ccwfs mount ',
                'ccwfs mount --allow-': 'ccwfs mount --allow-other ',
                'ccwfs mount --log-level w': 'ccwfs mount --log-level warning ',
                'ccwfs mount --device das': 'ccwfs mount --device dasd,',
                'ccwfs mount --device dasd,im': 'ccwfs mount --device dasd,image=',
                'ccwfs mount --device dasd,image=x,pro': 'ccwfs mount --device dasd,image=x,profile=',
                'ccwfs mount --device dasd,profile=mi': 'ccwfs mount --device dasd,profile=minimal ',
                'ccwfs mount --device dasd,image=vol': 'ccwfs mount --device dasd,image=volume.ckd ',
                'ccwfs mount --config vol': 'ccwfs mount --config volume.ckd ',
                'ccwfs add dasd,ese,read': 'ccwfs add dasd,ese,readonly ',
                f'ccwfs info --mount {D} 0.': f'ccwfs info --mount {D} 0.0.00ab ',
                'ccwfs mount --device=das': 'ccwfs mount --device=dasd,',
                'ccwfs mount --device=dasd,profile=mi': 'ccwfs mount --device=dasd,profile=minimal ',
                'ccwfs mount --log-level=w': 'ccwfs mount --log-level=warning ',
                'ccwfs mount --log=jo': 'ccwfs mount --log=journal ',
                'ccwfs mount --device dasd,css=f': 'ccwfs mount --device dasd,css=fe ',
                "ccwfs add vfio,css=3": 'ccwfs add vfio,css=3 ',
                f'ccwfs qemu --mount {D} 0.': f'ccwfs qemu --mount {D} 0.0.00ab ',
                'ccwfs qemu -- mkno': 'ccwfs qemu -- mknod ',
                'ccwfs qemu -- mknod vol': 'ccwfs qemu -- mknod volume.ckd ',
                'ccwfs attach 0.0.0313 --keys read': 'ccwfs attach 0.0.0313 --keys readonly ',
                'ccwfs attach 0.0.0313 --keys readonly,dev': 'ccwfs attach 0.0.0313 --keys readonly,dev',
                'ccwfs attach 0.0.0313 --keys=readonly,css=f': 'ccwfs attach 0.0.0313 --keys=readonly,css=fe ',
                'ccwfs dasd create v --model 3390-5': 'ccwfs dasd create v --model 3390-54 ',
                'ccwfs dasd create v --block-size 5': 'ccwfs dasd create v --block-size 512 ',
                'ccwfs dasd create v --format c': 'ccwfs dasd create v --format cdl ',
                'ccwfs dasd convert v w --to t': 'ccwfs dasd convert v w --to tracks ',
                'ccwfs path 0.0.0000 40 of': 'ccwfs path 0.0.0000 40 off ',
                'ccwfs translate --format p': 'ccwfs translate --format packed ',
                'ccwfs decode sch': 'ccwfs decode schib ',
                'ccwfs decode PRE': 'ccwfs decode PREFIX ',
                'ccwfs translate --commands f': 'ccwfs translate --commands fba ',
                f'ccwfs remove --mount {D} 0.': f'ccwfs remove --mount {D} 0.0.00ab ',
                f'ccwfs run --mount {D} 0.': f'ccwfs run --mount {D} 0.0.00ab ',
                'ccwfs dasd cr': 'ccwfs dasd create ',
                'ccwfs config ch': 'ccwfs config check ',
                'ccwfs doc': 'ccwfs doc',
            }
            pid, terminal = pty.fork()
            if pid == 0:
                os.chdir(S)
                environment = dict(os.environ, PATH=os.path.dirname(CCWFS) + ':' + os.environ['PATH'], TERM='dumb', INPUTRC='/dev/null', HISTFILE='/dev/null', PS1='$ ')
                os.execvpe('bash', ['bash', '--noprofile', '--norc', '-i'], environment)
            fcntl.ioctl(terminal, 0x5414, struct.pack('HHHH', 50, 1000, 0, 0))   # TIOCSWINSZ: a line is not wrapped
            os.write(terminal, b'source {{Places.Repository}}/scripts/package.d/ccwfs.bash; bind "set bell-style none"; bind "set enable-bracketed-paste off"\n')
            signal.alarm(40)
            answer = b''
            def until(mark):
                global answer
                while mark not in answer:
                    answer += os.read(terminal, 65536)
            for number, line in enumerate(asked):
                os.write(terminal, line.encode() + b'\t' + f"'\x01echo '<{number}>\n".encode())   # a quote behind the line, then another before it
                until(f'\n<{number}>'.encode())
            os.write(terminal, b"echo '<''end>'\n")
            until(b'\n<end>')
            answer = answer.decode().replace('\r', '')
            wrong = [f'{want!r}' for number, want in enumerate(asked.values()) if f'\n<{number}>{want}\n' not in answer]
            assert not wrong, (wrong, answer)
            """);
    }
}
