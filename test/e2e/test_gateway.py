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
