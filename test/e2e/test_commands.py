"""test_commands.py - the command line against a running instance: what it prints, and its exit codes."""
import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import time

import pytest
import support

MAIL = 'Subject: hello\nFrom: <a@elsewhere.example>\n\nHello\n'


@pytest.fixture(scope='module')
def instance():
    with support.Instance() as made:
        made.tool('domain', 'add', 'example.org')
        made.domains.add('example.org')
        yield made


def fails(instance, *arguments, code=1, stdin=None):
    done = instance.run(*arguments, stdin=stdin)
    assert done.returncode == code, done
    return done.stderr.decode()


def addresses(instance, *arguments):
    return [row['address'] for row in json.loads(
        instance.tool('account', 'list', *arguments, '--json'))]


def test_domains(instance):
    instance.tool('domain', 'add', 'Other.Example')
    assert 'other.example' in instance.tool('domain', 'list').split()
    assert {'domain': 'other.example'} in json.loads(instance.tool('domain', 'list', '--json'))
    assert 'posthouse: ' in fails(instance, 'domain', 'add', 'other.example')
    done = instance.run('domain', 'add', 'other.example', '--json')
    assert json.loads(done.stdout)['error']['code'] == 'EXISTS'


def test_accounts(instance):
    instance.tool('account', 'add', 'add@example.org', stdin='one\none\n')
    assert 'add@example.org' in instance.tool('account', 'list', 'example.org')
    assert addresses(instance, 'nowhere.example') == []
    fails(instance, 'account', 'add', 'add@example.org', stdin='one\none\n')
    fails(instance, 'account', 'add', 'x@elsewhere.example', stdin='one\none\n')
    instance.tool('account', 'delete', 'add@example.org')
    assert 'add@example.org' not in addresses(instance)
    fails(instance, 'account', 'delete', 'add@example.org')


@pytest.mark.parametrize('stdin', ['one\ntwo\n', 'one\n', '\n\n', '', 'x' * 1001 + '\n'])
def test_passwords_must_come_twice(instance, stdin):
    fails(instance, 'account', 'add', 'twice@example.org', stdin=stdin)
    assert 'twice@example.org' not in addresses(instance)


def test_passwd(instance):
    instance.tool('account', 'add', 'pw@example.org', stdin='first\nfirst\n')
    instance.tool('account', 'passwd', 'pw@example.org', stdin='second\nsecond\n')
    for password, works in (('second', True), ('first', False)):
        instance.passwords['pw@example.org'] = password
        if works:
            instance.imap('pw@example.org').logout()
        else:
            with pytest.raises(support.imaplib.IMAP4.error):
                instance.imap('pw@example.org')
    assert 'no account' in fails(instance, 'account', 'passwd', 'no@example.org', stdin='a\na\n')
    made = instance.tool('account', 'passwd', '--random', 'pw@example.org').strip()
    instance.passwords['pw@example.org'] = made
    instance.imap('pw@example.org').logout()


def test_import(instance):
    sha = subprocess.run(['openssl', 'passwd', '-6', 'hashed'], capture_output=True, text=True,
                         check=True).stdout.strip()
    lines = ['# a comment', '', 'i1@example.org\tclear', 'i2@example.org\t{SHA512-CRYPT}' + sha,
             'i3@example.org\t{PLAIN}{brace', 'i4@example.org\tx\t1000', 'no-tab',
             'i5@example.org\t{FOO}bar', 'i6@example.org\tx\tmuch', 'i7@elsewhere.example\tx']
    done = instance.run('account', 'import', '--fast', '--json', '-', stdin='\n'.join(lines))
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert (said['added'], said['existing'], said['failed']) == (4, 0, 4)
    assert [f['line'] for f in sorted(said['failures'], key=lambda f: f['line'])] == [7, 8, 9, 10]
    assert 'i5@example.org' not in addresses(instance)  # its hash was refused
    for address, password in (('i1', 'clear'), ('i2', 'hashed'), ('i3', '{brace')):
        instance.passwords[address + '@example.org'] = password
        instance.imap(address + '@example.org').logout()
    again = instance.tool('account', 'import', '-', stdin='i1@example.org\tother\n')
    assert again == 'added 0, updated 0, left as they were 1, failed 0\n'
    instance.tool('account', 'import', '--update', '--fast', '-', stdin='i1@example.org\tother\n')
    instance.passwords['i1@example.org'] = 'other'
    instance.imap('i1@example.org').logout()


def test_import_of_thousands(instance):
    text = ''.join('many%05d@example.org\tpw%d\n' % (i, i) for i in range(3500))
    assert instance.tool('account', 'import', '--fast', '-', stdin=text).startswith('added 3500,')
    assert sum(a.startswith('many') for a in addresses(instance)) == 3500


def test_aliases(instance):
    instance.tool('alias', 'add', 'info@example.org', 'a@example.org', 'b@elsewhere.example')
    assert 'info@example.org  b@elsewhere.example' in instance.tool('alias', 'list')
    instance.tool('alias', 'delete', 'info@example.org', 'a@example.org')
    assert json.loads(instance.tool('alias', 'list', 'example.org', '--json')) == [
        {'alias': 'info@example.org', 'target': 'b@elsewhere.example'}]
    instance.tool('alias', 'delete', 'info@example.org')
    assert instance.tool('alias', 'list', '--json') == '[]\n'
    fails(instance, 'alias', 'delete', 'info@example.org')


def test_deliver(instance, tmp_path):
    instance.add_accounts(['deliver@example.org'])
    instance.tool('deliver', 'deliver@example.org', stdin=MAIL)
    (tmp_path / 'mail').write_text(MAIL.replace('hello', 'from a file'))
    instance.tool('deliver', '--mailbox', 'Archive', 'deliver+tag@example.org', str(tmp_path / 'mail'))
    assert json.loads(instance.tool('deliver', '--json', 'deliver@example.org', stdin=MAIL))['uid'] == 2
    client = instance.imap('deliver@example.org')
    assert support.subjects(client) == ['hello', 'hello']
    assert support.subjects(client, 'Archive') == ['from a file']
    assert client.fetch('1', 'BODY.PEEK[TEXT]')[1][0][1] == b'Hello\r\n'
    client.logout()
    fails(instance, 'deliver', '--mailbox', 'No', 'deliver@example.org', stdin=MAIL)
    fails(instance, 'deliver', 'nobody@example.org', stdin=MAIL)
    fails(instance, 'deliver', 'deliver@example.org', str(tmp_path / 'missing'))


def test_relative_files_are_the_users(instance, tmp_path):
    """The current directory of the caller counts, not DIR, and DIR may be relative, too."""
    instance.add_accounts(['relative@example.org'])
    (tmp_path / 'mail').write_text(MAIL)
    (tmp_path / 'dir').symlink_to(instance.dir)
    done = subprocess.run([instance.binary, '--dir', 'dir', 'deliver', 'relative@example.org', 'mail'],
                          cwd=tmp_path, env=instance.env, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_check(instance):
    instance.add_accounts(['check@example.org'])
    instance.tool('deliver', 'check@example.org', stdin=MAIL)
    row = json.loads(instance.tool('check', 'check@example.org', '--json'))[0]
    assert (row['messages'], row['problems']) == (1, 0)
    assert 'check@example.org' in instance.tool('check', 'check@example.org')
    assert 'no such account' in instance.run('check', 'x@example.org').stdout.decode()
    assert instance.run('check', 'x@example.org').returncode == 4


def test_status(instance):
    said = json.loads(instance.tool('status', '--json'))
    assert [p['role'] for p in said['processes']][0] == 'supervisor'
    assert said['host_name'] == support.HOST and said['generation'] == 1
    text = instance.tool('status')
    assert 'posthouse: ' not in text and 'keeper' in text and 'seccomp on' in text


def test_the_environment_names_the_instance(instance):
    done = subprocess.run([instance.binary, 'domain', 'list'], capture_output=True,
                          env=dict(instance.env, POSTHOUSE_DIR=str(instance.dir)))
    assert b'example.org' in done.stdout


def test_check_without_a_server():
    made = support.Instance()
    try:
        made.start()
        made.add_accounts(['off@example.org'])
        made.tool('deliver', 'off@example.org', stdin=MAIL)
        made.stop()
        row = json.loads(made.tool('check', '--json'))[0]
        assert (row['address'], row['messages'], row['problems']) == ('off@example.org', 1, 0)
        owners = {p.stat().st_uid for p in (made.dir / 'mail').rglob('*')}
        assert owners == {(made.dir / 'mail').stat().st_uid}
        made.start()  # and what was checked still serves
        made.check()
    finally:
        made.stop()
        made.remove()


def test_nothing_is_running(tmp_path):
    made = support.Instance(directory=pathlib.Path(tmp_path))
    for arguments in (('status',), ('stop',), ('reload',), ('upgrade',), ('domain', 'list')):
        assert 'nothing is running' in fails(made, *arguments, code=3)


def totp(arguments, stdin, home, code=0):
    done = subprocess.run([support.BINARY, 'totp', *arguments], input=stdin.encode(),
                          env={'HOME': str(home)}, capture_output=True)
    assert done.returncode == code, done
    return done.stdout.decode()


def rfc6238(secret, at, digits=6):
    mac = hmac.digest(secret, (int(at) // 30).to_bytes(8, 'big'), hashlib.sha1)
    number = int.from_bytes(mac[mac[19] & 15:][:4], 'big') & 0x7fffffff
    return str(number)[-digits:].zfill(digits)


def test_totp_keeps_secrets(tmp_path):
    secret = b'secret of the staff!'
    text = base64.b32encode(secret).decode()
    uri = tmp_path / 'uri'
    uri.write_text('otpauth://totp/Example:me?secret=%s&digits=8&issuer=Example\n' % text)
    totp(['add', 'one'], 'pass\npass\n%s\n' % text.lower(), tmp_path)
    totp(['add', 'two', str(uri)], 'pass\n', tmp_path)
    kept = tmp_path / '.posthouse-totp'
    assert kept.stat().st_mode & 0o777 == 0o600
    assert text.encode() not in kept.read_bytes() and secret not in kept.read_bytes()
    assert b'two' not in kept.read_bytes()
    assert totp(['list'], 'pass\n', tmp_path).split() == ['NAME', 'one', 'two']
    for name, digits in ('one', 6), ('two', 8):
        before = time.time()
        code = json.loads(totp(['code', name, '--json'], 'pass\n', tmp_path))['code']
        assert code in {rfc6238(secret, at, digits) for at in (before, time.time())}
    totp(['remove', 'one'], 'pass\n', tmp_path)
    assert json.loads(totp(['list', '--json'], 'pass\n', tmp_path)) == [{'name': 'two'}]


def test_totp_refuses(tmp_path):
    totp(['list'], 'pass\n', tmp_path, code=1)
    totp(['add', 'one'], 'pass\nother\nMY\n', tmp_path, code=1)
    totp(['add', 'one'], 'pass\npass\nM!\n', tmp_path, code=1)
    kept = tmp_path / '.posthouse-totp'
    assert not kept.exists()
    totp(['add', 'one'], 'pass\npass\nMY\n', tmp_path)
    totp(['add', 'one'], 'pass\nMZ\n', tmp_path, code=1)
    totp(['code', 'two'], 'pass\n', tmp_path, code=1)
    totp(['code', 'one'], 'wrong\n', tmp_path, code=1)
    kept.chmod(0o644)
    totp(['code', 'one'], 'pass\n', tmp_path, code=1)
    kept.chmod(0o600)
    damaged = bytearray(kept.read_bytes())
    damaged[-1] ^= 1
    kept.write_bytes(damaged)
    totp(['code', 'one'], 'pass\n', tmp_path, code=1)
