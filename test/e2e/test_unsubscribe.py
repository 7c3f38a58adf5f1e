"""test_unsubscribe.py - leaving a list from a message's page: by one request that its signature allows, by a message, or
on the list's own page; and that nobody else makes the courier send a request."""
import contextlib
import http.server
import smtplib
import ssl
import threading

import dkim
import pytest

import browser
import support
from names import Names
from test_personalities import context_of
from test_senders import KEYS
from test_web_mail import mail_links, stored

ALICE, STRANGER, LIST = 'alice@our.example', '127.1.0.1', '127.0.0.31'
DOOR = 'door = { trusted = "127.0.0.1"; greylist = 1000; refuse = 1000; tarpit = 1000; greet_wait = "0 s"; };\n'
FIELDS = [b'from', b'subject', b'list-unsubscribe', b'list-unsubscribe-post']
POST = 'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n'


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        self.server.requests.append((self.path, body, dict(self.headers)))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header('Location', '/elsewhere')
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')

    def do_GET(self):
        self.server.requests.append((self.path, None, {}))
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp('list')
    for above in [folder, *list(folder.parents)[:3]]:  # for the courier's user
        above.chmod(above.stat().st_mode | 0o055)
    server = http.server.ThreadingHTTPServer((LIST, support.free_ports(1)[0]), Handler)
    server.socket = context_of(folder / 'good', 'DNS:list.example').wrap_socket(server.socket, server_side=True)
    server.requests, server.status, server.port = [], 200, server.server_address[1]
    names = Names({'list.example': [LIST], 'other.example': [LIST]})
    names.text('rsa._domainkey.list.example', KEYS['rsa'].record)
    settings = names.settings() + DOOR + 'courier = { ca_file = "%s"; private = true; };\n' % (folder / 'good.pem')
    with contextlib.ExitStack() as stack:
        stack.callback(names.close)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        instance = stack.enter_context(support.Instance(settings))
        instance.add_accounts([ALICE])
        instance.list = server
        instance.alice = browser.Browser(instance.ports['https'])
        instance.alice.sign_in(ALICE, instance.passwords[ALICE])
        yield instance


def mailing(subject, fields, by=FIELDS):
    text = ('From: news <news@list.example>\r\nTo: %s\r\nSubject: %s\r\n%s\r\nnews\r\n' % (ALICE, subject, fields)).encode()
    return dkim.sign(text, b'rsa', b'list.example', KEYS['rsa'].private, include_headers=by) + text if by else text


def page_of(world, subject):
    return world.alice.get(next(link for link in mail_links(world.alice.get('/mail')) if subject in world.alice.get(link).words))


def receive(world, subject, fields, by=FIELDS):
    with smtplib.SMTP('127.0.0.1', world.ports['smtp'], 'client.example', 60, (STRANGER, 0)) as client:
        client.sendmail('bounces@list.example', [ALICE], mailing(subject, fields, by))
    return page_of(world, subject)


def url(world, path='/leave?a=1&b=%C3%A4', host='list.example'):
    return 'List-Unsubscribe: <mailto:leave@list.example?subject=leave%%20me>,\r\n <https://%s:%d%s>\r\n' % (
        host, world.list.port, path)


def test_by_one_request(world):
    page = receive(world, 'good', url(world) + POST)
    assert not world.list.requests  # looking at it tells nobody
    assert 'own page' not in page.words
    page = world.alice.submit('do', 'leave', form=page.form('do'))
    assert 'The list was told' in page.words and page.url.startswith('/mail/f/')
    path, body, headers = world.list.requests.pop()
    assert (path, body) == ('/leave?a=1&b=%C3%A4', 'List-Unsubscribe=One-Click')
    assert headers['Content-Type'] == 'application/x-www-form-urlencoded'
    assert not {'Cookie', 'Authorization', 'Referer'} & set(headers) and ALICE not in str(headers)
    for status in (500, 404, 302):
        world.list.status = status
        page = world.alice.submit('do', 'leave', form=page.form('do'))
        assert 'did not take it' in page.words
    assert [r[0] for r in world.list.requests] == ['/leave?a=1&b=%C3%A4'] * 3  # and no redirect was followed
    world.list.status, world.list.requests[:] = 200, []
    # A host that nobody vouches for is told nothing.
    page = receive(world, 'other host', url(world, host='other.example') + POST)
    assert 'did not take it' in world.alice.submit('do', 'leave', form=page.form('do')).words
    assert not world.list.requests


def test_what_is_not_posted_to(world):
    several = url(world) + 'List-Unsubscribe: <https://evil.example/>\r\n' + POST
    forged = 'Authentication-Results: %s; dkim=pass header.d=list.example header.s=rsa header.b=%s\r\n'
    for subject, fields, by in (('unsigned', url(world) + POST, None), ('without post', url(world), FIELDS),
                                ('not covered', url(world) + POST, FIELDS[:3]), ('several', several, FIELDS),
                                ('forged', forged % (support.HOST, 'abcdefgh') + url(world) + POST, None)):
        page = receive(world, subject, fields, by)
        assert 'Unsubscribe from this list' not in page.words and 'own page' in page.words, subject
        token = page.form('token').values()[0]
        assert world.alice.post(page.url + '/unsubscribe', [token, ('do', 'leave')]).status == 400
    # Changed behind its signature.
    text = mailing('changed', url(world) + POST).replace(b'news\r\n', b'more\r\n')
    with smtplib.SMTP('127.0.0.1', world.ports['smtp'], 'client.example', 60, (STRANGER, 0)) as client:
        client.sendmail('bounces@list.example', [ALICE], text)
    assert 'Unsubscribe from this list' not in page_of(world, 'changed').words
    assert not world.list.requests


def test_by_a_message_or_on_its_page(world):
    page = receive(world, 'by mail', url(world))
    link = next(a for tag, a in page.read.tags if tag == 'a' and a.get('href', '').startswith('https://'))
    assert link['href'] == 'https://list.example:%d/leave?a=1&b=%%C3%%A4' % world.list.port
    assert link['target'] == '_blank' and 'noopener' in link['rel'] and 'noreferrer' in link['rel']
    page = world.alice.get(next(to for to in page.read.links if to.startswith('/mail/write?mailto=')))
    values = dict(page.form('subject').values())
    assert (values['to'], values['subject'], values['body'].strip()) == ('leave@list.example', 'leave me', '')
    assert 'was sent' in world.alice.submit('do', 'send', form=page.form('subject')).words
    sent = stored(world, ALICE, 'Sent')[-1]
    assert (sent['to'], sent['from'], sent['subject']) == ('leave@list.example', ALICE, 'leave me')
    page = receive(world, 'none', 'List-Unsubscribe: <javascript:alert(1)>, <http://list.example/>\r\n')
    assert 'Unsubscribe' not in page.words
