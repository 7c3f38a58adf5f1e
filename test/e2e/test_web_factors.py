"""test_web_factors.py - second factors, recovery and forgotten passwords in the pages."""
import base64
import hashlib
import hmac
import re
import struct
import time

import pytest

import browser
import support
from test_web_mail import stored


@pytest.fixture
def alice(shared, accounts):
    b = browser.Browser(shared.ports['https'])
    b.address, b.password = accounts[0], shared.passwords[accounts[0]]
    assert 'Inbox' in b.sign_in(b.address, b.password).words
    return b


def totp(secret, step=0):
    key = base64.b32decode(secret + '=' * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack('>Q', int(time.time()) // 30 + step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return '%06d' % ((struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 10 ** 6)


def button(page, name, value):
    return [f for f in page.read.forms if (name, value) in f.buttons][0]


def turn_on(b):
    """An authenticator app; its secret and the recovery codes."""
    page = b.get('/settings/factors')
    page = b.submit('kind', 'totp', form=button(page, 'kind', 'totp'))
    secret = page.text.split('class="secret">')[1].split('<')[0]
    picture = [a['src'] for t, a in page.read.tags if t == 'img' and a['src'].startswith('data:')][0]
    assert b'<svg' in base64.b64decode(picture.split(',')[1])
    page = b.submit('do', 'confirm', {'code': '000000'}, form=button(page, 'do', 'confirm'))
    assert page.status in (403, 422) and 'errors' in page.read.ids
    page = b.submit('do', 'confirm', {'code': totp(secret)}, form=button(page, 'do', 'confirm'))
    codes = re.findall('<li>([^<]+)</li>', page.text.split('class="codes')[1].split('</ul>')[0])
    assert len(codes) == 10
    return secret, codes


def test_totp_from_begin_to_end(shared, alice):
    secret, codes = turn_on(alice)
    page = alice.get('/settings/factors')
    assert 'Authenticator app' in page.words and codes[0] not in page.text
    with pytest.raises(Exception):
        shared.imap(alice.address)
    b = browser.Browser(shared.ports['https'])
    page = b.sign_in(alice.address, alice.password)
    assert page.url.startswith('/signin/factor') and 'One more step' in page.words
    for path in ('/mail', '/settings', '/settings/password', '/admin'):
        reply = b.send('GET', path)
        assert reply.status == 303 and reply.headers['location'] == '/signin/factor', path
    b.get('/signin/factor')
    pending = b.cookies['__Host-session']
    for code in ('', 'x', '000000', totp(secret)):  # the last one was used to turn it on
        page = b.submit('code', change={'code': code}, form=b.page.form('code'))
        assert page.status in (403, 422) and 'errors' in page.read.ids, code
    page = b.submit('code', change={'code': totp(secret, 1)}, form=b.page.form('code'))
    assert 'Inbox' in page.words and b.cookies['__Host-session'] != pending
    other = browser.Browser(shared.ports['https'])
    other.cookies['__Host-session'] = pending
    assert other.send('GET', '/mail').status == 303
    # a code of the paper, once
    for expected in (200, 403):
        c = browser.Browser(shared.ports['https'])
        c.sign_in(alice.address, alice.password)
        page = c.submit('code', change={'code': codes[3], 'kind': 'recovery'}, form=c.page.form('code'))
        assert page.status == expected
    page = alice.get('/settings/factors')
    page = alice.submit('do', 'remove', form=button(page, 'do', 'remove'))
    assert 'was removed' in page.words
    assert 'Inbox' in browser.Browser(shared.ports['https']).sign_in(alice.address, alice.password).words
    text = alice.get('/settings/log').words
    for line in ('Second factor added', 'Wrong second factor', 'Second factor removed'):
        assert line in text


def test_new_recovery_codes(alice):
    _, codes = turn_on(alice)
    page = alice.submit('do', 'codes', form=button(alice.get('/settings/factors'), 'do', 'codes'))
    fresh = re.findall('<li>([^<]+)</li>', page.text.split('class="codes')[1].split('</ul>')[0])
    assert len(fresh) == 10 and not set(fresh) & set(codes)


def test_a_key_needs_the_script_and_says_so(alice):
    page = alice.submit('kind', 'key', form=button(alice.get('/settings/factors'), 'kind', 'key'))
    scripts = [a for t, a in page.read.tags if t == 'script']
    assert len(scripts) == 1 and scripts[0]['src'].startswith('/static/key.js')
    policy = page.headers['content-security-policy']
    assert "script-src 'self'" in policy and 'unsafe' not in policy
    form = [a for t, a in page.read.tags if t == 'form' and a.get('id') == 'key-form'][0]
    assert '"challenge"' in form['data-options']
    page = alice.submit('assertion', change={'assertion': '{}'}, form=page.form('assertion'))
    assert page.status in (403, 422)
    b = browser.Browser(alice.port)
    page = b.get('/signin/passkey')
    assert '"challenge"' in [a for t, a in page.read.tags if t == 'form'][0]['data-options']
    assert b.submit('assertion', change={'assertion': '{}'}, form=page.form('assertion')).status in (403, 422, 503)


def mails(shared, address, n):
    """The plain texts of a mailbox that gets n messages."""
    support.wait_for('%d mails' % n, lambda: len(stored(shared, address)) >= n)
    return [m.get_body(('plain',)).get_content() for m in stored(shared, address)]


def recovery_address(shared, b, address):
    """Set and confirmed; the mailbox was empty."""
    page = b.get('/settings/recovery')
    b.submit('do', 'set', {'address': address}, form=page.form('address'))
    code = re.search(r'/settings/recovery\?code=(\S+)', mails(shared, address, 1)[0]).group(1)
    page = b.get('/settings/recovery?code=' + code)
    assert 'In use' in b.submit('do', 'confirm', form=page.form('code')).words


def test_recovery_address_and_reset(shared, alice, accounts):
    """Bob's mailbox is Alice's recovery address."""
    bob = accounts[1]
    for address in ('', 'nonsense', alice.address):
        alice.get('/settings/recovery')
        page = alice.submit('do', 'set', {'address': address}, form=alice.page.form('address'))
        assert page.status == 422 and 'errors' in page.read.ids
    alice.get('/settings/recovery')
    page = alice.submit('do', 'set', {'address': bob}, form=alice.page.form('address'))
    assert bob in page.words and 'waits' in page.words
    code = re.search(r'/settings/recovery\?code=(\S+)', mails(shared, bob, 1)[0]).group(1)
    page = alice.submit('do', 'confirm', {'code': 'wrong'}, form=page.form('code'))
    assert page.status in (403, 404, 422) and 'errors' in page.read.ids
    page = alice.get('/settings/recovery?code=' + code)
    page = alice.submit('do', 'confirm', form=page.form('code'))
    assert 'In use' in page.words and bob in page.words
    # forgotten: the same words for everybody
    b = browser.Browser(shared.ports['https'])
    texts = set()
    for user in ('', 'nobody'):
        b.get('/reset')
        assert b.submit('user', change={'user': user}).status == 422
    for user in ('nobody@nowhere.example', alice.address):
        b.get('/reset')
        texts.add(b.submit('user', change={'user': user}).words)
    assert len(texts) == 1 and 'on its way' in texts.pop()
    link = [text for text in mails(shared, bob, 2) if '/reset/' in text][0]
    assert 'https://www.%s/reset/new?code=' % shared.host in link
    path = re.search(r'(/reset/new\?code=\S+)', link).group(1)
    new = 'the post comes at noon'
    page = b.get(path)
    for kind in ('sms', 'key'):
        page = b.submit('kind', kind, form=button(page, 'kind', kind))
        assert page.status == 422 and 'no such second factor' in page.words
    for change in ({'after': ''}, {'after': new, 'again': 'x'}, {'after': 'short', 'again': 'short'}):
        page = b.get(path)
        page = b.submit('after', change=dict({'user': alice.address}, **change), form=page.form('after'))
        assert page.status in (403, 422) and 'errors' in page.read.ids, change
    page = b.get(path)
    page = b.submit('after', change={'user': alice.address, 'after': new, 'again': new}, form=page.form('after'))
    assert 'Sign in with the new one' in page.words
    assert alice.send('GET', '/mail').status == 303
    assert 'Inbox' in browser.Browser(shared.ports['https']).sign_in(alice.address, new).words
    page = b.get(path)
    page = b.submit('after', change={'user': alice.address, 'after': new, 'again': new}, form=page.form('after'))
    assert page.status in (403, 404, 422)
    page = b.get('/recovery/cancel?code=wrong')
    assert b.submit('code', form=page.form('code')).status in (403, 404, 422)
