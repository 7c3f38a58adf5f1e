"""test_certificates.py - certificates from files, from the command line, side by side, replaced."""
import json
import os
import re
import socket
import subprocess
import threading

import pytest

import support
from support import wait_for


@pytest.fixture(scope='module')
def instance():
    with support.Instance() as one:
        yield one


class Pair:
    """A key and a certificate from elsewhere."""

    def __init__(self, folder, name, host, key='rsa:2048', days=20):
        self.key, self.chain = str(folder / (name + '.key')), str(folder / (name + '.crt'))
        kind = ['-newkey', key] if key.startswith('rsa') else [
            '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:' + key]
        subprocess.run(['openssl', 'req', '-x509', *kind, '-nodes', '-keyout', self.key, '-out',
                        self.chain, '-days', '9', '-subj', '/CN=' + name, '-addext',
                        'subjectAltName=DNS:' + host], check=True, capture_output=True)
        subprocess.run(['openssl', 'x509', '-in', self.chain, '-signkey', self.key, '-days',
                        str(days), '-out', self.chain], check=True, capture_output=True)


def shown(instance, host, *options):
    """What a client sees: the subject of the certificate, or the alert."""
    done = subprocess.run(
        ['openssl', 's_client', '-connect', '127.0.0.1:%d' % instance.ports['imaps'],
         '-servername', host, *options], input=b'', capture_output=True)
    found = re.search(rb'subject=CN = (\S+)', done.stdout)
    return found.group(1).decode() if found else None


def rows(instance):
    return {row['name']: row for row in json.loads(instance.tool('certificate', 'list', '--json'))}


def fails(instance, *words):
    done = instance.run('certificate', *words)
    assert done.returncode == 1, done
    return done.stderr.decode()


def test_import(instance, tmp_path):
    real, other = Pair(tmp_path, 'real', 'imap.example.org'), Pair(tmp_path, 'other', 'x.example')
    late = Pair(tmp_path, 'late', 'imap.example.org', days=-1)
    assert 'does not belong' in fails(instance, 'import', 'real', real.chain, other.key)
    assert 'no certificate' in fails(instance, 'import', 'real', real.key, real.key)
    assert 'not a private key' in fails(instance, 'import', 'real', real.chain, real.chain)
    assert 'name' in fails(instance, 'import', '../x', real.chain, real.key)
    assert 'expired' in fails(instance, 'import', 'real', late.chain, late.key)
    assert not (instance.dir / 'tls' / 'real.pem').exists()
    before = instance.pid('server')
    instance.tool('certificate', 'import', 'real', real.chain, real.key)
    wait_for('the new certificate', lambda: shown(instance, 'imap.example.org') == 'real')
    assert shown(instance, 'x.example') == 'localhost'
    assert instance.pid('server') == before
    row = rows(instance)['real']
    assert (row['is_used'], row['error'], row['key']) == (True, '', 'RSA 2048')
    assert row['hosts'] == ['imap.example.org'] and row['parts'][0]['kind'] == 'leaf'
    assert 'real' in instance.tool('certificate', 'show', 'real')
    assert 'no certificate nobody' in fails(instance, 'show', 'nobody')


def test_a_file_that_cannot_be_used_changes_nothing(instance, tmp_path):
    good = Pair(tmp_path, 'good', 'file.example.org', key='P-256')
    bad = {'junk': 'no certificate in PEM form', 'no key': 'no key that belongs to it',
           'late': 'expired', 'two': 'not signed by the one behind it'}
    instance.tool('certificate', 'import', 'file', good.chain, good.key)
    wait_for('the first', lambda: shown(instance, 'file.example.org') == 'good')
    path = instance.dir / 'tls' / 'file.pem'
    text = path.read_text()
    other = Pair(tmp_path, 'other', 'file.example.org')
    chains = {'junk': 'junk\n', 'no key': open(other.chain).read(),
              'late': open(Pair(tmp_path, 'l', 'file.example.org', days=-1).chain).read(),
              'two': text + open(other.chain).read()}
    for name, why in bad.items():
        fresh = path.with_suffix('.new')
        fresh.write_text(chains[name])
        fresh.rename(path)
        wait_for('the refusal of ' + name, lambda: why in rows(instance)['file']['error'])
        assert rows(instance)['file']['is_used']
        assert shown(instance, 'file.example.org') == 'good'
        assert why in instance.log_tail()
    path.write_text(text)
    wait_for('the first again', lambda: rows(instance)['file']['error'] == '')
    path.unlink()
    wait_for('its end', lambda: shown(instance, 'file.example.org') == 'localhost')


def test_rsa_beside_ec_and_an_old_chain(instance, tmp_path):
    host = 'both.example.org'
    instance.tool('certificate', 'make', 'both', host)
    instance.tool('certificate', 'make', 'both-rsa', host, '--rsa', '--days', '30')
    wait_for('both', lambda: {'both', 'both-rsa'} <= set(rows(instance)))

    def kind(*options):
        done = subprocess.run(
            ['openssl', 's_client', '-connect', '127.0.0.1:%d' % instance.ports['imaps'],
             '-servername', host, *options], input=b'', capture_output=True)
        found = re.search(rb'Server public key is (\d+) bit', done.stdout)
        return found and int(found.group(1))

    wait_for('EC', lambda: kind() == 256)
    assert kind('-sigalgs', 'RSA+SHA256', '-tls1_2') == 2048
    assert kind('-sigalgs', 'rsa_pss_rsae_sha256', '-tls1_3') == 2048
    assert kind('-sigalgs', 'RSA+SHA1:@SECLEVEL=0', '-tls1_2') is None
    assert kind('-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0') is None
    old = Pair(tmp_path, 'old', host)
    instance.tool('certificate', 'import', 'both-old', old.chain, old.key)
    (instance.dir / 'tls' / 'both-rsa.pem').unlink()
    wait_for('the old one', lambda: shown(instance, host, '-sigalgs', 'RSA+SHA256',
                                          '-tls1_2') == 'old')
    assert kind() == 256
    assert rows(instance)['both-old']['is_old']


def test_only_an_insecure_listener_takes_old_versions(tmp_path):
    port, = support.free_ports(1)
    one = support.Instance()
    one.ports['insecure_imaps'] = port
    one.configure()
    with one:
        one.tool('certificate', 'make', 'rsa-only', 'old.example.org', '--rsa')
        wait_for('it', lambda: rows(one).get('rsa-only', {}).get('is_used'))
        for name, at in (('insecure', port), ('imaps', one.ports['imaps'])):
            for version in ('tls1', 'tls1_1', 'tls1_2', 'tls1_3'):
                done = subprocess.run(
                    ['openssl', 's_client', '-connect', '127.0.0.1:%d' % at, '-servername',
                     'old.example.org', '-' + version, '-cipher', 'DEFAULT:@SECLEVEL=0'],
                    input=b'', capture_output=True)
                is_in = b'Cipher is (NONE)' not in done.stdout
                assert is_in == (name == 'insecure' or version in ('tls1_2', 'tls1_3')), (
                    name, version, done.stderr)


def test_the_operator_is_told(instance):
    """By mail, 14 days before: one certificate here has ten days."""
    instance.tool('certificate', 'make', 'short', 'short.example.org', '--days', '10')
    wait_for('the warning', lambda: 'certificate-expires name=short days=14' in instance.log_tail(99))


def test_replace_all_and_nobody_notices(instance, tmp_path):
    """Under load: every handshake works, and no connection ends."""
    stays = Pair(tmp_path, 'stays', 'stays.example.org')
    instance.tool('certificate', 'import', 'stays', stays.chain, stays.key)
    issued = tmp_path / 'leaf.csr'
    ca, leaf = Pair(tmp_path, 'ca', 'ca.example'), tmp_path / 'leaf.crt'
    subprocess.run(['openssl', 'req', '-new', '-key', stays.key, '-subj', '/CN=leaf', '-out', issued],
                   check=True, capture_output=True)
    subprocess.run(['openssl', 'x509', '-req', '-in', issued, '-CA', ca.chain, '-CAkey', ca.key,
                    '-days', '5', '-out', leaf], check=True, capture_output=True)
    instance.tool('certificate', 'import', 'leaf', str(leaf), stays.key)
    instance.add_accounts(['load@example.org'])
    errors, counts, is_over = [], [0], threading.Event()

    def handshakes():
        while not is_over.is_set():
            try:
                with socket.create_connection(('127.0.0.1', instance.ports['imaps']), 20) as s:
                    with support.tls_context().wrap_socket(s, server_hostname='x') as tls:
                        assert tls.recv(10)
                counts[0] += 1
            except Exception as e:
                errors.append(e)

    clients = [instance.imap('load@example.org', 'INBOX') for _ in range(20)]
    threads = [threading.Thread(target=handshakes) for _ in range(4)]
    for t in threads:
        t.start()
    before = {name: row.get('sha256') for name, row in rows(instance).items()}
    said = instance.run('certificate', 'replace-all')
    assert said.returncode == 1 and b'leaf: NOT replaced: it was imported' in said.stdout
    assert b'localhost: replaced' in said.stdout
    wait_for('new certificates', lambda: all(
        row.get('sha256') != before[name] for name, row in rows(instance).items() if name != 'leaf'))
    end = counts[0] + 50
    wait_for('more handshakes', lambda: counts[0] > end or errors)
    is_over.set()
    for t in threads:
        t.join()
    assert not errors
    for client in clients:
        assert client.noop()[0] == 'OK'
        client.logout()


def test_orders(instance):
    assert 'not the name of a host' in fails(instance, 'order', 'one', 'localhost')
    assert 'not a certificate' in fails(instance, 'order', '../x', 'mail.example.org')
    instance.tool('certificate', 'order', 'one', 'mail.example.org', 'www.example.org', '--rsa')
    order = instance.dir / 'tls' / 'one.order'
    assert order.read_text() == 'host mail.example.org\nhost www.example.org\nkey rsa\n'
    instance.tool('certificate', 'drop', 'one')
    assert not order.exists()
    assert 'there is no order one' in fails(instance, 'drop', 'one')
    done = instance.run('certificate', 'account', 'kid-1', stdin='not base64!')
    assert done.returncode == 1
    instance.tool('certificate', 'account', 'kid-1', stdin='c2VjcmV0\n')
    if os.geteuid() == 0:
        assert (instance.dir / 'keeper' / 'acme-binding').read_text() == 'kid-1\nc2VjcmV0'
        assert (instance.dir / 'keeper' / 'acme-binding').stat().st_mode & 0o777 == 0o600
