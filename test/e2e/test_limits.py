"""test_limits.py - a full account: its user is warned once for each crossing, and mail for it is
deferred for the grace time, then refused."""
import smtplib
import time

import pytest
import support

DAY = 24 * 3600
ADDRESS = 'ann@posthouse.example'


@pytest.fixture
def instance():
    with support.Instance('limits = { quota_grace = "3 d"; };') as instance:
        instance.add_accounts([ADDRESS])
        instance.tool('account', 'set', ADDRESS, 'quota=100KiB')
        yield instance


def send(instance, size):
    client = instance.lmtp()
    try:
        client.sendmail('s@elsewhere.example', [ADDRESS],
                        support.message('big', body='x' * 70 + '\r\n' + ('y' * 70 + '\r\n') *
                                        (size // 72)))
        return 250, b''
    except smtplib.SMTPDataError as error:
        return error.smtp_code, error.smtp_error
    except smtplib.SMTPRecipientsRefused as error:
        return error.recipients[ADDRESS]
    finally:
        client.close()


def subjects(instance, n):
    deadline = time.monotonic() + 20
    while True:
        client = instance.imap(ADDRESS, 'INBOX')
        lines = [client.fetch(number, '(BODY.PEEK[HEADER.FIELDS (SUBJECT)])')[1][0][1]
                 for number in client.search(None, 'SUBJECT', 'mailbox')[1][0].split()]
        client.logout()
        found = [line.decode().split(':', 1)[1].strip() for line in lines]
        if len(found) >= n or time.monotonic() > deadline:
            assert len(found) == n, found
            return found
        time.sleep(0.1)


def test_full_account(instance):
    assert send(instance, 92 * 1024)[0] == 250
    assert subjects(instance, 1) == ['Your mailbox is nearly full']
    code, text = send(instance, 40 * 1024)
    assert (code, text) == (452, b'4.2.2 Mailbox full, try again later')
    assert subjects(instance, 2)[1] == 'Your mailbox is full'  # though it is full
    assert send(instance, 40 * 1024)[0] == 452
    instance.tool('clock', str(2 * DAY))
    assert send(instance, 40 * 1024)[0] == 452
    time.sleep(2)
    instance.stop()
    instance.start()
    instance.tool('clock', str(2 * DAY))
    code, text = send(instance, 40 * 1024)
    assert (code, text) == (552, b'5.2.2 Mailbox full')
    subjects(instance, 2)
