"""test_scan.py - mail is shown to Rspamd, which a stand-in plays, and to a milter made with libmilter, before it is taken."""
import http.server
import json
import pathlib
import shutil
import smtplib
import subprocess
import tempfile
import threading
import time

import names
import pytest
import support

SETTINGS = '''
door = { trusted = "127.0.0.1"; greet_wait = "0"; greylist = 100; refuse = 1000; tarpit = 1000; };
scan = { rspamd = "http://127.0.0.1:%d"; milters = "unix:%s"; submission = true; wait = "3 s"; };
'''
FILTER = pathlib.Path(__file__).with_name('filter_milter.py')


class Rspamd(http.server.ThreadingHTTPServer):
    """Answers by the subject of the message."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.seen = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.seen.append((self.path, self.headers, body))
        subject = [line for line in body.split(b'\r\n') if line.startswith(b'Subject: ')][0][9:].decode()
        if subject == 'silence':
            time.sleep(20)
        reply = {'action': {'bad': 'reject', 'later': 'soft reject'}.get(subject, 'no action'), 'score': 1.5,
                 'required_score': 15, 'milter': {'add_headers': {'X-Seen': {'value': subject, 'order': 0}}}}
        if subject == 'bad':
            reply['messages'] = {'smtp_message': 'We think this is spam'}
        data = json.dumps(reply).encode() if subject != 'nonsense' else b'<html>'
        self.send_response(200)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Filter:
    """The milter, in a process of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='posthouse-milter-'))
        self.folder.chmod(0o755)  # the courier may be another user
        self.path, self.told = self.folder / 'socket', self.folder / 'told'
        self.start()

    def start(self):
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen(['/usr/bin/python3', str(FILTER), 'unix:%s' % self.path, str(self.told)], umask=0)
        support.wait_for('the milter', self.path.exists)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def last(self):
        return json.loads(self.told.read_text().splitlines()[-1])


@pytest.fixture(scope='module')
def world():
    rspamd, milter, dns = Rspamd(), Filter(), names.Names()
    with support.Instance(dns.settings() + SETTINGS % (rspamd.server_address[1], milter.path)) as instance:
        instance.add_accounts(['alice@scan.example', 'refused-rcpt@scan.example'])
        yield instance, rspamd, milter
    rspamd.shutdown()
    milter.stop()
    shutil.rmtree(milter.folder)
    dns.close()


def send(world, subject, source='127.0.2.1', body='hello\r\n', to='alice@scan.example', head=''):
    with smtplib.SMTP('127.0.0.1', world[0].ports['smtp'], '[%s]' % source, timeout=60, source_address=(source, 0)) as s:
        s.ehlo()
        s.mail('a@b.example')
        s.rcpt('alice@scan.example')
        if to != 'alice@scan.example':
            s.rcpt(to)
        code, text = s.data(head + support.message(subject, body=body))
    return code, text.decode()


def newest(world, folder='INBOX'):
    imap = world[0].imap('alice@scan.example', folder)
    data = imap.fetch('*', '(BODY.PEEK[])')[1][0][1]
    imap.logout()
    return data


def test_what_it_says_is_done(world):
    assert send(world, 'good')[0] == 250
    head = newest(world).split(b'\r\n\r\n')[0]
    assert b'X-Spam-Status: No, score=1.5 required=15.0\r\nX-Seen: good\r\n' in head
    assert head.startswith(b'Return-Path: <a@b.example>\r\n') and b'\r\nSubject: good' in head
    path, headers, body = world[1].seen[-1]
    assert path == '/checkv2' and headers['IP'] == '127.0.2.1' and headers['From'] == 'a@b.example'
    assert headers['Rcpt'] == 'alice@scan.example' and headers['Helo'] == '[127.0.2.1]'
    assert b'Received: ' in body and body.endswith(b'hello\r\n')
    assert send(world, 'bad') == (550, '5.7.1 We think this is spam')
    assert send(world, 'later')[0] == 451


def test_a_large_message(world):
    """More than fits into memory: the descriptor is the spool's own file."""
    body = 'x' * 70 + '\r\n'
    assert send(world, 'large', body=body * 20000)[0] == 250
    assert world[1].seen[-1][2].endswith((body * 20000).encode())
    assert newest(world).endswith((body * 20000).encode())


def test_the_trusted_are_not_scanned(world):
    before = len(world[1].seen)
    assert send(world, 'bad', source='127.0.0.1')[0] == 250
    assert len(world[1].seen) == before


@pytest.mark.parametrize('subject', ['silence', 'nonsense'])
def test_without_an_answer_mail_goes_on(world, subject):
    began = time.monotonic()
    assert send(world, subject)[0] == 250
    assert time.monotonic() - began < 15


# ---- the milter


@pytest.mark.parametrize('subject,reply', [
    ('accept', (250, None)),
    ('slow', (250, None)),
    ('skip', (250, None)),
    ('reject', (550, '5.7.1')),
    ('discard', (550, '5.7.1')),
    ('bad header', (550, '5.7.1')),
    ('tempfail', (451, '4.7.1')),
    ('reply', (550, '5.7.1 Not this one\n5.7.1 and not the next')),
    ('not now', (451, '4.7.1 Not now')),
])
def test_verdicts_of_a_milter(world, subject, reply):
    code, text = send(world, subject)
    assert code == reply[0] and text.startswith(reply[1] or ''), text


def test_what_a_milter_is_told(world):
    body = 'line\r\n' * 30000
    assert send(world, 'told', body=body, head='X-Folded: one\r\n\ttwo\r\n')[0] == 250
    told = world[2].last()
    assert told['connect'] == ['[127.0.2.1]', ['127.0.2.1', 0]] and told['helo'] == '[127.0.2.1]'
    assert told['from'] == '<a@b.example>' and told['rcpt'] == [['<alice@scan.example>', 'alice@scan.example']]
    macros = told['macros']
    assert macros['j'] == support.HOST and macros['{client_addr}'] == '127.0.2.1' and macros['{mail_addr}'] == 'a@b.example'
    assert len(macros['i']) == 16 and macros['{daemon_name}'] == 'smtp'
    assert told['body'] == len(body)
    names = [name for name, _ in told['headers']]
    assert 'Received' not in names and 'Return-Path' not in names and 'Authentication-Results' in names
    assert ['X-Seen', 'told'] in told['headers']  # Rspamd came first
    assert ['X-Folded', 'one\n\ttwo'] in told['headers']


def test_a_milter_changes_the_message(world):
    head = 'X-Old: old\r\nX-Gone: gone\r\nReceived: from them\r\n'
    assert send(world, 'change', body='first\r\n.second\r\n', head=head)[0] == 250
    text = newest(world).decode()
    top = text.split('\r\n')
    assert top[0] == 'Return-Path: <a@b.example>' and top[1] == 'X-Top: on top'
    assert 'X-Old: new\r\nReceived: theirs\r\n' in text and 'X-Gone' not in text
    assert text.count('Received: ') == 2
    assert 'X-Added: at the end\r\nX-Folded: one\r\n\ttwo\r\n\r\nfirst\r\n.second\r\n' in text
    assert send(world, 'body')[0] == 250
    text = newest(world)
    assert text.endswith(b'\r\n\r\nanother\r\nbody\r\n') and b'X-Seen: body\r\n' in text
    log = (world[0].dir / 'log').read_text()
    assert 'milter-not-followed' in log and '<mallory@scan.example>' in log


def test_quarantine_is_the_folder_of_spam(world):
    assert send(world, 'quarantine')[0] == 250
    assert b'Subject: quarantine' in newest(world, 'Junk')


def test_one_refused_recipient_refuses_the_message(world):
    assert send(world, 'two', to='refused-rcpt@scan.example')[0] == 550


def test_a_monstrous_header_is_no_way_past(world):
    head = ''.join('X-%d: y\r\n' % i for i in range(3000))
    assert send(world, 'accept', head=head) == (550, '5.7.1 The header is too large')


def test_submission_is_scanned_before_it_is_signed(world):
    instance, _, milter = world
    instance.tool('dkim', 'add', 'scan.example')

    def submit(subject):
        with instance.submission('alice@scan.example') as s:
            s.mail('alice@scan.example')
            s.rcpt('alice@scan.example')
            return s.data(support.message(subject, sender='alice@scan.example'))

    assert submit('change')[0] == 250
    text = newest(world).decode()
    signed = text.index('DKIM-Signature: ')
    assert signed < text.index('X-Top: on top') < text.index('Received: ')
    assert milter.last()['macros']['{auth_authen}'] == 'alice@scan.example'
    assert submit('reject')[0] == 550
    assert submit('quarantine')[0] == 550
    state = json.loads(instance.tool('--json', 'account', 'sending', 'show', 'alice@scan.example'))
    assert (state['scanned'], state['bad']) == (3, 2)


@pytest.mark.parametrize('subject', ['silence', 'crash'])
def test_a_milter_without_an_answer(world, subject):
    """Mail goes on, with what Rspamd said; unless the settings want every scanner's word."""
    instance, _, milter = world
    assert send(world, subject)[0] == 250
    milter.stop()
    assert send(world, 'away')[0] == 250
    assert b'X-Seen: away' in newest(world)
    if subject == 'crash':
        instance.settings = instance.settings.replace('wait = "3 s"', 'wait = "3 s"; required = true')
        instance.configure()
        instance.tool('reload')
        support.wait_for('all are required', lambda: send(world, 'away')[0] == 451)
    milter.start()
    support.wait_for('the milter is back', lambda: send(world, 'accept')[0] == 250)
