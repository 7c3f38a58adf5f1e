"""test_stress.py - many connections that come, wait, talk oddly and vanish, all at once.

What it is about is what a process reports meanwhile: run it with a program that was built with the
thread sanitizer (POSTHOUSE_BINARY=build-tsan/posthouse, started by setarch -R). The instance fails
the test when a report stands in its log. POSTHOUSE_TEST_LONG=1 runs at full size.
"""
import random
import resource
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest

from support import LONG, message, tls_context

IDLE, SECONDS, FLOODS, ACCOUNTS = (1000, 120, 6, 100) if LONG else (120, 8, 2, 12)
RECORD_LINES = 200


@pytest.fixture(scope='module', autouse=True)
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Client:
    """IMAP over TLS with the records in our hands: what is written is one record."""

    def __init__(self, instance, address, context, idle=False):
        sock = socket.create_connection(('127.0.0.1', instance.ports['imaps']), 60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = context.wrap_socket(sock)
        self.file = self.sock.makefile('rb')
        self.until(b'* OK')
        self.ask(b'a LOGIN %s %s' % (address.encode(), instance.passwords[address].encode()))
        self.ask(b'a SELECT INBOX')
        if idle:
            self.idle()

    def send(self, data):
        self.sock.sendall(data)

    def until(self, start):
        while True:
            line = self.file.readline()
            assert line, 'closed before ' + start.decode()
            if line.startswith(start):
                return line

    def ask(self, line):
        self.send(line + b'\r\n')
        answer = self.until(line.split()[0] + b' ')
        assert answer.split()[1] == b'OK', answer

    def idle(self):
        self.send(b'i IDLE\r\n')
        self.until(b'+')

    def done(self):
        self.send(b'DONE\r\n')
        self.until(b'i OK')

    def vanish(self):
        """A reset, in the middle of whatever there was."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()


class Stress:
    def __init__(self, instance, people):
        self.instance, self.people = instance, people
        self.until = time.monotonic() + SECONDS
        self.context = tls_context()
        self.lock = threading.Lock()
        self.idle, self.errors = [], []
        self.counts = dict.fromkeys(
            ('deliveries', 'dones', 'resets', 'bytes', 'pipelined', 'updates'), 0)

    def is_over(self):
        return time.monotonic() > self.until

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] += n

    def run(self, jobs):
        threads = [threading.Thread(target=self.guard, args=(n, job)) for n, job in enumerate(jobs)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if self.errors:
            raise self.errors[0]

    def guard(self, number, step):
        chance = random.Random(number)
        try:
            while not self.is_over():
                step(chance)
        except Exception as e:
            self.errors.append(e)

    # ---- what goes on at once

    def fill(self, n):
        """n connections in IDLE, opened by a few threads."""
        def work(k):
            try:
                for i in range(k, n, 8):
                    c = Client(self.instance, self.people[i % len(self.people)], self.context, True)
                    with self.lock:
                        self.idle.append(c)
            except Exception as e:
                self.errors.append(e)
        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if self.errors:
            raise self.errors[0]

    def deliver(self, chance):
        with self.instance.lmtp() as client:
            for _ in range(10):
                to = chance.choice(self.people)
                client.sendmail('x@elsewhere.example', [to], message('stress', body='x' * 3000))
                self.count('deliveries')

    def take(self, chance):
        with self.lock:
            return self.idle.pop(chance.randrange(len(self.idle)))

    def wake_up(self, chance):
        c = self.take(chance)
        c.done()
        c.ask(b'n UID FETCH 1:* FLAGS')
        c.idle()
        self.count('dones')
        with self.lock:
            self.idle.append(c)

    def reset(self, chance):
        c = self.take(chance)
        if chance.random() < 0.5:
            c.send(b'DONE\r\nz FETCH 1:* BODY.PEEK[]\r\n')
        c.vanish()
        self.count('resets')
        c = Client(self.instance, chance.choice(self.people), self.context, True)
        with self.lock:
            self.idle.append(c)

    def one_byte_records(self, chance):
        c = Client(self.instance, chance.choice(self.people), self.context)
        for n in range(5):
            line = b'b%d UID FETCH 1:* (FLAGS ENVELOPE)\r\n' % n
            for at in range(len(line)):
                c.send(line[at:at + 1])
            self.count('bytes', len(line))
            assert c.until(b'b%d ' % n).split()[1] == b'OK'
        c.close()

    def pipelined(self, chance):
        """Many commands in one record; the answers come in their order."""
        c = Client(self.instance, chance.choice(self.people), self.context)
        lines = [chance.choice([b'NOOP', b'UID STORE 1:5 +FLAGS (\\Flagged)', b'UID SEARCH ALL',
                                b'UID STORE 1:5 -FLAGS (\\Flagged)', b'STATUS INBOX (MESSAGES)',
                                b'IDLE\r\nDONE']) for _ in range(RECORD_LINES)]
        c.send(b''.join(b'p%d %s\r\n' % (n, line) for n, line in enumerate(lines)))
        for n in range(len(lines)):
            assert c.until(b'p%d ' % n).split()[1] == b'OK'
        self.count('pipelined', len(lines))
        c.close()

    def key_updates(self, chance):
        """openssl s_client sends a KeyUpdate for a line "K" (asking for one) or "k"."""
        address = chance.choice(self.people)
        process = subprocess.Popen(
            ['openssl', 's_client', '-connect', '127.0.0.1:%d' % self.instance.ports['imaps'],
             '-tls1_3', '-crlf'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.flood(process, address, chance)
        except BrokenPipeError:
            pass  # more of them than one connection may send: it is closed
        finally:
            process.kill()
            process.communicate()

    def flood(self, process, address, chance):
        def put(line):
            process.stdin.write(line + b'\n')
            process.stdin.flush()
            time.sleep(0.001)  # s_client looks at the first letter of what it reads at once

        put(b'a LOGIN %s %s' % (address.encode(), self.instance.passwords[address].encode()))
        put(b'a SELECT INBOX')
        for n in range(60):
            for _ in range(5):
                put(chance.choice([b'K', b'k']))
                self.count('updates')
            put(b'a%d NOOP' % n)
            if self.is_over():
                return


def test_stress(shared):
    assert shutil.which('openssl')
    people = ['p%d@stress.example' % i for i in range(ACCOUNTS)]
    shared.add_accounts(people)
    stress = Stress(shared, people)
    start = time.monotonic()
    stress.fill(IDLE)
    print('figure: %d connections in IDLE after %.1f s' % (IDLE, time.monotonic() - start))
    stress.until = time.monotonic() + SECONDS
    jobs = [stress.deliver, stress.deliver, stress.wake_up, stress.wake_up, stress.reset,
            stress.one_byte_records, stress.pipelined]
    jobs += [stress.key_updates] * FLOODS
    stress.run(jobs)
    print('figure: ' + ', '.join('%d %s' % (n, what) for what, n in stress.counts.items()))
    assert all(stress.counts.values()), stress.counts
    for c in stress.idle:
        c.vanish()
    client = shared.imap(people[0], 'INBOX')
    assert client.noop()[0] == 'OK'
    shared.check()
