"""test_web_settings.py - signing in, password, sessions, services and the security log in the pages."""
import time

import pytest

import browser


@pytest.fixture
def alice(shared, accounts):
    b = browser.Browser(shared.ports['https'])
    b.address, b.password = accounts[0], shared.passwords[accounts[0]]
    assert 'Inbox' in b.sign_in(b.address, b.password).words
    return b


def again(shared, alice, password=None):
    b = browser.Browser(shared.ports['https'])
    b.sign_in(alice.address, password or alice.password)
    return b


def is_in(b):
    return b.send('GET', '/mail').status == 200


# ---- signing in

def test_wrong_input_of_the_sign_in_form(shared, accounts):
    b = browser.Browser(shared.ports['https'])
    for user, password, status, text in (
            ('', 'x', 422, 'type your address'), (accounts[0], '', 422, 'type your password'),
            (accounts[0], 'wrong', 403, 'wrong'), ('nobody@nowhere.example', 'wrong', 403, 'wrong'),
            ('not an address', 'wrong', 403, 'wrong'), ('x' * 3000, 'wrong', 403, 'wrong'),
            (accounts[0], 'x' * 5000, 403, 'wrong'), ('"><script>', 'wrong', 403, 'wrong')):
        b.get('/')
        page = b.submit('user', change={'user': user, 'password': password})
        assert page.status == status and text in page.words, (user[:40], page.words[:300])
        assert 'errors' in page.read.ids and 'script' not in {t for t, _ in page.read.tags}
        assert dict(page.form('user').values())['password'] == ''
        if len(user) < 100:
            assert dict(page.form('user').values())['user'] == user
    assert '__Host-session' not in b.cookies


def test_an_unknown_user_looks_like_a_known_one(shared, accounts):
    texts = set()
    for user in (accounts[0], 'nobody@' + accounts[0].split('@')[1]):
        b = browser.Browser(shared.ports['https'])
        b.get('/')
        page = b.submit('user', change={'user': user, 'password': 'wrong'})
        texts.add(page.words.replace(user, 'USER'))
    assert len(texts) == 1


def test_next_and_where_it_began(shared, accounts):
    b = browser.Browser(shared.ports['https'])
    page = b.get('/settings/sessions')
    assert 'Sign in' in page.words and dict(page.form('user').values())['next'] == '/settings/sessions'
    page = b.submit('user', change={'user': accounts[0], 'password': shared.passwords[accounts[0]]})
    assert page.url == '/settings/sessions' and 'this one' in page.words
    assert b.send('POST', '/mail/act', b'', {'Content-Type': 'application/x-www-form-urlencoded'}).status == 403


def test_how_long_the_cookie_lives(shared, accounts):
    for fields, lives in (({}, False), ({'long': '1'}, True)):
        b = browser.Browser(shared.ports['https'])
        b.get('/')
        values = dict(b.page.form('user').values(), user=accounts[0], password=shared.passwords[accounts[0]], **fields)
        b.post('/signin', list(values.items()), follows=False)
        line = [x for x in b.set_cookies if x.startswith('__Host-session=')][0]
        assert ('Max-Age' in line) == lives


# ---- password

def test_wrong_input_of_the_password_form(alice):
    for before, after, repeat, text in (
            ('', 'a good long phrase', 'a good long phrase', 'present password'),
            ('wrong', 'a good long phrase', 'a good long phrase', ''),
            (alice.password, '', '', 'type a new password'), (alice.password, 'a good long phrase', 'other', 'not the same'),
            (alice.password, 'short', 'short', ''), (alice.password, alice.address, alice.address, ''),
            (alice.password, 'password123', 'password123', ''), (alice.password, 'x' * 9000, 'x' * 9000, '')):
        alice.get('/settings/password')
        page = alice.submit('before', change={'before': before, 'after': after, 'again': repeat})
        assert page.status in (403, 422), (after, page.words[:300])
        assert 'errors' in page.read.ids and text in page.words
        assert alice.password not in page.text and 'good long' not in page.text
    assert is_in(alice)


def test_a_new_password_ends_everything_else(shared, alice):
    others = [again(shared, alice) for _ in range(3)]
    with shared.imap(alice.address) as client:
        alice.get('/settings/password')
        new = 'horses stand in the rain'
        page = alice.submit('before', change={'before': alice.password, 'after': new, 'again': new})
        assert 'Your password was changed' in page.words and 'Alternative logins' in page.words
        deadline = time.monotonic() + 5
        with pytest.raises(Exception):
            while time.monotonic() < deadline:
                client.noop()
                time.sleep(0.05)
    assert is_in(alice) and not any(is_in(b) for b in others)
    assert 'wrong' in again(shared, alice).page.words
    assert is_in(again(shared, alice, new))
    assert 'Password changed' in alice.get('/settings/log').words
    shared.passwords[alice.address] = new


# ---- sessions

def test_sessions_are_shown_and_ended(shared, alice):
    other = again(shared, alice)
    client = shared.imap(alice.address)
    page = alice.get('/settings/sessions')
    assert page.words.count('Sign out') >= 2 and 'imap' in page.words and '127.0.0.1' in page.words
    page = alice.submit('session', form=page.form('session'))
    assert 'It was signed out' in page.words and not is_in(other)
    alice.submit('client', form=page.form('client'))
    with pytest.raises(Exception):
        for _ in range(100):
            client.noop()
            time.sleep(0.05)
    others = [again(shared, alice) for _ in range(2)]
    alice.get('/settings/sessions')
    assert 'Everything but this browser' in alice.submit('do', 'all').words
    assert is_in(alice) and not any(is_in(b) for b in others)
    token = alice.get('/settings').form('token').values()[0]
    assert alice.post('/settings/sessions', [token]).status == 400
    assert alice.post('/settings/sessions', [token, ('session', 'zz')]).status == 400


def test_another_persons_session_cannot_be_ended(shared, alice, accounts):
    bob = browser.Browser(shared.ports['https'])
    bob.sign_in(accounts[1], shared.passwords[accounts[1]])
    other = again(shared, alice)
    ids = [v for f in alice.get('/settings/sessions').read.forms for k, v in f.values() if k == 'session']
    token = bob.get('/settings/sessions').form('token').values()[0]
    for number in ids:
        bob.post('/settings/sessions', [token, ('session', number)])
    assert is_in(other)


def test_services_turned_off(shared, alice):
    client = shared.imap(alice.address)
    alice.get('/settings/services')
    page = alice.submit('scope', form=alice.page.form('scope'), drop=('scope',), change={'scope': ['smtp']})
    assert 'Saved' in page.words
    with pytest.raises(Exception):
        for _ in range(100):
            client.noop()
            time.sleep(0.05)
    with pytest.raises(Exception):
        shared.imap(alice.address)
    page = alice.get('/settings/services')
    on = {v for k, v in page.form('scope').values() if k == 'scope'}
    assert on == {'smtp'} and is_in(alice)


def test_the_security_log(shared, alice):
    b = browser.Browser(shared.ports['https'])
    b.get('/')
    b.submit('user', change={'user': alice.address, 'password': 'wrong'})
    text = alice.get('/settings/log').words
    assert 'Wrong password' in text and 'Signed in' in text and '127.0.0.1' in text
    assert alice.get('/settings/log?before=x').status == 200


# ---- alternative logins

def test_alternative_logins(shared, alice):
    alice.get('/settings/apps')
    page = alice.submit('do', 'add', {'name': ''}, form=alice.page.form('do'))
    assert page.status == 422 and 'give it a name' in page.words
    page = alice.submit('do', 'add', {'name': 'Phone'}, form=page.form('name'), drop=('scope',))
    assert page.status == 422 and 'at least one service' in page.words
    page = alice.submit('do', 'add', {'name': 'Phone <b>', 'scope': ['imap']}, form=page.form('name'), drop=('scope',))
    secret = page.text.split('class="secret">')[1].split('<')[0]
    assert len(secret) > 20 and 'Phone <b>' in page.words and 'no-store' in page.headers['cache-control']
    assert secret not in alice.get('/settings/apps').text
    password, shared.passwords[alice.address] = shared.passwords[alice.address], secret
    try:
        client = shared.imap(alice.address)
        assert client.noop()[0] == 'OK'
        with pytest.raises(Exception):
            shared.submission(alice.address)
    finally:
        shared.passwords[alice.address] = password
    b = again(shared, alice, secret)
    assert b.page.status == 403 and not is_in(b)
    page = alice.get('/settings/apps')
    assert 'opens nothing any more' in alice.submit('do', 'remove', form=[
        f for f in page.read.forms if ('do', 'remove') in f.buttons][0]).words
    with pytest.raises(Exception):
        for _ in range(100):
            client.noop()
            time.sleep(0.05)
    token = page.form('token').values()[0]
    for fields in ([], [('do', 'remove')], [('do', 'remove'), ('id', 'x')], [('do', 'x'), ('id', '1')]):
        assert alice.post('/settings/apps', [token] + fields).status == 400
