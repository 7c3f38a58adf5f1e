"""test_scram.py - SCRAM over IMAP: main and app passwords, channel binding, and what is refused."""
import base64
import hashlib
import hmac
import imaplib
import os
import secrets

import pytest
import support
from test_keys import sign_in

SETTINGS = 'passwords = { scram_main = true; };'


class Scram:
    """A client's side of one exchange (RFC 5802), for imaplib's authenticate()."""

    def __init__(self, user, password, header='n,,', binding=b''):
        self.bare = 'n=%s,r=%s' % (user.replace('=', '=3D').replace(',', '=2C'), secrets.token_hex(9))
        self.password, self.header, self.binding = password, header, binding
        self.verdict = None

    def __call__(self, challenge):
        if not challenge:
            return (self.header + self.bare).encode()
        server = challenge.decode()
        fields = dict(f.split('=', 1) for f in server.split(','))
        if 'v' in fields:
            self.verdict = base64.b64decode(fields['v']) == self.expected
            return b''
        salted = hashlib.pbkdf2_hmac('sha256', self.password.encode(),
                                     base64.b64decode(fields['s']), int(fields['i']))
        key = hmac.digest(salted, b'Client Key', 'sha256')
        cbind = base64.b64encode(self.header.encode() + self.binding).decode()
        without = 'c=%s,r=%s' % (cbind, fields['r'])
        auth = ','.join((self.bare, server, without)).encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), auth, 'sha256')
        self.expected = hmac.digest(hmac.digest(salted, b'Server Key', 'sha256'), auth, 'sha256')
        proof = bytes(a ^ b for a, b in zip(key, signature))
        return (without + ',p=' + base64.b64encode(proof).decode()).encode()


@pytest.fixture(scope='module')
def instance():
    with support.Instance(SETTINGS) as made:
        made.add_accounts(['ada@example.org', 'eve@example.org'])
        for address in made.passwords:
            made.imap(address).logout()  # the main password is used once: it gets a verifier
        yield made


def connect(instance):
    return imaplib.IMAP4_SSL('127.0.0.1', instance.ports['imaps'],
                             ssl_context=support.tls_context())


def end_point(client):
    """tls-server-end-point (RFC 5929 4) of a certificate signed with SHA-256."""
    return hashlib.sha256(client.sock.getpeercert(True)).digest()


def test_main_password(instance):
    client = connect(instance)
    assert 'AUTH=SCRAM-SHA-256' in client.capabilities
    assert 'AUTH=SCRAM-SHA-256-PLUS' in client.capabilities
    scram = Scram('ada@example.org', instance.passwords['ada@example.org'])
    client.authenticate('SCRAM-SHA-256', scram)
    assert scram.verdict
    assert client.select()[0] == 'OK'
    client.logout()


def test_channel_binding(instance):
    for wrong in False, True:
        client = connect(instance)
        scram = Scram('ada@example.org', instance.passwords['ada@example.org'],
                      'p=tls-server-end-point,,',
                      bytes(32) if wrong else end_point(client))
        if not wrong:
            client.authenticate('SCRAM-SHA-256-PLUS', scram)
            assert scram.verdict
        else:
            with pytest.raises(imaplib.IMAP4.error):
                client.authenticate('SCRAM-SHA-256-PLUS', scram)


@pytest.mark.skipif(os.getuid() != 0, reason="the socket is the server's")
def test_app_password(instance):
    _, app = sign_in(instance, 'ada@example.org')
    client = connect(instance)
    scram = Scram('ada@example.org', app)
    client.authenticate('SCRAM-SHA-256', scram)
    assert scram.verdict
    client.logout()


@pytest.mark.parametrize('mechanism, user, header', [
    ('SCRAM-SHA-256', 'ada@example.org', 'n,,'),           # another's password
    ('SCRAM-SHA-256', 'nobody@example.org', 'n,,'),
    ('SCRAM-SHA-256', 'ada@example.org', 'y,,'),           # the list was tampered with
    ('SCRAM-SHA-256', 'ada@example.org', 'n,a=eve@example.org,'),
    ('SCRAM-SHA-256-PLUS', 'ada@example.org', 'n,,'),
    ('SCRAM-SHA-256', 'ada@example.org', 'p=tls-server-end-point,,'),
    ('SCRAM-SHA-256-PLUS', 'ada@example.org', 'p=tls-sealing-wax,,'),
])
def test_refused(instance, mechanism, user, header):
    client = connect(instance)
    password = instance.passwords['ada@example.org' if header != 'n,,' else 'eve@example.org']
    with pytest.raises(imaplib.IMAP4.error):
        client.authenticate(mechanism, Scram(user, password, header))
