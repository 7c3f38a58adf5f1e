"""test_supervisor.py - starting, stopping, crashes, upgrades and what is said when it cannot be."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
import support
from support import wait_for


@pytest.fixture
def instance():
    made = support.Instance()
    yield made
    made.stop()
    made.remove()


def serve(instance, *, code=1):
    """A start that must fail: its exit code is this, its reason one line on standard error."""
    done = instance.run('serve')
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code, lines
    assert len(lines) == 1 and lines[0].startswith('posthouse: '), lines
    return lines[0]


def status(instance):
    return json.loads(instance.tool('status', '--json'))


def processes(instance, role):
    return [p for p in status(instance)['processes'] if p['role'] == role]


def is_gone(pids):
    return not any(os.path.exists('/proc/%d' % pid) for pid in pids)


def everything(instance):
    return [instance.process.pid] + list(support.children(instance.process.pid))


def test_first_start_makes_all_and_second_finds_it(instance):
    instance.start()
    assert (instance.dir / 'tls' / 'localhost.pem').read_text().startswith('-----BEGIN')
    instance.tool('domain', 'add', 'example.org')
    chain = (instance.dir / 'tls' / 'localhost.pem').read_bytes()
    instance.stop()
    assert instance.process.returncode == 0
    instance.start()
    assert instance.tool('domain', 'list').split() == ['DOMAIN', 'example.org']
    assert (instance.dir / 'tls' / 'localhost.pem').read_bytes() == chain


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGINT, 'stop'])
def test_stop_leaves_no_process(instance, how):
    instance.start()
    pids = everything(instance)
    assert len(pids) == 4
    if how == 'stop':
        instance.tool('stop')
    else:
        instance.process.send_signal(how)
    assert instance.process.wait(20) == 0
    assert is_gone(pids)
    assert instance.run('stop').returncode == 3
    assert instance.run('status').returncode == 3


def test_ctrl_c_of_a_terminal_reaches_the_whole_group(instance):
    instance.start()
    pids = everything(instance)
    os.killpg(instance.process.pid, signal.SIGINT)
    assert instance.process.wait(20) == 0
    assert is_gone(pids)
    assert 'end role=server' in instance.log_tail() and 'code=0' in instance.log_tail()


@pytest.mark.parametrize('role', ['keeper', 'server', 'courier'])
def test_a_crashed_process_is_started_again(instance, role):
    instance.start()
    other = 'keeper' if role == 'server' else 'server'
    before, untouched = instance.pid(role), instance.pid(other)
    os.kill(before, signal.SIGKILL)
    wait_for('another ' + role, lambda: instance.pids(role) not in ([], [before]))
    wait_for('the status', lambda: instance.run('status').returncode == 0)
    assert instance.pid(other) == untouched
    assert processes(instance, role)[0]['restarts'] == 1


def test_clients_wait_over_a_crash_of_the_server(instance):
    """The listening sockets stay open: who connects meanwhile is served by the next one."""
    instance.start()
    instance.process.send_signal(signal.SIGSTOP)
    os.kill(instance.pid('server'), signal.SIGKILL)
    with socket.create_connection(('127.0.0.1', instance.ports['smtp']), 5) as s:
        instance.process.send_signal(signal.SIGCONT)
        s.settimeout(20)
        assert s.recv(100).startswith(b'220')


def test_the_end_of_the_supervisor_ends_the_others(instance):
    instance.start()
    pids = everything(instance)
    instance.process.kill()
    wait_for('the end of all', lambda: is_gone(pids[1:]))
    instance.process.wait()
    instance.start()  # and nothing is in the way of the next


def test_one_instance_a_directory(instance):
    instance.start()
    assert 'is in use by another posthouse (process %d)' % instance.process.pid in serve(instance)
    assert instance.run('status').returncode == 0


def test_port_in_use(instance):
    with socket.socket() as other:
        other.bind(('127.0.0.1', instance.ports['imaps']))
        other.listen()
        line = serve(instance)
    assert '127.0.0.1:%d (imaps)' % instance.ports['imaps'] in line
    assert 'Address already in use' in line


def test_unwritable_directory(instance):
    home = instance.dir
    (home / 'file').write_text('not a directory')
    for path in (home / 'file' / 'below', pathlib.Path('/proc/posthouse')):
        instance.dir = path
        assert 'cannot make' in serve(instance)
    instance.dir = home


@pytest.mark.parametrize('text, want', [
    ('host_name = "a";\nlisten = {\n image = "*:143";\n};\n',
     'posthouse.conf:3: there is no setting listen.image'),
    ('\nlimits = { recipients = 5; };\n', 'posthouse.conf:2: limits.recipients must be from 100'),
    ('listen = {\n', 'posthouse.conf:2: syntax error'),
])
def test_broken_settings(instance, text, want):
    (instance.dir / 'posthouse.conf').write_text(text)
    assert want in serve(instance)
    assert instance.run('reload').returncode in (1, 3)


def test_users_must_exist(instance):
    if os.geteuid() != 0:
        pytest.skip('only root has users to choose')
    instance.settings = 'users = { server = "nobody-at-all"; };'
    instance.configure()
    assert 'there is no user nobody-at-all' in serve(instance)


def test_processes_have_users_of_their_own(instance):
    instance.start()
    uids = {role: os.stat('/proc/%d' % instance.pid(role)).st_uid for role in ('keeper', 'server', 'courier')}
    if os.geteuid() == 0:
        assert len(set(uids.values())) == 3
        with open('/proc/%d/status' % instance.pid('server')) as f:
            assert 'CapEff:\t0000000000000000' in f.read()
        with open('/proc/%d/status' % instance.process.pid) as f:
            assert 'CapBnd:\t00000000000004e1' in f.read()
    assert status(instance)['separate_users'] == (os.geteuid() == 0)


def test_reload_keeps_what_runs(instance):
    instance.start()
    before = instance.pid('server')
    instance.settings = 'timeouts = { login = 30; };'
    instance.configure()
    instance.tool('reload')
    wait_for('the reload', lambda: 'server reloaded' in instance.log_tail())
    assert instance.pids('server') == [before]


def test_reload_with_another_port_brings_a_new_server(instance):
    instance.start()
    before, old = instance.pid('server'), instance.ports['smtp']
    instance.ports['smtp'] = support.free_ports(1)[0]
    instance.configure()
    instance.tool('reload')
    wait_for('the new server', lambda: instance.pids('server') not in ([], [before]))
    wait_for('the new port', instance.is_ready)
    wait_for('the end of the old one', lambda: is_gone([before]))
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', old), 2)


def test_reload_of_broken_settings_changes_nothing(instance):
    instance.start()
    before = everything(instance)
    (instance.dir / 'posthouse.conf').write_text('nonsense = 1;\n')
    done = instance.run('reload')
    assert done.returncode == 1 and b'posthouse.conf:1: there is no setting nonsense' in done.stderr
    instance.process.send_signal(signal.SIGHUP)
    wait_for('the refusal', lambda: 'reload-failed' in instance.log_tail())
    assert everything(instance) == before and instance.is_ready()


def test_upgrade_drains_the_old_server(instance):
    instance.settings = 'timeouts = { drain = 1; };'
    instance.configure()
    instance.start()
    before, keeper = instance.pid('server'), instance.pid('keeper')
    courier = instance.pid('courier')
    with socket.create_connection(('127.0.0.1', instance.ports['smtp']), 5) as s:
        s.settimeout(20)
        assert s.recv(200).startswith(b'220')
        instance.tool('upgrade')
        assert status(instance)['generation'] == 2
        assert s.recv(200).startswith(b'421')
    wait_for('the end of the old server', lambda: is_gone([before]))
    wait_for('a new keeper', lambda: instance.pids('keeper') not in ([], [keeper]))
    wait_for('a new courier', lambda: instance.pids('courier') not in ([], [courier]))


def test_upgrade_takes_the_program_on_disk_and_a_broken_one_is_survived(instance, tmp_path):
    program = tmp_path / 'posthouse'
    shutil.copy(instance.binary, program)
    tmp_path.chmod(0o755)
    instance.binary = str(program)
    instance.start()
    before = instance.pid('server')
    program.unlink()
    program.write_text('#!/bin/sh\nexit 1\n')
    program.chmod(0o755)
    instance.process.send_signal(signal.SIGUSR2)
    wait_for('the refusal', lambda: 'upgrade-failed' in instance.log_tail())
    assert instance.pids('server') == [before]
    os.kill(before, signal.SIGKILL)  # it comes back from the program that is known to work
    wait_for('another server', lambda: instance.pids('server') not in ([], [before]))
    program.unlink()
    shutil.copy(support.BINARY, program)
    wait_for('an answer', instance.is_ready)
    instance.tool('upgrade')
    exe = os.stat('/proc/%d/exe' % instance.pid('server'))
    assert exe.st_ino == program.stat().st_ino


def test_titles(instance):
    instance.start()
    with open('/proc/%d/cmdline' % instance.process.pid) as f:
        assert f.read().startswith('posthouse: supervisor')
    wait_for('the titles', lambda: sorted(
        t.split('  ')[0] for t in support.children(instance.process.pid).values()) == [
            'posthouse: courier', 'posthouse: keeper', 'posthouse: server'])


def test_ready_is_told_to_systemd(instance, tmp_path):
    path = str(tmp_path / 'notify')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(20)
        instance.start(env={'NOTIFY_SOCKET': path})
        assert s.recv(100) == b'READY=1'


def test_back_off(instance):
    """A process that dies again and again is not started in a loop."""
    instance.start()
    for n in range(4):
        wait_for('a server', lambda: instance.pids('server'))
        os.kill(instance.pid('server'), signal.SIGKILL)
        time.sleep(0.05)
    began = time.monotonic()
    wait_for('the next server', instance.is_ready)
    assert time.monotonic() - began > 0.3
    assert subprocess.run(['grep', '-c', 'role=server.*signal=9', str(instance.dir / 'log')],
                          capture_output=True).stdout.strip() == b'4'
