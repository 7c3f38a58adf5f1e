"""test_external.py - signing in by a certificate's key: EXTERNAL by IMAP and submission, and how it is given and taken."""
import base64
import datetime
import imaplib
import json
import smtplib
import ssl

import browser
import pytest
import support
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ADA, EVE = 'ada@external.example', 'eve@external.example'


class Key:
    """A key, and certificates for it that it signs itself, of whatever dates."""

    def __init__(self, folder, name, key):
        self.key, self.path = key, folder / (name + '.pem')
        self.certify(-400, -30)  # it has expired: that does not count

    def certify(self, begin, end):
        name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'a program')]), datetime.datetime.now()
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now + datetime.timedelta(days=begin))
        hashed = None if isinstance(self.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        made = made.not_valid_after(now + datetime.timedelta(days=end)).sign(self.key, hashed)
        self.certificate = made.public_bytes(serialization.Encoding.PEM).decode()
        self.path.write_text(self.certificate + self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode())

    def context(self, version=None):
        context = support.tls_context()
        context.load_cert_chain(self.path)
        if version:
            context.maximum_version = version
        return context


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp('keys')
    return {name: Key(folder, name, key) for name, key in (
        ('ec', ec.generate_private_key(ec.SECP256R1())), ('rsa', rsa.generate_private_key(65537, 2048)),
        ('ed', ed25519.Ed25519PrivateKey.generate()), ('other', ec.generate_private_key(ec.SECP384R1())))}


@pytest.fixture(scope='module')
def instance():
    made = support.Instance('passwords = { certificates = true; };')
    made.ports['submission'], = support.free_ports(1)
    made.configure()
    with made:
        made.add_accounts([ADA, EVE])
        yield made


def imap(instance, context):
    return imaplib.IMAP4_SSL('127.0.0.1', instance.ports['imaps'], ssl_context=context, timeout=60)


def external(client, who=''):
    return client.authenticate('EXTERNAL', lambda _: who.encode())[0]


def submission(instance, context):
    client = smtplib.SMTP_SSL('127.0.0.1', instance.ports['submissions'], 'client.example', timeout=60, context=context)
    client.ehlo()
    return client


def auth(client, who=None):
    return client.docmd('AUTH', 'EXTERNAL ' + (base64.b64encode(who.encode()).decode() if who else '='))[0]


def listed(instance, address):
    return json.loads(instance.tool('--json', 'app', 'list', address))


def test_the_key_signs_in(instance, keys):
    for name in 'ec', 'rsa', 'ed':
        instance.tool('app', 'certificate', ADA, name, '-', stdin=keys[name].certificate)
    for name in 'ec', 'rsa', 'ed':
        for version in None, ssl.TLSVersion.TLSv1_2:
            client = imap(instance, keys[name].context(version))
            assert 'AUTH=EXTERNAL' in client.capabilities
            assert external(client) == 'OK' and client.select()[0] == 'OK'
            client.logout()
    for who in None, ADA, ADA.upper():
        with submission(instance, keys['ec'].context()) as client:
            assert 'EXTERNAL' in client.esmtp_features['auth'] and auth(client, who) == 235
            assert client.mail(ADA)[0] == 250 and client.rset()[0] == 250 and client.mail(EVE)[0] == 553
    with submission(instance, keys['ec'].context()) as client:
        assert client.docmd('AUTH', 'EXTERNAL') == (334, b'') and client.docmd('')[0] == 235
    assert sorted((a['name'], a['certificate'], 'used' in a) for a in listed(instance, ADA)) == [
        ('ec', True, True), ('ed', True, True), ('rsa', True, True)]


def test_behind_starttls(instance, keys):
    """Port 587: nothing of a login is offered or taken in clear."""
    with smtplib.SMTP('127.0.0.1', instance.ports['submission'], 'client.example', timeout=60) as client:
        client.ehlo()
        assert 'starttls' in client.esmtp_features and 'auth' not in client.esmtp_features
        for line in 'AUTH EXTERNAL =', 'AUTH PLAIN AGFkYQB4', 'MAIL FROM:<%s>' % ADA:
            assert client.docmd(line)[0] == 530
        client.starttls(context=keys['ec'].context())
        client.ehlo()
        assert auth(client, ADA) == 235 and client.mail(ADA)[0] == 250


def test_the_dates_do_not_count_and_sessions_are_resumed(instance, keys):
    keys['ec'].certify(-1, 1)
    context, session = keys['ec'].context(), None
    for is_reused in False, True:
        with support.socket.create_connection(('127.0.0.1', instance.ports['imaps']), 20) as sock:
            with context.wrap_socket(sock, session=session) as tls:
                assert tls.recv(1000).startswith(b'* OK')
                tls.sendall(b'1 AUTHENTICATE EXTERNAL =\r\n')
                assert tls.recv(1000).startswith(b'1 OK') and tls.session_reused == is_reused
                session = tls.session


def test_nobody_else_comes_in(instance, keys):
    for who in EVE, 'nobody@external.example', 'a\0b':
        with submission(instance, keys['ec'].context()) as client:
            assert auth(client, who) in (501, 535)
            assert client.mail(ADA)[0] == 530
    with submission(instance, keys['other'].context()) as client:
        assert auth(client) == 535 and auth(client, ADA) == 535
    with submission(instance, support.tls_context()) as client:
        assert 'EXTERNAL' not in client.esmtp_features['auth'] and auth(client) == 504
    client = imap(instance, support.tls_context())
    assert 'AUTH=EXTERNAL' not in client.capabilities
    with pytest.raises(imaplib.IMAP4.error):
        external(client)
    # The hash is no password, and a key is one account's.
    digest = hashes.Hash(hashes.SHA256())
    digest.update(keys['ec'].key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    with submission(instance, support.tls_context()) as client:
        assert client.docmd('AUTH', 'PLAIN ' + base64.b64encode(b'\0' + ADA.encode() + b'\0' + digest.finalize()).decode())[0] in (501, 535)
    again = instance.run('app', 'certificate', EVE, 'hers', '-', stdin=keys['ec'].certificate)
    assert again.returncode and b'signs somebody in already' in again.stderr
    for arguments, said in (('x', b'no certificate'), (keys['other'].certificate, b'')):
        done = instance.run('app', 'certificate', EVE, 'x', '-', 'web' if not said else 'imap', stdin=arguments)
        assert done.returncode and (said or b'a certificate opens IMAP and sending') in done.stderr


def test_taken_away(instance, keys):
    client, other = imap(instance, keys['rsa'].context()), imap(instance, keys['ed'].context())
    assert external(client) == external(other) == 'OK'
    number = [a['id'] for a in listed(instance, ADA) if a['name'] == 'rsa'][0]
    instance.tool('app', 'revoke', ADA, str(number))
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        client.noop()
        client.noop()
    assert other.noop()[0] == 'OK'
    with submission(instance, keys['rsa'].context()) as client:
        assert auth(client) == 535
    instance.tool('account', 'passwd', '--random', ADA)
    with submission(instance, keys['ed'].context()) as client:
        assert auth(client) == 235, 'an alternative login outlives the password'


def test_by_the_page(instance, keys):
    b = browser.Browser(instance.ports['https'])
    b.sign_in(EVE, instance.passwords[EVE])
    page = b.submit('do', 'certificate', {'certificate_name': '', 'certificate': 'x'}, form=b.get('/settings/apps').form('certificate'),
                    drop=('scope',))
    assert page.status == 422 and 'no certificate in PEM form' in page.words and 'at least one service' in page.words
    fields = {'certificate_name': 'Laptop', 'certificate': keys['ec'].certificate}
    page = b.submit('do', 'certificate', fields, form=page.form('certificate'))
    assert page.status == 422 and 'signs somebody in already' in page.words and 'BEGIN CERTIFICATE' in page.text
    page = b.submit('do', 'certificate', {'certificate': keys['other'].certificate}, form=page.form('certificate'))
    assert page.status == 200 and 'can sign in now' in page.words and 'Laptop' in page.words
    with submission(instance, keys['other'].context()) as client:
        assert auth(client) == 235 and client.mail(EVE)[0] == 250
        assert 'opens nothing any more' in b.submit('do', 'remove', form=[
            f for f in b.get('/settings/apps').read.forms if ('do', 'remove') in f.buttons][0]).words
        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            for _ in range(3):
                assert client.noop()[0] == 421
                client.getreply()
