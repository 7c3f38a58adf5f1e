"""test_own_trace.py - what happened to a message, told to the one whose it is, and to nobody else."""
import imaplib
import re
import smtplib
import time

import pytest

import browser
import support
from support import message, wait_for
from test_queue import ALICE, BOB, sending
from test_web_mail import stored

CARL, TEAM, FAR = 'carl@posthouse.example', 'team@posthouse.example', 'friend@far.example'

SETTINGS = '''lifetime = "1 d"; delay_notice = 0; };
door = { trusted = "127.0.0.1"; greylist = 1000; refuse = 1000; tarpit = 1000; greet_wait = "0 s";'''
STRANGER = '127.1.0.1'


@pytest.fixture(scope='module')
def world():
    with sending(SETTINGS) as (instance, fleet, names):
        instance.far = fleet.add('far.example')
        instance.add_accounts([CARL])
        for to in (BOB, CARL):
            instance.tool('alias', 'add', TEAM, to)
        instance.browsers = {a: browser.Browser(instance.ports['https']) for a in (ALICE, BOB)}
        for address, b in instance.browsers.items():
            assert b.sign_in(address, instance.passwords[address]).status == 200
        yield instance


def receive(world, recipients, subject):
    """A message from elsewhere; its number."""
    with smtplib.SMTP('127.0.0.1', world.ports['smtp'], 'client.example', 60, (STRANGER, 0)) as client:
        client.ehlo()
        client.mail('sender@elsewhere.example')
        for to in recipients:
            assert client.rcpt(to)[0] == 250
        code, text = client.data(message(subject))
    assert code == 250
    return re.search(rb'[0-9a-f]{16}', text).group().decode()


def history(world, address, subject, folder='Inbox'):
    """The page about that message, as its owner sees it."""
    b = world.browsers[address]

    def links():
        page = b.get('/mail')
        way = re.search(r'<a href="(/mail/f/\w+)"[^>]*><span>%s' % folder, page.text).group(1)
        page = b.get(way)
        return re.search(r'<a href="(%s/\d+)[^"]*"[^>]*>%s' % (way, subject), page.text)
    wait_for(subject, links)
    page = b.get(links().group(1))
    assert 'What happened to it' in page.words
    return b.get([to for to in page.read.links if to.endswith('/trace')][0])


def lines(page):
    """The page's own words, without those of the frame around it."""
    return page.words.split('What happened to this message')[-1]


def test_what_came(world):
    number = receive(world, [ALICE, BOB], 'came')
    for address, other in ((ALICE, BOB), (BOB, ALICE)):
        wait_for('it', lambda: 'put into your folder' in lines(history(world, address, 'came')))
        page = history(world, address, 'came')
        text = lines(page)
        assert 'brought it, not encrypted; it calls itself client.example' in text
        assert 'put into your folder Inbox' in text and STRANGER in text
        assert 'DMARC' in text and 'DKIM' in text and 'SPF' in text and number in text
        assert other not in page.text and 'recipient' not in text


def test_what_was_sent_by_form(world):
    alice = world.browsers[ALICE]
    page = alice.get('/mail/write')
    page = alice.submit('do', 'send', {'to': TEAM, 'cc': FAR, 'bcc': BOB, 'subject': 'by form'},
                        form=page.form('subject'))
    assert 'was sent' in page.words
    wait_for('it', lambda: world.far.got(FAR))
    for to in (FAR, TEAM):
        wait_for(to, lambda: to + ' delivered' in lines(history(world, ALICE, 'by form', 'Sent')))
    page = history(world, ALICE, 'by form', 'Sent')
    text = lines(page)
    assert 'You sent it with these pages' in text and 'It waits to be sent' in text
    assert FAR + ' delivered' in text and TEAM + ' delivered' in text and re.search(r'mx.far.example \[[\d.]+\]: 250', text)
    assert CARL not in page.text and text.count('is in the mailbox') == 1  # nor how many the alias leads to
    # Who got it sees nothing of the others, nor where it was written.
    wait_for('it', lambda: 'put into your folder' in lines(history(world, BOB, 'by form')))
    text = lines(history(world, BOB, 'by form'))
    assert 'Somebody who has an account here sent it' in text
    for hidden in (FAR, CARL, 'far.example', '127.0.0.1', 'waits', 'delivered'):
        assert hidden not in text, hidden


def submit(world, subject, recipients):
    """By a mail program that keeps its own copy; its Message-ID."""
    text = message(subject, ALICE)
    with world.submission(ALICE) as client:
        client.sendmail(ALICE, recipients, text)
    with world.imap(ALICE) as client:
        client.append('Sent', '', imaplib.Time2Internaldate(time.time()), text.encode())
    return text


def test_what_was_sent_by_program(world):
    text = submit(world, 'by program', [FAR, BOB])
    wait_for('it', lambda: world.far.got(FAR))
    for to in (FAR, BOB):
        wait_for(to, lambda: to + ' delivered' in lines(history(world, ALICE, 'by program', 'Sent')))
    page = history(world, ALICE, 'by program', 'Sent')
    assert 'Your mail program sent it, encrypted' in lines(page)
    number = re.search('[0-9a-f]{16}', lines(page)).group()
    assert 'Your mail program' in lines(world.browsers[ALICE].get('/mail/trace/' + number))
    submit(world, 'elsewhere alone', [FAR])  # such a message is not parsed
    wait_for('it', lambda: FAR + ' delivered' in lines(history(world, ALICE, 'elsewhere alone', 'Sent')))

    # Whoever knows its number, its Message-ID, or has all its bytes, learns nothing by that.
    bob = world.browsers[BOB]
    assert 'Nothing is known' in lines(bob.get('/mail/trace/' + number))
    received = b'Received: from x by y id %s; now\r\n' % number.encode()
    theirs = receive(world, [ALICE], 'not for bob')
    copy = stored(world, ALICE)[-1].as_bytes()
    with world.imap(BOB) as client:
        for subject, forged in (('forged 1', received + message('forged 1').encode()),
                                ('forged 2', text.replace('by program', 'forged 2').encode()),
                                ('forged 3', received.replace(number.encode(), theirs.encode()) +
                                 message('forged 3').encode()),
                                ('forged 4', copy.replace(b'not for bob', b'forged 4   '))):
            client.append('INBOX', '', imaplib.Time2Internaldate(time.time()), forged)
            page = history(world, BOB, subject)
            assert 'Nothing is known' in lines(page), (subject, page.words)
            assert ALICE not in lines(page) and FAR not in lines(page)


@pytest.mark.parametrize('path', ['x', '0123456789abcdef', '0123456789abcdeg', '../0123456789abcdef'])
def test_wrong_numbers(world, path):
    page = world.browsers[ALICE].get('/mail/trace/' + path)
    assert page.status == 404 or 'Nothing is known' in lines(page)


def test_what_waits_and_fails(world):
    alice = world.browsers[ALICE]
    page = alice.get('/mail/write')
    alice.submit('do', 'send', {'to': 'nobody@unknown.example', 'subject': 'fails'}, form=page.form('subject'))
    wait_for('an attempt', lambda: 'could not be delivered' in lines(history(world, ALICE, 'fails', 'Sent')))
    later = time.strftime('%Y-%m-%dT%H:%M', time.localtime(time.time() + 7200))
    page = alice.get('/mail/write')
    alice.submit('do', 'send', {'to': FAR, 'subject': 'later', 'later': later}, form=page.form('subject'))
    page = alice.get('/mail/later')
    page = alice.get([to for to in page.read.links if to.startswith('/mail/trace/')][0])
    assert 'You sent it with these pages' in lines(page) and 'It waits to be sent' in lines(page)
