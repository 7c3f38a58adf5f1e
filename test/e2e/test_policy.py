"""test_policy.py - an enforcement of encrypted connections from its first day to its last, on a
clock that is moved while everything runs; notices are read by the users they are for."""
import email
import email.policy
import imaplib
import json
import os
import signal
import smtplib
import socket
import time

import pytest

import browser
import support

DAY = 24 * 3600


@pytest.fixture
def instance(tmp_path):
    port, submission = support.free_ports(2)
    date = time.strftime('%Y-%m-%d', time.gmtime(time.time() + 31 * DAY))
    settings = ('service = { name = "Testpost"; address = "service@posthouse.example";'
                ' help = "https://help.posthouse.example/tls"; };\n'
                'cleartext = { imap = "notify"; imap_date = "%s"; imap_interval = "7 d"; };\n' % date)
    instance = support.Instance(settings)
    instance.ports.update(imap=port, submission=submission)
    instance.configure()
    instance.date = date
    with instance:
        instance.add_accounts(['ann@posthouse.example', 'bob@posthouse.example',
                               'eva@posthouse.example'])
        instance.tool('account', 'set', 'bob@posthouse.example', 'language=de')
        yield instance


def clear_login(instance, address, program=None):
    client = imaplib.IMAP4('127.0.0.1', instance.ports['imap'], timeout=30)
    client.login(address, instance.passwords[address])
    if program:
        client.xatom('ID', '("name" "%s")' % program)
    client.logout()


def tls_login(instance, address, program):
    client = instance.imap(address)
    client.xatom('ID', '("name" "%s")' % program)
    client.logout()


def notices(instance, address, n):
    """The n notices about encryption that the account has, oldest first; waits for the last."""
    deadline = time.monotonic() + 30
    while True:
        client = instance.imap(address, 'INBOX')
        found = []
        for number in client.search(None, 'ALL')[1][0].split():
            raw = client.fetch(number, '(BODY.PEEK[])')[1][0][1]
            message = email.message_from_bytes(raw, policy=email.policy.default)
            if any(word in message['Subject'] for word in ('encryption', 'unverschl', 'arnung',
                                                            'arning')):
                found.append(message)
        client.logout()
        if len(found) >= n or time.monotonic() > deadline:
            assert len(found) == n, [m['Subject'] for m in found]
            return found
        time.sleep(0.1)


def status(instance, service='imap'):
    rows = json.loads(instance.tool('--json', 'policy', 'status'))
    return next(row for row in rows if row['service'] == service)


def move(instance, days):
    instance.tool('clock', str(days * DAY))


def wait_for(check, seconds=20):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_refused(port):
    try:
        socket.create_connection(('127.0.0.1', port), 5).close()
        return False
    except ConnectionRefusedError:
        return True


def test_enforcement_from_first_day_to_last(instance):
    ann, bob, eva = ('%s@posthouse.example' % name for name in ('ann', 'bob', 'eva'))

    # The first days: who comes without TLS is told which program, why, what is right, by when.
    clear_login(instance, ann, 'OldMail 3')
    clear_login(instance, bob, 'Palm')
    first = notices(instance, ann, 1)[0]
    assert first['From'] == 'Testpost <service@posthouse.example>'
    assert first['Auto-Submitted'] == 'auto-generated'
    text = first.get_body(('plain',)).get_content()
    for part in ('OldMail 3', 'IMAP', support.HOST, str(instance.ports['imaps']), 'SSL/TLS',
                 instance.date, 'https://help.posthouse.example/tls', ann):
        assert part in text, (part, text)
    assert 'href="https://help.posthouse.example/tls"' in first.get_body(('html',)).get_content()
    german = notices(instance, bob, 1)[0]
    assert 'Verschlüsselung' in german.get_body(('plain',)).get_content()
    assert status(instance)['affected'] == 2
    users = json.loads(instance.tool('--json', 'policy', 'users', 'imap'))
    assert {u['address']: u['program'] for u in users} == {ann: 'OldMail 3', bob: 'Palm'}

    # bob changes, ann goes on: only she is told again, and not before a week has passed.
    tls_login(instance, bob, 'Palm')
    clear_login(instance, ann, 'OldMail 3')
    move(instance, 8)
    tls_login(instance, bob, 'Palm')
    assert status(instance)['affected'] == 1
    clear_login(instance, ann, 'OldMail 3')
    assert len(notices(instance, ann, 2)) == 2

    # Five days before, the last warning goes to those still affected, by itself.
    move(instance, 17)
    clear_login(instance, ann, 'OldMail 3')
    clear_login(instance, eva, 'Phone')
    notices(instance, ann, 3)
    notices(instance, eva, 1)
    move(instance, 2)
    last = notices(instance, ann, 4)[-1]
    assert last['Subject'].startswith('Last warning') and instance.date in last['Subject']
    assert notices(instance, eva, 2)[1]['Subject'].startswith('Last warning')
    assert status(instance)['warned'] == 2
    notices(instance, bob, 1)

    # A crash of the server in between repeats nothing.
    os.kill(instance.pid('server'), signal.SIGKILL)
    wait_for(instance.is_ready)
    clear_login(instance, eva, 'Phone')
    notices(instance, eva, 2)
    notices(instance, ann, 4)

    # On the date the port closes, and what is connected there is told to go.
    client = imaplib.IMAP4('127.0.0.1', instance.ports['imap'], timeout=30)
    client.login(ann, instance.passwords[ann])
    move(instance, 5)
    wait_for(lambda: is_refused(instance.ports['imap']))
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        for _ in range(50):
            client.noop()
            time.sleep(0.1)
    assert status(instance)['mode'] == 'closed'
    notices(instance, ann, 4)


def test_a_closed_port_says_why(instance):
    instance.settings = instance.settings.replace('"notify";', '"closed"; answer = true;')
    instance.configure()
    instance.tool('reload')

    def says_why():
        with socket.create_connection(('127.0.0.1', instance.ports['imap']), 5) as s:
            return s.recv(300).startswith(b'* BYE [ALERT] IMAP without TLS is closed. Use port %d with'
                                          b' TLS, see https://help.posthouse.example/tls\r\n'
                                          % instance.ports['imaps'])
    wait_for(says_why)


def test_submission_keeps_its_port_for_starttls(instance):
    client = smtplib.SMTP('127.0.0.1', instance.ports['submission'], 'client.example', timeout=30)
    client.ehlo()
    assert not client.has_extn('auth')
    client.starttls(context=support.tls_context())
    client.ehlo()
    client.login('ann@posthouse.example', instance.passwords['ann@posthouse.example'])
    client.quit()


def test_submission_and_pages_by_the_same_policy(tmp_path):
    """Recorded, told and closed on their date as IMAP is; submission's port stays, and asks for STARTTLS, and
    the pages without TLS send to those in TLS."""
    ann = 'ann@posthouse.example'
    date = time.strftime('%Y-%m-%d', time.gmtime(time.time() + 31 * DAY))
    one = support.Instance('web = { insecure = true; };\ncleartext = { submission = "notify";'
                           ' submission_date = "%s"; web = "notify"; web_date = "%s"; };\n' % (date, date))
    one.ports['submission'], = support.free_ports(1)
    one.configure()
    with one:
        one.add_accounts([ann])
        client = smtplib.SMTP('127.0.0.1', one.ports['submission'], 'old.example', timeout=30)
        client.login(ann, one.passwords[ann])
        text = notices(one, ann, 1)[0].get_body(('plain',)).get_content()
        assert 'SMTP' in text and str(one.ports['submissions']) in text and date in text
        assert status(one, 'submission')['affected'] == 1 and status(one)['mode'] == 'closed'

        old = browser.Browser(one.ports['http'], host='insecure.' + support.HOST, tls=False)
        assert 'Inbox' in old.sign_in(ann, one.passwords[ann]).words
        text = notices(one, ann, 2)[1].get_body(('plain',)).get_content()
        assert 'HTTP without' in text and 'https://www.' + support.HOST in text and date in text
        assert status(one, 'web')['affected'] == 1
        browser.Browser(one.ports['https']).sign_in(ann, one.passwords[ann])
        wait_for(lambda: status(one, 'web')['affected'] == 0)
        assert 'Inbox' in old.get('/mail').words

        # From the second of the date on, before any job has looked at the clock.
        move(one, 32)
        for path in ('/', '/mail'):
            page = old.send('GET', path)
            assert page.status == 301 and page.headers['location'].startswith('https://www.' + support.HOST)
        assert status(one, 'web')['mode'] == 'closed'
        wait_for(lambda: 'cleartext-closed service=policy for=submission' in one.log_tail(100))
        client = smtplib.SMTP('127.0.0.1', one.ports['submission'], 'old.example', timeout=30)
        client.ehlo()
        assert not client.has_extn('auth') and client.has_extn('starttls')
        for command in ('AUTH PLAIN AHgAeA==', 'MAIL FROM:<%s>' % ann):
            code, text = client.docmd(command)
            assert code == 530 and b'SMTP without TLS is closed' in text and b'/help/' in text, (code, text)
        client.quit()
