"""test_scan.py - mail of strangers is shown to Rspamd before it is taken; a stand-in plays it."""
import http.server
import json
import smtplib
import threading
import time

import pytest
import support

SETTINGS = '''
door = { trusted = "127.0.0.1"; greet_wait = "0"; greylist = 100; refuse = 1000; tarpit = 1000; };
dnssec = { validate = "off"; };
resolver = "127.0.0.1:9";
scan = { rspamd = "http://127.0.0.1:%d"; wait = "3 s"; };
'''


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


@pytest.fixture(scope='module')
def world():
    rspamd = Rspamd()
    with support.Instance(SETTINGS % rspamd.server_address[1]) as instance:
        instance.add_accounts(['alice@scan.example'])
        yield instance, rspamd
    rspamd.shutdown()


def send(world, subject, source='127.0.2.1', body='hello\r\n'):
    with smtplib.SMTP('127.0.0.1', world[0].ports['smtp'], '[%s]' % source, timeout=60, source_address=(source, 0)) as s:
        s.ehlo()
        s.mail('a@b.example')
        s.rcpt('alice@scan.example')
        code, text = s.data(support.message(subject, body=body))
    return code, text.decode()


def newest(world):
    imap = world[0].imap('alice@scan.example', 'INBOX')
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
