"""test_revocation.py - what the operator changes closes what was open."""
import imaplib
import json
import secrets
import smtplib
import time

import pytest

from support import Instance

ALICE, BOB, CAROL, DAVE = ('%s@posthouse.example' % name
                           for name in ('alice', 'bob', 'carol', 'dave'))
SESSIONS = 200


@pytest.fixture(scope='module')
def mail():
    instance = Instance('limits = { connections_per_address = 2000; };')
    with instance:
        instance.add_accounts([ALICE, BOB, CAROL, DAVE])
        yield instance


def change(instance, address, password):
    instance.tool('account', 'passwd', address, stdin='%s\n%s\n' % (password, password))


def test_all_sessions_close_and_others_stay(mail):
    clients = [mail.imap(ALICE) if i % 2 else mail.submission(ALICE) for i in range(SESSIONS)]
    idle = mail.imap(ALICE, 'INBOX')
    idle.send(b'i IDLE\r\n')
    assert idle.readline().startswith(b'+')
    other = mail.imap(BOB)
    new = secrets.token_hex(8)
    change(mail, ALICE, new)
    acknowledged = time.monotonic()
    open_ones = []
    for client in clients + [idle]:
        client.sock.settimeout(max(0.01, acknowledged + 1 - time.monotonic()))
        try:
            while client.sock.recv(4096):
                pass
        except TimeoutError:
            open_ones.append(client)
        except OSError:
            pass
    assert not open_ones, '%d sessions are open a second after the change' % len(open_ones)
    assert other.noop()[0] == 'OK'
    mail.passwords[ALICE] = new
    assert mail.imap(ALICE).noop()[0] == 'OK'


def test_submission_is_closed_too_and_says_why(mail):
    client = mail.submission(CAROL)
    change(mail, CAROL, secrets.token_hex(8))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        for _ in range(50):
            code, _ = client.docmd('NOOP')
            if code == 421:
                raise smtplib.SMTPServerDisconnected('421')
            time.sleep(0.02)


# ---- the operator's commands ----

def is_closed(client, within=2):
    client.sock.settimeout(within)
    try:
        while client.sock.recv(4096):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def test_the_operator_logs_out_one_or_all(mail):
    dave, alice = mail.imap(DAVE), mail.imap(ALICE)
    mail.tool('account', 'logout', DAVE)
    assert is_closed(dave)
    assert alice.noop()[0] == 'OK'
    dave = mail.submission(DAVE)
    mail.tool('account', 'logout', '--all')
    assert is_closed(dave) and is_closed(alice)
    assert mail.imap(DAVE).noop()[0] == 'OK'
    for wrong in ([], ['--all', DAVE]):
        assert mail.run('account', 'logout', *wrong).returncode == 2
    assert mail.run('account', 'logout', 'nobody@posthouse.example').returncode == 1


def test_a_service_that_is_closed_ends_its_sessions(mail):
    imap, smtp = mail.imap(DAVE), mail.submission(DAVE)
    mail.tool('service', 'off', DAVE, 'imap')
    assert is_closed(imap)
    assert smtp.noop()[0] == 250
    with pytest.raises(imaplib.IMAP4.error):
        mail.imap(DAVE)
    mail.tool('service', 'on', DAVE, 'imap', 'pop3')
    assert mail.imap(DAVE).noop()[0] == 'OK'
    assert mail.run('service', 'off', DAVE, 'gopher').returncode == 2


def test_a_new_password_is_asked_for(mail):
    def pending():
        return {row['address']: row.get('by')
                for row in json.loads(mail.tool('account', 'ask-password', '--pending', '--json'))}

    assert pending() == {}
    mail.tool('account', 'ask-password', '--all')
    assert set(pending()) >= {ALICE, BOB, DAVE}
    mail.tool('account', 'ask-password', '--by', '2999-01-01', DAVE)
    assert pending()[DAVE] > time.time()
    assert mail.imap(DAVE).noop()[0] == 'OK'
    mail.tool('account', 'ask-password', '--by', '2001-01-01', DAVE)
    with pytest.raises(imaplib.IMAP4.error):
        mail.imap(DAVE)
    mail.passwords[DAVE] = secrets.token_hex(8)
    change(mail, DAVE, mail.passwords[DAVE])
    assert DAVE not in pending() and ALICE in pending()
    assert mail.imap(DAVE).noop()[0] == 'OK'
    assert mail.run('account', 'ask-password', '--by', 'soon', DAVE).returncode == 2


def test_roles_and_alternative_logins_of_nobody(mail):
    mail.tool('account', 'role', DAVE, 'operator')
    mail.tool('account', 'role', DAVE, 'user')
    assert mail.run('account', 'role', DAVE, 'king').returncode == 2
    assert json.loads(mail.tool('app', 'list', DAVE, '--json')) == []
    assert mail.run('app', 'revoke', DAVE, '99').returncode == 1
    assert mail.run('app', 'revoke', DAVE, 'x').returncode == 2
