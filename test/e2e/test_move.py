"""test_move.py - what an account holds leaves as a file and comes back, and mail of other programs
comes in.

What we write is read by Python's mailbox, tarfile and zipfile; what we read is made by them.
"""
import imaplib
import io
import json
import mailbox
import re
import signal
import subprocess
import tarfile
import time
import zipfile

import pytest

import browser
import support

ANNA, BERT, CORA, DORA, EMIL = ('%s@posthouse.example' % name for name in ('anna', 'bert', 'cora', 'dora', 'emil'))
FOLDERS = ['INBOX', 'Sent', 'Projekte/&AMQ-rger v1.2', 'Leer', 'Tom &- Co.']
BODIES = [
    b'From: x@y.example\r\nSubject: plain\r\n\r\nhello\r\n',
    b'From: x@y.example\r\nSubject: no end\r\n\r\nFrom here on\r\n>From there\r\n\r\nFrom x',
    b'From: x@y.example\r\nStatus: RO\r\nSubject: bare\r\n\r\na\nb\rc\r\n\xff\xfe\r\n',
    b'Subject: large\r\n\r\n' + b'0123456789abcdef' * 9000 + b'\r\n',
]
FLAGS = ['', r'\Seen \Flagged', r'\Answered $Forwarded Wichtig', r'\Draft \Deleted k30']
DATES = ['"01-Feb-2003 04:05:06 +0530"', '"22-Nov-2026 14:17:17 -0800"', '" 1-Jan-1998 00:00:00 +0000"',
         '"31-Dec-2020 23:59:59 +0100"']


@pytest.fixture(scope='module')
def instance():
    with support.Instance('limits = { message_size = "20 MiB"; };\n') as instance:
        instance.add_accounts([ANNA, BERT, CORA, DORA, EMIL])
        with pytest.MonkeyPatch.context() as patch, instance.imap(ANNA) as client:
            patch.setattr(imaplib, 'MapCRLF', re.compile(rb'(?!)'))  # messages are what they are
            for folder in FOLDERS:
                client.create('"%s"' % folder)
            client.unsubscribe('Leer')
            client.subscribe('"%s"' % FOLDERS[2])
            for folder in FOLDERS[:3]:
                for body, flags, date in zip(BODIES, FLAGS, DATES):
                    ok, why = client.append('"%s"' % folder, flags, date, body)
                    assert ok == 'OK', why
            # More keywords than a Maildir has letters for.
            client.select('Sent')
            client.store('1', '+FLAGS', '(%s)' % ' '.join('k%d' % i for i in range(31)))
            client.append('INBOX', FLAGS[1], DATES[1], BODIES[0])
        yield instance
        instance.check()


def holds(instance, address):
    """All that IMAP tells of an account: mailbox -> its messages, and who is subscribed to."""
    found = {}
    with instance.imap(address) as client:
        names = [re.search(rb'"/" (.*)', line).group(1).decode() for line in client.list()[1]]
        for name in names:
            ok, count = client.select(name, readonly=True)
            assert ok == 'OK', (name, count)
            messages = []
            if count != [b'0']:
                _, data = client.fetch('1:*', '(FLAGS INTERNALDATE BODY.PEEK[])')
                for item in data:
                    if isinstance(item, tuple):
                        flags = re.search(rb'FLAGS \(([^)]*)\)', item[0]).group(1).split()
                        messages.append((frozenset(flags) - {rb'\Recent'},
                                         re.search(rb'INTERNALDATE ("[^"]*")', item[0]).group(1), item[1]))
            found[name] = messages
        found['subscribed'] = sorted(client.lsub()[1])
    return found


def import_mail(instance, address, *arguments):
    return json.loads(instance.tool('--json', 'account', 'import-mail', address, *map(str, arguments)))


def test_archive_makes_an_equal_account(instance, tmp_path):
    path = tmp_path / 'anna.tar.gz'
    done = json.loads(instance.tool('--json', 'account', 'export', ANNA, str(path)))
    assert done == {'messages': 13, 'mailboxes': 10, 'gone': 0}
    assert path.stat().st_mode & 0o777 == 0o600
    assert instance.run('account', 'export', ANNA, str(path)).returncode == 1, 'it is there'
    trial = import_mail(instance, BERT, path, '--dry-run')
    assert trial['added'] == 13 and instance.tool('account', 'export', BERT, '-', '--format=mbox', '--mailbox=INBOX') == ''
    assert import_mail(instance, BERT, path, '--settings')['added'] == 13
    assert holds(instance, BERT) == holds(instance, ANNA)
    again = import_mail(instance, BERT, path)
    assert (again['added'], again['repeated'], again['problems']) == (0, 13, [])
    manifest = json.load(tarfile.open(path).extractfile('anna@posthouse.example/posthouse.json'))
    assert manifest['account']['address'] == ANNA and manifest['version'] == 1


def test_others_read_what_we_write(instance, tmp_path):
    for form in ('maildir', 'mbox', 'eml'):
        instance.tool('account', 'export', ANNA, str(tmp_path / form), '--format=' + form)
    with tarfile.open(tmp_path / 'maildir') as tar:
        tar.extractall(tmp_path / 'x')
    box = mailbox.Maildir(tmp_path / 'x' / ANNA / 'Maildir', create=False)
    assert sorted(box.list_folders()) == sorted(
        ['Sent', 'Drafts', 'Junk', 'Trash', 'Archive', 'Leer', 'Projekte', 'Projekte.&AMQ-rger v1&AC4-2',
         'Tom &- Co&AC4-'])
    files = sorted((tmp_path / 'x' / ANNA / 'Maildir' / 'cur').iterdir())
    assert sorted(re.sub('[a-z]', '', m.get_flags()) for m in box) == ['', 'DT', 'FS', 'FS', 'R']
    assert {f.read_bytes() for f in files} == set(BODIES)
    assert {int(f.stat().st_mtime) for f in files} >= {883612800, 1609455599}
    with zipfile.ZipFile(tmp_path / 'mbox') as packed:
        names = packed.namelist()
        assert any('Projekte/Ärger v1.2.mbox' in name for name in names), names
        (tmp_path / 'box').write_bytes(packed.read(ANNA + '/INBOX.mbox'))
    read = mailbox.mbox(tmp_path / 'box')
    assert [m.get_flags() for m in read] == ['O', 'ROF', 'OA', 'ODT', 'ROF']
    assert [m['Subject'] for m in read] == ['plain', 'no end', 'bare', 'large', 'plain']
    with zipfile.ZipFile(tmp_path / 'eml') as packed:
        assert packed.read(ANNA + '/INBOX/000003.eml') == BODIES[2]
    # And we ourselves.
    for form, flags in (('maildir', True), ('mbox', True), ('eml', False)):
        into = 'from-' + form
        done = import_mail(instance, CORA, tmp_path / form, '--into=' + into)
        assert (done['added'], done['problems']) == (13, []), form
        folder = into + '/Sent' if form == 'maildir' else '%s/%s/Sent' % (into, ANNA)
        with instance.imap(CORA, folder) as client:
            _, data = client.fetch('1:*', '(FLAGS BODY.PEEK[TEXT])')
            assert b'From here on\r\n>From there\r\n\r\nFrom x' in data[2][1]
            assert (rb'\Flagged' in data[2][0]) == flags


def test_mail_of_other_programs(instance, tmp_path):
    box = mailbox.mbox(tmp_path / 'Work.mbox')
    for i in range(3):
        message = mailbox.mboxMessage('From: a@b.example\nSubject: w%d\n\nFrom me\n' % i)
        message.set_from('x@y', time.gmtime(1000000000 + i))
        message.set_flags('RO' if i else 'O')
        box.add(message)
    box.flush()
    mail = mailbox.Maildir(tmp_path / 'md', create=True)
    mail.add('To: x\nSubject: inbox\n\nbody\n')
    inner = mail.add_folder('Sub.Deep')
    message = mailbox.MaildirMessage('To: x\nSubject: deep\n\nbody\n')
    message.set_flags('FSb')
    message.set_subdir('cur')
    message.set_date(1000000000)
    inner.add(message)
    (tmp_path / 'md' / '.Sub.Deep' / 'dovecot-keywords').write_text('0 one\n1 two\n')
    with zipfile.ZipFile(tmp_path / 'all.zip', 'w', zipfile.ZIP_DEFLATED) as packed:
        packed.write(tmp_path / 'Work.mbox', 'Gesendete Elemente')
        packed.writestr('Notes/1.eml', 'Date: Sun, 22 Nov 2026 14:17:17 +0100\nTo: x\nSubject: eml\n\nx\n')
        packed.writestr('Notes/readme.txt', 'Dear all,\n')
    assert import_mail(instance, DORA, tmp_path / 'Work.mbox')['added'] == 3
    assert import_mail(instance, DORA, tmp_path / 'md')['added'] == 2
    done = import_mail(instance, DORA, tmp_path / 'all.zip')
    assert done['added'] == 4
    assert done['problems'] == [{'where': 'Notes/readme.txt', 'why': 'it holds no mail of a kind that is known here'}]
    found = holds(instance, DORA)
    assert found['Work'][1] == (frozenset({rb'\Seen'}), b'" 9-Sep-2001 01:46:41 +0000"',
                                b'From: a@b.example\r\nSubject: w1\r\n\r\nFrom me\r\n')
    assert found['Sub/Deep'] == [(frozenset({rb'\Seen', rb'\Flagged', b'two'}), b'" 9-Sep-2001 01:46:40 +0000"',
                                  b'To: x\r\nSubject: deep\r\n\r\nbody\r\n')]
    assert [m[2] for m in found['Sent']] == [m[2] for m in found['Work']]
    assert found['Notes'][0][1] == b'"22-Nov-2026 14:17:17 +0100"'
    assert len(found['INBOX']) == 1


def test_what_archives_may_not_do(instance, tmp_path):
    path = tmp_path / 'bad.tar'
    with tarfile.open(path, 'w') as tar:
        def put(name, data=b'', **how):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in how.items():
                setattr(member, key, value)
            tar.addfile(member, io.BytesIO(data))
        put('../../outside.eml', b'To: x\n\n')
        put('/absolute.eml', b'To: x\n\n')
        put('link.eml', type=tarfile.SYMTYPE, linkname='/etc/passwd')
        put('hard.eml', type=tarfile.LNKTYPE, linkname='link.eml')
        put('device', type=tarfile.CHRTYPE)
        put('good/1.eml', b'To: x\nSubject: good\n\n' + b'y' * 3000000)
    done = import_mail(instance, DORA, path, '--into=Bad')
    assert done['added'] == 1
    assert [p['where'] for p in done['problems']] == [
        '../../outside.eml', '/absolute.eml', 'link.eml', 'hard.eml', 'device']
    # An archive that ends too soon: what is whole comes in, and the command fails.
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    cut = instance.run('account', 'import-mail', DORA, str(path))
    assert cut.returncode == 1 and b'broken' in cut.stderr
    # No room, and too large.
    instance.tool('account', 'set', DORA, 'quota=3500000')
    with zipfile.ZipFile(tmp_path / 'full.zip', 'w', zipfile.ZIP_DEFLATED) as packed:
        packed.writestr('1.eml', b'To: x\n\n' + b'z' * 3000000)
        packed.writestr('2.eml', b'To: x\nSubject: fits\n\n')
        packed.writestr('3.eml', b'To: x\n\n' + b'\0' * 55000000)
    full = instance.run('--json', 'account', 'import-mail', DORA, str(tmp_path / 'full.zip'))
    assert full.returncode == 1
    told = json.loads(full.stdout.decode().split('\n')[0])
    assert (told['added'], told['over-quota'], told['too-large']) == (1, 1, 1)
    assert sorted(p['where'] for p in told['problems']) == ['1.eml', '3.eml']
    instance.tool('account', 'set', DORA, 'quota=unlimited')
    with zipfile.ZipFile(tmp_path / 'bomb.zip', 'w', zipfile.ZIP_DEFLATED) as packed:
        packed.writestr('1.eml', b'\0' * 120000000)
    bomb = instance.run('account', 'import-mail', DORA, str(tmp_path / 'bomb.zip'))
    assert bomb.returncode == 1 and b'unpacks to more than 200 times its size' in bomb.stderr
    for arguments in (['nobody@posthouse.example', str(path)], [DORA, str(tmp_path / 'none')]):
        assert instance.run('account', 'import-mail', *arguments).returncode == 1


def test_broken_off_and_repeated(instance, tmp_path):
    """A command that is killed leaves whole batches; the next one brings the rest, once."""
    path = tmp_path / 'Many.mbox'
    with open(path, 'wb') as f:
        for i in range(4000):
            f.write(b'From x@y Sun Nov 22 14:17:17 2026\nTo: x\nSubject: %d\n\n%s\n\n' % (i, b'x' * 500))
    command = subprocess.Popen([instance.binary, '--dir', str(instance.dir), 'account', 'import-mail', CORA, str(path)],
                               env=instance.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with instance.imap(CORA) as client:
        support.wait_for('some of it', lambda: client.status('Many', '(MESSAGES)')[0] == 'OK')
    command.send_signal(signal.SIGKILL)
    command.wait()
    support.wait_for('the former import to end', lambda: instance.run(
        'account', 'import-mail', CORA, str(path)).returncode == 0)
    with instance.imap(CORA) as client:
        assert client.select('Many')[1] == [b'4000']
        _, data = client.fetch('1:*', '(BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
        assert [int(d[1].split(b':')[1]) for d in data if isinstance(d, tuple)] == list(range(4000))


def test_the_page(instance):
    def visit(address):
        visitor = browser.Browser(instance.ports['https'])
        visitor.sign_in(address, instance.passwords[address])
        return visitor

    anna = visit(ANNA)
    archive = anna.get('/settings/data/export?format=archive')
    assert archive.status == 200 and archive.headers['content-type'] == 'application/gzip'
    assert 'anna%40posthouse' in archive.headers['content-disposition'] and archive.body[:2] == b'\x1f\x8b'
    assert anna.get('/settings/data/export?format=x').status == 400
    assert b'Status: O' in zipfile.ZipFile(io.BytesIO(anna.get('/settings/data/export?format=mbox').body)).read(ANNA + '/INBOX.mbox')

    def upload(visitor, name, data, **change):
        visitor.get('/settings/data')
        return visitor.submit('folder', files=[('file', name, 'application/octet-stream', data)], change=change)

    emil = visit(EMIL)
    assert '13 messages were imported.' in upload(emil, 'a.tar.gz', archive.body).words
    assert holds(instance, EMIL) == holds(instance, ANNA)
    assert '0 messages were imported. 13 were there already.' in upload(emil, 'a.tar.gz', archive.body).words
    chosen = re.search(r'value="([0-9a-f]+)">Archive<', emil.get('/settings/data').text).group(1)
    assert '1 messages were imported.' in upload(emil, 'x.eml', b'To: x\nSubject: eml\n\n' + b'y' * 300000, folder=chosen).words
    assert len(holds(instance, EMIL)['Archive']) == 1
    page = upload(emil, 'a.tar.gz', archive.body[:len(archive.body) // 2])
    assert 'could not be read to its end' in page.words, page.words
    page = upload(emil, 'notes', b'Dear all,')
    assert '0 messages were imported. Left out: notes: it holds no mail' in page.words
    assert upload(emil, '', b'').status == 422
    assert 'There is no such folder' in upload(emil, 'x.eml', b'To: x\n\n', folder='ffff').words
    assert 'Mail was exported' in anna.get('/settings/log').words

    # Much is taken only from who was shown the page.
    other = visit(BERT)
    token = other.get('/settings/sending').form('web').values()
    much = [('file', 'x.eml', 'text/plain', b'To: x\n\n' + b'y' * 300000)]
    head = {'Content-Type': 'multipart/form-data; boundary=x', 'Content-Length': '300000'}
    assert other.send('POST', '/settings/data', b'', head).status == 413
    other.get('/settings/data')
    assert '1 messages were imported.' in other.post('/settings/data', [f for f in token if f[0] == 'token'], much).words
