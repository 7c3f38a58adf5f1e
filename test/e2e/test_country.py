"""test_country.py - where somebody came from [acct.6]: sessions, security log and notices name the country
that the operator's database has for an address; the database is replaced, broken and taken away."""
import email
import email.policy
import imaplib
import os
import pathlib
import socket
import struct
import tempfile

import pytest

import browser
import support
from support import wait_for

ANN, BOB = 'ann@posthouse.example', 'bob@posthouse.example'


# ---- MaxMind's format, version 2.0, as much as a test needs

def value(v):
    """One value of the data section: maps, texts, numbers."""
    if isinstance(v, dict):
        return bytes([7 << 5 | len(v)]) + b''.join(value(k) + value(x) for k, x in v.items())
    if isinstance(v, list):
        return bytes([len(v), 11 - 7]) + b''.join(map(value, v))
    if isinstance(v, str):
        data = v.encode()
        return bytes([2 << 5 | min(len(data), 29)]) + (bytes([len(data) - 29]) if len(data) > 28 else b'') + data
    kind, number = v
    data = struct.pack('>H' if kind == 5 else '>I', number)
    return bytes([kind << 5 | len(data)] if kind < 8 else [len(data), kind - 7]) + data


def database(networks):
    """networks: {'127.0.0.0/8': {...}}; the file for IPv6, where IPv4 is below ::/96."""
    nodes, data, leaves = [[None, None]], b'', []
    for network, record in networks.items():
        address, bits = network.split('/')
        is_v4 = ':' not in address
        raw = socket.inet_pton(socket.AF_INET if is_v4 else socket.AF_INET6, address)
        raw, bits = (bytes(12) + raw, int(bits) + 96) if is_v4 else (raw, int(bits))
        at = 0
        for i in range(bits):
            side = raw[i // 8] >> (7 - i % 8) & 1
            if i == bits - 1:
                leaves.append((at, side, len(data)))
                data += value(record)
            elif nodes[at][side] is None:
                nodes.append([None, None])
                nodes[at][side] = len(nodes) - 1
            at = nodes[at][side]
    count = len(nodes)
    for at, side, offset in leaves:
        nodes[at][side] = count + 16 + offset
    tree = b''.join(struct.pack('>I', count if x is None else x)[1:] for node in nodes for x in node)
    meta = {'binary_format_major_version': (5, 2), 'binary_format_minor_version': (5, 0),
            'build_epoch': (9, 1700000000), 'database_type': 'Test-Country', 'description': {'en': 'test'},
            'ip_version': (5, 6), 'languages': ['en', 'de'], 'node_count': (6, count), 'record_size': (5, 24)}
    return tree + bytes(16) + data + b'\xab\xcd\xefMaxMind.com' + value(meta)


def country(code, **names):
    return {'country': {'iso_code': code, 'names': names}}


FIRST = database({'127.0.0.0/16': country('CH', en='Switzerland', de='Schweiz'),
                  '127.9.0.0/16': country('NO', en='Norway'), '127.10.0.0/16': country('TV'),
                  '127.11.0.0/16': {'country': {'iso_code': (6, 7), 'names': 'none'}},
                  '2001:db8::/32': country('DE', en='Germany')})


@pytest.fixture
def instance(tmp_path):
    folder = tmp_path / 'geo'
    folder.mkdir()
    for part in (tmp_path, *tmp_path.parents):
        if part == pathlib.Path(tempfile.gettempdir()):
            break
        part.chmod(0o755)
    (folder / 'country.mmdb').write_bytes(FIRST)
    one = support.Instance('country_database = "%s/country.mmdb";\n' % folder)
    one.database = folder / 'country.mmdb'
    with one:
        one.add_accounts([ANN, BOB])
        one.tool('account', 'set', BOB, 'language=de')
        yield one


def come_from(instance, address, source):
    """Sign in by IMAP from another loopback address."""
    s = socket.create_connection(('127.0.0.1', instance.ports['imaps']), 30, source_address=(source, 0))

    class Client(imaplib.IMAP4_SSL):
        def _create_socket(self, timeout=None):
            return support.tls_context().wrap_socket(s)

    client = Client('127.0.0.1', instance.ports['imaps'])
    client.login(address, instance.passwords[address])
    return client


def notices(instance, address, n):
    """The texts of n notices of new places."""
    found = []

    def look():
        client = instance.imap(address, 'INBOX')
        found[:] = [email.message_from_bytes(client.fetch(i, '(BODY.PEEK[])')[1][0][1], policy=email.policy.default)
                    for i in client.search(None, 'ALL')[1][0].split()]
        client.logout()
        return len(found) >= n

    wait_for('the notice', look)
    return '\n'.join(m.get_body(('plain',)).get_content().replace('\r\n', '\n') for m in found)


def replace(path, data):
    (path.parent / 'new').write_bytes(data)
    os.rename(path.parent / 'new', path)


def loads(instance):
    return instance.log_tail(1000).count('country-database path=')


def test_sessions_log_and_notices(instance):
    b = browser.Browser(instance.ports['https'])
    b.sign_in(ANN, instance.passwords[ANN])
    held = [come_from(instance, ANN, source) for source in ('127.9.0.1', '127.10.0.1', '127.11.0.1', '127.12.0.1')]
    text = b.get('/settings/sessions').text
    for shown in ('127.0.0.1, Switzerland<', '127.9.0.1, Norway<', '127.10.0.1, TV<', '127.11.0.1<', '127.12.0.1<'):
        assert shown in text, shown
    text = b.get('/settings/log').text
    assert '127.9.0.1, Norway<' in text and '127.12.0.1<' in text
    text = notices(instance, ANN, 4)
    assert 'From: 127.9.0.1 (Norway)\n' in text and 'From: 127.12.0.1\n' in text
    for client in held:
        client.logout()
    # in the language of the user where there is a name in it
    come_from(instance, BOB, '127.9.0.1').logout()
    come_from(instance, BOB, '127.0.0.1').logout()
    assert 'Von: 127.0.0.1 (Schweiz)' in notices(instance, BOB, 1)


def test_another_file(instance):
    b = browser.Browser(instance.ports['https'])
    b.sign_in(ANN, instance.passwords[ANN])

    def shows(what):
        return '127.0.0.1, %s<' % what in b.get('/settings/sessions').text

    assert shows('Switzerland')
    replace(instance.database, database({'127.0.0.0/8': country('IS', en='Iceland')}))
    wait_for('the new one', lambda: shows('Iceland'))
    # what is no good leaves what was there, also when it is written over the old one
    for bad in (b'', b'nothing', FIRST[:len(FIRST) // 2], os.urandom(5000)):
        before = instance.log_tail(1000).count('error="../') + instance.log_tail(1000).count('error="/')
        instance.database.write_bytes(bad)
        wait_for('the refusal', lambda: instance.log_tail(1000).count('error="/') > before)
        assert shows('Iceland')
    instance.database.unlink()
    assert shows('Iceland')
    n = loads(instance)
    replace(instance.database, FIRST)
    wait_for('the first again', lambda: shows('Switzerland'))
    assert loads(instance) == n + 1
    # damage inside shows wrong names or none, and harms nobody
    for at in (100, len(FIRST) // 2, FIRST.index(b'Switzerland') - 1):
        damaged = bytearray(FIRST)
        damaged[at] ^= 0xff
        n = loads(instance)
        replace(instance.database, bytes(damaged))
        wait_for('it', lambda: loads(instance) > n)
        assert b.get('/settings/sessions').status == 200
    assert 'sandbox refused' not in instance.log_tail(1000)


def test_none_and_missing(tmp_path):
    """Without the setting nobody asks; with a file that is not there the server starts all the same."""
    with support.Instance('country_database = "not-there.mmdb";\n') as one:
        one.add_accounts([ANN])
        b = browser.Browser(one.ports['https'])
        b.sign_in(ANN, one.passwords[ANN])
        assert '127.0.0.1<' in b.get('/settings/sessions').text
        replace(one.dir / 'not-there.mmdb', FIRST)
        wait_for('it', lambda: '127.0.0.1, Switzerland<' in b.get('/settings/sessions').text)
