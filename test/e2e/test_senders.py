"""test_senders.py - who sent it: our signatures under others' verifiers, theirs under ours, and what becomes of mail
that its author's domain did not send. Strangers are other addresses of loopback; 127.0.0.1 is trusted."""
import base64
import email
import json
import re
import smtplib
import subprocess
import time

import dkim
import pytest
import spf
import browser
import support
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from names import Names
from support import wait_for

SETTINGS = '''
door = { trusted = "127.0.0.1"; greylist = 1000; refuse = 1000; tarpit = 1000; greet_wait = "0 s"; };
arc = { trusted = "else.example list.example"; };
'''
HOME, OTHER, SLOW = '127.1.0.1', '127.1.0.2', '127.9.0.1'


class Key:
    """A key of somebody else's, in the forms that the signers want."""

    def __init__(self, kind):
        self.kind = kind
        self.key = rsa.generate_private_key(65537, 2048) if kind == 'rsa' else ed25519.Ed25519PrivateKey.generate()
        raw, no = serialization.Encoding.Raw, serialization.NoEncryption()
        if kind == 'rsa':
            self.private = self.key.private_bytes(serialization.Encoding.PEM,
                                                  serialization.PrivateFormat.TraditionalOpenSSL, no)
            public = self.key.public_key().public_bytes(serialization.Encoding.DER,
                                                        serialization.PublicFormat.SubjectPublicKeyInfo)
        else:
            self.private = base64.b64encode(self.key.private_bytes(raw, serialization.PrivateFormat.Raw, no))
            public = self.key.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
        self.record = 'v=DKIM1; k=%s; p=%s' % (kind, base64.b64encode(public).decode())


KEYS = {kind: Key(kind) for kind in ('rsa', 'ed25519')}


@pytest.fixture(scope='module')
def world():
    names = Names({'mx.there.example': [HOME]})
    for kind, key in KEYS.items():
        for domain in ('there.example', 'list.example', 'other.example'):
            names.text(kind + '._domainkey.' + domain, key.record)
    names.text('there.example', 'v=spf1 ip4:%s -all' % HOME)
    names.text('_dmarc.there.example', 'v=DMARC1; p=reject; sp=quarantine')
    names.text('_dmarc.soft.example', 'v=DMARC1; p=quarantine')
    names.silent.add('silent.example')
    with support.Instance(names.settings() + SETTINGS) as instance:
        instance.add_accounts(['alice@our.example', 'bob@our.example'])
        for row in json.loads(instance.tool('dkim', 'add', 'our.example', '--json')):
            names.text(row['name'], row['value'])
        yield instance, names
    names.close()


def texts(names, name):
    """What a name's TXT records say, without quotes."""
    return [''.join(re.findall('"([^"]*)"', record)) for record in names.records.get((name, 'TXT'), [])]


def look_up(names):
    """What dkimpy asks for a key."""
    return lambda name, timeout=5: texts(names, name.decode().rstrip('.'))[0].encode()


def text(subject, author='anna@there.example', extra='', body='Hello,\r\n\r\nthis  is text. \r\n'):
    return ('From: Anna <%s>\r\nTo: bob@our.example\r\nSubject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n'
            'Message-ID: <%s@there.example>\r\n%s\r\n%s' % (author, subject, subject, extra, body)).encode()


def bring(world, message, address=HOME, sender='anna@there.example', to='bob@our.example'):
    with smtplib.SMTP('127.0.0.1', world[0].ports['smtp'], 'mx.there.example', timeout=90,
                      source_address=(address, 0)) as s:
        s.ehlo()
        assert s.mail(sender)[0] == 250 and s.rcpt(to)[0] == 250
        code, reply = s.data(message)
    return code, reply.decode()


def stored(world, subject, mailbox='INBOX', who='bob@our.example'):
    found = []

    def find():
        with world[0].imap(who, mailbox) as client:
            numbers = client.search(None, 'SUBJECT', '"%s"' % subject)[1][0].split()
            if numbers:
                found.append(client.fetch(numbers[-1], '(BODY.PEEK[])')[1][0][1])
        return found
    wait_for('message ' + subject, find)
    return found[0]


def results(raw):
    """method -> result, of the field that the server wrote."""
    value = re.sub(r'\s+', ' ', email.message_from_bytes(raw).get_all('Authentication-Results')[0])
    assert value.startswith(support.HOST + ';')
    found = {}
    for method, result in re.findall(r'; (\w+)=(\w+)', value):
        found.setdefault(method, []).append(result)
    return found


# ---- signatures ----

def test_our_signatures_are_good_elsewhere(world):
    instance, names = world
    for subject, body in ('plain', 'Hi\r\n\r\n..dots\r\n .x  \r\n\r\n\r\n'), ('empty', ''), ('lines', 'x' * 900 + '\r\n'):
        with instance.submission('alice@our.example') as s:
            s.sendmail('alice@our.example', ['bob@our.example'],
                       text(subject, 'alice@our.example', 'Reply-To: a@our.example\r\nX-Fold: a\r\n\tb\r\n', body))
        raw = stored(world, subject)
        signatures = email.message_from_bytes(raw).get_all('DKIM-Signature')
        assert sorted(re.search(r'a=(\w+)-', s).group(1) for s in signatures) == ['ed25519', 'rsa']
        assert raw.startswith(b'Return-Path:')
        for i in range(2):
            assert dkim.DKIM(raw, minkey=1024).verify(idx=i, dnsfunc=look_up(names)), (subject, i)
            forged = raw.replace(b'Subject: ', b'Subject: re ')
            assert not dkim.DKIM(forged, minkey=1024).verify(idx=i, dnsfunc=look_up(names))
            added = raw.replace(b'Subject: ', b'Cc: x@y.example\r\nSubject: ')
            assert not dkim.DKIM(added, minkey=1024).verify(idx=i, dnsfunc=look_up(names))


def test_who_has_no_keys_is_not_signed(world):
    world[0].add_accounts(['carol@keyless.example'])
    with world[0].submission('carol@keyless.example') as s:
        s.sendmail('carol@keyless.example', ['bob@our.example'], text('keyless', 'carol@keyless.example'))
    assert b'DKIM-Signature' not in stored(world, 'keyless')


@pytest.mark.parametrize('kind', sorted(KEYS))
@pytest.mark.parametrize('canon', ['simple/simple', 'relaxed/simple', 'simple/relaxed', 'relaxed/relaxed'])
def test_signatures_of_dkimpy(world, kind, canon):
    subject = 'dkimpy-%s-%s' % (kind, canon.replace('/', '-'))
    message = text(subject, body='Hi  there \r\n\t tab\r\n\r\nend\r\n\r\n\r\n')
    signature = dkim.sign(message, kind.encode(), b'there.example', KEYS[kind].private,
                          canonicalize=tuple(c.encode() for c in canon.split('/')),
                          signature_algorithm=kind.encode() + b'-sha256')
    assert bring(world, signature + message, OTHER)[0] == 250
    found = results(stored(world, subject))
    assert found['dkim'] == ['pass'] and found['dmarc'] == ['pass'] and found['spf'] == ['fail']
    code, reply = bring(world, signature + message.replace(b'end', b'END'), OTHER)
    assert code == 550 and 'there.example' in reply and 'DMARC' in reply


def test_sha1_of_opendkim_is_not_accepted(world, tmp_path):
    (tmp_path / 'key').write_bytes(KEYS['rsa'].private)
    done = subprocess.run(['opendkim-testmsg', '-C', '-d', 'there.example', '-s', 'rsa', '-k', str(tmp_path / 'key')],
                          input=text('opendkim'), capture_output=True, check=True)
    assert b'a=rsa-sha1' in done.stdout
    assert bring(world, done.stdout)[0] == 250
    assert results(stored(world, 'opendkim'))['dkim'] == ['permerror']


def test_chains_of_dkimpy(world):
    message = text('chain')
    for i in range(2):
        message = (b'Authentication-Results: list%d.example; arc=%s; spf=pass smtp.mailfrom=a@b.example\r\n'
                   % (i, b'pass' if i else b'none')) + message
        fields = dkim.arc_sign(message, b'rsa', b'there.example', KEYS['rsa'].private, b'list%d.example' % i)
        message = b''.join(fields) + message
    assert bring(world, message)[0] == 250
    raw = stored(world, 'chain')
    assert results(raw)['arc'] == ['pass']
    assert len(email.message_from_bytes(raw).get_all('Authentication-Results')) == 3
    assert bring(world, message.replace(b'text', b'TEXT').replace(b'chain', b'torn'))[0] == 250
    assert results(stored(world, 'torn'))['arc'] == ['fail']


def test_the_word_of_a_list(world):
    """A list that changed the subject is believed that its author's domain stood behind the message; others are not."""
    for sealer, verdict, taken in (('list', 'pass', True), ('list', 'fail', False), ('other', 'pass', False)):
        subject = 'listed by %s %s' % (sealer, verdict)
        message = b'Authentication-Results: %s.example; dmarc=%s header.from=there.example\r\n%s' % (
            sealer.encode(), verdict.encode(), text(subject))
        message = b''.join(dkim.arc_sign(message, b'rsa', b'%s.example' % sealer.encode(), KEYS['rsa'].private,
                                         b'%s.example' % sealer.encode())) + message
        assert bring(world, message, OTHER, 'list@%s.example' % sealer)[0] == (250 if taken else 550)
        if taken:
            field = email.message_from_bytes(stored(world, subject)).get_all('Authentication-Results')[0]
            assert re.search(r'dmarc=fail\s+reason="arc=pass as\[1\].d=list.example as\[1\].s=rsa"', field), field


def test_what_goes_on_is_sealed(world):
    instance, names = world
    instance.tool('alias', 'add', 'both@our.example', 'bob@our.example', 'far@elsewhere.example')
    for subject, chained in ('first-link', False), ('second-link', True):
        message = text(subject)
        if chained:
            message = b'Authentication-Results: list.example; arc=none; spf=pass smtp.mailfrom=a@b.example\r\n' + message
            message = b''.join(dkim.arc_sign(message, b'rsa', b'there.example', KEYS['rsa'].private,
                                             b'list.example')) + message
        assert bring(world, message, to='both@our.example')[0] == 250
        raw = stored(world, subject)
        result, sets, why = dkim.arc_verify(raw, dnsfunc=look_up(names))
        assert (result, len(sets)) == (b'pass', 2 if chained else 1), why
        field = email.message_from_bytes(raw).get_all('ARC-Authentication-Results')[0]
        assert support.HOST in field and 'spf=pass' in field
        torn = dkim.arc_verify(raw.replace(b'spf=pass', b'spf=fail', 1), dnsfunc=look_up(names))
        assert torn[0] == b'fail'


# ---- SPF ----

RECORDS = {
    'all.spf.example': ['v=spf1 +all'], 'none.spf.example': ['hello'], 'two.spf.example': ['v=spf1 -all', 'v=spf1 +all'],
    'a.spf.example': ['v=spf1 a:mx.there.example -all'], 'soft.spf.example': ['v=spf1 ~all'],
    'cidr.spf.example': ['v=spf1 ip4:127.1.0.0/30 -all'], 'bad.spf.example': ['v=spf1 ip4:127.1 -all'],
    'include.spf.example': ['v=spf1 include:a.spf.example ?all'],
    'redirect.spf.example': ['v=spf1 redirect=a.spf.example'],
    'macro.spf.example': ['v=spf1 exists:%{ir}.%{v}.%{l}.macro.spf.example -all'],
    'loop.spf.example': ['v=spf1 include:loop.spf.example -all'],
    'missing.spf.example': ['v=spf1 include:none.spf.example -all'],
    'void.spf.example': ['v=spf1 a:1.void.spf.example a:2.void.spf.example a:3.void.spf.example +all'],
}


def test_as_pyspf_says(world, monkeypatch):
    names = world[1]
    for name, records in RECORDS.items():
        for value in records:
            names.text(name, value)
    names.add('1.0.1.127.in-addr.anna.macro.spf.example', 'A', '127.0.0.2')

    def answer(name, kind, strict=True, timeout=20, **_):
        name = name.rstrip('.').lower()
        if kind == 'A':
            found = names.names.get(name, []) + names.records.get((name, 'A'), [])
        else:
            found = [(t.encode(),) for t in texts(names, name)] if kind == 'TXT' else []
        return [((name, kind), one) for one in found]

    monkeypatch.setattr(spf, 'DNSLookup', answer)
    for address in HOME, OTHER:
        for name in RECORDS:
            subject = 'spf-%s-%s' % (address, name)
            assert bring(world, text(subject, 'x@soft.example'), address, 'anna@' + name)[0] == 250
            want = spf.check2(address, 'anna@' + name, 'mx.there.example')[0]
            assert results(stored(world, subject, 'Junk'))['spf'] == [want], (address, name)


# ---- what becomes of it ----

def test_refused_for_its_author(world):
    code, reply = bring(world, text('forged'), OTHER, 'x@elsewhere.example')
    assert code == 550 and reply.startswith('5.7.1 there.example wants mail refused')
    assert bring(world, text('forged'), OTHER)[0] == 550, 'SPF fails'
    assert bring(world, text('honest'))[0] == 250
    assert results(stored(world, 'honest'))['dmarc'] == ['pass']


def test_filed_as_spam_for_its_author(world):
    assert bring(world, text('suspect', 'anna@sub.there.example'), OTHER, 'x@elsewhere.example')[0] == 250
    assert results(stored(world, 'suspect', 'Junk'))['dmarc'] == ['fail']


def test_two_authors(world):
    code, reply = bring(world, text('double', extra='From: bob@our.example\r\n'))
    assert code == 550 and 'author' in reply


def test_results_of_others_in_our_name_are_removed(world):
    ours = 'Authentication-Results: %s; dmarc=pass\r\n' % support.HOST
    tricks = ours + 'authentication-results:\r\n (x) "%s" 1;\r\n\tdkim=pass\r\n' % support.HOST.upper()
    assert bring(world, text('tricked', extra=tricks + 'Authentication-Results: other.example; spf=none\r\n'))[0] == 250
    raw = stored(world, 'tricked')
    fields = email.message_from_bytes(raw).get_all('Authentication-Results')
    assert len(fields) == 2 and 'other.example' in fields[1]
    assert results(raw)['spf'] == ['pass']
    assert raw.endswith(b'this  is text. \r\n')


def test_large_messages_come_whole(world):
    body = ''.join('%076d\r\n' % i for i in range(30000))
    assert bring(world, text('large', body=body))[0] == 250
    assert stored(world, 'large').endswith(body.encode())


def test_large_messages_of_the_form_are_signed(world):
    """What is hashed and signed in many turns is what is sent."""
    instance, names = world
    b = browser.Browser(instance.ports['https'])
    b.sign_in('alice@our.example', instance.passwords['alice@our.example'])
    page = b.get('/mail/write')
    data = bytes(range(256)) * 8000
    page = b.submit('do', 'send', {'to': 'bob@our.example', 'subject': 'by form'}, files=[('file', 'f', 'application/octet-stream', data)],
                    form=page.form('subject'))
    assert 'was sent' in page.words
    raw = stored(world, 'by form')
    assert email.message_from_bytes(raw).get_payload()[-1].get_payload(decode=True) == data
    for i in range(2):
        assert dkim.DKIM(raw, minkey=1024).verify(idx=i, dnsfunc=look_up(names))


def test_names_that_nobody_answers(world):
    began = time.monotonic()
    assert bring(world, text('unknown', 'x@silent.example'), HOME, 'x@silent.example')[0] == 250
    assert time.monotonic() - began < 40
    found = results(stored(world, 'unknown'))
    assert found['spf'] == ['temperror'] and found['dmarc'] == ['temperror']


def test_trusted_peers_are_not_checked(world):
    assert bring(world, text('trusted'), '127.0.0.1')[0] == 250
    assert b'Authentication-Results' not in stored(world, 'trusted')
