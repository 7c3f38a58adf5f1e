"""test_acme.py - certificates from a CA: Debian's pebble, and one of our own that misbehaves."""
import base64
import contextlib
import email.utils
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

import support
from names import Names
from support import wait_for
from test_keys import key_needles, search, status

HOST = 'shop.example.org'
EAB_KEY = base64.urlsafe_b64encode(b'k' * 32).decode().rstrip('=')


def make_authority(folder):
    """A key pair by which a CA's own server is known."""
    key, cert = str(folder / 'ca.key'), str(folder / 'ca.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key,
                    '-out', cert, '-days', '9', '-subj', '/CN=ca', '-addext',
                    'subjectAltName=DNS:ca.example'], check=True, capture_output=True)
    return key, cert


class Pebble:
    def __init__(self, folder, instance, names, validity=None, binding=False, **env):
        self.folder, self.names = folder, names
        key, self.ca = make_authority(folder)
        shutil.copy(self.ca, instance.dir / 'ca.pem')
        self.port, management = support.free_ports(2)
        config = {'listenAddress': '127.0.0.1:%d' % self.port,
                  'managementListenAddress': '127.0.0.1:%d' % management,
                  'certificate': self.ca, 'privateKey': key,
                  'httpPort': instance.ports['http'], 'tlsPort': instance.ports['https'],
                  'ocspResponderURL': '', 'externalAccountBindingRequired': binding}
        if binding:
            config['externalAccountMACKeys'] = {'kid-1': EAB_KEY}
        if validity:
            config['certificateValidityPeriod'] = validity
        (folder / 'pebble.json').write_text(json.dumps({'pebble': config}))
        self.env = dict(os.environ, PEBBLE_VA_NOSLEEP='1', PEBBLE_AUTHZREUSE='0', **env)
        self.process = None
        self.start()

    def start(self):
        with open(self.folder / 'pebble.log', 'ab') as log:
            self.process = subprocess.Popen(
                ['pebble', '-config', str(self.folder / 'pebble.json'), '-dnsserver',
                 '127.0.0.1:%d' % self.names.port], env=self.env, stdout=log, stderr=log)
        wait_for('the CA', self.is_listening, 60)

    def is_listening(self):
        assert self.process.poll() is None, self.log()
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def log(self):
        return (self.folder / 'pebble.log').read_text('utf-8', 'replace')

    def settings(self, more=''):
        return ('resolver = "127.0.0.1:%d";\nacme = { directory = "https://ca.example:%d/dir"; '
                'contact = "admin@example.org"; ca_file = "ca.pem"; %s};\n' % (
                    self.names.port, self.port, more))


@contextlib.contextmanager
def world(folder, more='', **options):
    """An instance, names that point at it, and a CA."""
    names = Names({'ca.example': ['127.0.0.1'], support.HOST: ['127.0.0.1'], HOST: ['127.0.0.1'],
                   'www.' + HOST: ['127.0.0.1']})
    instance = support.Instance()
    pebble = Pebble(folder, instance, names, **options)
    instance.settings = pebble.settings(more)
    instance.configure()
    try:
        with instance:
            yield instance, pebble, names
    finally:
        pebble.stop()
        names.close()


def rows(instance):
    return {row['name']: row for row in json.loads(instance.tool('certificate', 'list', '--json'))}


def order_of(instance, name='shop'):
    return rows(instance).get(name, {}).get('order', {})


def issuer_of(instance, host=HOST):
    done = subprocess.run(['openssl', 's_client', '-connect', '127.0.0.1:%d' %
                           instance.ports['imaps'], '-servername', host, '-showcerts'], input=b'',
                          capture_output=True)
    found = re.search(rb'issuer=(.*)', done.stdout)
    return found.group(1).decode() if found else ''


def is_issued(instance, name='shop'):
    row = rows(instance).get(name, {})
    return row.get('is_used') and 'Pebble' in row.get('issuer', '')


def serial(instance, name='shop'):
    return rows(instance)[name]['sha256']


@pytest.mark.parametrize('kind', ['http-01', 'tls-alpn-01'])
def test_issue(tmp_path, kind):
    with world(tmp_path, 'challenge = "%s"; ' % kind,
               PEBBLE_WFE_NONCEREJECT='30') as (instance, pebble, names):
        instance.tool('certificate', 'order', 'shop', HOST, 'www.' + HOST)
        wait_for('the certificate', lambda: is_issued(instance), 120)
        assert 'Pebble' in issuer_of(instance) and 'Pebble' in issuer_of(instance, 'www.' + HOST)
        row = rows(instance)['shop']
        assert row['hosts'] == [HOST, 'www.' + HOST] and row['key'] == 'EC 256'
        assert [p['kind'] for p in row['parts']][:2] == ['leaf', 'intermediate']
        wait_for('the state', lambda: order_of(instance).get('state') == 'done')
        asked = 'path=/.well-known/acme-challenge/' in instance.log_tail(200)
        assert asked == (kind == 'http-01')
        # RSA beside it, for the same host
        instance.tool('certificate', 'order', 'shop-rsa', HOST, '--rsa')
        wait_for('RSA', lambda: is_issued(instance, 'shop-rsa'), 120)
        assert rows(instance)['shop-rsa']['key'] == 'RSA 2048'
        # everything again, with other keys
        before = serial(instance)
        instance.tool('certificate', 'replace-all')
        wait_for('another', lambda: serial(instance) != before, 120)
        assert 'acme-key-rolled' in instance.log_tail(200)
        wait_for('the end of the old one', lambda: 'revoke' in pebble.log().lower())
        assert 'revoke-failed' not in instance.log_tail(200)
        assert 'sandbox refused' not in instance.log_tail(400)


def test_only_for_hosts_that_are_ours(tmp_path):
    with world(tmp_path) as (instance, pebble, names):
        names.names['strange.example.org'] = ['127.0.0.1', '127.0.0.9']
        names.names['none.example.org'] = []
        for name, host, why in (('strange', 'strange.example.org', 'which is not ours'),
                                ('none', 'none.example.org', 'not in the DNS'),
                                ('nowhere', 'nowhere.example.org', 'not in the DNS')):
            instance.tool('certificate', 'order', name, host)
            wait_for(why, lambda: why in order_of(instance, name).get('error', ''))
            assert order_of(instance, name)['state'] == 'failed'
        assert 'strange' not in pebble.log() and 'new-order' not in pebble.log().lower()
        # an order that changes is tried at once
        names.names['strange.example.org'] = ['127.0.0.1']
        instance.tool('certificate', 'order', 'strange', 'strange.example.org')
        wait_for('the certificate', lambda: is_issued(instance, 'strange'), 120)
        instance.tool('certificate', 'drop', 'nowhere')
        wait_for('its end', lambda: 'nowhere' not in rows(instance))


def test_a_failed_order_changes_nothing(tmp_path):
    """The CA looks elsewhere: what is in use stays, the operator is told, the next try is later."""
    with world(tmp_path) as (instance, pebble, names):
        instance.tool('certificate', 'make', 'shop', HOST)
        wait_for('our own', lambda: 'shop' in rows(instance))
        before = serial(instance)
        names.names[HOST] = ['127.0.0.7']  # nobody answers there
        instance.tool('certificate', 'order', 'shop', HOST, '--unchecked')
        wait_for('the failure', lambda: order_of(instance).get('state') == 'failed', 120)
        error = order_of(instance)['error']
        assert HOST in error and order_of(instance)['next'] > time.time() + 100
        assert serial(instance) == before and rows(instance)['shop']['is_used']
        courier = instance.pid('courier')
        os.kill(courier, 9)  # and it remembers
        wait_for('another courier', lambda: instance.pids('courier') not in ([], [courier]))
        time.sleep(3)
        assert order_of(instance)['error'] == error
        assert instance.log_tail(200).count('order-failed') == 1


def test_renewal(tmp_path):
    """At a third of its life, and no connection notices."""
    with world(tmp_path, validity=30) as (instance, pebble, names):
        instance.tool('certificate', 'order', 'shop', HOST)
        wait_for('the certificate', lambda: is_issued(instance), 120)
        first, start = serial(instance), time.time()
        wait_for('another', lambda: serial(instance) != first, 120)
        assert 10 < time.time() - start < 30


def test_a_ca_that_is_away(tmp_path):
    with world(tmp_path) as (instance, pebble, names):
        pebble.stop()
        instance.tool('certificate', 'order', 'shop', HOST)
        wait_for('the failure', lambda: order_of(instance).get('state') == 'failed', 120)
        assert 'ca.example' in order_of(instance)['error']
        pebble.start()
        instance.tool('certificate', 'order', 'shop', HOST, 'www.' + HOST)
        wait_for('the certificate', lambda: is_issued(instance), 120)


def test_an_unknown_ca_is_not_talked_to(tmp_path):
    with world(tmp_path) as (instance, pebble, names):
        other = tmp_path / 'other'
        other.mkdir()
        shutil.copy(make_authority(other)[1], instance.dir / 'ca.pem')
        os.kill(instance.pid('courier'), 9)
        wait_for('a new courier', lambda: instance.log_tail(200).count('courier_ready') == 2)
        instance.tool('certificate', 'order', 'shop', HOST)
        wait_for('the failure', lambda: order_of(instance).get('state') == 'failed', 120)
        assert 'certificate' in order_of(instance)['error']
        assert 'new-acct' not in pebble.log().lower()


def test_external_account(tmp_path):
    with world(tmp_path, binding=True) as (instance, pebble, names):
        instance.tool('certificate', 'order', 'shop', HOST)
        wait_for('the failure', lambda: order_of(instance).get('state') == 'failed', 120)
        assert 'posthouse certificate account' in order_of(instance)['error']
        instance.tool('certificate', 'account', 'kid-1', stdin=EAB_KEY)
        instance.tool('certificate', 'order', 'shop', HOST, 'www.' + HOST)
        wait_for('the certificate', lambda: is_issued(instance), 120)


def test_two_servers_both_answer(tmp_path):
    """An order is under way while a new server starts beside the old one."""
    with world(tmp_path) as (instance, pebble, names):
        client = instance.ports['smtp']
        with support.socket.create_connection(('127.0.0.1', client), 10) as held:
            held.recv(100)
            instance.tool('upgrade')
            instance.tool('certificate', 'order', 'shop', HOST)
            wait_for('the certificate', lambda: is_issued(instance), 120)


@pytest.mark.skipif(os.getuid() != 0, reason='reading the memory of a process needs root')
def test_no_key_outside_the_keeper_and_nothing_opened_outside(tmp_path):
    """While two certificates are ordered: EC and RSA, an account's key, keys of an import."""
    with world(tmp_path) as (instance, pebble, names):
        trace, courier = tmp_path / 'trace', instance.pid('courier')
        tracer = subprocess.Popen(
            ['strace', '-f', '-yy', '-s', '4096', '-o', str(trace), '-e', 'trace=open,openat,openat2,'
             'creat,execve,execveat,socket,listen,bind,unlink,unlinkat,rename,renameat,mkdir', '-p',
             str(courier)], stderr=subprocess.DEVNULL)
        try:
            wait_for('the tracer', lambda: status(courier)['TracerPid'] != '0')
            instance.tool('certificate', 'order', 'shop', HOST)
            instance.tool('certificate', 'order', 'shop-rsa', HOST, '--rsa')
            wait_for('both', lambda: is_issued(instance) and is_issued(instance, 'shop-rsa'), 180)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)
        assert 'AF_INET' in trace.read_text()
        for line in trace.read_text().split('\n'):
            assert 'execve' not in line and 'listen(' not in line, line
            m = re.search(r'(?:open|openat|openat2|creat)\((?:[\w-]+<([^>]*)>, )?(?:AT_FDCWD, )?"([^"]*)"', line)
            if m:
                where = os.path.normpath(os.path.join(m.group(1) or str(instance.dir / 'courier'),
                                                      m.group(2)))
                ours = [str(instance.dir / d) for d in ('courier', 'tls', 'run')]
                assert where.startswith(tuple(ours + ['/proc/self/'])), line
            m = re.search(r'socket\((AF_\w+)', line)
            assert not m or m.group(1) in ('AF_INET', 'AF_INET6', 'AF_UNIX'), line
        keys = sorted((instance.dir / 'keeper' / 'keys').glob('*.pem'))
        kinds = {p.name.split('-')[0] for p in keys}
        assert kinds == {'tls', 'acme'} and len(keys) >= 4
        needles = {'%s %s' % (p.name, what): needle for p in keys
                   for what, needle in key_needles(p.read_text()).items()}
        for _ in range(2):
            for role in ('server', 'courier'):
                assert not search(instance.pid(role), needles), role
        assert not search(instance.process.pid, needles)
        held = {name.split()[0] for name in search(instance.pid('keeper'), needles)}
        assert held == {p.name for p in keys}, 'the search itself finds too little'


def test_customers_domains(tmp_path):
    """Ordered when there is a login screen and the name leads here, dropped when there is none; names for
    programs that look for their settings are ordered only where they lead here, and nobody hears of the rest."""
    with world(tmp_path) as (instance, pebble, names):
        names.names['mail.customer.example'] = ['127.0.0.1']
        names.names['mail.elsewhere.example'] = ['127.0.0.9']
        names.names['autoconfig.plain.example'] = ['127.0.0.1']
        names.names['autodiscover.plain.example'] = ['127.0.0.1', '127.0.0.9']
        instance.tool('group', 'add', 'them')
        for domain in ('customer.example', 'elsewhere.example', 'plain.example'):
            instance.tool('domain', 'add', domain)
            instance.tool('group', 'domain', 'them', domain)
            if domain != 'plain.example':
                instance.tool('domain', 'screen', domain, 'name=Ours')
        wait_for('theirs', lambda: is_issued(instance, 'mail.customer.example'), 120)
        assert 'Pebble' in issuer_of(instance, 'mail.customer.example')
        wait_for('the other', lambda: 'not ours' in order_of(
            instance, 'mail.elsewhere.example').get('error', ''), 60)
        wait_for('the settings', lambda: is_issued(instance, 'autoconfig.plain.example'), 120)
        assert not {'mail.plain.example', 'autodiscover.plain.example',
                    'autoconfig.elsewhere.example'} & set(rows(instance))
        # the operator's own orders are not a server's to change
        instance.tool('certificate', 'order', 'mail.customer.example', 'mail.customer.example')
        instance.tool('group', 'domain', 'them', 'customer.example', '--remove')
        instance.tool('group', 'domain', 'them', 'elsewhere.example', '--remove')
        wait_for('the end', lambda: not (
            instance.dir / 'tls' / 'mail.elsewhere.example.order').exists(), 60)
        assert (instance.dir / 'tls' / 'mail.customer.example.order').exists()


# ---- a CA that misbehaves


class FakeCA(http.server.ThreadingHTTPServer):
    """As much of RFC 8555 as a client needs to see. `fail` maps a path to (status, problem)."""

    def __init__(self, folder):
        super().__init__(('127.0.0.1', 0), FakeHandler)
        self.key, self.ca = make_authority(folder)
        self.port = self.server_address[1]
        self.base = 'https://ca.example:%d' % self.port
        self.fail, self.seen, self.chain = {}, [], ''
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, self.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class FakeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def reply(self, status, body, location=None, more=()):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Replay-Nonce', os.urandom(8).hex())
        self.send_header('Content-Length', str(len(data)))
        if location:
            self.send_header('Location', self.server.base + location)
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(data)

    def do_HEAD(self):
        self.reply(200, '')

    def do_GET(self):
        base = self.server.base
        self.reply(200, {'newNonce': base + '/nonce', 'newAccount': base + '/account',
                         'newOrder': base + '/order', 'revokeCert': base + '/revoke',
                         'keyChange': base + '/roll'})

    def do_POST(self):
        server, base = self.server, self.server.base
        self.rfile.read(int(self.headers['Content-Length']))
        server.seen.append(self.path)
        if self.path in server.fail:
            status, problem, more = server.fail[self.path]
            self.reply(status, problem, more=more)
            return
        order = {'status': 'ready', 'authorizations': [], 'finalize': base + '/finalize'}
        done = dict(order, status='valid', certificate=base + '/chain')
        answers = {'/account': (201, {'status': 'valid'}, '/account/1'),
                   '/order': (201, order, '/order/1'), '/finalize': (200, done, None),
                   '/chain': (200, server.chain, None)}
        self.reply(*answers.get(self.path, (404, {}, None)))


@pytest.fixture
def fake(tmp_path):
    ca = FakeCA(tmp_path)
    names = Names({'ca.example': ['127.0.0.1'], support.HOST: ['127.0.0.1'], HOST: ['127.0.0.1']})
    instance = support.Instance('resolver = "127.0.0.1:%d";\nacme = { directory = "%s/dir"; '
                                'ca_file = "ca.pem"; };' % (names.port, ca.base))
    instance.names = names
    shutil.copy(ca.ca, instance.dir / 'ca.pem')
    with instance:
        yield instance, ca
    ca.shutdown()
    names.close()


def problem(kind, detail='so it is'):
    return {'type': 'urn:ietf:params:acme:error:' + kind, 'detail': detail}


def test_a_chain_for_another_key(fake):
    instance, ca = fake
    ca.chain = open(ca.ca).read()
    instance.tool('certificate', 'order', 'shop', HOST)
    wait_for('the failure', lambda: order_of(instance).get('state') == 'failed', 30)
    assert 'is not for ' + HOST in order_of(instance)['error']
    assert not (instance.dir / 'tls' / 'shop.pem').exists()


@pytest.mark.parametrize('path,status,text,want', [
    ('/order', 429, problem('rateLimited', 'too many'), 'too many'),
    ('/order', 403, problem('rejectedIdentifier', 'not that name'), 'not that name'),
    ('/order', 429, '<html>', 'an error without a word'),
    ('/order', 503, '<html>', 'an error without a word'),
    ('/account', 503, '<html>', 'an error without a word'),
    ('/account', 400, problem('badNonce'), 'so it is'),
    ('/order', 200, '[]', 'makes no sense'),
    ('/order', 201, {'status': 'ready'}, 'makes no sense'),
    ('/finalize', 200, {'status': 'invalid', 'error': problem('x', 'bad csr')}, 'bad csr'),
    ('/chain', 200, 'no chain at all', 'no certificate'),
    ('/chain', 200, 'long', ''),
])
def test_answers_that_are_no_good(fake, path, status, text, want):
    instance, ca = fake
    text = 'x' * 300000 if text == 'long' else text
    date = email.utils.formatdate(time.time() + 7200, usegmt=True)
    ca.fail[path] = (status, text, {429: [('Retry-After', '7200')], 503: [('Retry-After', date)]}.get(status, []))
    instance.tool('certificate', 'order', 'shop', HOST)
    wait_for('the failure', lambda: order_of(instance).get('state') == 'failed', 30)
    assert want in order_of(instance)['error']
    if status in (429, 503):
        assert order_of(instance)['next'] > time.time() + 7000
    if status == 429:  # nobody asks for anything meanwhile
        instance.tool('certificate', 'order', 'other', HOST)
        wait_for('patience', lambda: order_of(instance, 'other').get('state') == 'waits its turn')
        assert ca.seen.count('/order') == 1
    if want == 'so it is':
        assert 3 < ca.seen.count('/account') < 12
    assert instance.run('status').returncode == 0


def test_turns(fake):
    """Names that lead elsewhere cost no turn, and customers' leave turns to the operator."""
    instance, ca = fake
    names, most = instance.names.names, 20
    for i in range(most + 3):
        names['o%d.example.org' % i] = ['127.0.0.9']
        instance.tool('certificate', 'order', 'o%d' % i, 'o%d.example.org' % i)
        instance.tool('certificate', 'order', 'p%d' % i, 'o%d.example.org' % i)
    instance.tool('group', 'add', 'them')
    for i in range(most + 3):
        names['mail.c%d.example' % i] = ['127.0.0.1']
        instance.tool('domain', 'add', 'c%d.example' % i)
        instance.tool('group', 'domain', 'them', 'c%d.example' % i)
        instance.tool('domain', 'screen', 'c%d.example' % i, 'name=Ours')
    wait_for('turns', lambda: [r.get('order', {}).get('state') for r in rows(instance).values()].count(
        'waits its turn') == 3, 120)
    assert ca.seen.count('/order') == most
    instance.tool('certificate', 'order', 'shop', HOST)
    wait_for('ours', lambda: order_of(instance).get('state') == 'failed', 30)
    assert ca.seen.count('/order') == most + 1
