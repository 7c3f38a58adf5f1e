"""test_outbound_tls.py - TLS to other hosts: DANE in signed zones, MTA-STS, and messages that say themselves
what they want of TLS."""
import contextlib
import datetime
import hashlib
import http.server
import json
import os
import signal
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import names as dns_server
import receivers
import support
from support import message, wait_for
from test_queue import ALICE, fields, in_tls_db, POLICIES, queued, RESULTS, reports, submit

POLICY = 'version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: %d\r\n'


class Authority:
    """A CA, and leaf certificates by it or by nobody."""

    def __init__(self, folder):
        self.folder, self.n = folder, 0
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.cert = self.make('Test CA', self.key, None)
        (folder / 'ca.pem').write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))

    def make(self, name, key, hosts, issuer=None, days=2):
        now = datetime.datetime.now(datetime.timezone.utc)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(
            issuer.subject if issuer else subject, subject, key.public_key(), x509.random_serial_number(),
            now - datetime.timedelta(days=9), now + datetime.timedelta(days=days))
        builder = builder.add_extension(x509.BasicConstraints(hosts is None, None), critical=True)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]), False)
        return builder.sign(self.key if issuer else key, hashes.SHA256())

    def server(self, *hosts, is_self_signed=False, days=2):
        """(TLS context, certificate)"""
        self.n += 1
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self.make(hosts[0], key, hosts, None if is_self_signed else self.cert, days)
        path = self.folder / ('server%d.pem' % self.n)
        chain = cert.public_bytes(serialization.Encoding.PEM) + self.cert.public_bytes(serialization.Encoding.PEM)
        path.write_bytes(chain + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                   serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context, cert


def tlsa(cert, usage=3, selector=1, matching=1):
    """A TLSA record for a certificate; matching 1 and 2."""
    data = cert.public_bytes(serialization.Encoding.DER) if selector == 0 else cert.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.sha256(data) if matching == 1 else hashlib.sha512(data)
    return '%d %d %d %s' % (usage, selector, matching, digest.hexdigest())


class PolicyServer(http.server.ThreadingHTTPServer):
    """https://mta-sts.DOMAIN: one address for each domain; pages: what each answers."""
    daemon_threads = True

    def __init__(self, address, port, context, page):
        self.page, self.asked = page, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.asked += 1
                status, kind, text = self.server.page
                self.send_response(status)
                self.send_header('Content-Type', kind)
                self.send_header('Location', 'https://mta-sts.good.sts/.well-known/mta-sts.txt')
                self.send_header('Content-Length', str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        super().__init__((address, port), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Who does not like the certificate goes away."""


class World(receivers.Fleet):
    def __init__(self, folder, names, port, https_port):
        super().__init__(names, port)
        self.ca, self.https_port, self.policies = Authority(folder), https_port, []

    def add_dane(self, domain, *records, **options):
        receiver = self.add(domain, **options)
        if records:
            self.names.add('_%d._tcp.mx.%s' % (self.port, domain), 'TLSA', *records)
        return receiver

    def add_policy(self, domain, mode='enforce', mx=None, max_age=864000, page=None, context=None):
        self.last += 1
        address = '127.0.0.%d' % self.last
        page = page or (200, 'text/plain; charset=utf-8', POLICY % (mode, mx or 'mx.' + domain, max_age))
        context = context or self.ca.server('mta-sts.' + domain)[0]
        server = PolicyServer(address, self.https_port, context, page)
        self.names.names['mta-sts.' + domain] = [address]
        self.names.text('_mta-sts.' + domain, 'v=STSv1; id=1;')
        self.policies.append(server)
        return server

    def close(self):
        super().close()
        for server in self.policies:
            server.shutdown()
            server.server_close()


@contextlib.contextmanager
def world(tmp_path, zones=(), lifetime='3 s'):
    names = dns_server.Names()
    for zone in zones:
        names.sign(zone)
    port, https_port = support.free_ports(2)
    fleet = World(tmp_path, names, port, https_port)
    dnssec = names.anchors(tmp_path / 'anchors') if zones else 'dnssec = { validate = "off"; };\n'
    settings = names.settings() + dnssec + (
        'courier = { smtp_port = %d; sts_port = %d; private = true; ca_file = "%s"; retry = "1s"; patience = "5 s"; connect = "2 s";'
        ' lifetime = "%s"; delay_notice = 0; };\n' % (port, https_port, tmp_path / 'ca.pem', lifetime))
    tmp_path.chmod(0o755)
    for above in list(tmp_path.parents)[:3]:
        above.chmod(above.stat().st_mode | 0o055)
    instance = support.Instance(settings)
    try:
        with instance:
            instance.add_accounts([ALICE])
            yield instance, fleet, names
    finally:
        fleet.close()
        names.close()


def outcomes(instance):
    """domain -> status of its failure, as reports say."""
    return {f['Final-Recipient'].split('@')[1]: f['Status'] for r in reports(instance) for f in fields(r)}


def counted(instance):
    """domain -> (type of policy, good sessions, kinds of failures)"""
    found = {}
    for domain, kind, good, failures in in_tls_db(
            instance, 'SELECT domain, type, good, (SELECT group_concat(result) FROM failure WHERE policy = id)'
            ' FROM policy'):
        kinds = {RESULTS[int(n)] for n in failures.split(',')} if failures else set()
        found[domain] = (POLICIES[kind], good, kinds)
    return found


def tls_of(instance, address):
    """What the history of a message says of TLS."""
    for row in json.loads(instance.tool('trace', address, '--json')):
        if row['event'] == 'delivered':
            return dict(word.split('=', 1) for word in row['what'].split() if '=' in word).get('tls')
    return None


def test_dane(tmp_path):
    with world(tmp_path, ['dane.example']) as (instance, fleet, names):
        ca = fleet.ca
        own, own_cert = ca.server('else.example', is_self_signed=True)
        old, old_cert = ca.server('else.example', is_self_signed=True, days=-1)
        port = fleet.port

        def by_ca(*hosts):
            return ca.server(*hosts)[0]
        good = {
            # usage 3 asks neither for a name nor for a date
            'right': fleet.add_dane('right.dane.example', tlsa(own_cert), tls=own),
            'old': fleet.add_dane('old.dane.example', tlsa(old_cert, 3, 0, 2), tls=old),
            'one': fleet.add_dane('one.dane.example', tlsa(ca.cert), tlsa(own_cert), tls=own),
            'ta': fleet.add_dane('ta.dane.example', tlsa(ca.cert, 2, 0), tls=by_ca('mx.ta.dane.example')),
            'next': fleet.add_dane('next.dane.example', tlsa(ca.cert, 2), tls=by_ca('next.dane.example')),
            # nothing that can be used: TLS with anybody
            'unusable': fleet.add_dane('unusable.dane.example', tlsa(ca.cert, 1), '3 1 9 abcd', tls=own),
            'none': fleet.add_dane('none.dane.example', tls=own),
        }
        fleet.add_dane('wrong.dane.example', tlsa(ca.cert), tls=own)
        fleet.add_dane('name.dane.example', tlsa(ca.cert, 2), tls=by_ca('mx.else.example'))
        fleet.add_dane('clear.dane.example', tlsa(own_cert))
        fleet.add_dane('unusable-clear.dane.example', tlsa(own_cert, 0))
        fleet.add_dane('broken.dane.example', tlsa(own_cert), tls='broken')
        fleet.add_dane('bogus.dane.example', tlsa(own_cert), tls=own)
        names.forged.add('_%d._tcp.mx.bogus.dane.example' % port)
        # An alias within the zone: the records stand at the name that it leads to.
        good['alias'] = fleet.add('alias.dane.example', tls=own)
        address = names.names.pop('mx.alias.dane.example')
        names.names['there.dane.example'] = address
        names.add('mx.alias.dane.example', 'CNAME', 'there.dane.example.')
        names.add('_%d._tcp.there.dane.example' % port, 'TLSA', tlsa(own_cert))
        # An alias that leads out of it: the alias's own.
        bad = fleet.add('out.dane.example', tls=own)
        names.names['mx.unsigned.example'] = names.names.pop('mx.out.dane.example')
        names.add('mx.out.dane.example', 'CNAME', 'mx.unsigned.example.')
        names.add('_%d._tcp.mx.out.dane.example' % port, 'TLSA', tlsa(ca.cert))
        # Who names its hosts without a signature has nothing of theirs.
        names.add('unsigned.example', 'MX', '10 mx.wrong.dane.example.')
        wrong = ['%s.dane.example' % d for d in ('wrong', 'name', 'clear', 'unusable-clear', 'broken', 'bogus', 'out')]
        for domain in ['%s.dane.example' % d for d in good] + wrong + ['unsigned.example']:
            submit(instance, ['a@' + domain], domain)
        for name, receiver in good.items():
            wait_for(name, lambda r=receiver, n=name: r.got('a@%s.dane.example' % n))
            assert receiver.messages[0].is_tls
        wait_for('reports', lambda: set(outcomes(instance)) >= set(wrong))
        told = outcomes(instance)
        assert sorted(told) == sorted(wrong)
        assert {d: s for d, s in told.items() if s != '5.7.5'} == {'bogus.dane.example': '5.4.3'}
        assert not bad.messages
        wait_for('the history', lambda: tls_of(instance, 'a@alias.dane.example') == 'dane')
        shown = [instance.tool('queue', 'tls', '%s.dane.example' % d) for d in ('right', 'unusable', 'bogus')]
        assert 'TLSA records name' in shown[0] and 'no TLSA record' in shown[1] and 'cannot be looked up' in shown[2]
        assert instance.run('queue', 'tls', 'nowhere.dane.example').returncode == 1
        assert tls_of(instance, 'a@next.dane.example') == 'dane'
        assert tls_of(instance, 'a@unusable.dane.example') == tls_of(instance, 'a@unsigned.example') == 'any'
        found = counted(instance)
        assert found['right.dane.example'] == ('tlsa', 1, set())
        assert found['none.dane.example'] == found['unsigned.example'] == ('no-policy-found', 1, set())
        assert {d: found[d][2] for d in wrong} == {
            'wrong.dane.example': {'tlsa-invalid'}, 'name.dane.example': {'certificate-host-mismatch'},
            'clear.dane.example': {'starttls-not-supported'}, 'unusable-clear.dane.example': {'starttls-not-supported'},
            'broken.dane.example': {'validation-failure'}, 'bogus.dane.example': {'dnssec-invalid'},
            'out.dane.example': {'tlsa-invalid'}}
        assert {found[d][0] for d in wrong} == {'tlsa'}


def test_mta_sts(tmp_path):
    with world(tmp_path) as (instance, fleet, names):
        ca = fleet.ca
        own, _ = ca.server('else.sts', is_self_signed=True)
        old, _ = ca.server('mx.old.sts', days=-1)

        def safe(domain):
            return ca.server('mx.' + domain)[0]

        def add(domain, tls, *policy, **options):
            receiver = fleet.add(domain, tls=tls)
            fleet.add_policy(domain, *policy, **options)
            return receiver
        huge = (200, 'text/plain', POLICY % ('enforce', 'mx.huge.sts', 9) + 70000 * '\n')
        good = {
            'good.sts': add('good.sts', safe('good.sts')),
            'star.sts': add('star.sts', safe('star.sts'), 'enforce', '*.star.sts'),
            'none.sts': add('none.sts', None, 'none'),
            'testing.sts': add('testing.sts', own, 'testing'),
            'testing-clear.sts': add('testing-clear.sts', None, 'testing'),
            'testing-mx.sts': add('testing-mx.sts', safe('testing-mx.sts'), 'testing', 'mx.sts'),
            # without a policy that can be had there is none
            'webpki.sts': add('webpki.sts', own, context=own),
            'html.sts': add('html.sts', own, page=(200, 'text/html', POLICY % ('enforce', 'mx', 9))),
            'moved.sts': add('moved.sts', own, page=(301, 'text/plain', '')),
            'huge.sts': add('huge.sts', own, page=huge),
            'broken.sts': add('broken.sts', own, page=(200, 'text/plain', 'mode: enforce\n')),
            'away.sts': fleet.add('away.sts', tls=own),
        }
        names.text('_mta-sts.away.sts', 'v=STSv1; id=1')
        bad = {
            'self.sts': add('self.sts', own), 'old.sts': add('old.sts', old), 'clear.sts': add('clear.sts', None),
            'name.sts': add('name.sts', safe('else.sts')), 'mx.sts': add('mx.sts', safe('mx.sts'), 'enforce', 'a.sts'),
        }
        # Those that this policy does not know are left out, and the mail goes to the one it knows.
        names.add('star.sts', 'MX', '5 mx.good.sts.')
        for domain in list(good) + list(bad):
            submit(instance, ['a@' + domain], domain)
        for domain, receiver in good.items():
            wait_for(domain, lambda r=receiver, d=domain: r.got('a@' + d))
        wait_for('reports', lambda: set(outcomes(instance)) >= set(bad))
        assert set(outcomes(instance).values()) == {'5.7.5'} and set(outcomes(instance)) == set(bad)
        assert not any(r.messages for r in bad.values())
        wait_for('the history', lambda: tls_of(instance, 'a@good.sts') == 'verified')
        wait_for('what is counted', lambda: set(counted(instance)) >= set(good) | set(bad))
        found = counted(instance)
        assert found['good.sts'] == ('sts', 1, set()) and found['none.sts'][0] == 'no-policy-found'
        assert found['star.sts'] == ('sts', 1, {'validation-failure'})
        assert {d: k for d, (kind, _, k) in found.items() if d not in ('good.sts', 'none.sts', 'star.sts')} == {
            'testing.sts': {'certificate-not-trusted'}, 'testing-clear.sts': {'starttls-not-supported'},
            'testing-mx.sts': {'validation-failure'}, 'webpki.sts': {'sts-webpki-invalid'},
            'html.sts': {'sts-policy-invalid'}, 'moved.sts': {'sts-policy-fetch-error'},
            'huge.sts': {'sts-policy-invalid'}, 'broken.sts': {'sts-policy-invalid'},
            'away.sts': {'sts-policy-fetch-error'}, 'self.sts': {'certificate-not-trusted'},
            'old.sts': {'certificate-expired'}, 'clear.sts': {'starttls-not-supported'},
            'name.sts': {'certificate-host-mismatch'}, 'mx.sts': {'validation-failure'}}
        assert [p.asked for p in fleet.policies[:1]] == [1]
        shown = {d: [row['tls'] for row in json.loads(instance.tool('--json', 'queue', 'tls', d))]
                 for d in ('star.sts', 'testing.sts', 'none.sts')}
        assert [s.split(',')[0] for s in shown['star.sts']] == [
            'MTA-STS: left out', 'MTA-STS: a certificate for its name']
        assert shown['none.sts'] == ['nothing'] and 'tested' in shown['testing.sts'][0]


def test_messages_that_say_what_they_want(tmp_path):
    """RFC 8689: REQUIRETLS, and TLS-Required: No."""
    with world(tmp_path, ['dane.example'], '1 h') as (instance, fleet, names):
        ca = fleet.ca
        own, own_cert = ca.server('else.example', is_self_signed=True)
        knows = receivers.OFFERS + ('REQUIRETLS',)
        record = tlsa(own_cert)
        strict = {
            'knows.dane.example': fleet.add_dane('knows.dane.example', record, tls=own, offers=knows),
            'safe.sts': fleet.add('safe.sts', tls=ca.server('mx.safe.sts')[0], offers=knows),
            'second.dane.example': fleet.add_dane('second.dane.example', record, tls=own, offers=knows),
        }
        fleet.add_policy('safe.sts')
        lost = {
            'not.dane.example': (fleet.add_dane('not.dane.example', record, tls=own), '5.7.30'),
            'unsigned.example': (fleet.add('unsigned.example', tls=ca.server('mx.unsigned.example')[0], offers=knows), '5.7.30'),
            'clear.dane.example': (fleet.add_dane('clear.dane.example', offers=knows), '5.7.10'),
            'self.dane.example': (fleet.add_dane('self.dane.example', tls=own, offers=knows), '5.7.10'),
        }
        names.add('second.dane.example', 'MX', '5 mx.not.dane.example.')
        loose = {
            'wrong.dane.example': fleet.add_dane('wrong.dane.example', tlsa(ca.cert), tls=own),
            'none.dane.example': fleet.add_dane('none.dane.example', record),
            'self.sts': fleet.add('self.sts', tls=own),
        }
        fleet.add_policy('self.sts')
        for domain in list(strict) + list(lost):
            submit(instance, ['a@' + domain], domain, options=['REQUIRETLS'])
        submit(instance, ['b@wrong.dane.example'], 'stays')
        for domain in loose:
            with instance.submission(ALICE) as client:
                client.sendmail(ALICE, ['a@' + domain], 'TLS-Required: No\r\n' + message(domain, ALICE))
        for domain, receiver in strict.items():
            wait_for(domain, lambda r=receiver, d=domain: r.got('a@' + d))
            assert receiver.messages[0].is_tls and ' REQUIRETLS' in receiver.messages[0].params
        for domain, receiver in loose.items():
            wait_for(domain, lambda r=receiver, d=domain: r.got('a@' + d))
        assert [r.messages[0].is_tls for r in loose.values()] == [True, False, True]
        wait_for('reports', lambda: set(outcomes(instance)) == set(lost))
        assert outcomes(instance) == {d: status for d, (_, status) in lost.items()}
        assert not any(r.messages for r, _ in lost.values())
        assert [e['reply'][:5] for e in queued(instance)] == ['4.7.5']
        assert not loose['wrong.dane.example'].got('b@wrong.dane.example')


def test_policies_are_kept(tmp_path):
    with world(tmp_path, lifetime='1 h') as (instance, fleet, names):
        own, _ = fleet.ca.server('else.sts', is_self_signed=True)
        receiver = {d: fleet.add(d, tls=fleet.ca.server('mx.' + d)[0]) for d in ('kept.sts', 'new.sts', 'gone.sts')}
        server = {d: fleet.add_policy(d) for d in receiver}
        for domain in receiver:
            submit(instance, ['a@' + domain], 'first')
        for domain, r in receiver.items():
            wait_for(domain, lambda r=r, d=domain: r.got('a@' + d))
            r.tls = own
        # One has a newer policy that cannot be had, one no record any more, one a newer policy.
        for domain in receiver:
            names.remove('_mta-sts.' + domain)
        names.text('_mta-sts.kept.sts', 'v=STSv1; id=2')
        server['kept.sts'].page = (503, 'text/plain', '')
        server['new.sts'].page = (200, 'text/plain', POLICY % ('testing', 'mx.new.sts', 86400))
        victim = instance.pid('courier')
        os.kill(victim, signal.SIGKILL)
        wait_for('a new courier', lambda: victim not in instance.pids('courier') and instance.pids('courier'))
        wait_for('its answer', lambda: instance.run('queue', 'list').returncode == 0)
        for domain in receiver:
            submit(instance, ['b@' + domain], 'second')
        ids = iter(range(2, 10000))

        def is_renewed():
            # What could not be fetched is not tried again for minutes, unless it has another id.
            names.remove('_mta-sts.new.sts')
            names.text('_mta-sts.new.sts', 'v=STSv1; id=%d' % next(ids))
            return receiver['new.sts'].got('b@new.sts')
        wait_for('the new policy', is_renewed)
        wait_for('attempts', lambda: [e['reply'][:5] for e in queued(instance)] == ['4.7.5', '4.7.5'])
        assert server['kept.sts'].asked == 2
        # A day later they are fetched again, without any mail.
        asked = server['gone.sts'].asked
        instance.tool('queue', 'drop', 'all')
        instance.tool('clock', '90000')
        wait_for('a refresh', lambda: server['gone.sts'].asked > asked and server['kept.sts'].asked > 2)
