"""test_clients.py - programs that others wrote, against a running instance."""
import hashlib
import imaplib
import os
import re
import smtplib
import socket
import ssl
import subprocess

import pytest

import support
from support import message, subjects, wait_for


def run(*arguments, stdin='', env=None, cwd=None, ok=True):
    done = subprocess.run(list(map(str, arguments)), input=stdin, capture_output=True, text=True,
                          errors='replace', timeout=240, cwd=cwd,
                          env=dict(os.environ, **(env or {})))
    assert not ok or done.returncode == 0, '%s: exit %d\n%s\n%s' % (
        arguments[0], done.returncode, done.stdout[-4000:], done.stderr[-4000:])
    return done


def wait_for_subjects(shared, address, wanted):
    def is_there():
        client = shared.imap(address)
        try:
            return sorted(subjects(client)) == sorted(wanted)
        finally:
            client.logout()
    wait_for('%s in the INBOX of %s' % (wanted, address), is_there)


# ---- swaks

def swaks(shared, port, alice, *more, ok=True):
    return run('swaks', '--server', '127.0.0.1', '--port', shared.ports[port], '--to', alice,
               '--helo', 'client.example', '--timeout', '20', *more, ok=ok)


def test_swaks_delivers_on_port_25(shared, accounts):
    swaks(shared, 'smtp', accounts[0], '--from', 'x@elsewhere.example', '--h-Subject', 'plain')
    swaks(shared, 'smtp', accounts[0], '--from', 'x@elsewhere.example', '--h-Subject', 'tls', '--tls')
    swaks(shared, 'smtp', accounts[0], '--from', '<>', '--h-Subject', 'pipelined', '--pipeline')
    wait_for_subjects(shared, accounts[0], ['plain', 'tls', 'pipelined'])


def test_swaks_may_not_relay(shared, accounts):
    done = swaks(shared, 'smtp', 'a@elsewhere.example', '--from', 'x@elsewhere.example', ok=False)
    assert done.returncode != 0 and '550 5.7.1' in done.stdout


@pytest.fixture(scope='module')
def doors():
    """An instance with every port that mail comes in by, and an account."""
    instance = support.Instance()
    instance.ports['submission'] = support.free_ports(1)[0]
    instance.configure()
    with instance:
        instance.add_accounts(['ann@doors.example'])
        yield instance


ANN = 'ann@doors.example'
# port, how TLS begins, whether one logs in
DOORS = [('smtp', (), False), ('smtp', ('--tls',), False), ('submissions', ('--tls-on-connect',), True),
         ('submission', ('--tls',), True), ('lmtp', ('--protocol', 'LMTP'), False)]


@pytest.mark.parametrize('port,how,has_login', DOORS, ids=lambda v: v if isinstance(v, str) else None)
def test_swaks_at_each_door(doors, port, how, has_login):
    """Right and wrong, each with and without PIPELINING; the text has 8 bits."""
    wanted = []
    for login in ['PLAIN', 'LOGIN'] if has_login else [None]:
        for pipeline in (), ('--pipeline',):
            subject = '-'.join([port, *how, *filter(None, [login]), *pipeline])
            sender = ANN if login else 'x@elsewhere.example'
            auth = ('--auth', login, '--auth-user', ANN, '--auth-password') if login else ()
            swaks(doors, port, ANN, '--from', sender, '--h-From', sender, '--h-Subject', subject, '--body',
                  'gr\u00fc\u00dfe, as \u00fcblich', *how, *pipeline, *auth, *([doors.passwords[ANN]] if login else []))
            wanted.append(subject)
            if login:
                done = swaks(doors, port, ANN, '--from', ANN, *how, *pipeline, *auth, 'wrong', ok=False)
                assert done.returncode and '535 5.7.8' in done.stdout
    if has_login:
        done = swaks(doors, port, ANN, '--from', ANN, *how, ok=False)
        assert done.returncode and '530 5.7.0' in done.stdout
        done = swaks(doors, port, ANN, '--from', ANN, *how, '--auth', 'CRAM-MD5', '--auth-user', ANN, '--auth-password',
                     doors.passwords[ANN], ok=False)
        assert done.returncode and 'Auth not attempted' in done.stdout + done.stderr
    if port == 'submission':
        done = swaks(doors, port, ANN, '--from', ANN, '--auth', 'PLAIN', '--auth-user', ANN, '--auth-password',
                     doors.passwords[ANN], ok=False)
        assert done.returncode and 'AUTH PLAIN' not in done.stdout  # not without TLS
    client = doors.imap(ANN)
    wait_for('all of them', lambda: set(wanted) <= set(subjects(client)))
    _, got = client.fetch('1:*', '(BODY.PEEK[TEXT])')
    assert all('gr\u00fc\u00dfe, as \u00fcblich'.encode() in item[1] for item in got if isinstance(item, tuple))
    client.logout()


def test_swaks_by_lmtp(shared, accounts):
    swaks(shared, 'lmtp', accounts[0], '--protocol', 'LMTP', '--from', 'x@elsewhere.example',
          '--h-Subject', 'by lmtp')
    run('swaks', '--socket', shared.dir / 'run' / 'lmtp.sock', '--protocol', 'LMTP', '--to',
        accounts[0], '--from', 'x@elsewhere.example', '--h-Subject', 'by socket')
    wait_for_subjects(shared, accounts[0], ['by lmtp', 'by socket'])


def test_swaks_sends_an_attachment(shared, accounts, tmp_path):
    data = os.urandom(300000)
    (tmp_path / 'data.bin').write_bytes(data)
    swaks(shared, 'smtp', accounts[0], '--from', 'x@elsewhere.example', '--attach',
          '@%s' % (tmp_path / 'data.bin'))
    wait_for('the message', lambda: len(subjects(shared.imap(accounts[0]))) == 1)
    client = shared.imap(accounts[0], 'INBOX')
    _, got = client.fetch('1', '(BINARY.PEEK[2])')
    assert got[0][1] == data


# ---- curl

def test_curl(shared, accounts, tmp_path):
    alice, bob = accounts
    base = ['curl', '-sS', '-k', '--max-time', '60', '--user',
            '%s:%s' % (alice, shared.passwords[alice])]
    imaps = 'imaps://127.0.0.1:%d' % shared.ports['imaps']
    run(*base, '--crlf', '--mail-from', alice, '--mail-rcpt', alice, '--mail-rcpt', bob,
        '--upload-file', '-', 'smtps://127.0.0.1:%d' % shared.ports['submissions'],
        stdin='From: <%s>\nTo: <%s>\nSubject: by curl\n\nIt works.\n' % (alice, alice))
    wait_for_subjects(shared, alice, ['by curl'])
    wait_for_subjects(shared, bob, ['by curl'])
    got = run(*base, imaps + '/INBOX;MAILINDEX=1').stdout
    assert 'Subject: by curl' in got and 'It works.' in got
    run(*base, '-X', 'CREATE Curl', imaps)
    (tmp_path / 'mail').write_bytes(b'Subject: appended\r\n\r\nx\r\n')
    run(*base, '--upload-file', tmp_path / 'mail', imaps + '/Curl')
    assert 'MESSAGES 1' in run(*base, '-X', 'STATUS Curl (MESSAGES)', imaps).stdout
    got = run(*base, imaps + '/Curl;UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)').stdout
    assert got.strip() == 'Subject: appended'
    assert '* SEARCH 1' in run(*base, imaps + '/INBOX?SUBJECT%20curl').stdout
    bad = run(*base[:-1], alice + ':wrong', imaps, ok=False)
    assert bad.returncode == 67  # login denied


# ---- mbsync

MBSYNC = '''
IMAPAccount here
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {certificate}
PipelineDepth 50

IMAPStore remote
Account here

MaildirStore local
Path {path}/
Inbox {path}/INBOX
SubFolders Verbatim

Channel all
Far :remote:
Near :local:
Patterns * !Drafts !Sent !Junk !Trash !Archive
Create Both
Expunge Both
Sync All
CopyArrivalDate yes
SyncState {path}/.state/
'''


def certificate(shared):
    """The file mbsync is to trust: what the server shows."""
    with socket.create_connection(('127.0.0.1', shared.ports['imaps']), 20) as s:
        with support.tls_context().wrap_socket(s, server_hostname='localhost') as tls:
            der = tls.getpeercert(binary_form=True)
    path = shared.dir / 'client-trusts.pem'
    path.write_text(ssl.DER_cert_to_PEM_cert(der))
    return path, hashlib.sha1(der).hexdigest()


def maildir(path):
    """Subject -> flags of a Maildir folder."""
    found = {}
    for sub in ('cur', 'new'):
        for f in (path / sub).iterdir():
            subject = re.search(rb'^Subject: (.*?)\r?$', f.read_bytes(), re.M).group(1).decode()
            assert subject not in found, 'twice: ' + subject
            found[subject] = ''.join(sorted(f.name.partition(':2,')[2]))
    return found


def remote(client, mailbox):
    """Subject -> Maildir-like flags of a mailbox."""
    letters = {'\\Answered': 'R', '\\Deleted': 'T', '\\Draft': 'D', '\\Flagged': 'F', '\\Seen': 'S'}
    client.select(mailbox)
    _, data = client.fetch('1:*', '(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
    found = {}
    for item in data:
        if isinstance(item, tuple):
            flags = re.search(rb'FLAGS \(([^)]*)\)', item[0]).group(1).decode().split()
            subject = item[1].decode().split(':', 1)[1].strip()
            assert subject not in found, 'twice: ' + subject
            found[subject] = ''.join(sorted(letters.get(f, '') for f in flags))
    return found


def test_mbsync_both_ways(shared, accounts, tmp_path):
    alice = accounts[0]
    client = shared.imap(alice)
    client.create('Work')
    for n in range(250):
        flags = ('', '\\Seen', '\\Flagged', '\\Answered \\Seen')[n % 4]
        client.append('Work', flags, imaplib.Time2Internaldate(1700000000 + n),
                      message('far %d' % n, body='x' * n).encode())
    local = tmp_path / 'mail'
    for folder in ('Work', 'INBOX'):
        for sub in ('cur', 'new', 'tmp'):
            (local / folder / sub).mkdir(parents=True)
    (local / '.state').mkdir()
    for n in range(250):
        name = '%d.%d.host:2,%s' % (1700000000 + n, n, ('', 'S', 'F', 'RS')[n % 4])
        (local / 'Work' / 'cur' / name).write_text(message('near %d' % n).replace('\r\n', '\n'))
    config = tmp_path / 'mbsyncrc'
    config.write_text(MBSYNC.format(port=shared.ports['imaps'], user=alice, path=local,
                                    password=shared.passwords[alice],
                                    certificate=certificate(shared)[0]))
    sync = lambda: run('mbsync', '-V', '-c', config, 'all')
    sync()
    both = maildir(local / 'Work')
    assert len(both) == 500 and both == remote(client, 'Work')
    assert both['far 3'] == 'RS' and both['near 2'] == 'F'

    # The second run changes nothing, on either side.
    before = sorted(str(p) for p in (local / 'Work').rglob('*'))
    _, status = client.status('Work', '(HIGHESTMODSEQ UIDNEXT MESSAGES)')
    sync()
    assert sorted(str(p) for p in (local / 'Work').rglob('*')) == before
    assert client.status('Work', '(HIGHESTMODSEQ UIDNEXT MESSAGES)')[1] == status

    # Flags and deletions on both sides.
    client.select('Work')
    _, hits = client.search(None, 'SUBJECT', '"far 1"')
    client.store(hits[0].split()[0].decode(), '+FLAGS', '\\Flagged')
    _, hits = client.search(None, 'SUBJECT', '"near 7"')
    gone_far = len(hits[0].split())
    client.store(hits[0].decode().replace(' ', ','), '+FLAGS', '\\Deleted')
    client.expunge()
    cur = local / 'Work' / 'cur'
    here = [*cur.iterdir(), *(local / 'Work' / 'new').iterdir()]
    gone_near = [f for f in here if b'Subject: far 24' in f.read_bytes()]
    marked = next(f for f in here if b'Subject: near 0\n' in f.read_bytes())
    for f in gone_near:
        f.unlink()
    marked.rename(cur / (marked.name.partition(':2,')[0] + ':2,DS'))
    sync()
    both = maildir(local / 'Work')
    assert len(both) == 500 - gone_far - len(gone_near)
    assert both == remote(client, 'Work')
    assert both['near 0'] == 'DS' and 'F' in both['far 1']
    assert not any(name.startswith(('near 7', 'far 24')) for name in both)
    sync()
    assert maildir(local / 'Work') == both == remote(client, 'Work')


# ---- offlineimap

OFFLINEIMAP = '''
[general]
accounts = a
metadata = {path}/meta
ui = quiet
socktimeout = 60
[Account a]
localrepository = l
remoterepository = r
[Repository l]
type = Maildir
localfolders = {path}/mail
[Repository r]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = yes
starttls = no
cert_fingerprint = {fingerprint}
'''


def test_offlineimap(shared, accounts, tmp_path):
    alice = accounts[0]
    client = shared.imap(alice)
    for n in range(20):
        client.append('INBOX', '\\Seen' if n % 2 else '', None, message('m %d' % n).encode())
    (tmp_path / 'mail').mkdir()
    config = tmp_path / 'offlineimaprc'
    config.write_text(OFFLINEIMAP.format(path=tmp_path, port=shared.ports['imaps'], user=alice,
                                         password=shared.passwords[alice],
                                         fingerprint=certificate(shared)[1]))
    sync = lambda: run('offlineimap', '-o', '-c', config, env={'HOME': str(tmp_path)})
    sync()
    assert maildir(tmp_path / 'mail' / 'INBOX') == remote(client, 'INBOX')
    cur = tmp_path / 'mail' / 'INBOX' / 'cur'
    next(f for f in cur.iterdir() if b'Subject: m 3\n' in f.read_bytes().replace(b'\r', b'')).unlink()
    client.select('INBOX')
    client.store('1', '+FLAGS', '\\Flagged')
    sync()
    both = maildir(tmp_path / 'mail' / 'INBOX')
    assert both == remote(client, 'INBOX') and len(both) == 19 and both['m 0'] == 'F'


# ---- imapfilter

def test_imapfilter(shared, accounts, tmp_path):
    alice = accounts[0]
    client = shared.imap(alice)
    for n in range(10):
        client.append('INBOX', '', None, message('list %d' % n if n % 2 else 'own %d' % n).encode())
    config = tmp_path / 'config.lua'
    config.write_text('''
        options.create = true
        account = IMAP { server = "127.0.0.1", port = %d, username = "%s", password = "%s",
                         ssl = "auto" }
        hits = account.INBOX:contain_subject("list")
        hits:add_flags({ "\\\\Flagged" })
        hits:move_messages(account.Lists)
        account.INBOX:is_unseen():mark_seen()
    ''' % (shared.ports['imaps'], alice, shared.passwords[alice]))
    run('imapfilter', '-c', config, '-t', certificate(shared)[0], env={'HOME': str(tmp_path)})
    assert set(remote(client, 'Lists').values()) == {'F'} and len(remote(client, 'Lists')) == 5
    assert set(remote(client, 'INBOX').values()) == {'S'} and len(remote(client, 'INBOX')) == 5


# ---- Python's own

def test_imaplib(shared, accounts):
    client = shared.imap(accounts[0])
    assert client.enable('CONDSTORE')[0] == 'OK'
    assert client.create('Box')[0] == 'OK'
    assert client.append('Box', '\\Seen', None, message('one').encode())[0] == 'OK'
    assert client.select('Box') == ('OK', [b'1'])
    assert client.fetch('1', '(UID FLAGS)')[1][0].startswith(b'1 (UID 1 FLAGS (\\Seen')
    assert client.uid('COPY', '1', 'INBOX')[0] == 'OK'
    assert client.store('1', '+FLAGS', '\\Deleted')[0] == 'OK'
    assert client.expunge() == ('OK', [b'1'])
    assert client.search(None, 'ALL') == ('OK', [b''])
    assert client.select('INBOX') == ('OK', [b'1'])
    assert client.rename('Box', 'Case')[0] == 'OK'
    assert any(b'Case' in line for line in client.list()[1])
    assert client.subscribe('Case')[0] == 'OK' and any(b'Case' in line for line in client.lsub()[1])
    assert client.namespace()[0] == 'OK'
    assert client.close()[0] == 'OK' and client.delete('Case')[0] == 'OK'
    with pytest.raises(imaplib.IMAP4.error):
        client.login('a', 'b')
    assert client.logout()[0] == 'BYE'


def test_smtplib(shared, accounts):
    alice, bob = accounts
    with shared.smtp() as client:
        client.starttls(context=support.tls_context())
        assert client.sendmail('x@elsewhere.example', accounts, message('to both')) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail('x@elsewhere.example', ['a@elsewhere.example'], message('relay'))
    with shared.submission(alice) as client:
        client.sendmail(alice, [bob], message('submitted', sender=alice))
    with shared.lmtp() as client:
        client.sendmail('x@elsewhere.example', [alice], message('by lmtp'))
    wait_for_subjects(shared, alice, ['to both', 'by lmtp'])
    wait_for_subjects(shared, bob, ['to both', 'submitted'])


def test_large_message(shared, accounts):
    """30 MB in and out again, byte for byte."""
    body = ''.join('%07d %s\r\n' % (n, 'x' * 60) for n in range(430000))
    text = message('large', body=body)
    with shared.lmtp() as client:
        client.sendmail('x@elsewhere.example', [accounts[0]], text)
    client = shared.imap(accounts[0], 'INBOX')
    _, data = client.fetch('1', '(BODY.PEEK[TEXT])')
    assert data[0][1].decode() == body
    _, data = client.fetch('1', '(BODY.PEEK[TEXT]<%d.%d>)' % (len(body) - 100, 1000))
    assert data[0][1].decode() == body[-100:]
