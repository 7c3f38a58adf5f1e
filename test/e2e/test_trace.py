"""test_trace.py - what happened to a message is found by its number and by the addresses of it."""
import json
import re
import smtplib

import pytest
import support


def trace(shared, *arguments):
    return json.loads(shared.tool('trace', *arguments, '--json'))


def events(rows):
    return [row['event'] for row in rows]


def send(shared, sender, recipients):
    """The number that the reply to the message names."""
    with shared.smtp() as client:
        client.ehlo()
        client.mail(sender)
        for to in recipients:
            client.rcpt(to)
        code, text = client.data(support.message('traced', sender))
        assert code == 250
    return re.search(rb'[0-9a-f]{16}', text).group().decode()


def test_one_message(shared, accounts):
    alice, bob = accounts
    number = send(shared, 'Sender@elsewhere.example', [alice])
    rows = trace(shared, number)
    assert events(rows) == ['received', 'stored']
    assert 'service=smtp' in rows[0]['what'] and 'helo=client.example' in rows[0]['what']
    assert 'to=%s' % alice in rows[1]['what'] and 'uid=1' in rows[1]['what']
    for address in alice, 'sender@ELSEWHERE.example':
        assert trace(shared, address) == rows
    with shared.imap(alice, 'INBOX') as client:
        assert number.encode() in client.fetch('1', '(BODY[HEADER.FIELDS (RECEIVED)])')[1][0][1]
    assert 'received' in shared.tool('trace', number)


def test_several_recipients(shared, accounts):
    number = send(shared, 'sender@elsewhere.example', accounts)
    support.wait_for('both copies', lambda: len(trace(shared, number)) == 3)
    rows = trace(shared, number)
    assert events(rows) == ['received', 'stored', 'stored']
    for address in accounts:
        assert any('to=%s ' % address in row['what'] for row in rows)
        assert trace(shared, address) == rows


def test_refused(shared, accounts):
    alice, _ = accounts
    nobody = 'nobody@' + alice.split('@')[1]
    with shared.smtp() as client:
        client.ehlo()
        client.mail('spammer@elsewhere.example')
        assert client.rcpt(nobody)[0] == 550
    rows = trace(shared, nobody)
    assert events(rows) == ['refused']
    assert 'code=550' in rows[0]['what'] and 'from=spammer@elsewhere.example' in rows[0]['what']
    with shared.submission(alice) as client:
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail(alice, [alice], 'From: <someone@else.example>\r\n\r\nx\r\n')
    assert events(trace(shared, alice)) == ['received', 'refused']


def test_nothing_known(shared):
    done = shared.run('trace', '0123456789abcdef')
    assert done.returncode == 1 and b'0123456789abcdef' in done.stderr
    assert shared.run('trace', 'who@nowhere.example').returncode == 1
    assert b'neither' in shared.run('trace', 'xyz').stderr
    assert shared.run('trace', 'a@b.example', '--days', '0').returncode == 1


def test_is_kept_over_a_restart(shared, accounts):
    number = send(shared, 'sender@elsewhere.example', accounts[:1])
    before = trace(shared, number)
    shared.stop()
    shared.start()
    assert trace(shared, number) == before
