"""test_web_guessing.py - who guesses: behind every door at once, by the clock, and by mails that pretend."""
import concurrent.futures
import imaplib
import re
import smtplib
import socket
import statistics
import time

import pytest

import browser
import support
from test_web_factors import mails, recovery_address
from test_web_mail import deliver

GUESSES = 120
CHECKED_MAX = 10  # keeper/guesses.h: of an account from a network that it never came from


class Imap(imaplib.IMAP4_SSL):
    """From an address of the loopback network."""

    def __init__(self, port, source):
        self.source = source
        super().__init__('127.0.0.1', port, ssl_context=support.tls_context(), timeout=60)

    def _create_socket(self, timeout):
        sock = socket.create_connection(('127.0.0.1', self.port), timeout, (self.source, 0))
        return self.ssl_context.wrap_socket(sock)


def by_imap(instance, user, password, source):
    try:
        Imap(instance.ports['imaps'], source).login(user, password)
        return 'in'
    except imaplib.IMAP4.error as error:
        return 'wrong' if 'AUTHENTICATIONFAILED' in str(error) else 'later'


def by_submission(instance, user, password, source):
    client = smtplib.SMTP_SSL('127.0.0.1', instance.ports['submissions'], 'client.example', timeout=60,
                              context=support.tls_context(), source_address=(source, 0))
    try:
        client.login(user, password)
        return 'in'
    except smtplib.SMTPAuthenticationError as error:
        return 'wrong' if error.smtp_code == 535 else 'later'
    except smtplib.SMTPException:
        return 'later'
    finally:
        client.close()


def by_pages(instance, user, password, source):
    b = browser.Browser(instance.ports['https'], source=source)
    status = b.sign_in(user, password).status
    return {200: 'in', 403: 'wrong', 503: 'later'}[status]


DOORS = (by_imap, by_submission, by_pages)


def test_every_door_at_once(shared, accounts):
    """One account has one bound, whichever way one comes; who was there before is not locked out."""
    alice, home, away = accounts[0], '127.40.1.1', '127.66.0.9'
    right = shared.passwords[alice]
    assert by_imap(shared, alice, right, home) == 'in'
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        said = list(pool.map(lambda i: DOORS[i % 3](shared, alice, 'guess %d' % i, away), range(GUESSES)))
    assert 'in' not in said
    assert 0 < said.count('wrong') <= CHECKED_MAX + 12, said.count('wrong')  # those under way at once
    for door in DOORS:
        assert door(shared, alice, right, away) == 'later', 'what is right is not told either'
        assert door(shared, alice, right, home) == 'in', door


@pytest.mark.parametrize('door', DOORS)
def test_an_unknown_user_takes_as_long(shared, accounts, door):
    times = {accounts[0]: [], 'nobody@' + accounts[0].split('@')[1]: []}
    password = 'a tin of green paint'  # not imported in haste: its hash costs what others cost
    shared.tool('account', 'passwd', accounts[0], stdin='%s\n%s\n' % (password, password))
    for i in range(14):
        for user, list_ in times.items():
            source = '127.%d.%d.1' % (80 + DOORS.index(door), 2 * i + (user == accounts[0]))
            began = time.monotonic()
            assert door(shared, user, 'wrong', source) == 'wrong'
            list_.append(time.monotonic() - began)
    known, unknown = (statistics.median(list_) for list_ in times.values())
    assert 0.6 < known / unknown < 1.6, times


def test_a_mail_proves_nothing(shared, accounts):
    """A recovery address waits for its owner's session, whatever is written from it."""
    alice, bob = accounts
    b = browser.Browser(shared.ports['https'])
    b.sign_in(alice, shared.passwords[alice])
    page = b.get('/settings/recovery')
    b.submit('do', 'set', {'address': bob}, form=page.form('address'))
    code = re.search(r'/settings/recovery\?code=(\S+)', mails(shared, bob, 1)[0]).group(1)
    for to in (alice, bob):
        for sender in (bob, alice, 'postmaster@' + shared.host):
            deliver(shared, to, 'Re: Please confirm', 'I confirm it.\n%s\n' % code, sender=sender)
    page = b.get('/settings/recovery')
    assert 'In use' not in page.words and 'waits' in page.words
    # somebody else's session proves nothing either, and reading a link is no wish
    other = browser.Browser(shared.ports['https'])
    other.sign_in(bob, shared.passwords[bob])
    page = other.get('/settings/recovery?code=' + code)
    assert other.submit('do', 'confirm', form=page.form('code')).status == 403
    page = b.get('/settings/recovery?code=' + code)
    assert 'In use' not in page.words
    assert 'In use' in b.submit('do', 'confirm', form=page.form('code')).words
    # nor does a scanner that reads mail spend a link: GET changes nothing
    for path in ('/reset/new?code=' + code, '/recovery/cancel?code=' + code):
        assert browser.Browser(shared.ports['https']).get(path).status == 200
    assert bob in b.get('/settings/recovery').words


def test_a_link_that_was_read_is_still_good(shared, accounts):
    alice, bob = accounts
    b = browser.Browser(shared.ports['https'])
    b.sign_in(alice, shared.passwords[alice])
    recovery_address(shared, b, bob)
    c = browser.Browser(shared.ports['https'])
    c.get('/reset')
    c.submit('user', change={'user': alice})
    link = [text for text in mails(shared, bob, 2) if '/reset/' in text][0]
    path = re.search(r'(/reset/new\?code=\S+)', link).group(1)
    for _ in range(15):
        assert browser.Browser(shared.ports['https']).get(path).status == 200
    page, new = c.get(path), 'a lantern for each window'
    page = c.submit('after', change={'user': alice, 'after': new, 'again': new}, form=page.form('after'))
    assert 'Sign in with the new one' in page.words


def test_no_word_of_others_becomes_a_header(shared, accounts):
    alice = accounts[0]
    name = 'x\r\nSet-Cookie: evil=1\r\n\r\n<b>"\\.html'
    body = ('From: e@elsewhere.example\r\nTo: %s\r\nSubject: File\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
            '--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment;\r\n'
            " filename*=utf-8''%s\r\n\r\n<script>alert(1)</script>\r\n--b--\r\n") % (
                alice, ''.join('%%%02X' % c for c in name.encode()))
    with shared.smtp() as s:
        s.sendmail('e@elsewhere.example', [alice], body)
    b = browser.Browser(shared.ports['https'])
    page = b.sign_in(alice, shared.passwords[alice])
    page = b.get([a for a in page.read.links if a.startswith('/mail/f/') and a.count('/') == 4][0])
    part = b.get([a for a in page.read.links if '/part/' in a][0])
    assert part.status == 200 and 'set-cookie' not in part.headers and '\n' not in part.headers['content-disposition']
    assert part.headers['content-disposition'].startswith('attachment') and 'sandbox' in part.headers['content-security-policy']
