"""test_durability.py - after 250 or OK nothing is lost and nothing is there twice.

POSTHOUSE_TEST_LONG=1 (script/test --long) runs 200 rounds instead of 20.
"""
import collections
import contextlib
import imaplib
import os
import random
import secrets
import signal
import smtplib
import socket
import ssl
import subprocess
import threading
import time

import support
from support import LONG, message, subjects, wait_for

ROUNDS = 200 if LONG else 20
BROKEN = (OSError, EOFError, ssl.SSLError, imaplib.IMAP4.error, imaplib.IMAP4.abort,
          smtplib.SMTPException, socket.timeout)
DOMAIN = 'durable.example'
MANY = ['many%d@%s' % (n, DOMAIN) for n in range(5)]


class Worker(threading.Thread):
    """One client for one round; ends at the first broken connection. Notes what was acknowledged
    (sure) and what was asked without an answer (open)."""

    def __init__(self, instance):
        super().__init__()
        self.instance = instance
        self.is_over = False
        self.sure, self.open = [], []
        self.surprise = None

    def run(self):
        try:
            self.connect()
            while not self.is_over:
                self.step()
        except BROKEN:
            pass
        except Exception as e:  # told to the test, not to stderr alone
            self.surprise = e

    def name(self):
        return '%s %s' % (type(self).__name__, secrets.token_hex(6))


class Smtp(Worker):
    """SMTP to one recipient, and to five under one reply."""

    def connect(self):
        self.client = self.instance.smtp()

    def step(self):
        for recipients in (MANY[:1], MANY):
            subject = self.name()
            note = [(r, subject) for r in recipients]
            self.open += note
            self.client.sendmail('x@elsewhere.example', recipients, message(subject))
            self.open = self.open[:-len(note)]
            self.sure += note


class Lmtp(Worker):
    def connect(self):
        self.client = self.instance.lmtp()
        self.client.ehlo_or_helo_if_needed()

    def step(self):
        subject = self.name()
        self.client.mail('x@elsewhere.example')
        for r in MANY:
            self.client.rcpt(r)
        self.open += [(r, subject) for r in MANY]
        self.client.putcmd('DATA')
        assert self.client.getreply()[0] == 354
        self.client.send(message(subject).encode() + b'\r\n.\r\n')
        for r in MANY:
            if self.client.getreply()[0] == 250:
                self.open.remove((r, subject))
                self.sure.append((r, subject))


class Append(Worker):
    def connect(self):
        self.client = self.instance.imap(MANY[0])

    def step(self):
        subject = self.name()
        self.open.append((MANY[0], subject))
        ok, _ = self.client.append('INBOX', '', None, message(subject).encode())
        assert ok == 'OK'
        self.sure.append(self.open.pop())


class Changer(Worker):
    """On a mailbox of its own account, filled before: takes the next messages, one by one."""

    def __init__(self, instance, left):
        super().__init__(instance)
        self.left = left

    def connect(self):
        self.client = self.instance.imap('%s@%s' % (type(self).__name__.lower(), DOMAIN), 'INBOX')

    def step(self):
        if not self.left:
            self.is_over = True
            return
        self.open.append(self.left.pop())
        self.change(str(self.open[-1]))
        self.sure.append(self.open.pop())

    def ask(self, *arguments):
        ok, data = self.client.uid(*arguments)
        assert ok == 'OK', data


class Move(Changer):
    def change(self, uid):
        self.ask('MOVE', uid, 'Archive')


class Store(Changer):
    def change(self, uid):
        self.ask('STORE', uid, '+FLAGS', '(\\Flagged keyword)')


class Expunge(Changer):
    def change(self, uid):
        self.ask('STORE', uid, '+FLAGS.SILENT', '(\\Deleted)')
        self.ask('EXPUNGE', uid)


CHANGERS = (Move, Store, Expunge)


def uids(instance, kind, mailbox, *criteria):
    client = instance.imap('%s@%s' % (kind.__name__.lower(), DOMAIN), mailbox)
    _, data = client.uid('SEARCH', *(criteria or ('ALL',)))
    client.logout()
    return set(map(int, data[0].split()))


class Books:
    """What must be there."""

    def __init__(self, instance, per_mailbox):
        self.instance = instance
        self.sure = collections.defaultdict(set)
        self.open = collections.defaultdict(set)
        self.left, self.done, self.maybe = {}, {}, {}
        for kind in CHANGERS:
            address = '%s@%s' % (kind.__name__.lower(), DOMAIN)
            client = instance.imap(address)
            for n in range(per_mailbox):
                client.append('INBOX', '', None, message('%s %d' % (kind.__name__, n)).encode())
            client.logout()
            self.left[kind] = sorted(uids(instance, kind, 'INBOX'))
            assert len(self.left[kind]) == per_mailbox
            self.done[kind], self.maybe[kind] = set(), set()

    def note(self, workers):
        for w in workers:
            assert w.surprise is None, repr(w.surprise)
            if isinstance(w, Changer):
                self.done[type(w)] |= set(w.sure)
                self.maybe[type(w)] |= set(w.open)
            else:
                for address, subject in w.sure:
                    self.sure[address].add(subject)
                for address, subject in w.open:
                    self.open[address].add(subject)

    def audit(self):
        for address in MANY:
            seen = []

            def all_there():
                seen[:] = self.list(address)
                return self.sure[address] <= set(seen)
            try:
                wait_for('mail', all_there)
            except AssertionError:
                lost = self.sure[address] - set(seen)
                raise AssertionError('%s lost %d acknowledged: %s' % (address, len(lost), sorted(lost)[:9]))
            twice = [s for s, n in collections.Counter(seen).items() if n > 1]
            assert not twice, '%s has twice: %s' % (address, twice[:9])
            strange = set(seen) - self.sure[address] - self.open[address]
            assert not strange, '%s has what nobody sent: %s' % (address, sorted(strange)[:9])
        self.audit_changes()

    def list(self, address):
        client = self.instance.imap(address)
        try:
            return subjects(client)
        finally:
            client.logout()

    def audit_changes(self):
        for kind in CHANGERS:
            here = uids(self.instance, kind, 'INBOX')
            rest = set(self.left[kind])
            done, maybe = self.done[kind], self.maybe[kind]
            if kind is Store:
                assert here == rest | done | maybe
                flagged = uids(self.instance, kind, 'INBOX', 'FLAGGED', 'KEYWORD', 'keyword')
                assert done <= flagged <= done | maybe
                continue
            assert rest <= here <= rest | maybe, '%s: %s' % (kind.__name__, here ^ rest)
            if kind is Move:
                moved = self.list_archive()
                assert not [s for s, n in moved.items() if n > 1]
                assert len(moved) + len(here) == len(rest) + len(done) + len(maybe)

    def list_archive(self):
        client = self.instance.imap('move@' + DOMAIN)
        try:
            return collections.Counter(subjects(client, 'Archive'))
        finally:
            client.logout()


def test_kill_at_random_moments():
    chance = random.Random(int(os.environ.get('POSTHOUSE_TEST_SEED', '0')) or None)
    with support.Instance() as instance:
        instance.add_accounts(MANY + ['%s@%s' % (k.__name__.lower(), DOMAIN) for k in CHANGERS])
        books = Books(instance, 1000 if LONG else 300)
        for n in range(ROUNDS):
            workers = [Smtp(instance), Smtp(instance), Lmtp(instance), Append(instance)]
            workers += [kind(instance, books.left[kind]) for kind in CHANGERS]
            victim = instance.pid('server')
            for w in workers:
                w.start()
            time.sleep(chance.uniform(0.05, 1.0))
            # Every third time all processes, which also spares us the supervisor's growing patience.
            os.kill(victim, signal.SIGKILL)
            if n % 3 == 2:
                instance.kill()
            for w in workers:
                w.is_over = True
                w.join()
            if n % 3 == 2:
                instance.start()
            wait_for('a new server', lambda: victim not in instance.pids('server') and
                     instance.is_ready(), 60)
            books.note(workers)
            if n % 5 == 4 or n == ROUNDS - 1:
                books.audit()
                instance.check()
        print('figure: %d rounds, %d acknowledged deliveries, %s' % (
            ROUNDS, sum(map(len, books.sure.values())),
            ', '.join('%d %s' % (len(books.done[k]), k.__name__) for k in CHANGERS)))
        assert sum(map(len, books.sure.values())) > ROUNDS


def copies(instance, subject):
    """How many each of MANY has; what was accepted may still be on its way."""
    counts = []
    for address in MANY:
        client = instance.imap(address)
        counts.append(subjects(client).count(subject))
        client.logout()
    return counts


def test_kill_at_each_durable_step_of_a_message_for_five():
    """The server stops before its n-th sync or rename, for each n until the message is through.
    Accepted means one copy in each mailbox; not accepted means one or none in all of them."""
    instance = support.Instance()
    try:
        with_accounts(instance)
        step = quiet = accepted = refused = 0
        while quiet < 3 and step < (200 if LONG else 40):
            step += 1
            subject = 'step %d %s' % (step, secrets.token_hex(4))
            (instance.dir / 'log').touch()
            instance.start(wait=False, env={'POSTHOUSE_FAULT': 'server:durable:%d:stop' % step})
            is_accepted, stopped = send_until_stopped(instance, subject)
            instance.kill()
            instance.start()
            if is_accepted:
                wait_for('%s in all mailboxes' % subject,
                         lambda: copies(instance, subject) == [1] * len(MANY))
            counts = copies(instance, subject)
            assert counts == [1] * len(MANY) if is_accepted else max(counts) <= 1, counts
            instance.check()
            instance.stop()
            accepted += is_accepted
            refused += not is_accepted
            quiet = quiet + 1 if not stopped else 0
        print('figure: %d steps, accepted before the stop in %d' % (step, accepted))
        assert accepted and refused
    finally:
        instance.kill()
        instance.remove()


def with_accounts(instance):
    instance.start()
    instance.add_accounts(MANY)
    with instance.smtp() as client:
        client.sendmail('x@elsewhere.example', MANY, message('before'))
    wait_for('the first message', lambda: copies(instance, 'before') == [1] * len(MANY))
    instance.stop()


def send_until_stopped(instance, subject):
    """Whether the message was accepted, and whether the server stopped by its fault."""
    seen = (instance.dir / 'log').stat().st_size

    def has_stopped():
        with open(instance.dir / 'log', 'rb') as log:
            log.seek(seen)
            return b' end role=server ' in log.read()

    def connect():
        with contextlib.suppress(*BROKEN):
            return instance.smtp()
        return None
    client = None
    deadline = time.monotonic() + 20
    while not client and not has_stopped():
        assert time.monotonic() < deadline, 'neither serves nor ends'
        time.sleep(0.01)
        client = connect()
    if has_stopped():
        return False, True  # it stopped while it started
    try:
        client.sendmail('x@elsewhere.example', MANY, message(subject))
    except BROKEN:
        return False, True
    # Accepted: the mailboxes are filled in the background. Either it stops there or all arrive.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not has_stopped():
        with contextlib.suppress(*BROKEN):
            if copies(instance, subject) == [1] * len(MANY):
                break
        time.sleep(0.02)
    return True, has_stopped()


def test_alias_of_5000():
    """One acceptance for all of them; each of a sample has exactly one copy."""
    n = 5000
    with support.Instance() as instance:
        people = ['p%d@%s' % (i, DOMAIN) for i in range(n)]
        instance.add_accounts(people)
        instance.tool('alias', 'add', 'all@' + DOMAIN, *people)
        with instance.smtp() as client:
            start = time.monotonic()
            client.sendmail('x@elsewhere.example', ['all@' + DOMAIN], message('to all'))
            took = time.monotonic() - start
        print('figure: an alias of %d acknowledged in %d ms' % (n, took * 1000))
        assert took < 20
        sample = random.sample(people, 10) + [people[0], people[-1]]
        for address in sample:
            client = instance.imap(address)
            wait_for('the message at ' + address, lambda: subjects(client) == ['to all'], 300)
            client.logout()


@contextlib.contextmanager
def small_disk(tmp_path, size):
    """A full file system: a small one where mounting is allowed, else the fault of the writes."""
    path = tmp_path / 'disk'
    path.mkdir()
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=%d,mode=0755' % size, 'none',
                           str(path)], capture_output=True)
    try:
        yield path, done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(['umount', '-l', str(path)], check=True)


def fill(instance, address):
    """Deliver until it is refused for lack of room; the code and how many were taken."""
    body = ''.join('%s\r\n' % secrets.token_hex(38) for _ in range(3000))
    for n in range(1000):
        try:
            with instance.lmtp() as client:
                client.sendmail('x@elsewhere.example', [address], message('m %d' % n, body=body))
        except smtplib.SMTPRecipientsRefused as e:
            return list(e.recipients.values())[0][0], n
        except smtplib.SMTPResponseException as e:
            return e.smtp_code, n
    raise AssertionError('it never became full')


def test_full_disk(tmp_path):
    """Mail is refused for now, expunge works, service returns, check is clean."""
    address = MANY[0]
    with small_disk(tmp_path, 48 << 20) as (path, is_mounted):
        settings = 'store = { reserve = "16 MiB"; past_days = 0; };'
        if not is_mounted:
            settings = 'store = { past_days = 0; };'
        instance = support.Instance(settings, directory=path)
        try:
            instance.start()
            instance.add_accounts([address])
            if not is_mounted:
                instance.stop()
                instance.start(env={'POSTHOUSE_FAULT': 'server:write:400:full'})
            code, taken = fill(instance, address)
            assert code in (451, 452) and taken > 2
            client = instance.imap(address, 'INBOX')
            ok, text = client.append('INBOX', '', None, b'Subject: x\r\n\r\n' + b'x' * 200000)
            assert ok == 'NO', text
            if not is_mounted:
                client.logout()
                instance.stop()
                instance.start()
                client = instance.imap(address, 'INBOX')
            assert client.noop()[0] == 'OK'
            assert client.store('1:*', '+FLAGS.SILENT', '\\Deleted')[0] == 'OK'
            ok, gone = client.expunge()
            assert ok == 'OK' and len(gone) == taken

            def is_back():
                with instance.lmtp() as lmtp:
                    try:
                        lmtp.sendmail('x@elsewhere.example', [address], message('after'))
                    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException):
                        time.sleep(0.2)
                        return False
                return True
            wait_for('service to return', is_back, 60)
            assert 'after' in subjects(instance.imap(address))
            instance.check()
            instance.stop()
        finally:
            instance.kill()
