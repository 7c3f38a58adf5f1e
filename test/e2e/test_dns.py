"""test_dns.py - names: server and courier ask a name server of ours, with signed zones."""
import json
import os
import signal
import subprocess
import time

import pytest
import support
from names import Names


@pytest.fixture(scope='module')
def world():
    names = Names({'plain.example': ['192.0.2.1', '192.0.2.2'], 'host.signed.example': ['192.0.2.3'],
                   'forged.signed.example': ['192.0.2.4']})
    names.sign('signed.example')
    names.forged.add('forged.signed.example')
    names.silent.add('dead.example')
    names.add('plain.example', 'MX', '10 mx1.example.', '20 mx2.example.')
    names.add('null.example', 'MX', '0 .')
    names.add('alias.example', 'CNAME', 'plain.example.')
    names.text('plain.example', 'v=spf1 -all', 'x' * 3000)
    names.add('_25._tcp.host.signed.example', 'TLSA', '3 1 1 ' + '0a' * 32)
    names.add('_imaps._tcp.plain.example', 'SRV', '0 1 993 mail.plain.example.')
    names.reverse('192.0.2.1', 'plain.example')
    names.reverse('2001:db8::1', 'six.example')
    names.reverse('127.0.0.9', 'loop.example')
    instance = support.Instance()
    instance.settings = names.settings() + names.anchors(instance.dir / 'anchors')
    instance.configure()
    with instance:
        yield instance, names
    names.close()


def look(world, name, kind='A'):
    """(data, are all signed), or the words of the error."""
    done = world[0].run('--json', 'dns', 'lookup', name, kind)
    if done.returncode:
        return done.stderr.decode().strip().split(': ', 1)[-1]
    rows = json.loads(done.stdout)
    return [r['data'] for r in rows], all(r['secure'] for r in rows)


CASES = [
    ('plain.example', 'A', (['192.0.2.1', '192.0.2.2'], False)),
    ('PLAIN.example.', 'a', (['192.0.2.1', '192.0.2.2'], False)),
    ('plain.example', 'MX', (['10 mx1.example.', '20 mx2.example.'], False)),
    ('null.example', 'MX', (['0 .'], False)),
    ('alias.example', 'A', (['192.0.2.1', '192.0.2.2'], False)),
    ('plain.example', 'TXT', (['v=spf1 -all', 'x' * 3000], False)),
    ('_imaps._tcp.plain.example', 'SRV', (['0 1 993 mail.plain.example.'], False)),
    ('192.0.2.1', 'PTR', (['plain.example.'], False)),
    ('2001:db8::1', 'PTR', (['six.example.'], False)),
    ('127.0.0.9', 'PTR', (['loop.example.'], False)),
    ('host.signed.example', 'A', (['192.0.2.3'], True)),
    ('_25._tcp.host.signed.example', 'TLSA', (['3 1 1 ' + '0a' * 32], True)),
    ('plain.example', 'AAAA', 'the name has no record of that type'),
    ('nothing.example', 'A', 'there is no such name'),
    ('host.signed.example', 'AAAA', 'the name has no record of that type, and that is signed'),
    ('nothing.signed.example', 'A', 'there is no such name, and that is signed'),
    ('forged.signed.example', 'A', 'no answer that can be used: none in time, or forged'),
    ('a..b', 'A', 'that is no name'),
    ('plain.example', 'LOC', 'no such type'),
]


@pytest.mark.parametrize('name,kind,want', CASES)
def test_lookup(world, name, kind, want):
    got = look(world, name, kind)
    if isinstance(got, tuple):
        got = (sorted(got[0]), got[1])
    assert got == want


def test_answers_are_kept(world):
    names = world[1]
    names.add('kept.example', 'A', '192.0.2.9')
    real = names.types_of

    def for_long(name):
        sets = real(name)
        for found in sets.values():
            found.ttl = 300
        return sets

    names.types_of = for_long
    try:
        assert look(world, 'kept.example') == (['192.0.2.9'], False)
        before = len(names.asked)
        assert look(world, 'kept.example') == (['192.0.2.9'], False)
        assert len(names.asked) == before
    finally:
        names.types_of = real


def test_who_never_answers(world):
    """The asker is told within the bound, and others are answered meanwhile."""
    instance = world[0]
    began = time.monotonic()
    slow = [subprocess.Popen([instance.binary, '--dir', str(instance.dir), 'dns', 'lookup', 'a%d.dead.example' % i],
                             env=instance.env, stderr=subprocess.DEVNULL) for i in range(20)]
    for _ in range(5):
        assert look(world, '192.0.2.1', 'PTR') == (['plain.example.'], False)
    assert any(p.poll() is None for p in slow), 'nobody waited'
    for p in slow:
        assert p.wait(40) != 0
    assert time.monotonic() - began < 30


def test_the_courier_away(world):
    """What is asked while the courier starts again waits for it; nothing is stuck afterwards."""
    instance = world[0]
    pid, = instance.pids('courier')
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while look(world, '192.0.2.1', 'PTR') != (['plain.example.'], False):
        assert time.monotonic() < deadline
    assert instance.pids('courier') != [pid]
