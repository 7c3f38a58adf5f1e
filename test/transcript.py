#!/usr/bin/python3
"""transcript.py - run the protocol transcripts test/*/*.t against an instance of their own.

    transcript.py [--jobs N] [FILE.t ...]     (the program is $POSTHOUSE_BINARY)

Each file is one case. It gets a domain of its own with three fresh accounts, so that all files
can run at once against one instance. A file is a list of steps, one a line:

    # comment                    says what the case shows
    open NAME KIND [HOST]        connect; KIND is imap, smtp, lmtp, lmtp-unix, lmtp-courier,
                                 submission, http or https; HOST is asked for in the TLS handshake
    get NAME URL [FIELD: VALUE]  connect as the URL says, whatever its host, and send this request,
                                 after which the server closes
    post NAME URL BODY           the same with a form
    tls NAME                     do a TLS handshake on it now (after STARTTLS)
    login NAME WHO [MAILBOX]     open imap, LOGIN as WHO and SELECT: for cases about other things
    lhlo NAME KIND               open, read the greeting, say EHLO or LHLO and read the reply
    deliver WHO [TEXT]           one message by LMTP to WHO (a text block, or a default one)
    close NAME                   close without a word
    NAME> line                   send the line and CRLF, to the byte
    NAME>> line                  send without CRLF; \\r \\n \\t \\\\ \\0 and \\xHH mean bytes
    NAME< pattern                the next line must match the pattern
    NAME<* pattern               neighbouring steps of this kind match that many lines in any order
    NAME<+ pattern               neighbouring steps of this kind each match a line, in any order and
                                 among others, before the line that the next < step matches
    NAME<? pattern               the next line may match; if it does not, it is left
    NAME<! pattern               no line that the next "..." or "<+" skips may match
    NAME< ...                    skip lines up to the one that the next step expects
    NAME< EOF                    the server has closed the connection
    await NAME pattern           the pattern comes as an untagged line; NOOP is sent until it does
    expect NAME pattern          skip lines until one matches, sending nothing (IDLE)
    text NAME                    the lines up to a lone "." are $NAME (joined by CRLF), its length is
                                 $NAME_len; a last empty line gives it a CRLF at its end;
                                 lines are taken to the byte, only $variables are replaced
    set NAME value               $NAME from now on
    include NAME                 the steps of NAME.inc, which stands beside the file
    filled NAME MAILBOX N        wait until it holds N messages, then SELECT it
    check EXPRESSION             a Python expression over the captures (all are strings) is true
    $ arguments                  run the command line tool on the instance
    | line                       a line of its standard input
    = pattern                    a line of its standard output ("= ..." skips); without any such
                                 line the output is not looked at
    ! pattern                    the same for standard error
    exit N                       its exit status (0 if not said)

NAME may be left out of < and > steps: then it is that of the step before. Sends that follow each
other without anything between are one write. Where a pattern ends, the line has to end.

In patterns: {} is any text, {name} any text kept as $name, {name:regex} text that matches, {:regex}
the same without keeping it. {12} and the like (digits) stand for themselves, as does all else.
In all steps: $name is replaced; ${name*80} repeats. A $ not followed by a lower-case letter or {
stands for itself, so that $Forwarded can be written.

Known from the start: $domain, $alice, $bob, $carol (addresses), $WHO_password, $WHO_user64,
$WHO_password64, $WHO_plain (SASL PLAIN in base64), $host, $dir.

Untagged RECENT lines, which IMAP4rev1 allows at any time, are skipped where they are not expected.
A line that does not come within 10 seconds fails the case. A reply's literal is lines as any other.
"""
import argparse
import base64
import concurrent.futures
import pathlib
import re
import shlex
import socket
import ssl
import sys
import time

TIMEOUT = 10
RECENT = re.compile(rb'\* \d+ RECENT')
WHO = ('alice', 'bob', 'carol')
HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_TEXT = 'From: <sender@elsewhere.example>\r\nSubject: hello\r\n\r\nhello\r\n'


class Failure(Exception):
    pass


class Wire:
    """One connection: lines out, lines in, and what was said on it."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b''
        self.out = b''
        self.is_eof = False
        self.log = []

    def send(self, data):
        self.out += data

    def flush(self):
        if self.out:
            out, self.out = self.out, b''
            for line in out.split(b'\r\n'):
                self.log.append('> ' + show(line))
            try:
                self.sock.sendall(out)
            except (ConnectionError, ssl.SSLError) as e:
                self.log.append('(cannot send: %s)' % e)

    def line(self, deadline=None):
        """The next line without its CRLF; None at the end."""
        self.flush()
        deadline = deadline or time.monotonic() + TIMEOUT
        while b'\n' not in self.data and not self.is_eof:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(left)
            try:
                got = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                got = b''
            self.is_eof = not got
            self.data += got
        if not self.data:
            return None
        line, newline, rest = self.data.partition(b'\n')
        self.data = rest
        if newline and line.endswith(b'\r'):
            line = line[:-1]
        elif newline:
            line += b'\n'  # a bare LF is seen in the comparison
        self.log.append('< ' + show(line))
        return line

    def back(self, line):
        self.log.pop()
        self.data = line + b'\r\n' + self.data

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


def show(data):
    text = data.decode('utf-8', 'backslashreplace')
    return text if len(text) < 2000 else text[:1000] + ' [...] ' + text[-200:]


def unescape(text):
    table = {'r': '\r', 'n': '\n', 't': '\t', '\\': '\\', '0': '\0'}

    def one(m):
        e = m.group(1)
        return bytes([int(e[1:], 16)]) if e[0] == 'x' else table[e].encode()
    out, at = b'', 0
    for m in re.finditer(r'\\(x[0-9a-fA-F]{2}|[rnt0\\])', text):
        out += text[at:m.start()].encode('utf-8') + one(m)
        at = m.end()
    return out + text[at:].encode('utf-8')


def compile_pattern(text):
    """A regular expression over bytes; groups are named as the captures."""
    out, at = '', 0
    while at < len(text):
        m = re.match(r'\{([A-Za-z_][A-Za-z_0-9]*)?(:)?', text[at:])
        if not m or re.match(r'\{\d', text[at:]):
            out += re.escape(text[at])
            at += 1
            continue
        end, depth = at + 1, 1
        while end < len(text) and depth:
            if text[end] == '\\':
                end += 1
            elif text[end] in '{}':
                depth += 1 if text[end] == '{' else -1
            end += 1
        inner = text[at + m.end():end - 1] if m.group(2) else '.*?'
        if depth or (not m.group(2) and at + m.end() != end - 1):
            out += re.escape(text[at])
            at += 1
            continue
        out += '(?P<%s>%s)' % (m.group(1), inner) if m.group(1) else '(?:%s)' % inner
        at = end
    return re.compile(out.encode('utf-8'), re.DOTALL)


class Case:
    def __init__(self, path, instance, domain):
        self.path = path
        self.instance = instance
        self.wires = {}
        self.last = None
        self.where = 0
        self.skip = None     # the wire on which "..." was the step before
        self.never = []
        self.vars = {'domain': domain, 'host': instance.host, 'dir': str(instance.dir)}
        for who in WHO:
            address = '%s@%s' % (who, domain)
            password = instance.passwords[address]
            b64 = lambda s: base64.b64encode(s.encode()).decode()
            self.vars.update({
                who: address, who + '_password': password, who + '_user64': b64(address),
                who + '_password64': b64(password),
                who + '_plain': b64('\0%s\0%s' % (address, password))})

    # ---- text

    def fill(self, text):
        def one(m):
            name = m.group(1) or m.group(3)
            if name not in self.vars:
                raise Failure('$%s is not known here' % name)
            return self.vars[name] * int(m.group(2) or 1)
        return re.sub(r'\$(?:\{([a-z][a-z0-9_]*)(?:\*(\d+))?\}|([a-z][a-z0-9_]*))', one, text)

    def matches(self, pattern, line):
        m = compile_pattern(self.fill(pattern)).fullmatch(line)
        if not m:
            return False
        for name, value in m.groupdict().items():
            self.vars[name] = (value or b'').decode('utf-8', 'backslashreplace')
        return True

    # ---- connections

    def wire(self, name):
        name = name or self.last
        if name not in self.wires:
            raise Failure('no connection %s is open' % name)
        self.last = name
        return self.wires[name]

    def open(self, name, kind, host='localhost'):
        if kind in ('lmtp-unix', 'lmtp-courier'):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(str(self.instance.dir / 'run' / {'lmtp-unix': 'lmtp.sock', 'lmtp-courier': 'courier-lmtp.sock'}[kind]))
        else:
            ports = {'imap': 'imaps', 'smtp': 'smtp', 'lmtp': 'lmtp',
                     'submission': 'submissions', 'http': 'http', 'https': 'https'}
            sock = socket.create_connection(('127.0.0.1', self.instance.ports[ports[kind]]), TIMEOUT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if kind in ('imap', 'submission', 'https'):
                sock = self.handshake(sock, host)
        if name in self.wires:
            self.wires[name].close()
        self.wires[name] = Wire(sock)
        self.last = name

    def request(self, name, method, url, field='', body=''):
        scheme, _, rest = url.partition('://')
        host, slash, path = rest.partition('/')
        self.open(name, scheme, host)
        if body:
            field = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d' % len(
                body.encode())
        self.wires[name].send(('%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n%s' % (
            method, slash + path or '/', host, field and field + '\r\n', body)).encode())

    def handshake(self, sock, host='localhost'):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        sock.settimeout(TIMEOUT)
        return context.wrap_socket(sock, server_hostname=host)

    def tls(self, name):
        w = self.wire(name)
        w.flush()
        if w.data:
            raise Failure('bytes came before the TLS handshake: ' + show(w.data))
        w.sock = self.handshake(w.sock)

    # ---- expectations

    def read(self, wire, wanted):
        try:
            line = wire.line()
        except TimeoutError:
            raise Failure('nothing came in %d s\n  expected: %s' % (TIMEOUT, self.fill(wanted)))
        if line is None and wanted != 'EOF':
            raise Failure('connection closed\n  expected: %s' % self.fill(wanted))
        return line

    def expect(self, wire, pattern):
        if pattern == 'EOF':
            line = self.read(wire, pattern)
            while self.skip is wire and line is not None:
                line = self.read(wire, pattern)
            if line is not None:
                raise Failure('expected: the connection closed\n  got:      ' + show(line))
            return
        line = self.read(wire, pattern)
        while not self.matches(pattern, line):
            if RECENT.fullmatch(line):
                line = self.read(wire, pattern)
                continue
            if self.skip is not wire:
                raise Failure('expected: %s\n  got:      %s' % (self.fill(pattern), show(line)))
            for never in self.never:
                if self.matches(never, line):
                    raise Failure('must not come: ' + show(line))
            line = self.read(wire, pattern)

    def expect_set(self, wire, patterns):
        left, got = list(patterns), []
        while left:
            line = self.read(wire, ' | '.join(left))
            got.append(show(line))
            found = [p for p in left if self.matches(p, line)]
            if not found and RECENT.fullmatch(line):
                continue
            if not found:
                raise Failure('expected one of:\n    %s\n  got:      %s' % (
                    '\n    '.join(self.fill(p) for p in left), show(line)))
            left.remove(found[0])

    def expect_among(self, wire, patterns, last):
        left = list(patterns)
        while True:
            line = self.read(wire, ' | '.join(left + [last]))
            found = [p for p in left if self.matches(p, line)]
            if found:
                left.remove(found[0])
            elif self.matches(last, line):
                break
            for never in self.never:
                if self.matches(never, line):
                    raise Failure('must not come: ' + show(line))
        if left:
            raise Failure('did not come before %s:\n    %s' % (
                show(line), '\n    '.join(self.fill(p) for p in left)))

    def await_line(self, wire, pattern, is_idle):
        deadline = time.monotonic() + TIMEOUT
        found = False
        while not found:
            if time.monotonic() > deadline:
                raise Failure('nothing like this came in %d s: %s' % (TIMEOUT, self.fill(pattern)))
            if is_idle:
                found = self.matches(pattern, self.read(wire, pattern))
                continue
            wire.send(b'await NOOP\r\n')
            line = b''
            while not line.startswith(b'await '):
                line = self.read(wire, pattern)
                found = self.matches(pattern, line) or found
            if not found:
                time.sleep(0.02)

    def filled(self, name, mailbox, n):
        wire = self.wire(name)
        deadline = time.monotonic() + TIMEOUT
        line = b''
        while not line.endswith(b'(MESSAGES %s)' % n.encode()):
            if time.monotonic() > deadline:
                raise Failure('expected: %s messages in %s\n  got:      %s' % (n, mailbox, show(line)))
            self.talk(wire, 'filled STATUS %s (MESSAGES)' % mailbox, '* STATUS {status}')
            line = self.vars['status'].encode()
            self.talk(wire, None, 'filled OK {}')
        self.talk(wire, 'filled SELECT ' + mailbox, 'filled OK {}')

    # ---- ready-made beginnings

    def talk(self, wire, line, pattern):
        """Send a line, skip to the reply that matches."""
        if line is not None:
            wire.send(line.encode('utf-8') + b'\r\n')
        self.skip, self.never = wire, []
        self.expect(wire, pattern)
        self.skip = None

    def login(self, name, who, mailbox=None):
        self.open(name, 'imap')
        w = self.wires[name]
        self.talk(w, None, '* OK {}')
        self.talk(w, self.fill('in LOGIN $%s $%s_password' % (who, who)), 'in OK {}')
        if mailbox:
            self.talk(w, 'in SELECT ' + mailbox, 'in OK {}')

    def lhlo(self, name, kind):
        self.open(name, kind)
        w = self.wires[name]
        self.talk(w, None, '220 {}')
        self.talk(w, '%s client.example' % ('LHLO' if 'lmtp' in kind else 'EHLO'), '250 {}')

    def deliver(self, who, text=None):
        self.lhlo('deliver', 'lmtp')
        w = self.wires['deliver']
        self.talk(w, 'MAIL FROM:<sender@elsewhere.example>', '250 {}')
        self.talk(w, self.fill('RCPT TO:<$%s>' % who), '250 {}')
        self.talk(w, 'DATA', '354 {}')
        body = self.vars[text] if text else DEFAULT_TEXT
        self.talk(w, re.sub(r'(?m)^\.', '..', body) + '\r\n.', '250 {}')
        w.close()

    # ---- steps

    def tool(self, arguments, following):
        stdin, out, err, status = '', [], [], 0
        for self.where, step in following:
            rest = step[2:]
            if step[0] == '|':
                stdin += self.fill(rest) + '\n'
            elif step[0] == '=':
                out.append(rest)
            elif step[0] == '!':
                err.append(rest)
            else:
                status = int(step.split()[1])
        done = self.instance.run(*shlex.split(self.fill(arguments)), stdin=stdin)
        said = 'exit %d\n  stdout:   %s\n  stderr:   %s' % (
            done.returncode, show(done.stdout), show(done.stderr))
        if done.returncode != status:
            raise Failure('expected: exit %d of %s\n  got:      %s' % (status, arguments, said))
        for patterns, data in ((out, done.stdout), (err, done.stderr)):
            self.compare(patterns, data.rstrip(b'\n').split(b'\n') if data else [], said)

    def compare(self, patterns, lines, said):
        if not patterns:
            return
        skip = False
        for pattern in patterns:
            if pattern == '...':
                skip = True
                continue
            while lines and not self.matches(pattern, lines[0]) and skip:
                lines.pop(0)
            if not lines or not self.matches(pattern, lines.pop(0)):
                raise Failure('expected: %s\n  in:       %s' % (self.fill(pattern), said))
            skip = False
        if lines and not skip:
            raise Failure('more output than expected: ' + said)

    def read_steps(self, path):
        """(line number in the case's own file, step) of all lines, those of included files in their place."""
        steps = []
        for number, line in enumerate(path.read_text('utf-8').split('\n'), 1):
            if line.startswith('include '):
                included = path.with_name(line.split()[1] + '.inc')
                steps += [(number, step) for _, step in self.read_steps(included)]
            else:
                steps.append((number, line))
        return steps

    def run(self):
        steps = self.read_steps(self.path)
        at = 0
        while at < len(steps):
            self.where, step = steps[at]
            at += 1
            if not step.strip() or step.startswith('#'):
                continue
            if step.startswith('text '):
                at = self.block(steps, at, step.split()[1])
            elif step.startswith('$ '):
                end = at
                while end < len(steps) and re.match(r'([|=!] )|([|=!]$)|exit \d', steps[end][1]):
                    end += 1
                self.flush(None)
                self.tool(step[2:], steps[at:end])
                at = end
            elif re.match(r'\w*<[*+] ', step):
                at = self.group(steps, at - 1)
            else:
                self.step(step)
        self.flush(None)
        self.skip = None

    def group(self, steps, at):
        name, kind, _ = re.match(r'(\w*)<([*+]) (.*)', steps[at][1]).groups()
        name, patterns = name or self.last, []
        while m := re.match(r'(\w*)<([*+]) (.*)', steps[at][1]):
            if m.group(1) not in ('', name) or m.group(2) != kind:
                break
            patterns.append(m.group(3))
            at += 1
        while kind == '+' and (m := re.match(r'\w*<! (.*)', steps[at][1])):
            self.never.append(m.group(1))
            at += 1
        self.flush(name)
        wire = self.wire(name)
        if kind == '*':
            self.expect_set(wire, patterns)
            return at
        m = re.match(r'(\w*)< (.*)', steps[at][1])
        if not m or m.group(1) not in ('', name):
            raise Failure('after <+ a step < has to say up to where')
        self.where = steps[at][0]
        self.expect_among(wire, patterns, m.group(2))
        self.skip, self.never = None, []
        return at + 1

    def block(self, steps, at, name):
        got = []
        while steps[at][1] != '.':
            got.append(steps[at][1])
            at += 1
            if at == len(steps):
                raise Failure('text block %s does not end' % name)
        self.vars[name] = self.fill('\r\n'.join(got))
        self.vars[name + '_len'] = str(len(self.vars[name].encode('utf-8')))
        return at + 1

    def flush(self, but):
        for name, w in self.wires.items():
            if name != but:
                w.flush()

    def step(self, step):
        m = re.match(r'(\w*)(>>?|<[?!]?)(?: (.*)|$)', step)
        if not m:
            return self.verb(step.split())
        name, kind, rest = m.group(1), m.group(2), m.group(3) or ''
        wire = self.wire(name)
        self.flush(self.last)
        if kind == '>':
            wire.send(self.fill(rest).encode('utf-8') + b'\r\n')
        elif kind == '>>':
            wire.send(unescape(self.fill(rest)))
        elif kind == '<!':
            self.never.append(rest)
            return
        elif kind == '<?':
            line = self.read(wire, rest)
            if not self.matches(rest, line):
                wire.back(line)
            return
        elif rest == '...':
            self.skip = wire
            return
        else:
            self.expect(wire, rest)
        self.skip, self.never = None, []

    def verb(self, words):
        self.flush(None)
        verb, args = words[0], words[1:]
        if verb == 'open':
            self.open(*args)
        elif verb == 'get':
            self.request(args[0], 'GET', self.fill(args[1]), self.fill(' '.join(args[2:])))
        elif verb == 'post':
            self.request(args[0], 'POST', self.fill(args[1]), body=self.fill(' '.join(args[2:])))
        elif verb == 'tls':
            self.tls(args[0])
        elif verb == 'login':
            self.login(*args)
        elif verb == 'lhlo':
            self.lhlo(*args)
        elif verb == 'deliver':
            self.deliver(*args)
        elif verb == 'close':
            self.wires.pop(args[0]).close()
        elif verb == 'await':
            self.await_line(self.wire(args[0]), ' '.join(args[1:]), False)
        elif verb == 'expect':
            self.await_line(self.wire(args[0]), ' '.join(args[1:]), True)
        elif verb == 'filled':
            self.filled(*args)
        elif verb == 'set':
            self.vars[args[0]] = self.fill(' '.join(args[1:]))
        elif verb == 'check':
            expression = self.fill(' '.join(args))
            known = {'int': int, 'len': len, 'all': all, 'any': any}
            if not eval(expression, dict(self.vars, __builtins__=known)):
                raise Failure('not true: ' + expression)
        else:
            raise Failure('no such step: ' + ' '.join(words))

    def close(self):
        for w in self.wires.values():
            w.close()


def prepare(instance, files):
    """A domain and three accounts for each file."""
    made = {}
    for f in files:
        domain = re.sub('[^a-z0-9]+', '-', '%s-%s' % (f.parent.name, f.stem)) + '.example'
        made[f] = domain
    instance.add_accounts(['%s@%s' % (who, d) for d in made.values() for who in WHO])
    return made


def run_case(path, instance, made):
    case = Case(path, instance, made[path])
    start = time.monotonic()
    try:
        case.run()
        error = None
    except Failure as e:
        error = str(e)
    except Exception as e:
        error = '%s: %s' % (type(e).__name__, e)
    case.close()
    took = time.monotonic() - start
    if error is None:
        return path, None, took
    text = '%s:%d: %s' % (path.relative_to(HERE.parent), case.where, error)
    for name, w in case.wires.items():
        text += '\n  the last of %s:\n' % name + '\n'.join('    ' + l for l in w.log[-12:])
    return path, text, took


def main():
    sys.path.insert(0, str(HERE / 'e2e'))
    import support
    parser = argparse.ArgumentParser(description='run protocol transcripts')
    parser.add_argument('--jobs', type=int, default=8)
    parser.add_argument('files', nargs='*', type=pathlib.Path)
    options = parser.parse_args()
    files = [f.resolve() for f in options.files] or sorted(HERE.glob('*/*.t'))
    bad = 0
    with support.Instance() as instance:
        made = prepare(instance, files)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for path, error, took in pool.map(lambda f: run_case(f, instance, made), files):
                print('%s %s %.1fs' % ('FAIL' if error else 'ok', path.relative_to(HERE), took))
                if error:
                    bad += 1
                    print('  ' + error.replace('\n', '\n  '))
    print('%d passed, %d failed' % (len(files) - bad, bad))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
