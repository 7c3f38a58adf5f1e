"""http_wire.py - a server of src/http's test site, and clients that say whatever they are told."""
import contextlib
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import time

import support

PROGRAM = pathlib.Path(support.BINARY).parent / 'src' / 'http' / 'http_serve'


class Site:
    """http_serve in a process of its own; what a sanitizer says fails the test."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='posthouse-http-')
        self.log = open(os.path.join(self.folder.name, 'log'), 'w+b')
        env = dict(os.environ, **support.SANITIZERS)
        env['ASAN_OPTIONS'] += ':quarantine_size_mb=1'  # memory is measured
        self.process = subprocess.Popen(
            [str(PROGRAM), self.folder.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, env=env)
        self.clear, self.secure = map(int, self.process.stdout.readline().split())
        return self

    def __exit__(self, kind, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = 'does not stop'
        self.process.stdout.close()
        text = self.said()
        self.log.close()
        self.folder.cleanup()
        if kind is None:
            found = support.REPORTS.search(text)
            assert not found, text[max(0, found.start() - 200):][:6000].decode('utf-8', 'replace')
            assert code == 0, (code, text[-2000:])

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def drain(self):
        self.process.stdin.write(b'\n')
        self.process.stdin.flush()

    def url(self, path, scheme='https'):
        return '%s://127.0.0.1:%d%s' % (scheme, self.secure if scheme == 'https' else self.clear,
                                       path)

    def rss(self):
        """Bytes of memory that the process has in use."""
        text = pathlib.Path('/proc/%d/status' % self.process.pid).read_text()
        return int(re.search(r'VmRSS:\s*(\d+) kB', text).group(1)) * 1024

    def connect(self, tls=False, alpn=None, timeout=20):
        sock = socket.create_connection(
            ('127.0.0.1', self.secure if tls or alpn else self.clear), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls or alpn:
            context = support.tls_context()
            if alpn:
                context.set_alpn_protocols(alpn)
            sock = context.wrap_socket(sock)
        return sock

    def send(self, data, tls=False):
        """All that is answered to these bytes until the connection closes."""
        with self.connect(tls) as sock:
            sock.sendall(data if isinstance(data, bytes) else data.encode('latin-1'))
            return read_all(sock)


def read_all(sock):
    out = b''
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while True:
            data = sock.recv(65536)
            if not data:
                break
            out += data
    return out


class Reply:
    """The next reply of HTTP/1 from a file made of a socket."""

    def __init__(self, file, is_head=False):
        line = file.readline()
        assert line, 'the connection was closed'
        self.status = int(line.split()[1])
        self.fields = {}
        for line in iter(file.readline, b'\r\n'):
            assert line.endswith(b'\r\n'), line
            name, _, value = line.decode('latin-1').rstrip('\r\n').partition(': ')
            self.fields.setdefault(name.lower(), []).append(value)
        self.body = b''
        if is_head or self.status in (204, 304) or self.status < 200:
            return
        if self['transfer-encoding'] == 'chunked':
            self.body = self.read_chunks(file)
        elif self['content-length'] is not None:
            self.body = file.read(int(self['content-length']))
        else:
            self.body = file.read()

    @staticmethod
    def read_chunks(file):
        body = b''
        while True:
            size = int(file.readline(), 16)
            body += file.read(size)
            assert file.readline() == b'\r\n'
            if size == 0:
                return body

    def __getitem__(self, name):
        return self.fields.get(name, [None])[0]


# ---- HTTP/2, frame by frame

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def field(name, value):
    """A literal field without indexing, new name (RFC 7541 6.2.2), of up to 126 bytes each."""
    name, value = name.encode(), value.encode('latin-1')
    assert len(name) < 127
    size = bytes([len(value)]) if len(value) < 127 else b'\x7f' + varint(len(value) - 127)
    return b'\0' + bytes([len(name)]) + name + size + value


def varint(n):
    out = b''
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def request(path='/hello', method='GET', more=()):
    return b''.join(field(*f) for f in (
        (':method', method), (':scheme', 'https'), (':authority', 'a.example'), (':path', path),
        *more))


class Two:
    """A connection of HTTP/2 whose frames are made by hand."""

    def __init__(self, site, window=None, timeout=20):
        self.sock = site.connect(alpn=['h2'], timeout=timeout)
        assert self.sock.selected_alpn_protocol() == 'h2'
        settings = b'' if window is None else struct.pack('>HI', 4, window)
        self.data = b''
        self.send(PREFACE, frame(SETTINGS, 0, 0, settings))

    def send(self, *frames):
        self.sock.sendall(b''.join(frames))

    def get(self, stream, path='/hello'):
        self.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, request(path)))

    def read(self):
        """The next frame: kind, flags, stream, payload; None at the end."""
        while len(self.data) < 9 or len(self.data) < 9 + int.from_bytes(self.data[:3], 'big'):
            try:
                got = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                got = b''
            if not got:
                return None
            self.data += got
        size = int.from_bytes(self.data[:3], 'big')
        kind, flags, stream = struct.unpack('>BBI', self.data[3:9])
        payload, self.data = self.data[9:9 + size], self.data[9 + size:]
        return kind, flags, stream, payload

    def until(self, kind, stream=None):
        """Skips frames up to one of this kind."""
        while True:
            got = self.read()
            assert got, 'the connection was closed'
            if got[0] == kind and stream in (None, got[2]):
                return got

    def end(self):
        """The error code of the GOAWAY with which the connection ends."""
        code = None
        for got in iter(self.read, None):
            if got[0] == GOAWAY:
                code = struct.unpack('>II', got[3][:8])[1]
        return code

    def close(self):
        self.sock.close()


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'did not happen in time'
        time.sleep(0.02)
