"""test_gateway.py - codes by text message, from the page to an SMS gateway on loopback."""
import http.server
import re
import threading
import urllib.parse

import pytest

import browser
import support
from names import Names
from support import wait_for
from test_web_factors import button, mails, recovery_address


class Gateway(http.server.ThreadingHTTPServer):
    """Keeps what it is sent; `statuses` are its next answers, then 200."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.port = self.server_address[1]
        self.seen, self.statuses = [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_PUT(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        self.server.seen.append((self.path, dict(self.headers), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.send_header('Content-Length', '0')
        self.end_headers()


@pytest.fixture(scope='module')
def world():
    gateway, names = Gateway(), Names({'sms.example': ['127.0.0.1']})
    settings = ('resolver = "127.0.0.1:%d";\nsms = { url = "http://sms.example:%d/send?to={number}"; '
                'method = "PUT"; header = "X-Key: {secret}"; body = "n={number}&t={text}"; };\n' % (
                    names.port, gateway.port))
    instance = support.Instance(settings)
    (instance.dir / 'courier').mkdir()
    secret = instance.dir / 'courier' / 'sms.secret'
    secret.write_text('the key\n')
    secret.chmod(0o644)
    with instance:
        yield instance, gateway
    gateway.shutdown()
    names.close()


def ask_for_code(instance, address, number='+41 79 000 00 07'):
    instance.add_accounts([address])
    b = browser.Browser(instance.ports['https'])
    assert 'Inbox' in b.sign_in(address, instance.passwords[address]).words
    b.get('/settings/factors')
    return b, b.submit('number', change={'number': number})


def test_a_code_by_text_message(world):
    instance, gateway = world
    before = len(gateway.seen)
    b, page = ask_for_code(instance, 'one@sms.example')
    assert 'A code was sent' in page.words
    wait_for('the message', lambda: len(gateway.seen) > before)
    path, headers, body = gateway.seen[-1]
    assert path == '/send?to=%2B41790000007' and headers['X-Key'] == 'the key'
    assert headers['Content-Type'] == 'application/x-www-form-urlencoded'
    values = dict(urllib.parse.parse_qsl(body))
    assert values['n'] == '+41790000007'
    code = re.search(r'\d{6,}', values['t']).group(0)
    page = b.submit('do', 'confirm', {'code': code}, form=page.form('code'))
    assert 'Recovery codes' in page.words
    log = instance.log_tail(200)
    assert 'sms-sent' in log and '79000' not in log and code not in log


def next_code(gateway, before):
    wait_for('the message', lambda: len(gateway.seen) > before)
    return re.search(r'\d{6,}', urllib.parse.parse_qs(gateway.seen[-1][2])['t'][0]).group(0)


def test_coming_in_by_text_message(world):
    """Settings, signing in, and being asked again when what was given is no longer fresh."""
    instance, gateway = world
    before = len(gateway.seen)
    b, page = ask_for_code(instance, 'two@sms.example', '+41 79 000 02 07')
    b.submit('do', 'confirm', {'code': next_code(gateway, before)}, form=page.form('code'))
    c = browser.Browser(instance.ports['https'])
    page = c.sign_in('two@sms.example', instance.passwords['two@sms.example'])
    assert 'One more step' in page.words and 'Code by text message' in page.words
    before = len(gateway.seen)
    page = c.submit('token', form=[f for f in page.read.forms if f.action == '/signin/sms'][0])
    assert page.status == 200 and 'ends in 207' in page.words and '+41' not in page.words
    code = next_code(gateway, before)
    wrong = '%06d' % ((int(code) + 1) % 10 ** 6)
    page = c.submit('code', change={'code': wrong, 'kind': 'sms'}, form=page.form('code'))
    assert page.status == 403 and 'errors' in page.read.ids
    page = c.submit('code', change={'code': code, 'kind': 'sms'}, form=page.form('code'))
    assert 'Inbox' in page.words
    # used once, and no other session's
    d = browser.Browser(instance.ports['https'])
    page = d.sign_in('two@sms.example', instance.passwords['two@sms.example'])
    assert d.submit('code', change={'code': code, 'kind': 'sms'}, form=page.form('code')).status == 403
    # a session that is not fresh any more
    instance.tool('clock', '1000')
    page = c.get('/settings/factors')
    page = c.submit('do', 'codes', form=button(page, 'do', 'codes'))
    assert page.url == '/settings/confirm?next=%2Fsettings%2Ffactors' and 'confirm that it is you' in page.words
    before = len(gateway.seen)
    page = c.submit('token', form=[f for f in page.read.forms if f.action == '/signin/sms'][0])
    page = c.submit('code', change={'code': next_code(gateway, before), 'kind': 'sms'}, form=page.form('code'))
    assert page.url == '/settings/factors'
    assert 'Recovery codes' in c.submit('do', 'codes', form=button(page, 'do', 'codes')).words


def test_a_reset_by_text_message(world):
    instance, gateway = world
    address, away, before = 'three@sms.example', 'away@sms.example', len(gateway.seen)
    b, page = ask_for_code(instance, address, '+41 79 000 03 07')
    page = b.submit('do', 'confirm', {'code': next_code(gateway, before)}, form=page.form('code'))
    assert 'Recovery codes' in page.words
    instance.add_accounts([away])
    recovery_address(instance, b, away)
    c = browser.Browser(instance.ports['https'])
    c.get('/reset')
    c.submit('user', change={'user': address})
    link = [t for t in mails(instance, away, 2) if '/reset/' in t][0]
    path = re.search(r'(/reset/new\?code=\S+)', link).group(1)
    page = c.get(path)
    before, new = len(gateway.seen), 'four boats under the bridge'
    page = c.submit('kind', 'sms', form=button(page, 'kind', 'sms'))
    assert 'ends in 307' in page.words
    code = next_code(gateway, before)
    change = {'user': address, 'after': new, 'again': new, 'kind': 'sms'}
    for wrong in ('', '%06d' % ((int(code) + 1) % 10 ** 6)):
        page = c.submit('after', change=dict(change, factor=wrong), form=page.form('after'))
        assert page.status in (403, 422) and 'errors' in page.read.ids
    page = c.submit('after', change=dict(change, factor=code), form=page.form('after'))
    assert 'Sign in with the new one' in page.words
    assert b.send('GET', '/mail').status == 303
    page = c.sign_in(address, new)
    assert 'One more step' in page.words
    page = c.get(path)
    page = c.submit('kind', 'key', form=button(page, 'kind', 'key'))
    assert page.status == 403 and 'not good' in page.words
    assert code not in instance.log_tail(3000) and path.split('=')[1] not in instance.log_tail(3000)


def test_a_gateway_in_trouble(world):
    """It is asked again, a few times; what it refuses is not."""
    instance, gateway = world
    for statuses, asked, word in (([503], 2, 'sms-sent'), ([400], 1, 'sms-failed'),
                                  ([500, 500, 500], 3, 'sms-failed')):
        before, said = len(gateway.seen), instance.log_tail(500).count(word)
        gateway.statuses[:] = list(statuses)
        ask_for_code(instance, 'trouble%d-%d@sms.example' % (statuses[0], asked),
                     '+41 79 000 01 %d%d' % (asked, len(statuses)))
        wait_for('the end of it', lambda: instance.log_tail(500).count(word) > said, 40)
        assert len(gateway.seen) - before == asked


def test_the_courier_ends_at_once(world):
    """Although it waits for the keeper's next message."""
    instance, gateway = world
    before = instance.pid('courier')
    instance.process.send_signal(support.signal.SIGHUP)
    support.os.kill(before, support.signal.SIGTERM)
    wait_for('its end', lambda: before not in instance.pids('courier'), 4)
