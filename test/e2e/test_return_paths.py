"""test_return_paths.py - envelope senders of what leaves (BATV, SRS), and what comes back to them."""
import json
import re

import dkim
import names as dns_server
import pytest
import receivers
import support
from support import message, subjects, wait_for

ALICE, BOB, FORWARD = ('%s@posthouse.example' % who for who in ('alice', 'bob', 'forward'))
SETTINGS = ('courier = { smtp_port = %d; retry = "1s"; patience = "3 s"; connect = "2 s"; };\n'
            'senders = { tag = true; };\ndnssec = { validate = "off"; };\n')
DAY = 86400
BOUNCE = ('From: MAILER-DAEMON@elsewhere.example\r\nSubject: %s\r\nMIME-Version: 1.0\r\n'
          'Content-Type: multipart/report; report-type=%s;\r\n\tboundary=x\r\n\r\n'
          '--x\r\n\r\nIt did not work.\r\n--x--\r\n')


@pytest.fixture(scope='module')
def world():
    names = dns_server.Names()
    fleet = receivers.Fleet(names, support.free_ports(1)[0])
    try:
        with support.Instance(names.settings() + SETTINGS % fleet.port) as instance:
            instance.add_accounts([ALICE, BOB])
            instance.tool('alias', 'add', FORWARD, 'carol@far.example')
            for row in json.loads(instance.tool('dkim', 'add', 'posthouse.example', '--json')):
                names.text(row['name'], row['value'])
            far = fleet.add('far.example', refuse={'rcpt': lambda a: '550 5.1.1 no' if a[:6] == 'nobody' else None})
            elsewhere = fleet.add('elsewhere.example')
            first = fleet.add('first.example')
            yield instance, far, elsewhere, first, names
    finally:
        fleet.close()
        names.close()


def bring(instance, recipients, text, sender=''):
    """The answer to the message, or to the first recipient that was not taken."""
    with instance.smtp() as client:
        client.ehlo()
        client.mail(sender)
        for to in recipients:
            code, answer = client.rcpt(to)
            if code != 250:
                return code, answer.decode()
        code, answer = client.data(text)
        return code, answer.decode()


def bounce(instance, recipients, subject, kind='delivery-status', sender=''):
    return bring(instance, recipients, BOUNCE % (subject, kind), sender)


def where(instance, address, subject):
    with instance.imap(address) as client:
        return [box for box in ('INBOX', 'Junk') if subject in subjects(client, box)]


def submit(instance, to, subject):
    with instance.submission(ALICE) as client:
        client.sendmail(ALICE, [to], message(subject, ALICE))


def tagged(world, subject):
    instance, far, *_ = world
    submit(instance, 'x@far.example', subject)
    wait_for(subject, lambda: any(m.header('Subject') == subject for m in far.messages))
    return [m for m in far.messages if m.header('Subject') == subject][0]


def test_our_own_reports(world):
    """The courier's report finds its way, whatever the envelope said, and bears our signatures."""
    instance, _, elsewhere, _, names = world
    before = len(subjects(instance.imap(ALICE)))
    submit(instance, 'nobody@far.example', 'to nobody')
    wait_for('a report', lambda: len(subjects(instance.imap(ALICE))) > before)
    instance.tool('alias', 'add', 'dead@posthouse.example', 'nobody@far.example')
    assert bring(instance, ['dead@posthouse.example'], message('dead end'), 'dora@elsewhere.example')[0] == 250
    wait_for('a report elsewhere', lambda: elsewhere.got('dora@elsewhere.example'))
    report = elsewhere.got('dora@elsewhere.example')[0]
    assert report.sender == ''
    # Of mail.posthouse.example, by the keys of posthouse.example: all of them are good.
    signatures = [line for line in report.text.split(b'\r\n\r\n')[0].split(b'\r\n') if line.startswith(b'DKIM-Sig')]
    assert len(signatures) == 2
    def look_up(name, timeout=5):
        return ''.join(re.findall('"([^"]*)"', names.records[name.decode().rstrip('.'), 'TXT'][0])).encode()
    for i in range(2):
        assert dkim.DKIM(report.text).verify(i, dnsfunc=look_up)


def test_bounces(world):
    instance, far, *_ = world
    sent = tagged(world, 'before')
    assert sent.sender.startswith('prvs=0') and sent.sender.endswith('=' + ALICE) and sent.header('From') == '<%s>' % ALICE
    # Bounces of what was sent before addresses were signed may still come.
    assert bounce(instance, [ALICE], 'early')[0] == 250
    assert where(instance, ALICE, 'early') == ['INBOX']
    instance.tool('clock', str(9 * DAY))
    path = tagged(world, 'after').sender
    assert path != sent.sender
    forged = path.replace('prvs=0', 'prvs=9')
    for recipient, subject, kind, sender, box in (
            (path, 'good', 'delivery-status', '', 'INBOX'), (path.upper(), 'upper', 'delivery-status', '', 'INBOX'),
            (ALICE, 'untagged', 'delivery-status', '', 'Junk'), (forged, 'forged', 'delivery-status', '', 'Junk'),
            (ALICE, 'was read', 'disposition-notification', '', 'INBOX'),
            (path, 'answer', 'delivery-status', 'list@elsewhere.example', 'INBOX'),
            (ALICE, 'from somebody', 'delivery-status', 'list@elsewhere.example', 'INBOX')):
        assert bounce(instance, [recipient], subject, kind, sender)[0] == 250
        assert where(instance, ALICE, subject) == [box], subject
    with instance.imap(ALICE, 'Junk') as client:
        _, data = client.search(None, 'HEADER', 'X-Posthouse-Backscatter', 'yes')
        assert len(data[0].split()) == 2
    rows = json.loads(instance.tool('trace', ALICE, '--json'))
    assert [row['event'] for row in rows].count('backscatter') == 2
    # Of two, the one whose address was signed has it where it is seen.
    assert bounce(instance, [path, BOB], 'both')[0] == 250
    wait_for('both', lambda: where(instance, ALICE, 'both') == ['INBOX'] and where(instance, BOB, 'both') == ['Junk'])
    assert bounce(instance, ['prvs=0123abcdef=nobody@posthouse.example'], 'nobody')[0] == 550


def test_subaddresses(world):
    """tag@user.domain is the user's: it leaves by our own way, and what comes back is told from forged bounces.
    After test_bounces(): addresses have been signed for long."""
    instance, far, *_ = world
    sender = 'news@alice.posthouse.example'
    with instance.submission(ALICE) as client:
        client.sendmail(sender, ['x@far.example', BOB], message('by subaddress', sender))
    wait_for('it', lambda: any(m.header('Subject') == 'by subaddress' for m in far.messages))
    path = [m for m in far.messages if m.header('Subject') == 'by subaddress'][0].sender
    assert path.startswith('prvs=') and path.endswith('=' + sender)
    wait_for('the other one', lambda: where(instance, BOB, 'by subaddress') == ['INBOX'])
    for recipient, subject, box in ((path, 'tagged', 'INBOX'), (sender, 'not tagged', 'Junk')):
        assert bounce(instance, [recipient], subject)[0] == 250
        assert where(instance, ALICE, subject) == [box], subject


def forwarded(world, subject, sender, to=FORWARD):
    instance, far, *_ = world
    assert bring(instance, [to], message(subject, sender), sender)[0] == 250
    wait_for(subject, lambda: any(m.header('Subject') == subject for m in far.messages))
    return [m for m in far.messages if m.header('Subject') == subject][0].sender


def test_forwards(world):
    instance, far, elsewhere, first, _ = world
    path = forwarded(world, 'one', 'Bob.Builder@elsewhere.example')
    assert path.startswith('SRS0=') and path.endswith('=elsewhere.example=Bob.Builder@posthouse.example')
    assert bounce(instance, [path.lower()], 'back')[0] == 250
    wait_for('the bounce', lambda: elsewhere.got('bob.builder@elsewhere.example'))
    assert elsewhere.got('bob.builder@elsewhere.example')[0].sender == ''
    for address, sender in ((path.replace('SRS0=', 'SRS0=q'), ''), (path.replace('Builder', 'Burglar'), ''),
                            (path, 'spammer@elsewhere.example')):
        code, answer = bounce(instance, [address], 'no', sender=sender)
        assert code == 550 and answer.startswith('5.1.1'), answer
    # Of one that was forwarded to us already.
    chained = forwarded(world, 'two', 'SRS0=hhhh=tt=elsewhere.example=eve@first.example')
    assert chained.startswith('SRS1=') and '=first.example==hhhh=tt=elsewhere.example=eve@posthouse' in chained
    assert bounce(instance, [chained], 'back again')[0] == 250
    wait_for('the bounce', lambda: first.got('SRS0=hhhh=tt=elsewhere.example=eve@first.example'))
    # By a subaddress, and of one whose local part needs quotes.
    path = forwarded(world, 'five', '"Bob B"@elsewhere.example', 'x@forward.posthouse.example')
    assert path.startswith('"SRS0=') and path.endswith('=elsewhere.example=Bob B"@forward.posthouse.example')
    assert bounce(instance, [path], 'quoted')[0] == 250
    wait_for('the bounce', lambda: elsewhere.got('"Bob B"@elsewhere.example'))
    # Our own users need none, nor does what has no sender.
    assert forwarded(world, 'three', ALICE) == ALICE
    assert forwarded(world, 'four', '') == ''
    instance.tool('clock', str(40 * DAY))
    assert bounce(instance, [path], 'too late')[0] == 550
