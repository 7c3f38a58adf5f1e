"""test_keys.py - what is not in the server's memory, what it opens, and what it may not do.

Reads /proc/PID/mem, so it needs root; as another user the tests of memory look at what they may.
"""
import base64
import crypt
import hashlib
import hmac
import imaplib
import json
import os
import pathlib
import pwd
import re
import secrets
import signal
import smtplib
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

import pytest

import support
from support import message, wait_for

IS_ROOT = os.getuid() == 0


def search(pid, needles):
    """Which of the needles (name -> bytes) the process has in its memory."""
    found = set()
    longest = max(map(len, needles.values()))
    with open('/proc/%d/maps' % pid) as maps, open('/proc/%d/mem' % pid, 'rb', 0) as mem:
        for line in maps:
            m = re.match(r'([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)', line)
            start, end = int(m.group(1), 16), int(m.group(2), 16)
            if m.group(3)[0] != 'r' or m.group(4) in ('[vvar]', '[vsyscall]', '[vvar_vclock]'):
                continue
            tail = b''
            for at in resident(pid, start, end):
                try:
                    mem.seek(at[0])
                    chunk = tail + mem.read(at[1])
                except (OSError, ValueError, OverflowError):
                    tail = b''
                    continue
                found |= {name for name, needle in needles.items() if needle in chunk}
                tail = chunk[-longest:]
    return found


def resident(pid, start, end, step=1 << 20):
    """The pieces of a mapping that are in memory: a sanitizer's shadow is terabytes of nothing."""
    page = os.sysconf('SC_PAGE_SIZE')
    with open('/proc/%d/pagemap' % pid, 'rb', 0) as pagemap:
        if end - start > 1 << 34:
            return  # shadow memory: it mirrors addresses, not contents
        for at in range(start, end, step):
            size = min(step, end - at)
            pagemap.seek(at // page * 8)
            if any(pagemap.read(size // page * 8)):
                yield at, size


def key_needles(pem):
    """The private key in each shape it may have: its numbers in both byte orders, DER, PEM."""
    der = base64.b64decode(''.join(pem.split('-----')[2].split()))
    text = subprocess.run(['openssl', 'pkey', '-text', '-noout'], input=pem.encode(),
                          capture_output=True, check=True).stdout.decode()
    found = re.findall(r'(priv|privateExponent|prime1|prime2):\n((?:    .*\n)+)', text)
    numbers = {name: bytes.fromhex(re.sub(r'[\s:]', '', digits)).lstrip(b'\0') for name, digits in found}
    assert list(numbers) in (['priv'], ['privateExponent', 'prime1', 'prime2'])
    assert all(len(n) > 28 for n in numbers.values())
    body = pem.split('-----')[2].strip().encode()
    needles = {'DER': der[-100:] if len(der) < 100 else der[:100], 'PEM': body.split(b'\n')[1]}
    for name, number in numbers.items():
        needles.update({name: number, name + ', least byte first': number[::-1]})
    return needles


class Load:
    """Handshakes, logins and deliveries until stopped."""

    def __init__(self, instance, address):
        self.instance, self.address = instance, address
        self.is_over = False
        self.logins = 0
        self.errors = []
        self.threads = [threading.Thread(target=self.work) for _ in range(4)]

    def work(self):
        try:
            while not self.is_over:
                self.instance.imap(self.address, 'INBOX').logout()
                with self.instance.lmtp() as client:
                    client.sendmail('x@elsewhere.example', [self.address], message('load'))
                self.logins += 1
        except Exception as e:
            self.errors.append(e)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        for t in self.threads:
            t.join()
        assert not self.errors and self.logins


@pytest.fixture
def loaded(shared, accounts):
    with Load(shared, accounts[0]) as load:
        wait_for('some logins', lambda: load.logins > 5 or load.errors)
        yield load


def memory(pid, needles):
    try:
        return search(pid, needles)
    except PermissionError:
        assert not IS_ROOT
        pytest.skip('reading the memory of a process needs root')


def test_no_private_key_in_the_server(shared, loaded):
    keys = list((shared.dir / 'keeper' / 'keys').glob('*.pem'))
    assert keys
    for path in keys:
        needles = key_needles(path.read_text())
        for _ in range(3):
            assert not memory(shared.pid('server'), needles)
            time.sleep(0.2)
        assert memory(shared.pid('keeper'), needles), 'the search itself finds nothing'


def test_no_password_hash_in_the_server(shared, accounts, loaded):
    address = 'hash@%s' % accounts[0].split('@')[1]
    password = secrets.token_hex(8)
    planted = crypt.crypt(password, crypt.METHOD_SHA512)
    path = shared.dir / 'hashes'
    path.write_text('%s\t%s\n' % (address, "{CRYPT}" + planted))
    shared.tool('account', 'import', str(path))
    path.unlink()
    shared.passwords[address] = password
    client = shared.imap(address)
    needles = {'hash': planted.rsplit('$', 1)[1].encode()}
    for _ in range(3):
        assert not memory(shared.pid('server'), needles)
        assert not memory(shared.process.pid, needles)
        time.sleep(0.1)
    client.logout()
    files = [p for p in shared.dir.rglob('*') if p.is_file()]
    has = {p.relative_to(shared.dir).parts[0] for p in files if needles['hash'] in p.read_bytes()}
    assert has == {'keeper'}


class Keeper:
    """A program that speaks as the server does."""

    def __init__(self, instance, name='keeper-server.sock'):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(instance.dir / 'run' / name))

    def ask(self, verb, *fields):
        """The answer's code and fields; None if the connection was closed."""
        body = struct.pack('>IB', 7, verb)
        for field in fields:
            if isinstance(field, int):
                field = struct.pack('>Q', field)
            elif isinstance(field, str):
                field = field.encode()
            body += struct.pack('>I', len(field)) + field
        self.socket.sendall(struct.pack('>I', len(body)) + body)
        try:
            head = self.exactly(9)
        except (EOFError, ConnectionError):
            return None, []
        length, _, code = struct.unpack('>IIB', head)
        rest, out = self.exactly(length - 5), []
        while rest:
            n, = struct.unpack('>I', rest[:4])
            out.append(rest[4:4 + n])
            rest = rest[4 + n:]
        return code, out

    def exactly(self, n):
        data = b''
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def verbs():
    """The numbers of the keeper's verbs, and those of the operator's door alone, as its source says."""
    home = pathlib.Path(__file__).resolve().parent.parent.parent / 'src' / 'keeper'
    numbers, n = {}, -1
    body = re.search(r'enum frame_verb \{(.*?)\};', (home / 'frame.h').read_text(), re.S).group(1)
    for name, value in re.findall(r'(FRAME_\w+)(?: = (\d+))?,', body):
        n = int(value) if value else n + 1
        numbers[name] = n
    rows = re.findall(r'\[(FRAME_\w+)\] = \{\s*"[\w-]+",\s*([^,]+),', (home / 'verbs.c').read_text())
    return numbers, {name for name, doors in rows if 'VERB_SERVER' not in doors}


DENIED = 5
TOTP = 1  # of enum keeper_factor
IMAP, SMTP, WEB = 1, 8, 128


@pytest.mark.skipif(not IS_ROOT, reason='the socket is the server\'s')
def test_the_server_may_not_ask_what_is_the_operators(shared, accounts):
    numbers, forbidden = verbs()
    assert {'FRAME_SET_PASSWORDS', 'FRAME_SET_ROLE', 'FRAME_LOG_OUT', 'FRAME_CERTIFICATE_IMPORT'} <= forbidden
    for name in forbidden:
        for fields in ([], [5], [5, 2, 0], [0, struct.pack('>Q', 5)], ['main', 'a key'],
                       [0, 5, 0, 'a new password']):
            assert Keeper(shared).ask(numbers[name], *fields)[0] == DENIED, name
    assert shared.imap(accounts[0]).noop()[0] == 'OK'
    for n in set(range(256)) - set(numbers.values()):
        assert Keeper(shared).ask(n)[0] is None, n


def sign_in(instance, address):
    """A web session and an app password for mail, made as the web page makes them."""
    numbers, _ = verbs()
    row = [r for r in json.loads(instance.tool('account', 'list', '--json'))
           if r['address'] == address]
    keeper = Keeper(instance)
    code, web = keeper.ask(numbers['FRAME_WEB_BEGIN'], row[0]['id'], instance.passwords[address],
                           WEB, '127.0.0.1', 'test', 0, 0)
    assert code == 0
    cookie = web[-1].decode()
    code, app = keeper.ask(numbers['FRAME_APP_ADD'], cookie, 'phone', IMAP | SMTP, 0)
    assert code == 0
    return cookie, app[0].decode()


@pytest.mark.skipif(not IS_ROOT, reason='the socket is the server\'s')
def test_no_secret_that_opens_stays_in_memory(shared, accounts):
    """Neither with the server, through which they pass, nor with the keeper, nor on the disk."""
    address = accounts[0]
    cookie, app = sign_in(shared, address)
    secret = shared.passwords[address]
    clients = []
    for password in (secret, app):
        clients.append(imaplib.IMAP4_SSL('127.0.0.1', shared.ports['imaps'],
                                         ssl_context=support.tls_context()))
        clients[-1].login(address, password)
        clients.append(smtplib.SMTP_SSL('127.0.0.1', shared.ports['submissions'],
                                        context=support.tls_context()))
        clients[-1].login(address, password)
    numbers, _ = verbs()
    assert Keeper(shared).ask(numbers['FRAME_WEB_CHECK'], cookie, '127.0.0.1')[0] == 0
    needles = {'password': secret.encode(), 'app password': app.encode(),
               'its digits': app.replace('-', '')[3:].encode(), 'cookie': cookie.encode(),
               'its digits too': cookie.replace('-', '')[3:].encode()}
    for name, password in (('password in AUTH', secret), ('app password in AUTH', app)):
        plain = '\0%s\0%s' % (address, password)
        needles[name] = base64.b64encode(plain.encode()).rstrip(b'=')[:-2]
    time.sleep(1)
    for role in ('server', 'keeper'):
        assert not memory(shared.pid(role), needles), role
    for client in clients:
        client.logout() if isinstance(client, imaplib.IMAP4) else client.quit()
    for path in shared.dir.rglob('*'):
        if path.is_file():
            text = path.read_bytes()
            assert not [name for name, needle in needles.items() if needle in text], path


def totp_code(secret, at):
    mac = hmac.digest(secret, (int(at) // 30).to_bytes(8, 'big'), hashlib.sha1)
    number = int.from_bytes(mac[mac[19] & 15:][:4], 'big') & 0x7fffffff
    return str(number)[-6:].zfill(6)


def add_totp(instance, cookie, at):
    """Gives the account TOTP; its secret and its recovery codes."""
    numbers, _ = verbs()
    keeper = Keeper(instance)
    status, answer = keeper.ask(numbers['FRAME_FACTOR_BEGIN'], cookie, TOTP, '', 'me@example.org')
    assert status == 0
    uri = urllib.parse.urlsplit(answer[0].decode())
    text = urllib.parse.parse_qs(uri.query)['secret'][0]
    secret = base64.b32decode(text + '=' * (-len(text) % 8))
    status, answer = keeper.ask(numbers['FRAME_FACTOR_CONFIRM'], cookie, TOTP, 'mine',
                                totp_code(secret, at))
    assert status == 0, answer
    return secret, answer[0].decode().split()


def tokens(instance, cookie):
    """Access and refresh token of another program, as the web page gives them out."""
    numbers, _ = verbs()
    keeper, verifier = Keeper(instance), secrets.token_urlsafe(40)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b'=')
    code, answer = keeper.ask(numbers['FRAME_GRANT_CODE'], cookie, 'client', 'https://c.example/',
                              IMAP, challenge)
    assert code == 0, answer
    code, answer = keeper.ask(numbers['FRAME_GRANT_EXCHANGE'], 'client', 'https://c.example/',
                              answer[0], verifier)
    assert code == 0, answer
    return answer[3].decode(), answer[4].decode()


@pytest.mark.skipif(not IS_ROOT, reason='the socket is the server\'s')
def test_no_factor_or_token_stays_in_memory(shared, accounts):
    """What the server passes on is gone afterwards, and what it never sees it has not."""
    address = 'factors@' + accounts[0].split('@')[1]
    shared.add_accounts([address])
    cookie, _ = sign_in(shared, address)
    now = time.time()
    secret, codes = add_totp(shared, cookie, now - 30)
    access, refresh = tokens(shared, cookie)
    numbers, _ = verbs()
    assert Keeper(shared).ask(numbers['FRAME_WEB_FACTOR'], cookie, 1, totp_code(secret, now),
                              '127.0.0.1')[0] == 0
    client = imaplib.IMAP4_SSL('127.0.0.1', shared.ports['imaps'],
                               ssl_context=support.tls_context())
    bearer = 'n,a=%s,\1auth=Bearer %s\1\1' % (address, access)
    client.authenticate('OAUTHBEARER', lambda _: bearer.encode())
    needles = {'TOTP secret': secret, 'TOTP secret as text': base64.b32encode(secret).rstrip(b'='),
               'recovery code': codes[0].encode(), 'access token': access.encode(),
               'its digits': access[4:].replace('-', '').encode(), 'refresh token': refresh.encode(),
               'in AUTHENTICATE': base64.b64encode(bearer.encode()).rstrip(b'=')[8:-8]}
    time.sleep(1)
    for role in ('server', 'keeper'):
        assert not memory(shared.pid(role), needles), role
    client.logout()
    for path in shared.dir.rglob('*'):
        if path.is_file():
            text = path.read_bytes()
            assert not [name for name, needle in needles.items() if needle in text], path


@pytest.mark.skipif(not IS_ROOT, reason='the keeper\'s files are its own')
def test_the_keepers_secret_stays_with_it(shared, loaded):
    key = (shared.dir / 'keeper' / 'mac.key').read_bytes()
    assert len(key) == 32
    assert not memory(shared.pid('server'), {'key': key})
    assert memory(shared.pid('keeper'), {'key': key}), 'the search itself finds nothing'


def test_a_planted_string_is_found(shared, loaded):
    planted = secrets.token_hex(20)
    with socket.create_connection(('127.0.0.1', shared.ports['smtp']), 10) as s:
        s.recv(1000)
        s.sendall(b'NOOP ' + planted.encode())
        wait_for('the planted string', lambda: memory(shared.pid('server'),
                                                      {'planted': planted.encode()}))


def status(pid, thread=None):
    path = '/proc/%d/%sstatus' % (pid, 'task/%d/' % thread if thread else '')
    return dict(line.rstrip('\n').split(':\t', 1) for line in open(path) if ':\t' in line)


@pytest.mark.parametrize('role', ['server', 'keeper', 'courier'])
def test_each_thread_is_confined(shared, role):
    pid = shared.pid(role)
    for thread in map(int, os.listdir('/proc/%d/task' % pid)):
        s = status(pid, thread)
        assert s['NoNewPrivs'] == '1' and s['Seccomp'] == '2', '%s %s' % (role, s['Name'])
        assert int(s['CapEff'], 16) == 0 and int(s['CapPrm'], 16) == 0


@pytest.mark.skipif(not IS_ROOT, reason='users are dropped only by root')
@pytest.mark.parametrize('role', ['server', 'keeper', 'courier'])
def test_each_process_has_its_own_user(shared, role):
    s = status(shared.pid(role))
    assert set(s['Uid'].split()) == {str(pwd.getpwnam('posthouse-' + role).pw_uid)}
    assert not set(s['Groups'].split()) - set(s['Gid'].split())


@pytest.mark.skipif(not IS_ROOT, reason='users are dropped only by root')
@pytest.mark.parametrize('role,folders', [('server', ['keeper', 'courier']),
                                          ('courier', ['keeper', 'mail'])])
def test_nobody_reaches_the_files_of_others(shared, role, folders):
    user = pwd.getpwnam('posthouse-' + role)
    os.chmod(shared.dir, 0o755)
    for path in [p for folder in folders for p in (shared.dir / folder).rglob('*')]:
        done = subprocess.run(['setpriv', '--reuid', str(user.pw_uid), '--regid', str(user.pw_gid),
                               '--clear-groups', 'cat', str(path)], capture_output=True)
        assert done.returncode != 0, path


def test_processes_go_by_their_roles(shared):
    out = subprocess.run(['ps', '-o', 'args=', '-p', ','.join(map(str, [
        shared.process.pid, *map(shared.pid, ('server', 'keeper', 'courier'))]))],
        capture_output=True, text=True).stdout.split('\n')
    for role in ('supervisor', 'server', 'keeper', 'courier'):
        assert any(line.startswith('posthouse: ' + role) for line in out), out


@pytest.mark.skipif(not IS_ROOT, reason='tracing a process that is not dumpable needs root')
@pytest.mark.parametrize('role', ['server', 'keeper'])
def test_nothing_outside_is_opened(shared, loaded, role, tmp_path):
    """Under load with fresh accounts, by the names and the directories that strace sees."""
    trace = tmp_path / 'trace'
    pid = shared.pid(role)
    tracer = subprocess.Popen(
        ['strace', '-f', '-yy', '-s', '4096', '-o', str(trace), '-e',
         'trace=open,openat,openat2,creat,execve,execveat,connect,socket,rename,renameat,'
         'renameat2,unlink,unlinkat,mkdir,mkdirat', '-p', str(pid)], stderr=subprocess.DEVNULL)
    try:
        wait_for('the tracer', lambda: status(pid)['TracerPid'] != '0')
        fresh = 'fresh@%s.example' % secrets.token_hex(4)
        shared.add_accounts([fresh])
        for n in range(5):
            with shared.smtp() as client:
                client.sendmail('x@elsewhere.example', [fresh],
                                message('traced', body=('x' * 70 + '\r\n') * 7000))
        wait_for('the mail', lambda: len(support.subjects(shared.imap(fresh))) == 5)
        if role == 'server':
            wait_for('an open', lambda: 'openat(' in trace.read_text())
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)
    for line in trace.read_text().split('\n'):
        assert 'execve' not in line, line
        m = re.search(r'(open|openat|openat2|creat)\((?:[\w-]+<([^>]*)>, )?(?:AT_FDCWD, )?"([^"]*)"',
                      line)
        if m:
            where = os.path.normpath(os.path.join(m.group(2) or str(shared.dir), m.group(3)))
            assert where.startswith(str(shared.dir)) or where.startswith('/proc/self/'), line
        m = re.search(r'(socket|connect)\(.*?(AF_\w+)', line)
        if m:
            assert m.group(2) == 'AF_UNIX', line
