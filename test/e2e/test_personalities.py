"""test_personalities.py - writing as somebody elsewhere: by that address's own server, with its login, and only
after it took one; what it cannot be used for; and that a password never comes back."""
import contextlib
import json
import re
import smtplib
import sqlite3
import ssl
import subprocess

import pytest

import browser
import names as dns_server
import receivers
import support
from support import message, wait_for

ALICE, BOB = 'alice@posthouse.example', 'bob@posthouse.example'
ELSE, HOST = 'alice@else.example', 'smtp.else.example'
ADDRESS = '127.0.0.21'
LOGIN = ('alice', 'pw with "signs" \N{EURO SIGN}')


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """An instance, a provider elsewhere (TLS at once, STARTTLS, and one that nobody vouches for), a receiver."""
    folder = tmp_path_factory.mktemp('else')
    for above in [folder, *list(folder.parents)[:3]]:  # for the courier's user
        above.chmod(above.stat().st_mode | 0o055)
    contexts = [context_of(folder / n, names) for n, names in (
        ('good', 'DNS:%s,IP:%s' % (HOST, ADDRESS)), ('unknown', 'DNS:' + HOST), ('other', 'DNS:%s,IP:127.0.0.99' % HOST))]
    with open(folder / 'good.pem', 'a') as trusted:
        trusted.write((folder / 'other.pem').read_text())
    names, (port, tls, starttls, unknown, other) = dns_server.Names(), support.free_ports(5)
    names.names[HOST] = [ADDRESS]
    fleet = receivers.Fleet(names, port)
    instance = support.Instance(names.settings() + (
        'courier = { smtp_port = %d; retry = "1s"; patience = "5 s"; connect = "2 s"; ca_file = "%s";\n'
        ' private = true; };\ndnssec = { validate = "off"; };\n') % (port, folder / 'good.pem'))
    with contextlib.ExitStack() as stack:
        stack.callback(names.close)
        stack.callback(fleet.close)
        add = lambda port, **more: receivers.Receiver(ADDRESS, port, HOST, login=LOGIN, **more)
        instance.provider = add(tls, tls=contexts[0], implicit=True)
        instance.starttls = add(starttls, tls=contexts[0], logins=['LOGIN'])
        instance.unknown = add(unknown, tls=contexts[1], implicit=True)
        instance.elsewhere = add(other, tls=contexts[2], implicit=True)
        for r in (instance.provider, instance.starttls, instance.unknown, instance.elsewhere):
            stack.callback(r.close)
        instance.ports_else = {'tls': tls, 'starttls': starttls, 'unknown': unknown, 'other': other}
        instance.other, instance.names = fleet.add('third.example'), names
        stack.enter_context(instance)
        instance.add_accounts([ALICE, BOB])
        yield instance


def context_of(path, names):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '%s.key' % path,
                    '-out', '%s.pem' % path, '-days', '9', '-subj', '/CN=' + HOST, '-addext',
                    'subjectAltName=' + names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('%s.pem' % path, '%s.key' % path)
    return context


@pytest.fixture
def alice(world):
    b = browser.Browser(world.ports['https'])
    assert b.sign_in(ALICE, world.passwords[ALICE]).status == 200
    return b


def save(b, at, **change):
    values = {'name': 'Alice E.', 'address': ELSE, 'reply_to': 'replies@else.example', 'bcc': '',
              'signature': 'A. from elsewhere', 'host': HOST, 'port': str(at), 'security': 'tls',
              'login': LOGIN[0], 'password': LOGIN[1]}
    page = b.get('/settings/personalities' + ('?id=' + change.pop('id') if 'id' in change else ''))
    return b.submit('do', 'save', dict(values, **change), form=page.form('security'))


def press(b, what, address=ELSE):
    number = id_of(b, address)
    forms = [f for f in b.page.read.forms if ('do', what) in f.buttons and ('id', number) in f.values()]
    return b.submit('do', what, form=forms[0])


def id_of(b, address=ELSE):
    return re.search(r'<td>%s.*?[?]id=(\w+)' % re.escape(address), b.get('/settings/personalities').text,
                     re.S).group(1)


def submit(world, sender, recipients, subject, author=None, user=ALICE):
    with world.submission(user) as client:
        client.sendmail(sender, recipients, message(subject, author or sender))


def has_secret(world):
    """Whether the password lies anywhere but in the courier's own file, and whether there."""
    found = [p for p in world.dir.rglob('*') if p.is_file() and LOGIN[1].encode() in p.read_bytes()]
    assert all(p.parent.name == 'courier' and p.name.startswith('external.db') for p in found), found
    return bool(found)


def test_from_its_beginning_to_its_end(world, alice):
    tls = world.ports_else['tls']
    # Not before its server has taken a login.
    assert 'Saved' in save(alice, tls, password='wrong').words
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError)):
        submit(world, ELSE, ['x@third.example'], 'too early')
    assert ELSE not in alice.get('/mail/write').text
    page = press(alice, 'test')
    assert page.status == 422 and 'wrong name or password' in page.words
    page = save(alice, tls, id=id_of(alice))
    assert 'Saved' in page.words and LOGIN[1] not in page.text and 'not tested yet' in page.words
    page = press(alice, 'test')
    assert 'took the login' in page.words and 'not tested yet' not in page.words
    assert has_secret(world)

    # By the form: name, replies, signature; to somebody elsewhere and to somebody here.
    page = alice.get('/mail/write?from=' + ELSE)
    assert 'A. from elsewhere' in page.text and re.search('<option selected>%s' % ELSE, page.text)
    page = alice.submit('do', 'send', {'to': 'x@third.example, ' + BOB, 'subject': 'by form', 'from': ELSE,
                                       'body': 'hello'}, form=page.form('subject'))
    assert 'was sent' in page.words
    wait_for('it', lambda: world.provider.got(BOB))
    for m in world.provider.messages:
        assert m.sender == ELSE and m.is_tls and m.header('From') == '"Alice E." <%s>' % ELSE
        assert m.header('Reply-To') == 'replies@else.example' and m.header('DKIM-Signature') is None
    assert world.provider.got('x@third.example') and not world.other.messages
    bob = world.imap(BOB, 'INBOX')
    assert 'by form' not in support.subjects(bob)  # that is the provider's to bring

    # By a mail program; From and the envelope must be the same, and it is nobody else's.
    submit(world, ELSE, ['y@third.example'], 'by program')
    wait_for('it', lambda: world.provider.got('y@third.example'))
    with pytest.raises(smtplib.SMTPDataError, match="%s must be the envelope's sender, too" % ELSE):
        submit(world, ALICE, [BOB], 'forged', ELSE, ALICE)
    for sender, author, user in ((ELSE, ELSE, BOB), (BOB, ELSE, BOB)):
        with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError)):
            submit(world, sender, [BOB], 'forged', author, user)
    submit(world, ALICE, ['z@third.example'], 'own')
    wait_for('its usual way', lambda: world.other.got('z@third.example'))

    # Its password was changed there: the sender hears of it here.
    world.provider.login = (LOGIN[0], 'another')
    submit(world, ELSE, ['v@third.example'], 'bounced')
    inbox = world.imap(ALICE, 'INBOX')
    wait_for('the report', lambda: inbox.noop() and support.subjects(inbox))
    text = inbox.fetch(b'1', '(BODY[])')[1][0][1].decode()
    assert 'the login was refused' in text and 'v@third.example' in text
    page = press(alice, 'test')
    assert page.status == 422
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError)):
        submit(world, ELSE, ['v@third.example'], 'no longer proven')
    world.provider.login = LOGIN

    # The password goes nowhere else: another server needs it anew, and has to be tested.
    starttls = world.ports_else['starttls']
    page = save(alice, starttls, id=id_of(alice), security='starttls', password='')
    assert page.status == 422 and 'password is needed' in page.words
    assert press(alice, 'test').status == 422 and not world.starttls.commands
    save(alice, starttls, id=id_of(alice), security='starttls')
    assert 'took the login' in press(alice, 'test').words
    submit(world, ELSE, ['s@third.example'], 'with STARTTLS and LOGIN')
    wait_for('it', lambda: world.starttls.got('s@third.example'))
    assert world.starttls.messages[0].is_tls

    # Removed: so is the password, and what still waits comes back.
    alice.get('/settings/personalities')
    assert 'was removed' in press(alice, 'remove').words
    wait_for('it to be forgotten', lambda: not has_secret(world))
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError)):
        submit(world, ELSE, ['x@third.example'], 'gone')


def test_what_is_refused(world, alice):
    tls = world.ports_else['tls']
    for change, want in (({'address': BOB}, 'not your address'), ({'address': 'x'}, ''),
                         ({'address': ALICE}, 'leaves from here'), ({'host': ''}, 'needs the server'),
                         ({'host': 'localhost'}, 'full name'), ({'port': '0'}, 'full name'),
                         ({'port': 'x'}, 'full name'), ({'login': ''}, 'full name'),
                         ({'password': ''}, 'password is needed'),
                         ({'reply_to': 'a b c'}, 'complete address'), ({'bcc': 'x@'}, 'complete address')):
        page = save(alice, tls, **dict({'address': 'other@else.example'}, **change))
        assert page.status == 422 and want in page.words, (change, page.words)
        assert LOGIN[1] not in page.text
    # Nobody vouches for this one: the password is not said to it.
    page = save(alice, world.ports_else['unknown'], address='unknown@else.example')
    assert press(alice, 'test', 'unknown@else.example').status == 422
    assert not [c for c in world.unknown.commands if c.startswith('AUTH')]
    # Another account's cannot be tested or removed.
    theirs = id_of(alice, 'unknown@else.example')
    bob = browser.Browser(world.ports['https'])
    bob.sign_in(BOB, world.passwords[BOB])
    token = dict(bob.get('/settings/personalities').form('security').values())['token']
    for what in ('test', 'save'):
        page = bob.post('/settings/personalities', [('token', token), ('id', theirs), ('do', what),
                                                    ('address', 'z@else.example'), ('host', HOST),
                                                    ('port', '1'), ('login', 'x'), ('password', 'y')])
        assert page.status == 404, what
    bob.post('/settings/personalities', [('token', token), ('id', theirs), ('do', 'remove')])
    assert 'unknown@else.example' in alice.get('/settings/personalities').words


def test_an_account_that_goes_takes_it_along(world):
    address = 'carl@posthouse.example'
    world.add_accounts([address])
    b = browser.Browser(world.ports['https'])
    b.sign_in(address, world.passwords[address])
    save(b, world.ports_else['tls'], address='carl@else.example')
    files = lambda: sqlite3.connect('file:%s?mode=ro' % (world.dir / 'courier' / 'external.db'), uri=True)
    count = lambda: files().execute('SELECT count(*) FROM server').fetchone()[0]
    before = count()
    assert before
    world.tool('account', 'delete', address)
    wait_for('its end', lambda: count() == before - 1, 60)


def test_an_own_address(world, alice):
    """Name and signature of mail that leaves from here."""
    assert 'Saved' in save(alice, '', address=ALICE, host='', login='', password='', bcc='', reply_to='').words
    page = alice.get('/mail/write')
    assert 'A. from elsewhere' in page.text
    alice.submit('do', 'send', {'to': 'o@third.example', 'subject': 'own name'}, form=page.form('subject'))
    wait_for('it', lambda: world.other.got('o@third.example'))
    assert world.other.got('o@third.example')[0].header('From') == '"Alice E." <%s>' % ALICE
    assert json.loads(world.tool('--json', 'queue', 'status'))['messages'] == 0


def test_by_its_address(world, alice):
    """A server without a name: its certificate must be for the address."""
    save(alice, world.ports_else['other'], address='ip@else.example', host=ADDRESS)
    assert press(alice, 'test', 'ip@else.example').status == 422
    assert not [c for c in world.elsewhere.commands if c.startswith('AUTH')]
    save(alice, world.ports_else['tls'], id=id_of(alice, 'ip@else.example'), address='ip@else.example', host='[%s]' % ADDRESS)
    assert 'took the login' in press(alice, 'test', 'ip@else.example').words
    submit(world, 'ip@else.example', ['ip@third.example'], 'by address')
    wait_for('it', lambda: world.provider.got('ip@third.example'))


def test_a_draft_keeps_its_sender(world, alice):
    page = alice.get('/mail/write')
    page = alice.submit('do', 'save', {'to': BOB, 'from': 'ip@else.example', 'subject': 'draft'}, form=page.form('subject'))
    assert 'draft was saved' in page.words and '<option selected>ip@else.example' in page.text
    assert '<option selected>ip@else.example' in alice.get(page.url).text
    alice.get('/settings/personalities')
    press(alice, 'remove', 'ip@else.example')
    assert 'ip@else.example' not in alice.get(page.url).text


def kept(world, folder):
    client = world.imap(ALICE)
    found = support.subjects(client, folder)
    client.logout()
    return found


def test_where_copies_go(world, alice):
    with world.imap(ALICE) as client:
        client.create('Work')
    page = alice.get('/settings/personalities')
    work = re.search('<option value="([0-9a-f]+)">Work</option>', page.text).group(1)
    values = dict(address=ALICE, host='', login='', password='', bcc='', reply_to='', signature='', sent=work)
    values.update({'id': id_of(alice, ALICE)} if ALICE in page.read.words else {})
    assert 'Saved' in save(alice, '', **values).words
    assert 'value="%s" selected' % work in alice.get('/settings/personalities?id=' + id_of(alice, ALICE)).text

    def write(subject):
        page = alice.get('/mail/write')
        alice.submit('do', 'send', {'to': BOB, 'subject': subject}, form=page.form('subject'))

    def keep():
        page = alice.get('/settings/sending')
        assert 'Saved' in alice.submit(None, change={'keep': 'yes'}, form=page.form('keep')).words
    write('with the form')
    assert kept(world, 'Work') == ['with the form'] and 'with the form' not in kept(world, 'Sent')
    keep()
    submit(world, ALICE, [BOB], 'by program')
    wait_for('the copy', lambda: kept(world, 'Work') == ['with the form', 'by program'])

    # The program's own copy takes the place of that; another message of the same id does not.
    def both(subject, after, folder='Work', change=lambda text: text):
        text = message(subject, ALICE)
        with world.submission(ALICE) as client, world.imap(ALICE) as store:
            if after:
                client.sendmail(ALICE, [BOB], text)
                wait_for('the copy', lambda: subject in kept(world, 'Work'))
            store.append(folder, '(\\Seen)', None, change(text).encode())
            if not after:
                client.sendmail(ALICE, [BOB], text)
    both('after', True)
    assert kept(world, 'Work') == ['with the form', 'by program', 'after']
    with world.imap(ALICE, 'Work') as client:
        assert b'Received' not in client.fetch('3', '(BODY[HEADER])')[1][0][1]
    both('before', False)
    submit(world, ALICE, [BOB], 'a mark')
    wait_for('what is later', lambda: 'a mark' in kept(world, 'Work'))
    assert kept(world, 'Work') == ['with the form', 'by program', 'after', 'before', 'a mark']
    both('other subject', True, change=lambda text: text.replace('other subject', 'another'))
    both('other folder', True, folder='Drafts')
    assert kept(world, 'Work')[5:] == ['other subject', 'another', 'other folder']

    # Its folder is gone: the usual one has them.
    with world.imap(ALICE) as client:
        assert client.delete('Work')[0] == 'OK'
    before = len(kept(world, 'Sent'))
    write('with the form, later')
    submit(world, ALICE, [BOB], 'by program, later')
    wait_for('the copy', lambda: kept(world, 'Sent')[before:] == ['with the form, later', 'by program, later'])
