"""test_http.py - HTTP/1.1 and HTTP/2 as clients and attackers speak them, against src/http's test site."""
import contextlib
import gzip
import hashlib
import os
import re
import socket
import struct
import subprocess
import time

import pytest

import http_wire as h
from http_wire import Reply, Two, frame, field, request

MIB = 1 << 20
HOST = 'Host: a.example\r\n'


@pytest.fixture(scope='module')
def site():
    with h.Site() as s:
        yield s


def text(n, start=0):
    return bytes(ord('a') + (start + i) % 23 for i in range(n))


def curl(*arguments):
    done = subprocess.run(['curl', '-ksS', '--max-time', '60', *map(str, arguments)],
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def talk(site, *requests, tls=False):
    """Replies to requests sent one after another on one connection."""
    with site.connect(tls) as sock, sock.makefile('rb') as file:
        out = []
        for r in requests:
            sock.sendall(r.encode('latin-1'))
            out.append(Reply(file, r.startswith('HEAD')))
        return out


def get(path, *fields, method='GET'):
    return '%s %s HTTP/1.1\r\n%s%s\r\n' % (method, path, HOST, ''.join(f + '\r\n' for f in fields))


# ---- what works

@pytest.mark.parametrize('version', ['--http1.1', '--http2'])
def test_curl_gets_every_kind_of_reply(site, version):
    for path, want in (('/hello', b'hello\n'), ('/memory/200000', b'm' * 200000),
                       ('/known/300000', text(300000)), ('/stream/300000', text(300000)),
                       ('/known/0', b''), ('/stream/0', b''), ('/wait', text(10)),
                       ('/park', b'answered\n'), ('/squeezed/5000', text(5000))):
        assert curl(version, site.url(path)) == want, path
        assert curl(version, '--compressed', site.url(path)) == want, path


@pytest.mark.parametrize('version', ['--http1.1', '--http2'])
@pytest.mark.parametrize('size', [0, 1, 65536, 65537, 20 * MIB])
def test_uploads(site, version, size, tmp_path):
    data = os.urandom(size)
    (tmp_path / 'data').write_bytes(data)
    want = b'%d %s' % (size, hashlib.sha256(data).hexdigest().encode())
    assert curl(version, '-H', 'Content-Type: x/y', '--data-binary', '@%s' % (tmp_path / 'data'),
                site.url('/digest')) == want
    if size:  # curl forgets the last chunk of nothing
        assert curl(version, '-H', 'Transfer-Encoding: chunked', '-T', tmp_path / 'data',
                    site.url('/digest')) == want


@pytest.mark.parametrize('version', ['--http1.1', '--http2'])
def test_forms(site, version, tmp_path):
    (tmp_path / 'x.txt').write_bytes(b'12345')
    out = curl(version, '-F', 'a=1', '-F', 'a=\u00e4 &', '-F', 'f=@%s;type=text/x' % (
        tmp_path / 'x.txt'), site.url('/form?q=a%20b'))
    assert out.decode() == 'q=a b\na=1\na=\u00e4 &\nf=x.txt text/x 5\n'
    out = curl(version, '-d', 'a=1&a=%C3%A4+%26', site.url('/form'))
    assert out.decode() == 'q=\na=1\na=\u00e4 &\n'


def test_keep_alive_and_pipelining(site):
    one, two = talk(site, get('/hello'), get('/known/100000'))
    assert one.body == b'hello\n' and two.body == text(100000)
    with site.connect() as sock, sock.makefile('rb') as file:
        sock.sendall((get('/park') + get('/hello') + get('/stream/50000') + '\r\n' +
                      get('/late') + get('/known/7', 'Connection: close') + get('/hello')).encode())
        assert [Reply(file).body for _ in range(3)] == [b'answered\n', b'hello\n', text(50000)]
        assert Reply(file).status == 503
        last = Reply(file)
        assert last.body == text(7) and last['connection'] == 'close'
        assert file.read() == b''


def test_one_byte_at_a_time(site):
    data = ('POST /digest HTTP/1.1\r\n' + HOST + 'Transfer-Encoding: chunked\r\n\r\n'
            '3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n' + get('/hello')).encode()
    for tls in (False, True):
        with site.connect(tls) as sock, sock.makefile('rb') as file:
            for i in range(len(data)):
                sock.sendall(data[i:i + 1])
            assert Reply(file).body.startswith(b'5 ' + hashlib.sha256(b'abcde').hexdigest().encode())
            assert Reply(file).body == b'hello\n'


def test_version_one_zero(site):
    out = site.send('GET /hello HTTP/1.0\r\n\r\n')
    assert b'\r\nConnection: close\r\n' in out and out.endswith(b'hello\n')
    out = site.send('GET /stream/30000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    assert b'chunked' not in out and out.endswith(b'\r\n\r\n' + text(30000))
    with site.connect() as sock, sock.makefile('rb') as file:
        for _ in range(2):
            sock.sendall(b'GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
            assert Reply(file)['connection'] == 'keep-alive'


def test_head(site):
    for path, length in (('/hello', '6'), ('/memory/5000', '5000'), ('/known/70000', '70000')):
        one, two = talk(site, get(path, method='HEAD'), get('/hello'))
        assert one.status == 200 and one['content-length'] == length and two.body == b'hello\n'
    out = curl('--http2', '-I', site.url('/known/70000'))
    assert b'content-length: 70000' in out


def test_conditions(site):
    for path, tags in (('/hello', ['"hello"', 'W/"hello"', '"x", "hello"', '*']),
                       ('/memory/5000', ['"memory"'])):
        for tag in tags:
            one, two = talk(site, get(path, 'If-None-Match: ' + tag), get('/hello'))
            assert one.status == 304 and one['etag'] and one['content-length'] is None
            assert two.body == b'hello\n'
    assert talk(site, get('/hello', 'If-None-Match: "x"'))[0].status == 200


def test_ranges(site):
    for value, status, first, n in (
            ('bytes=0-9', 206, 0, 10), ('bytes=99990-', 206, 99990, 10), ('bytes=-5', 206, 99995, 5),
            ('bytes=5-70000', 206, 5, 69996), ('bytes=0-1,3-4', 200, 0, 100000), ('x', 200, 0, 100000)):
        r = talk(site, get('/range/100000', 'Range: ' + value, 'Accept-Encoding: gzip'))[0]
        assert (r.status, r.body) == (status, text(n, first)), value
        assert r['content-encoding'] is None
        if status == 206:
            assert r['content-range'] == 'bytes %d-%d/100000' % (first, first + n - 1)
    r = talk(site, get('/range/10', 'Range: bytes=10-'))[0]
    assert r.status == 416 and r['content-range'] == 'bytes */10'
    for tag, status in (('"range"', 206), ('W/"range"', 200), ('"x"', 200),
                        ('Sun, 06 Nov 1994 08:49:37 GMT', 200)):
        r = talk(site, get('/range/10', 'Range: bytes=0-0', 'If-Range: ' + tag))[0]
        assert r.status == status, tag
    assert curl('--http2', '-r', '5-9', site.url('/range/100')) == text(5, 5)


def test_gzip(site):
    for path, plain in (('/memory/5000', b'm' * 5000), ('/squeezed/100000', text(100000))):
        r = talk(site, get(path, 'Accept-Encoding: br, gzip'))[0]
        assert r['content-encoding'] == 'gzip' and gzip.decompress(r.body) == plain
        assert r['vary'] == 'Accept-Encoding' and len(r.body) < len(plain) / 4
        r = talk(site, get(path, 'Accept-Encoding: gzip;q=0'))[0]
        assert r['content-encoding'] is None and r.body == plain and r['vary'] == 'Accept-Encoding'
    r = talk(site, get('/memory/5000', 'Accept-Encoding: gzip'))[0]
    assert r['etag'] == 'W/"memory"'
    for path in ('/memory/500', '/known/5000'):
        assert talk(site, get(path, 'Accept-Encoding: gzip'))[0]['content-encoding'] is None


def test_static_files(site):
    r = talk(site, get('/file'))[0]
    assert (r.body, r['etag'], r['cache-control']) == (
        b'body { color: red }', '"abc123"', 'no-cache, no-transform')
    r = talk(site, get('/file?v=abc123', 'Accept-Encoding: gzip'))[0]
    assert r.body == b'\x1f\x8b' and r['content-encoding'] == 'gzip' and 'immutable' in r['cache-control']
    assert talk(site, get('/file?v=old'))[0]['cache-control'] == 'no-cache, no-transform'
    assert talk(site, get('/file', 'If-None-Match: W/"abc123"'))[0].status == 304


def test_what_a_function_sees(site):
    r = talk(site, get('/show/a%20b/../c//d?x=%20', 'Cookie: b=2; c=3'))[0]
    assert r.body == b'GET a.example /show/c/d x=%20 rest=c/d cookie=3\n'
    assert r['set-cookie'] == 'c=value; Path=/; HttpOnly; SameSite=Lax; Max-Age=60'
    assert r['content-disposition'] == "attachment; filename*=UTF-8''a%20%22%0D%0A.txt"
    assert r['strict-transport-security'] is None and r['x-site'] == 'yes'
    r = talk(site, get('/show/x', 'Cookie: c=3; __Host-c=4'), tls=True)[0]
    assert r.body.endswith(b'cookie=4\n')
    assert r['set-cookie'] == (
        '__Host-c=value; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60')
    assert r['strict-transport-security'] == 'max-age=31536000'
    assert talk(site, get('/show/x', method='PROPFIND'))[0].body.startswith(b'PROPFIND ')
    out = curl('--http2', '-b', 'b=1; __Host-c=5', site.url('/show/'))
    assert out.endswith(b'cookie=5\n')


def test_redirects_cannot_be_split(site):
    r = talk(site, get('/redirect?to=/x%0d%0aSet-Cookie:%20a=b%00'))[0]
    assert r.status == 400
    r = talk(site, get('/redirect?to=/x%0d%0aSet-Cookie:%20a=b%C3%A4'))[0]
    assert r['location'] == '/x%0D%0ASet-Cookie:%20a=b%C3%A4' and r['set-cookie'] is None


def test_not_found_and_not_allowed(site):
    one, two, three = talk(site, get('/nothing'), get('/digest'), get('/hello'))
    assert one.status == 404 and two.status == 405 and three.status == 200
    assert two['allow'] == 'POST, PUT'


def test_expect_continue(site):
    with site.connect() as sock, sock.makefile('rb') as file:
        sock.sendall(('POST /digest HTTP/1.1\r\n%sContent-Length: 3\r\nExpect: 100-continue\r\n\r\n'
                      % HOST).encode())
        assert Reply(file).status == 100
        sock.sendall(b'abc')
        assert Reply(file).body.startswith(b'3 ')
        sock.sendall(('POST /small HTTP/1.1\r\n%sContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n'
                      % HOST).encode())
        refused = Reply(file)
        assert refused.status == 413 and refused['connection'] == 'close'
        assert file.read() == b''


# ---- limits and attacks on HTTP/1

SMUGGLED = get('/show/smuggled')
POST = 'POST /show/x HTTP/1.1\r\n' + HOST
REFUSED = {
    'length beside chunks': POST + 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'chunks beside length': POST + 'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
    'two lengths': POST + 'Content-Length: 0\r\nContent-Length: 44\r\n\r\n',
    'two equal lengths': POST + 'Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc',
    'list of lengths': POST + 'Content-Length: 3, 3\r\n\r\nabc',
    'signed length': POST + 'Content-Length: +3\r\n\r\nabc',
    'hidden length': POST + 'Content-Length : 3\r\n\r\nabc',
    'vertical tab': POST + 'Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
    'unknown coding': POST + 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    'coding twice': POST + 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
    'coding in a list': POST + 'Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n',
    'space before colon': POST + 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
    'folded': POST + 'Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
    'folded elsewhere': POST + 'X: y\r\n Content-Length: 3\r\n\r\n',
    'bare LF': POST + 'X: y\nContent-Length: 3\r\n\r\nabc',
    'bare LF ends the head': 'POST /show/x HTTP/1.1\nHost: a\n\n',
    'bare CR': POST + 'X: y\rContent-Length: 3\r\n\r\nabc',
    'NUL': POST + 'X: y\0\r\n\r\n',
    'chunks in 1.0': 'POST /show/x HTTP/1.0\r\n%sTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' % HOST,
    'two hosts': 'GET /show/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'no host': 'GET /show/x HTTP/1.1\r\n\r\n',
    'host with a path': 'GET /show/x HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'chunk size with a sign': POST + 'Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n',
    'chunk size 0x': POST + 'Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n',
    'chunk with LF': POST + 'Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n',
    'chunk extension with LF': POST + 'Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n',
    'chunk longer than its size': POST + 'Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n',
    'chunk size overflow': POST + 'Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc',
    'trailer with a space': POST + 'Transfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n',
    'encoded slash': get('/show/a%2f..%2fb'),
    'encoded NUL': get('/show/%00'),
    'not UTF-8': get('/show/%ff'),
    'bad escape in the query': get('/show/x?a=%zz'),
    'version 2 in clear': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'proxy': 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n',
    'TLS on the clear port': '\x16\x03\x01\x02\x00\x01\x00\n\n',
}


@pytest.mark.parametrize('name', REFUSED)
def test_what_could_be_read_in_two_ways_is_refused(site, name):
    for tls in (False, True):
        out = site.send(REFUSED[name] + SMUGGLED, tls).decode('latin-1')
        assert out.count('HTTP/1.1 ') == 1, out
        assert re.match(r'HTTP/1\.1 (400|413|501|505) ', out), out
        assert 'smuggled' not in out and '\r\nConnection: close\r\n' in out


def test_nothing_behind_a_body_nobody_wants_is_a_request(site):
    body = 'POST /nothing HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n' % (HOST, len(SMUGGLED))
    out = site.send(body + SMUGGLED)
    assert out.startswith(b'HTTP/1.1 404') and b'smuggled' not in out


def test_limits(site):
    out = site.send('GET /show/%s HTTP/1.1\r\n%s\r\n' % ('a' * 8000, HOST))
    assert out.startswith(b'HTTP/1.1 414')
    out = site.send('GET /' + 'a' * 20000)
    assert out.startswith(b'HTTP/1.1 414')
    out = site.send(get('/hello', *['X: ' + 'y' * 1000] * 17))
    assert out.startswith(b'HTTP/1.1 431')
    out = site.send(get('/hello', *['X: y'] * 100))
    assert out.startswith(b'HTTP/1.1 431')
    out = site.send('POST /small HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n400\r\n%s\r\n' % (
        HOST, 'x' * 1024))
    assert out.startswith(b'HTTP/1.1 413')
    out = site.send('POST /form HTTP/1.1\r\n%sContent-Type: application/x-www-form-urlencoded\r\n'
                    'Content-Length: 6000\r\n\r\n%s' % (HOST, 'a&' * 3000))
    assert out.startswith(b'HTTP/1.1 413')
    assert site.send('\r\n' * 100) == b''


def test_slow_heads_are_cut(site):
    start = time.monotonic()
    with site.connect() as sock:
        sock.sendall(b'GET /hello HTTP/1.1\r\n')
        sock.settimeout(0.3)
        out = b''
        while not out and time.monotonic() - start < 10:
            try:
                out = sock.recv(1000)
            except TimeoutError:
                sock.sendall(b'X')
    assert out.startswith(b'HTTP/1.1 408') and 1.2 < time.monotonic() - start < 4


def test_slow_bodies_are_cut(site):
    start = time.monotonic()
    with site.connect() as sock:
        sock.sendall((POST.replace('/show/x', '/digest') + 'Content-Length: 1000\r\n\r\n').encode())
        sock.settimeout(0.3)
        out = b''
        while not out and time.monotonic() - start < 10:
            try:
                out = sock.recv(1000)
            except TimeoutError:
                sock.sendall(b'X')
    assert out.startswith(b'HTTP/1.1 408') and 1.2 < time.monotonic() - start < 5


def test_idle_connections_are_closed_without_a_word(site):
    with site.connect() as sock:
        sock.sendall(get('/hello').encode())
        assert h.read_all(sock).endswith(b'hello\n')


def test_a_reply_that_breaks_off_is_seen_as_broken(site):
    with site.connect() as sock, sock.makefile('rb') as file:
        sock.sendall(get('/break').encode())
        assert len(Reply(file).body) == 20000
    done = subprocess.run(['curl', '-ks', '--http2', site.url('/break')], capture_output=True)
    assert done.returncode == 92  # the stream was reset


def test_who_does_not_read_is_cut(site):
    with site.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(get('/known/900000000').encode())
        h.wait_until(lambda: b'peer-takes-no-output' in site.said())


def test_memory_stays_flat(site):
    big = '/known/%d' % (30 * MIB)
    curl('-o', '/dev/null', site.url('/known/%d' % MIB))
    before = site.rss()
    for version in ('--http1.1', '--http2'):
        clients = [subprocess.Popen(['curl', '-ks', version, '-o', '/dev/null', site.url(big)])
                   for _ in range(4)]
        most = 0
        while any(c.poll() is None for c in clients):
            most = max(most, site.rss())
            time.sleep(0.1)
        assert most - before < 20 * MIB


# ---- HTTP/2

def test_load(site):
    out = subprocess.run(['h2load', '-n', '3000', '-c', '20', '-m', '30', site.url('/memory/3000')],
                         capture_output=True, text=True).stdout
    assert 'status codes: 3000 2xx' in out, out


def test_replies_side_by_side(site):
    out = subprocess.run(['nghttp', '-n', '-s', '--no-verify-peer', *[
        site.url(p) for p in ('/known/400000', '/park', '/stream/400000', '/late', '/hello', '/wait')]],
        capture_output=True, text=True).stdout
    assert sorted(re.findall(r' (\d{3}) +\S+ /', out)) == ['200'] * 5 + ['503'], out


def test_a_parked_request_does_not_hold_up_replies(site):
    two = Two(site)
    two.get(1, '/known/100000')
    two.get(3, '/late')
    two.get(5, '/hello')
    order, ends = [], 0
    while ends < 3:
        kind, flags, stream, payload = two.read()
        if kind == h.DATA and payload:
            two.send(frame(h.WINDOW, 0, 0, struct.pack('>I', len(payload))))
            if not flags & h.END_STREAM:
                two.send(frame(h.WINDOW, 0, stream, struct.pack('>I', len(payload))))
        if kind == h.DATA and flags & h.END_STREAM:
            ends += 1
            order.append(stream)
    assert order == [1, 3, 5]
    two.close()


def test_bad_requests_of_version_2(site):
    two = Two(site)
    for at, more in enumerate((
            [('host', 'b.example')], [('content-length', '1'), ('content-length', '1')],
            [('transfer-encoding', 'chunked')], [('connection', 'close')], [('X', 'y')],
            [('x', 'a\r\nb')], [('x', 'a\0b')])):
        stream = 2 * at + 1
        two.send(frame(h.HEADERS, 5, stream, request('/show/x', more=more)))
        kind, _, _, payload = two.until(h.HEADERS, stream) if at == 0 else two.read()
        while kind not in (h.HEADERS, h.RST):
            kind, _, _, payload = two.read()
        assert kind == h.RST or payload[0] == 0x8c or b'400' in payload, (more, payload)
    for path in ('/show/%2f', '/%00', 'x', '/a b'):
        stream += 2
        two.send(frame(h.HEADERS, 5, stream, request(path)))
        kind, _, _, payload = two.read()
        while kind not in (h.HEADERS, h.RST):
            kind, _, _, payload = two.read()
        assert kind == h.RST or payload[0] == 0x8c, path
    two.get(stream + 2)
    two.until(h.DATA, stream + 2)
    two.close()


def test_rapid_reset_ends_the_connection(site):
    two = Two(site)
    frames = b''.join(frame(h.HEADERS, 5, s, request('/memory/100000')) +
                      frame(h.RST, 0, s, struct.pack('>I', 8)) for s in range(1, 4001, 2))
    with contextlib.suppress(OSError):
        two.send(frames)
    assert two.end() == 11  # ENHANCE_YOUR_CALM
    assert curl('--http2', site.url('/hello')) == b'hello\n'


@pytest.mark.parametrize('noise', [
    frame(h.PING, 0, 0, b'12345678'), frame(h.SETTINGS, 0, 0), frame(h.PRIORITY, 0, 1, b'\0\0\0\3\7'),
    frame(h.DATA, 0, 1)], ids=['ping', 'settings', 'priority', 'empty data'])
def test_floods_end_the_connection(site, noise):
    two = Two(site)
    two.send(frame(h.HEADERS, h.END_HEADERS, 1, request('/digest', 'POST')))
    with contextlib.suppress(OSError):
        for _ in range(40):
            two.send(noise * 100)
    assert two.end() in (11, None)
    h.wait_until(lambda: b'http2-flood' in site.said())


def test_continuation_flood(site):
    two = Two(site)
    two.send(frame(h.HEADERS, h.END_STREAM, 1, request()))
    with contextlib.suppress(OSError):
        for _ in range(2000):
            two.send(frame(h.CONTINUATION, 0, 1, field('x', 'y' * 100)))
    two.end()


def test_header_list_too_large(site):
    two = Two(site)
    two.send(frame(h.HEADERS, 5, 1, request(more=[('x', 'y' * 1000)] * 15)),
             frame(h.HEADERS, 5, 3, request(more=[('x', 'y')] * 101)),
             frame(h.HEADERS, 5, 5, request()))
    statuses = {}
    while len(statuses) < 3:
        kind, _, stream, payload = two.read()
        if kind == h.HEADERS:
            statuses[stream] = payload
    assert b'431' in statuses[3] or statuses[3][0] not in (0x88,)
    assert statuses[5][0] == 0x88
    two.close()


def test_streams_are_bounded(site):
    two = Two(site)
    for s in range(1, 201, 2):
        two.send(frame(h.HEADERS, h.END_HEADERS, s, request('/digest', 'POST')))
    refused = set()
    while len(refused) < 36:
        got = two.until(h.RST)
        assert struct.unpack('>I', got[3])[0] == 7  # REFUSED_STREAM
        refused.add(got[2])
    two.close()


def test_a_window_that_stays_shut_is_not_waited_for(site):
    two = Two(site, window=0)
    two.get(1, '/known/100000')
    start = time.monotonic()
    while True:  # a client that pings is alive, its stream is not
        two.send(frame(h.PING, 0, 0, b'12345678'))
        got = two.read()
        if got is None or got[0] == h.RST:
            break
        assert time.monotonic() - start < 10
        time.sleep(0.1)
    assert 2.5 < time.monotonic() - start < 6
    two.close()


def test_slow_heads_and_bodies_of_version_2(site):
    for first in (frame(h.HEADERS, h.END_STREAM, 1, request()),
                  frame(h.HEADERS, h.END_HEADERS, 1, request('/digest', 'POST'))):
        two = Two(site)
        two.send(first)
        start = time.monotonic()
        two.end()
        assert 1 < time.monotonic() - start < 5
        two.close()


@pytest.mark.parametrize('drop', [b'\0', b'X', frame(h.PING, 0, 0, b'12345678')],
                         ids=['bad head', 'head', 'ping'])
def test_nothing_that_drips_holds_a_connection_of_version_2(site, drop):
    two = Two(site)
    if len(drop) == 1:
        two.send(frame(h.HEADERS, 5, 1, field('x', 'X' * 120) * 9)[:40])
    start = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - start < 15:
            two.send(drop)
            time.sleep(0.2)
    assert 1 < time.monotonic() - start < 8
    two.close()


def test_a_request_that_fills_memory_is_answered(site):
    with site.connect() as sock, sock.makefile('rb') as file:
        for size in (7 << 20, (8 << 20) - 20000, (8 << 20) - 100, 9 << 20):
            sock.sendall(('POST /digest HTTP/1.1\r\n%sContent-Type: application/x-www-form-urlencoded'
                          '\r\nContent-Length: %d\r\n\r\n' % (HOST, size)).encode())
            sock.sendall(b'a' * size)
            if Reply(file).status == 413:
                return
    raise AssertionError('no bound')


def test_alpn(site):
    with site.connect(alpn=['foo', 'http/1.1']) as sock:
        assert sock.selected_alpn_protocol() == 'http/1.1'
    with site.connect(alpn=['http/1.1', 'h2']) as sock:
        assert sock.selected_alpn_protocol() == 'h2'
    with pytest.raises(OSError):
        site.connect(alpn=['imap'])
    with pytest.raises(OSError):
        site.connect(alpn=['acme-tls/1'])


def test_drain():
    with h.Site() as s:
        one, two = s.connect(), Two(s)
        three = s.connect()
        one_file = one.makefile('rb')
        one.sendall(get('/hello').encode())
        Reply(one_file)
        three.sendall(get('/late').encode())
        two.get(1, '/late')
        two.send(frame(h.PING, 0, 0, b'12345678'))
        two.until(h.PING)
        s.drain()
        assert one_file.read() == b''  # idle: closed at once
        with three.makefile('rb') as file:
            last = Reply(file)
            assert last.status == 503 and last['connection'] == 'close' and file.read() == b''
        assert two.until(h.HEADERS, 1)
        assert two.end() == 0
        one_file.close()
