"""test_views.py - random sessions on one mailbox at once, each against a model of what it was told.

A session's model is the list of UIDs by sequence number, changed only by EXISTS and EXPUNGE as they
come. After each command the session asks for UIDs and compares; at the end all sessions see the same.
"""
import os
import random
import re
import threading

import support
from support import LONG, message

SESSIONS, STEPS = (32, 2000) if LONG else (8, 120)


class Session:
    """An IMAP client that keeps the numbers it was told."""

    def __init__(self, instance, address):
        client = instance.imap(address)
        self.sock, self.file = client.sock, client.file
        self.keep = client
        self.uids = []   # by sequence number; None where not known yet
        self.flags = {}  # uid -> as last told
        self.tag = 0
        self.may_expunge = True
        self.command('SELECT INBOX')
        self.learn()

    def line(self):
        data = b''
        while True:
            part = self.file.readline()
            assert part, 'connection closed'
            data += part
            m = re.search(rb'\{(\d+)\}\r\n$', part)
            if not m:
                return data[:-2]
            data += self.file.read(int(m.group(1)))

    def take(self, line):
        m = re.match(rb'\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)', line, re.S)
        if not m:
            return
        n, what = int(m.group(1)), m.group(2)
        if what == b'EXISTS':
            assert n >= len(self.uids), 'EXISTS %d after %d' % (n, len(self.uids))
            self.uids += [None] * (n - len(self.uids))
        elif what == b'EXPUNGE':
            assert self.may_expunge, 'EXPUNGE where it must not come'
            assert 1 <= n <= len(self.uids), 'EXPUNGE %d of %d' % (n, len(self.uids))
            self.uids.pop(n - 1)
        else:
            assert 1 <= n <= len(self.uids), 'FETCH %d of %d' % (n, len(self.uids))
            uid = re.search(rb'\bUID (\d+)', m.group(3))
            if uid:
                uid = int(uid.group(1))
                assert self.uids[n - 1] in (None, uid), 'number %d is UID %s, not %d' % (
                    n, self.uids[n - 1], uid)
                self.uids[n - 1] = uid
                flags = re.search(rb'FLAGS \(([^)]*)\)', m.group(3))
                if flags:
                    self.flags[uid] = frozenset(flags.group(1).split()) - {b'\\Recent'}

    def command(self, text, literal=None, may_fail=False):
        self.tag += 1
        tag = b't%d ' % self.tag
        self.may_expunge = not re.match(r'(FETCH|STORE|SEARCH)', text)
        self.sock.sendall(tag + text.encode() + b'\r\n' +
                          (literal + b'\r\n' if literal is not None else b''))
        while True:
            line = self.line()
            if line.startswith(tag):
                assert may_fail or line.startswith(tag + b'OK'), '%s: %s' % (text, line)
                return line
            self.take(line)

    def learn(self):
        """Ask for all UIDs; numbers that are gone elsewhere may be left out or still be told."""
        if self.uids:
            self.command('FETCH 1:%d (UID FLAGS)' % len(self.uids), may_fail=True)
        known = [u for u in self.uids if u]
        assert known == sorted(set(known)), 'UIDs do not rise'


def step(s, chance):
    n = len(s.uids)
    what = chance.choice(['append', 'append', 'store', 'store', 'expunge', 'fetch', 'noop', 'copy',
                          'uidexpunge', 'move', 'idle'] if n else ['append', 'noop'])
    if what == 'append':
        flags = chance.choice(['', '\\Seen', '\\Deleted', 'key%d' % chance.randrange(5)])
        text = message('m', body='x' * chance.randrange(2000)).encode()
        s.command('APPEND INBOX (%s) {%d+}' % (flags, len(text)), text)
        return
    a, b = sorted((chance.randint(1, max(n, 1)), chance.randint(1, max(n, 1))))
    b = min(b, a + 20)
    if what == 'store':
        s.command('STORE %d:%d %sFLAGS%s (%s)' % (
            a, b, chance.choice('+-'), chance.choice(['', '.SILENT']),
            chance.choice(['\\Seen', '\\Flagged', '\\Deleted', 'key1'])), may_fail=True)
    elif what == 'fetch':
        s.command('FETCH %d:%d (UID FLAGS RFC822.SIZE BODY.PEEK[TEXT])' % (a, b), may_fail=True)
    elif what == 'copy' and n < 300:
        s.command('COPY %d:%d INBOX' % (a, a), may_fail=True)
    elif what == 'move':
        s.command('MOVE %d Archive' % a, may_fail=True)
    elif what == 'uidexpunge':
        s.command('UID EXPUNGE %d:%d' % (s.uids[a - 1] or 1, s.uids[b - 1] or 9999))
    elif what == 'expunge' and chance.random() < 0.5:
        s.command('EXPUNGE')
    elif what == 'idle':
        s.tag += 1
        s.may_expunge = True
        s.sock.sendall(b't%d IDLE\r\nDONE\r\n' % s.tag)
        line = s.line()
        while not line.startswith(b't%d OK' % s.tag):
            s.take(line)
            line = s.line()
    else:
        s.command('NOOP')


def test_random_sessions_against_a_model(shared, accounts):
    seed = int(os.environ.get('POSTHOUSE_TEST_SEED', '0')) or random.randrange(1 << 30)
    print('POSTHOUSE_TEST_SEED=%d' % seed)
    sessions = [Session(shared, accounts[0]) for _ in range(SESSIONS)]
    errors = []

    def work(s, chance):
        try:
            for _ in range(STEPS):
                step(s, chance)
                if chance.random() < 0.3:
                    s.learn()
        except Exception as e:
            errors.append(e)
    threads = [threading.Thread(target=work, args=(s, random.Random(seed + i)))
               for i, s in enumerate(sessions)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    fresh = Session(shared, accounts[0])
    assert None not in fresh.uids
    for s in sessions:
        s.command('NOOP')
        s.learn()
        assert s.uids == fresh.uids
        assert {u: s.flags[u] for u in s.uids} == {u: fresh.flags[u] for u in fresh.uids}
    shared.check()


def test_a_long_fetch_holds_its_numbers(shared, accounts):
    """A FETCH that is read slowly, while another session expunges: each body belongs to its UID."""
    alice = accounts[0]
    n = 200
    client = shared.imap(alice)
    for i in range(n):
        client.append('INBOX', '', None, ('Subject: %d\r\n\r\n%s' % (i + 1, 'x' * 20000)).encode())
    reader, other = Session(shared, alice), Session(shared, alice)
    reader.sock.sendall(b'f FETCH 1:%d (UID BODY.PEEK[])\r\n' % n)
    got, gone = {}, set()
    chance = random.Random(7)
    line = reader.line()
    while not line.startswith(b'f '):
        if b'BODY[]' not in line:  # the other's flag change, told on the way
            line = reader.line()
            continue
        m = re.match(rb'\* (\d+) FETCH \(UID (\d+) BODY\[\] (?:\{\d+\}\r\nSubject: (\d+)\r|NIL|"")',
                     line)
        assert m, line[:200]
        got[int(m.group(1))] = int(m.group(2))
        assert m.group(3) is None or int(m.group(3)) == int(m.group(2))
        assert int(m.group(1)) == int(m.group(2))
        if other.uids and chance.random() < 0.5:
            at = chance.randint(1, len(other.uids))
            uid = other.uids[at - 1]
            other.command('UID STORE %d +FLAGS.SILENT (\\Deleted)' % uid)
            other.command('UID EXPUNGE %d' % uid)
            gone.add(uid)
        line = reader.line()
    assert set(range(1, n + 1)) - set(got) <= gone
    reader.command('NOOP')
    reader.learn()
    assert reader.uids == other.uids
    shared.check()
