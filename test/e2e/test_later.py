"""test_later.py - mail that is kept back or sent later, taken back, and mail that has to be there in time."""
import concurrent.futures
import json
import os
import signal
import smtplib
import time

import pytest

import browser
import receivers
from support import message, subjects, wait_for
from test_queue import ALICE, BOB, fields, is_empty, queued, reports, sending, submit
from test_web_mail import stored

ELSEWHERE = 'friend@far.example'


class Clock:
    """Moves on only."""

    def __init__(self, instance):
        self.instance, self.seconds = instance, 0

    def pass_(self, seconds):
        self.seconds += seconds
        self.instance.tool('clock', str(self.seconds))


@pytest.fixture(scope='module')
def world():
    with sending('lifetime = "1 d"; delay_notice = 0; }; undo = { web = "10 s"; programs = "0";') as (instance, fleet, names):
        instance.far = fleet.add('far.example')
        instance.timed = fleet.add('timed.example', offers=receivers.OFFERS + ('DELIVERBY 60',))
        instance.clock = Clock(instance)
        yield instance


def sign_in(instance, address):
    b = browser.Browser(instance.ports['https'])
    b.sign_in(address, instance.passwords[address])
    return b


def write(b, subject, to, **more):
    b.get('/mail/write')
    b.form = b.page.form('subject')
    return b.submit('do', 'send', dict(more, to=to, subject=subject, body='hello'), form=b.form)


def box(instance, address, mailbox='INBOX'):
    client = instance.imap(address)
    found = subjects(client, mailbox)
    client.logout()
    return found


def test_taken_back_and_sent_again(world):
    alice = sign_in(world, ALICE)
    page = write(alice, 'undo me', BOB, cc='Friend <%s>' % ELSEWHERE, bcc=ALICE)
    assert 'is sent in 10 seconds' in page.words
    form = page.form('id')
    assert {q['state'] for q in queued(world)} == {'scheduled'} and len(queued(world)) == 3
    assert box(world, ALICE, 'Sent') == ['undo me']
    page = alice.submit('do', 'undo', form=form)
    assert 'it is a draft again' in page.words and page.url.startswith('/mail/write?draft=')
    values = dict(page.form('subject').values())
    assert (values['to'], values['bcc'], values['subject']) == (BOB, ALICE, 'undo me')
    assert ELSEWHERE in values['cc'] and values['body'].strip() == 'hello'
    assert not box(world, ALICE, 'Sent') and is_empty(world)
    draft = stored(world, ALICE, 'Drafts')[0]
    assert draft['received'] is None and draft['dkim-signature'] is None and '\\Draft' in draft.flags
    # Again: it is gone, and nothing is made twice.
    assert 'does not wait any more' in alice.submit('do', 'undo', form=form).words
    assert box(world, ALICE, 'Drafts') == ['undo me']
    # "Back" in the browser and the old form once more: that is a wish to send it.
    page = alice.submit('do', 'send', dict(to=BOB, cc=ELSEWHERE, bcc=ALICE, subject='undo me', body='hello'), form=alice.form)
    assert 'is sent in 10 seconds' in page.words and len(queued(world)) == 3
    assert not box(world, BOB) and not world.far.got(ELSEWHERE)
    form = page.form('id')
    world.clock.pass_(11)
    wait_for('an empty queue', lambda: is_empty(world))
    assert box(world, BOB) == ['undo me'] and box(world, ALICE) == ['undo me']
    assert len(world.far.got(ELSEWHERE)) == 1 and box(world, ALICE, 'Sent') == ['undo me']
    assert 'does not wait any more' in alice.submit('do', 'undo', form=form).words
    assert stored(world, BOB)[0]['bcc'] is None


def test_sent_later(world):
    alice, bob = sign_in(world, ALICE), sign_in(world, BOB)
    for when, why in (('2001-01-01T12:00', 'This time is past'), ('2999-01-01T12:00', 'for a year at most'),
                      ('tomorrow', 'no date and time'), ('2031-02-30', 'no date and time')):
        page = write(alice, 'wrong', BOB, later=when)
        assert page.status == 422 and why in page.words, when
        assert dict(page.form('subject').values())['later'] == when
    at = time.strftime('%Y-%m-%dT%H:%M', time.localtime(time.time() + world.clock.seconds + 7200))
    for subject in ('one', 'two', 'three'):
        assert 'waits until its time' in write(alice, subject, BOB, later=at).words
    page = alice.get('/mail/later')
    assert all(s in page.words for s in ('one', 'two', 'three', BOB, at.split('T')[1]))
    ids = {dict(f.values())['id']: f for f in page.read.forms if 'id' in f.names()}
    assert len(ids) == 3 and 'No message waits' in bob.get('/mail/later').words
    # Nobody else's.
    for what in ('undo', 'now'):
        for one in ids:
            bob.get('/mail/later')
            page = bob.post('/mail/later', [('token', bob.page.form('token').values()[0][1]), ('id', one), ('do', what)])
            assert 'does not wait any more' in page.words
    assert len(queued(world)) == 3 and not [s for s in box(world, BOB) if s in ('one', 'two', 'three')]
    page = alice.get('/mail/later')
    forms = [f for f in page.read.forms if 'id' in f.names()]
    alice.submit('do', 'now', form=forms[0])
    wait_for('one of them', lambda: len(queued(world)) == 2)
    page = alice.submit('do', 'undo', form=forms[1])
    assert 'it is a draft again' in page.words
    assert len(queued(world)) == 1
    # The courier and the server are killed; at its time it comes, once.
    for role in ('courier', 'server'):
        os.kill(world.pid(role), signal.SIGKILL)
    world.clock.pass_(7300)
    wait_for('an empty queue', lambda: world.run('queue', 'status').returncode == 0 and is_empty(world), 40)
    got = [s for s in box(world, BOB) if s in ('one', 'two', 'three')]
    assert len(got) == 2 and len(set(got)) == 2
    assert 'No message waits' in alice.get('/mail/later').words


def test_what_programs_send(world):
    alice = sign_in(world, ALICE)
    page = alice.get('/settings/sending')
    assert dict(page.form('web').values())['web'] == '10'
    page = alice.submit('programs', change={'programs': '30', 'web': '0'}, form=page.form('web'))
    assert 'Saved' in page.words
    text = message('from a program', ALICE, 'hello\r\n').replace('\r\n', '\r\nTo: <%s>\r\n' % BOB, 1)
    with world.submission(ALICE) as client:
        client.sendmail(ALICE, [BOB, ELSEWHERE], text)
        client.sendmail(ALICE, [BOB], message('in time', ALICE), ['BY=20;R'])
    with world.imap(ALICE) as client:
        client.append('Sent', '(\\Seen)', None, text.encode())
    wait_for('what is in a hurry', lambda: 'in time' in box(world, BOB))
    page = alice.get('/mail/later')
    assert 'from a program' in page.words and 'in time' not in page.words
    page = alice.submit('do', 'undo', form=page.form('id'))
    values = dict(page.form('subject').values())
    assert (values['to'], values['bcc'], values['subject']) == (BOB, ELSEWHERE, 'from a program')
    assert 'from a program' not in box(world, ALICE, 'Sent') and 'from a program' in box(world, ALICE, 'Drafts')
    # Not kept back any more: the pages send at once now.
    assert 'was sent' in write(alice, 'at once', BOB).words
    wait_for('what was sent', lambda: 'at once' in box(world, BOB))
    page = alice.get('/settings/sending')
    assert alice.submit('web', change={'web': '7'}, form=page.form('web')).status == 400


def test_copies_of_what_programs_send(world):
    alice = sign_in(world, ALICE)

    def send(subject, keep):
        page = alice.get('/settings/sending')
        values = dict(page.form('web').values(), web='0', programs='0')
        values.pop('keep', None)
        alice.submit('programs', change=dict(values, **keep), form=page.form('web'))
        with world.submission(ALICE) as client:
            client.sendmail(ALICE, [BOB], message(subject, ALICE))
        wait_for('delivery', lambda: subject in box(world, BOB))
    send('kept here', {'keep': 'yes'})
    wait_for('the copy', lambda: 'kept here' in box(world, ALICE, 'Sent'))
    with world.imap(ALICE) as client:
        client.select('Sent')
        assert client.search(None, 'SEEN', 'SUBJECT', '"kept here"')[1][0]
    assert dict(alice.get('/settings/sending').form('web').values())['keep'] == 'yes'
    send('not kept', {'keep': ''})
    assert 'not kept' not in box(world, ALICE, 'Sent') and 'kept here' in box(world, ALICE, 'Sent')


def test_the_courier_stands_still(world):
    """Mail between users goes on, from the pages at once; what is for elsewhere gets 451, and that is the truth."""
    bob = sign_in(world, BOB)
    courier = world.pid('courier')
    pages = concurrent.futures.ThreadPoolExecutor(1)
    os.kill(courier, signal.SIGSTOP)
    try:
        page = pages.submit(write, bob, 'in spite of it', ALICE)
        with world.lmtp() as client:
            client.sendmail('x@elsewhere.example', [BOB], message('local'))
        wait_for('it', lambda: 'local' in box(world, BOB))
        with pytest.raises(smtplib.SMTPDataError) as refused:
            submit(world, ['not-taken@far.example'], 'refused', sender=BOB)
        assert (refused.value.smtp_code, refused.value.smtp_error) == (451, b'4.3.0 Temporary failure, try again later')
        assert 'was sent' in page.result().words and 'in spite of it' in box(world, ALICE)
    finally:
        os.kill(courier, signal.SIGCONT)
    submit(world, ['taken@far.example'], 'later', sender=BOB)
    wait_for('an empty queue', lambda: world.far.got('taken@far.example') and is_empty(world))
    assert box(world, ALICE).count('in spite of it') == 1 and not world.far.got('not-taken@far.example')


def test_by_a_time(world):
    world.far.refuse = world.timed.refuse = {'rcpt': '451 4.3.0 not now'}
    submit(world, ['friend@timed.example'], sender=BOB, subject='too late', options=['BY=600;R'])
    submit(world, [ELSEWHERE], sender=BOB, subject='late', options=['BY=600;N'])
    wait_for('attempts', lambda: len(queued(world)) == 2 and all(q['attempts'] for q in queued(world)))
    world.clock.pass_(601)
    wait_for('two reports', lambda: len(reports(world, BOB)) == 2)
    told = {fields(r)[0]['Action']: (fields(r)[0]['Status'], r.get_payload()[1].get_payload()[0]['Deliver-By-Date'])
            for r in reports(world, BOB)}
    assert told['failed'][0] == '5.4.7' and told['delayed'][0] == '4.4.7' and all(t[1] for t in told.values())
    world.far.refuse = {}
    world.tool('queue', 'retry', 'all')
    wait_for('an empty queue', lambda: is_empty(world))
    # It does not know of times: mode N is told where it went.
    wait_for('a third report', lambda: len(reports(world, BOB)) == 3)
    assert sorted(fields(r)[0]['Action'] for r in reports(world, BOB)) == ['delayed', 'failed', 'relayed']
    assert b'Subject: late' in world.far.got(ELSEWHERE)[-1].text
    submit(world, [ELSEWHERE], sender=BOB, subject='not there', options=['BY=600;R'])
    wait_for('a fourth report', lambda: len(reports(world, BOB)) == 4)
    assert fields(reports(world, BOB)[-1])[0]['Status'] == '5.3.3'
    world.timed.refuse = {}
    submit(world, ['friend@timed.example'], sender=BOB, subject='traced', options=['BY=600;RT', 'MT-PRIORITY=4'])
    wait_for('a fifth report', lambda: len(reports(world, BOB)) == 5)
    assert fields(reports(world, BOB)[-1])[0]['Action'] == 'relayed'
    assert 'BY=' in world.timed.got('friend@timed.example')[0].params and ';RT' in world.timed.got('friend@timed.example')[0].params


def test_a_destination_with_limits(world):
    """At most so many in a minute; what waits for that says so, and the next minute brings it."""
    seen = world.timed.connections
    world.tool('queue', 'limit', 'timed.example', '--rate', '3', '--messages', '1')
    assert json.loads(world.tool('--json', 'queue', 'limit')) == [
        {'name': 'timed.example', 'connections': 0, 'messages': 1, 'rate': 3}]
    assert world.run('queue', 'limit', 'timed.example', '--rate', 'x').returncode != 0
    wait_for('the first seconds of a minute', lambda: (time.time() + world.clock.seconds) % 60 < 40, 30)
    for i in range(5):
        submit(world, ['limited%d@timed.example' % i], 'limited %d' % i, sender=BOB)
    wait_for('three of them', lambda: len(queued(world)) == 2)
    waiting = queued(world)[0]
    assert 'may go there in a minute have gone' in waiting['waits'] and waiting['until'] % 60 == 0
    assert 'may go there in a minute' in world.tool('queue', 'show', str(waiting['id']))
    # The first may go over a connection that still stood.
    assert world.timed.connections - seen >= 2
    os.kill(world.pid('courier'), signal.SIGKILL)
    wait_for('the limit', lambda: 'timed.example' in world.run('queue', 'limit').stdout.decode())
    world.clock.pass_(60)
    wait_for('an empty queue', lambda: is_empty(world))
    world.tool('queue', 'limit', 'timed.example')
    assert json.loads(world.tool('--json', 'queue', 'limit')) == []
