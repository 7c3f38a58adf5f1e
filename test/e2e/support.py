"""support.py - what the end-to-end tests share: an instance of their own, and small clients.

An instance lives in a temporary folder, listens on free loopback ports and is gone with all its
processes after stop(), which also fails if any process reported a sanitizer's finding or a failed
assertion.
"""
import contextlib
import fcntl
import imaplib
import os
import pathlib
import re
import secrets
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

HOME = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get('POSTHOUSE_BINARY', str(HOME / 'build-asan' / 'posthouse'))
LONG = os.environ.get('POSTHOUSE_TEST_LONG') == '1'
HOST = 'mail.posthouse.example'
REPORTS = re.compile(rb'ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .*failed')
SANITIZERS = {
    'ASAN_OPTIONS': 'abort_on_error=1:detect_leaks=0:handle_abort=0:allocator_may_return_null=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:abort_on_error=1:print_stacktrace=1',
    'TSAN_OPTIONS': 'halt_on_error=0:second_deadlock_stack=1',
}


def free_ports(n):
    """Ports that were free a moment ago, below the range that the system gives to clients."""
    found = []
    while len(found) < n:
        port = 10000 + secrets.randbelow(20000)
        with contextlib.closing(socket.socket()) as s:
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def install_browser_packages():
    """Those of test/web/package-lock.json; many tests may ask at once."""
    web = HOME / 'test' / 'web'
    made, wanted = web / 'node_modules' / '.package-lock.json', web / 'package-lock.json'
    with open(web / 'package.json') as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not made.exists() or made.stat().st_mtime < wanted.stat().st_mtime:
            subprocess.run(['npm', 'ci', '--no-audit', '--no-fund'], cwd=web, check=True, capture_output=True)
            made.touch()
    return web


def run_in_chromium(script, *arguments, timeout=600):
    """Run a script of test/web to its end, which must be a good one."""
    done = subprocess.run(['node', script, *arguments], cwd=install_browser_packages(), capture_output=True, text=True,
                          timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def talk_to_chromium(script, *arguments):
    """A script of test/web that is spoken with by lines."""
    process = subprocess.Popen(['node', script, *arguments], cwd=install_browser_packages(), text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def tls_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def children(pid):
    """All descendants of a process: pid -> command line."""
    parents, found = {}, {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                with open('/proc/%s/stat' % entry) as f:
                    parents[int(entry)] = int(f.read().rsplit(')', 1)[1].split()[1])
            except OSError:
                pass
    todo = [pid]
    while todo:
        up = todo.pop()
        for child, parent in parents.items():
            if parent == up and child not in found:
                try:
                    with open('/proc/%d/cmdline' % child) as f:
                        found[child] = f.read().replace('\0', ' ').strip()
                except OSError:
                    continue
                todo.append(child)
    return found


class Instance:
    host = HOST

    def __init__(self, settings='', env=None, binary=None, directory=None):
        self.binary = binary or BINARY
        self.made = directory is None
        self.dir = pathlib.Path(directory or tempfile.mkdtemp(prefix='posthouse-test-'))
        names = ('smtp', 'submissions', 'imaps', 'https', 'http', 'lmtp')
        self.ports = dict(zip(names, free_ports(len(names))))
        self.settings = settings
        self.env = dict(os.environ, **SANITIZERS)
        self.env.update(env or {})
        self.process = None
        self.domains = set()
        self.passwords = {}
        self.configure()

    def configure(self):
        listen = ''.join('\t%s = "127.0.0.1:%d";\n' % item for item in self.ports.items())
        # No test asks anybody outside: where it brings no DNS of its own, nobody answers.
        resolver = '' if 'resolver = ' in self.settings else 'resolver = "127.0.0.1:9";\n'
        # What receivers see as sender is what was said, but where the tests are about that.
        senders = '' if 'senders = ' in self.settings else 'senders = { tag = false; };\n'
        # Mail from the pages leaves at once.
        undo = '' if 'undo = ' in self.settings else 'undo = { web = 0; };\n'
        (self.dir / 'posthouse.conf').write_text('host_name = "%s";\nlisten = {\n%s};\n%s%s%s%s\n' % (
            HOST, listen, resolver, senders, undo, self.settings))

    # ---- life

    def start(self, wait=True, env=None):
        with open(self.dir / 'log', 'ab') as log:
            self.process = subprocess.Popen(
                [self.binary, '--dir', str(self.dir), 'serve'], env=dict(self.env, **(env or {})),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=30):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError('did not start:\n' + self.log_tail())
            if self.is_ready():
                return
            time.sleep(0.05)
        raise AssertionError('not ready after %d s:\n%s' % (timeout, self.log_tail()))

    def is_ready(self):
        """The server answers on each port, and so does the control socket."""
        for name in ('smtp', 'lmtp'):
            try:
                with socket.create_connection(('127.0.0.1', self.ports[name]), 2) as s:
                    s.settimeout(2)
                    if not s.recv(100).startswith(b'220'):
                        return False
            except OSError:
                return False
        return self.run('status').returncode == 0

    def stop(self, check=True):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError('did not stop in 30 s:\n' + self.log_tail())
        self.kill()
        if check:
            self.check_log()

    def kill(self):
        """End whatever is left, at once."""
        if not self.process:
            return
        for pid in [self.process.pid] + list(children(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def remove(self):
        if self.made:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            self.stop(check=kind is None)
        finally:
            if kind:
                print('log of %s:\n%s' % (self.dir, self.log_tail()))
            self.remove()

    def log_tail(self, lines=40):
        try:
            text = (self.dir / 'log').read_text('utf-8', 'replace')
        except OSError:
            return '(no log)'
        return '\n'.join(text.split('\n')[-lines:])

    def check_log(self):
        data = (self.dir / 'log').read_bytes() if (self.dir / 'log').exists() else b''
        found = REPORTS.search(data)
        assert not found, 'a process reported:\n' + data[max(0, found.start() - 200):][
            :6000].decode('utf-8', 'replace')

    def pids(self, role):
        """Processes of a role ("server", "keeper"), oldest first."""
        return sorted(p for p, title in children(self.process.pid).items()
                      if title.startswith('posthouse: ' + role))

    def pid(self, role):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = self.pids(role)
            if found:
                return found[-1]
            time.sleep(0.02)
        raise AssertionError('no %s is running: %s' % (role, children(self.process.pid)))

    # ---- the command line

    def run(self, *arguments, stdin=None):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return subprocess.run([self.binary, '--dir', str(self.dir), *arguments], env=self.env,
                              input=stdin if stdin is not None else b'', capture_output=True,
                              timeout=300)

    def tool(self, *arguments, stdin=None):
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, '%s: exit %d: %s%s' % (
            ' '.join(arguments), done.returncode, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def add_accounts(self, addresses, password=None):
        """Accounts with random passwords (or this one), at once; their domains are made too."""
        for domain in sorted({a.split('@')[1] for a in addresses} - self.domains):
            self.tool('domain', 'add', domain)
            self.domains.add(domain)
        for address in addresses:
            self.passwords[address] = password or secrets.token_hex(8)
        path = self.dir / 'import'
        path.write_text(''.join('%s\t%s\n' % (a, self.passwords[a]) for a in addresses))
        path.chmod(0o600)
        self.tool('account', 'import', '--fast', str(path))
        path.unlink()

    def check(self):
        """posthouse check finds nothing wrong."""
        done = self.run('check')
        assert done.returncode == 0, 'check: %s%s' % (done.stdout.decode(), done.stderr.decode())

    # ---- clients

    def imap(self, address, mailbox=None):
        client = imaplib.IMAP4_SSL('127.0.0.1', self.ports['imaps'], ssl_context=tls_context(),
                                   timeout=60)
        client.login(address, self.passwords[address])
        if mailbox:
            client.select(mailbox)
        return client

    def smtp(self):
        return smtplib.SMTP('127.0.0.1', self.ports['smtp'], 'client.example', timeout=60)

    def submission(self, address):
        client = smtplib.SMTP_SSL('127.0.0.1', self.ports['submissions'], 'client.example',
                                  timeout=60, context=tls_context())
        client.login(address, self.passwords[address])
        return client

    def lmtp(self):
        return smtplib.LMTP('127.0.0.1', self.ports['lmtp'], 'client.example', timeout=60)


def message(subject, sender='sender@elsewhere.example', body='hello\r\n'):
    return ('From: <%s>\r\nSubject: %s\r\nMessage-ID: <%s@elsewhere.example>\r\n\r\n%s' % (
        sender, subject, secrets.token_hex(8), body))


def subjects(client, mailbox='INBOX'):
    """The subjects of a mailbox's messages, in their order."""
    ok, count = client.select(mailbox, readonly=True)
    assert ok == 'OK'
    if count == [b'0']:
        return []
    _, data = client.fetch('1:*', '(BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
    return [item[1].decode().split(':', 1)[1].strip() for item in data if isinstance(item, tuple)]


def wait_for(what, condition, timeout=20):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, 'not in %d s: %s' % (timeout, what)
        time.sleep(0.02)
