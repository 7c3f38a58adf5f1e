"""test_bring.py - mail is brought from other providers by IMAP: all of it, as it is, nothing twice, whatever ends in
the middle; what cannot be taken is told, and the password there is forgotten."""
import contextlib
import imaplib
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

import browser
import names as dns_server
import peers
import support
from support import wait_for

ALICE, BOB, CAROL, DAN = (n + '@posthouse.example' for n in ('alice', 'bob', 'carol', 'dan'))
HOST, OTHER, UNKNOWN = 'imap.else.example', 'imap.third.example', 'imap.unknown.example'
PASSWORD = 'pw-of-elsewhere-7'
ROOM = 300000  # bytes of the largest message that is taken here


def certificate(path, host):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '%s.key' % path,
                    '-out', '%s.pem' % path, '-days', '9', '-subj', '/CN=' + host, '-addext',
                    'subjectAltName=DNS:' + host], check=True, capture_output=True)


class Provider(peers.Dovecot):
    def certificate(self):
        certificate(self.dir / 'cert', self.host)
        (self.dir / 'cert.key').rename(self.dir / 'key.pem')
        for name in ('key.pem', 'cert.pem'):
            (self.dir / name).chmod(0o644)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """An instance, Dovecot elsewhere, and another instance elsewhere."""
    folder = tmp_path_factory.mktemp('cas')
    for above in [folder, *list(folder.parents)[:3]]:  # for the courier's user
        above.chmod(above.stat().st_mode | 0o055)
    certificate(folder / 'third', OTHER)
    names, (port, starttls) = dns_server.Names(), support.free_ports(2)
    with contextlib.ExitStack() as stack:
        stack.callback(names.close)
        dovecot = stack.enter_context(Provider(HOST, '127.0.0.31', port))
        dovecot.begin(starttls, PASSWORD, 'mailbox Verschickt {\n special_use = \\Sent\n }\n')
        dovecot.starttls = starttls
        names.names.update({HOST: ['127.0.0.31'], OTHER: ['127.0.0.1'], UNKNOWN: ['127.0.0.31']})
        (folder / 'cas.pem').write_bytes((dovecot.dir / 'cert.pem').read_bytes() + (folder / 'third.pem').read_bytes())
        instance = stack.enter_context(support.Instance(names.settings() + (
            'courier = { patience = "20 s"; connect = "5 s"; ca_file = "%s"; private = true; };\n'
            'limits = { message_size = "%d"; };\ndnssec = { validate = "off"; };\n') % (folder / 'cas.pem', ROOM)))
        instance.add_accounts([ALICE, BOB, CAROL, DAN])
        instance.dovecot, instance.folder = dovecot, folder
        yield instance


def text(i, size=0):
    return ('From: a@b.example\r\nSubject: number %d\r\nMessage-ID: <%d@b.example>\r\n\r\nbare dots:\r\n.\r\n..x\r\n'
            'and \N{EURO SIGN}%s\r\n' % (i, i, 'x' * size)).encode()


def fill(client, folder, numbers, flags='', date='" 7-Feb-2019 21:52:25 +0300"', size=0):
    for i in numbers:
        assert client.append('"%s"' % folder, flags, date, text(i, size))[0] == 'OK'


def contents(client):
    """Folder -> [(text, flags, date)] in their order."""
    found = {}
    for line in client.list()[1]:
        name = re.search(rb'\) "?."? "?(.*?)"?$', line).group(1).decode()
        if b'\\Noselect' in line:
            continue
        assert client.select('"%s"' % name, readonly=True)[0] == 'OK'
        got = client.fetch('1:*', '(FLAGS INTERNALDATE BODY.PEEK[])')[1] if client.untagged_responses['EXISTS'] != [b'0'] else []
        found[name] = [(m[1], frozenset(f for f in imaplib.ParseFlags(m[0]) if f != b'\\Recent'), imaplib.Internaldate2tuple(m[0]))
                       for m in got if isinstance(m, tuple)]
    return found


def start(world, account, user, host=HOST, port=None, password=PASSWORD, more=()):
    world.tool('fetch', 'start', account, host, user, '--port', str(port or world.dovecot.port), *more, stdin=password + '\n')
    return rows(world, account)[-1]['id']


def rows(world, account=None):
    return json.loads(world.tool('fetch', 'list', *([account] if account else []), '--json'))


def state(world, number):
    return next(r for r in rows(world) if r['id'] == number)


def wait_over(world, number, wanted='done'):
    wait_for('the end', lambda: state(world, number)['state'] in ('done', 'failed', 'stopped'), 60)
    now = state(world, number)
    assert now['state'] == wanted, now
    return now


def has_password(world):
    """In none but the courier's own file; and whether there."""
    found = [p for p in world.dir.rglob('*') if p.is_file() and PASSWORD.encode() in p.read_bytes()]
    assert all(p.parent.name == 'courier' and p.name.startswith('bring.db') for p in found), found
    return bool(found)


def test_all_of_a_mailbox(world):
    there = world.dovecot.imap('ann')
    for name in ('Verschickt', 'Projekte', 'Projekte.2024', 'Entw&APw-rfe &- Pl&AOQ-ne', 'leer', 'Junk'):
        there.create('"%s"' % name)
    fill(there, 'INBOX', range(1, 9))
    fill(there, 'INBOX', range(9, 12), r'(\Seen \Flagged $Forwarded work)', '"31-Dec-2021 23:59:59 -0800"')
    fill(there, 'INBOX', [12], size=ROOM)
    fill(there, 'INBOX', [13, 14])
    fill(there, 'Verschickt', [20], r'(\Answered)')
    fill(there, 'Projekte.2024', [30, 30, 31])  # twice the same is two messages
    fill(there, 'Entw&APw-rfe &- Pl&AOQ-ne', [40], r'(\Draft)')
    there.select('INBOX')
    there.store('2,3', '+FLAGS', r'(\Deleted)')
    there.expunge()
    before = contents(there)
    number = start(world, ALICE, 'ann')
    now = wait_over(world, number)
    assert (now['missed'], now['taken'], now['messages']) == (1, 16, 17), now
    told = json.loads(world.tool('fetch', 'show', str(number), '--json'))
    assert [(m['folder'], 'larger' in m['why']) for m in told['missed']] == [('INBOX', True)]
    with world.imap(ALICE) as here:
        after = contents(here)
    assert after.pop('INBOX') == [m for m in before['INBOX'] if len(m[0]) < ROOM]
    for theirs, ours in (('Verschickt', 'Sent'), ('Projekte.2024', 'Projekte/2024'), ('Junk', 'Junk'), ('leer', 'leer'),
                         ('Entw&APw-rfe &- Pl&AOQ-ne', 'Entw&APw-rfe &- Pl&AOQ-ne'), ('Projekte', 'Projekte')):
        assert after[ours] == before[theirs], ours
    assert not has_password(world)
    assert contents(there) == before and not there.select('INBOX')[1] == [b'0']
    # Later: what is new, and nothing again.
    fill(there, 'INBOX', [50, 51])
    assert start(world, ALICE, 'ann') == number
    now = wait_over(world, number)
    assert now['taken'] == 18
    with world.imap(ALICE, 'INBOX') as here:
        assert support.subjects(here)[-2:] == ['number 50', 'number 51'] and len(support.subjects(here)) == 13
    there.logout()


def many(world, user, n):
    """Straight into the mail folder of the provider."""
    there = world.dovecot.imap(user)
    there.create('viele')
    packed = subprocess.run(
        ['/usr/bin/python3', '-c', """
import sys
for i in range(%d):
    open('%%s/%%d.M%%dP1.x' %% (sys.argv[1], 1600000000 + i, i), 'w', newline='').write(
        'From: a@b.example\\nSubject: number %%d\\n\\nbody %%d %%s\\n' %% (i, i, 'y' * (i %% 7 * 400)))
""" % n, world.dovecot.dir / 'mail' / user / '.viele' / 'new'], check=True)
    assert packed.returncode == 0
    there.logout()


def kill_courier(world):
    before = world.pid('courier')
    os.kill(before, signal.SIGKILL)
    wait_for('another courier', lambda: world.pids('courier') not in ([], [before]))


def test_broken_off(world):
    """The courier is killed three times, the other side once: all is here once, in its order."""
    n = 2500
    many(world, 'bea', n)
    number = start(world, BOB, 'bea')
    for at in (1, 700, 1500):
        wait_for('%d messages' % at, lambda: state(world, number)['taken'] >= at, 60)
        assert has_password(world)
        kill_courier(world)
    wait_for('more', lambda: state(world, number)['taken'] >= 1800, 60)
    for pid, line in support.children(world.dovecot.process.pid).items():
        if 'imap' in line and 'login' not in line:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    now = wait_over(world, number)
    assert now['missed'] == 0 and not has_password(world), now
    with world.imap(BOB, 'viele') as here:
        assert support.subjects(here, 'viele') == ['number %d' % i for i in range(n)]


def test_what_cannot_be(world):
    """No login, no trust in a certificate, no room; and what is stopped stays so."""
    number = start(world, CAROL, 'cyd', password='wrong')
    assert 'Authentication failed' in wait_over(world, number, 'failed')['why'] and not has_password(world)
    untrusted = start(world, CAROL, 'cyd', host=UNKNOWN)
    wait_for('a try', lambda: 'certificate is not good' in state(world, untrusted)['why'])
    assert state(world, untrusted)['state'] == 'waiting' and has_password(world)
    assert world.run('fetch', 'start', CAROL, UNKNOWN, 'cyd', stdin=PASSWORD).returncode == 1
    world.tool('fetch', 'stop', str(untrusted))
    assert state(world, untrusted)['state'] == 'stopped' and not has_password(world)
    world.tool('fetch', 'forget', str(untrusted))
    assert len(rows(world, CAROL)) == 1
    # The same mailbox, with the right password, by STARTTLS, into an account with little room.
    world.tool('account', 'set', CAROL, 'quota=200KiB')
    there = world.dovecot.imap('cyd')
    fill(there, 'INBOX', range(30), size=10000)
    assert start(world, CAROL, 'cyd', port=world.dovecot.starttls, more=['--starttls']) == number
    now = wait_over(world, number, 'failed')
    assert 'full' in now['why'] and now['taken'] == 20, now
    world.tool('account', 'set', CAROL, 'quota=2MiB')
    start(world, CAROL, 'cyd', port=world.dovecot.starttls, more=['--starttls'])
    assert wait_over(world, number)['taken'] == 30
    with world.imap(CAROL, 'INBOX') as here:
        assert contents(here)['INBOX'] == contents(there)['INBOX']
    # Numbered anew there, it is known by its contents.
    there.create('neu')
    fill(there, 'neu', [1, 2, 2])
    start(world, CAROL, 'cyd')
    wait_over(world, number)
    there.delete('neu')
    there.create('neu')
    fill(there, 'neu', [1, 2, 2, 3])
    start(world, CAROL, 'cyd')
    wait_over(world, number)
    with world.imap(CAROL, 'neu') as here:
        assert sorted(support.subjects(here, 'neu')) == ['number 1', 'number 2', 'number 2', 'number 3']
    there.logout()


def test_the_page(world):
    dan = browser.Browser(world.ports['https'])
    dan.sign_in(DAN, world.passwords[DAN])
    page = dan.get('/settings/bring')
    values = {'host': HOST, 'port': str(world.dovecot.port), 'security': 'tls', 'login': 'dot', 'password': PASSWORD}
    page = dan.submit('do', 'start', dict(values, login=''), form=page.form('host'))
    assert page.status == 422 and 'user name is missing' in page.words and PASSWORD not in page.text
    fill(world.dovecot.imap('dot'), 'INBOX', [1, 2])
    fill(world.dovecot.imap('dot'), 'INBOX', [3], size=ROOM)
    page = dan.submit('do', 'start', values, form=page.form('host'))
    assert 'It has begun' in page.words
    wait_for('all', lambda: 'all is here' in dan.get('/settings/bring').words, 30)
    number = re.search(r'id=(\w+)', dan.get('/settings/bring').text).group(1)
    page = dan.get('/settings/bring?id=' + number)
    assert '2 of 3 from' in page.words and '1 not taken' in page.words and 'larger than this service takes' in page.words
    # Another one's cannot be seen, stopped or forgotten.
    eve = browser.Browser(world.ports['https'])
    eve.sign_in(BOB, world.passwords[BOB])
    page = eve.get('/settings/bring?id=' + number)
    assert 'dot at' not in page.words and 'larger' not in page.words
    token = dict(page.form('host').values())['token']
    for what in ('stop', 'forget'):
        assert eve.post('/settings/bring', [('token', token), ('do', what), ('id', number)]).status == 404
    form = next(f for f in dan.get('/settings/bring').read.forms if ('do', 'forget') in f.buttons)
    assert 'It was forgotten' in dan.submit('do', 'forget', form=form).words
    assert rows(world, DAN) == []


def test_from_one_of_ours(world):
    """Another instance as the provider: IMAP4rev2 and its names, uses, object ids."""
    eve = 'eve@posthouse.example'
    with support.Instance() as other:
        other.add_accounts([eve], PASSWORD)
        other.tool('certificate', 'import', 'third', str(world.folder / 'third.pem'), str(world.folder / 'third.key'))
        with other.imap(eve) as there:
            for name in ('Caf&AOk-', 'Caf&AOk-/2024', 'a.b'):
                there.create('"%s"' % name)
            fill(there, 'INBOX', range(3), r'(\Seen)')
            fill(there, 'Caf&AOk-/2024', [4, 5], '(work)')
            fill(there, 'Sent', [6])
            fill(there, 'Junk', [7])
            before = contents(there)
            world.add_accounts(['fay@posthouse.example'])
            number = start(world, 'fay@posthouse.example', eve, host=OTHER, port=other.ports['imaps'])
            wait_over(world, number)
            assert contents(there) == before
        with world.imap('fay@posthouse.example') as here:
            assert contents(here) == before
