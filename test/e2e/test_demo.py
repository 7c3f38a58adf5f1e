"""test_demo.py - script/server as somebody meets it first: start, copy, paste, stop, start again."""
import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import time

import pytest

from support import HOME, wait_for

OFFSETS = (24, 25, 80, 443, 465, 993)


def free_base():
    for base in range(12000 + os.getpid() % 20000, 55000, 1009):
        with contextlib.ExitStack() as stack:
            try:
                for offset in OFFSETS:
                    s = stack.enter_context(socket.socket())
                    s.bind(('127.0.0.1', base + offset))
                return base
            except OSError:
                continue
    raise AssertionError('no free ports')


class Demo:
    def __init__(self, directory, base, *more):
        self.process = subprocess.Popen(
            [str(HOME / 'script' / 'server'), '--dir', str(directory), '--port-base', str(base),
             *map(str, more)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            # Tests that run in the background were told to ignore it, and a shell keeps to that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.said = ''

    def read_until(self, text, seconds=600):
        """A first start also builds; that may take minutes."""
        deadline = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < deadline, 'not said in time: %s\n%s' % (text, self.said)
            if select.select([self.process.stdout], [], [], 1)[0]:
                data = os.read(self.process.stdout.fileno(), 65536).decode('utf-8', 'replace')
                assert data, 'ended with %s:\n%s' % (self.process.wait(), self.said)
                self.said += data
        return self.said

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def shell(command):
    done = subprocess.run(['bash', '-c', command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, '%s\n%s%s' % (command, done.stdout, done.stderr)
    return done.stdout


def accounts(directory):
    return [line.split('\t') for line in (directory / 'demo-accounts').read_text().splitlines()]


def inbox(base, who):
    out = shell("curl -sSk --user '%s:%s' 'imaps://127.0.0.1:%d' -X 'STATUS INBOX (MESSAGES)'" % (
        *who, base + 993))
    return int(re.search(r'MESSAGES (\d+)', out).group(1))


@pytest.fixture
def base():
    return free_base()


def test_first_and_second_start(tmp_path, base):
    demo = Demo(tmp_path / 'var', base)
    try:
        said = demo.read_until('Ctrl-C ends it')
        assert re.search(r'^ready$', said, re.M)
        alice, bob = accounts(tmp_path / 'var')
        assert (alice[0], bob[0]) == ('alice@posthouse.example', 'bob@posthouse.example')
        for who in (alice, bob):
            assert re.search(re.escape(who[0]) + r'\s+' + re.escape(who[1]), said)
        had = inbox(base, alice), inbox(base, bob)
        assert sum(had) >= 4

        # The commands as they stand there, pasted.
        send = re.search(r'^  (printf .*?smtps://\S+)$', said, re.M | re.S).group(1)
        shell(send)
        wait_for('the mail', lambda: inbox(base, bob) == had[1] + 1)
        read = re.search(r"^  (curl .*MAILINDEX=1')$", said, re.M).group(1)
        assert 'Subject:' in shell(read)
        commands = 'a LOGIN %s %s\nb SELECT INBOX\nc FETCH 1:* (FLAGS ENVELOPE)\nd LOGOUT\n' % (*alice,)
        connect = re.search(r'^  (openssl s_client .*)$', said, re.M).group(1)
        out = shell("printf '%%s' '%s' | %s 2>/dev/null" % (commands, connect))
        assert 'c OK' in out and '* BYE' in out
        assert demo.stop() == 0

        extra = tmp_path / 'more'
        extra.write_text('carol@other.example\tsecret of carol\n')
        demo.kill()
        demo = Demo(tmp_path / 'var', base, '--accounts', extra)
        demo.read_until('Ctrl-C ends it')
        assert accounts(tmp_path / 'var')[:2] == [alice, bob]
        assert inbox(base, bob) == had[1] + 1
        assert inbox(base, ('carol@other.example', 'secret of carol')) == 0
        assert demo.stop(signal.SIGINT) == 0
    finally:
        demo.kill()


def refused(directory, base, *more):
    """A start that cannot be: one clear line of the last output, and a non-zero exit."""
    demo = Demo(directory, base, *more)
    try:
        out, _ = demo.process.communicate(timeout=600)
        assert demo.process.returncode != 0
        return out.decode().strip().split('\n')[-1]
    finally:
        demo.kill()


def test_a_port_in_use(tmp_path, base):
    with socket.socket() as s:
        s.bind(('127.0.0.1', base + 25))
        s.listen()
        line = refused(tmp_path / 'var', base)
        assert str(base + 25) in line and 'in use' in line


def test_wrong_arguments(tmp_path, base):
    assert 'nosuch' in refused(tmp_path / 'var', base, '--nosuch')
    assert 'port-base' in refused(tmp_path / 'var', 'x')
    assert 'missing' in refused(tmp_path / 'var', base, '--accounts', tmp_path / 'missing')
    (tmp_path / 'file').write_text('')
    assert str(tmp_path / 'file') in refused(tmp_path / 'file', base)


def test_a_broken_configuration(tmp_path, base):
    (tmp_path / 'var').mkdir()
    (tmp_path / 'var' / 'posthouse.conf').write_text('host_name = "x.example";\nnosuch = 1;\n')
    assert 'posthouse.conf:2' in refused(tmp_path / 'var', base)
