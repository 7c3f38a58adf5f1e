"""test_web_oauth.py - access for other programs: code with PKCE, devices, refresh, revocation."""
import base64
import hashlib
import imaplib
import json
import secrets
import time
import urllib.parse

import pytest

import browser
import support

BACK = 'http://127.0.0.1:5555/back'


@pytest.fixture
def alice(shared, accounts):
    b = browser.Browser(shared.ports['https'])
    b.address = accounts[0]
    assert 'Inbox' in b.sign_in(b.address, shared.passwords[b.address]).words
    return b


def pair():
    verifier = secrets.token_urlsafe(40)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).decode().rstrip('=')


def ask(challenge, **change):
    fields = dict(response_type='code', client_id='mail', redirect_uri=BACK, scope='imap smtp offline_access',
                  state='a b&c', code_challenge=challenge, code_challenge_method='S256')
    fields.update(change)
    return '/oauth/authorize?' + urllib.parse.urlencode(fields)


def call(shared, path, **fields):
    b = browser.Browser(shared.ports['https'])
    page = b.post(path, list(fields.items()), follows=False)
    return page.status, json.loads(page.text)


def back(page):
    assert page.status == 303
    to = urllib.parse.urlsplit(page.headers['location'])
    assert page.headers['location'].startswith(BACK + '?')
    return dict(urllib.parse.parse_qsl(to.query))


def allow(alice, **change):
    verifier, challenge = pair()
    page = alice.get(ask(challenge, **change))
    assert 'asks for: IMAP, SMTP' in page.words
    assert "form-action 'self' http://127.0.0.1:5555;" in page.headers['content-security-policy']
    got = back(alice.submit('do', 'allow', form=page.form('do'), follows=False))
    assert got['state'] == 'a b&c' and got['iss'].startswith('https://www.')
    return verifier, got['code']


def bearer(shared, address, token):
    client = imaplib.IMAP4_SSL('127.0.0.1', shared.ports['imaps'], ssl_context=support.tls_context(), timeout=30)
    client.authenticate('OAUTHBEARER', lambda _: ('n,a=%s,\x01auth=Bearer %s\x01\x01' % (address, token)).encode())
    return client


def exchange(shared, verifier, code, **change):
    fields = dict(grant_type='authorization_code', client_id='mail', redirect_uri=BACK, code=code,
                  code_verifier=verifier)
    return call(shared, '/oauth/token', **dict(fields, **change))


def test_code_from_begin_to_end(shared, alice):
    verifier, code = allow(alice)
    status, tokens = exchange(shared, verifier, code)
    assert status == 200 and tokens['token_type'] == 'Bearer' and tokens['scope'] == 'imap smtp'
    client = bearer(shared, alice.address, tokens['access_token'])
    assert client.select('INBOX')[0] == 'OK'
    status, fresh = call(shared, '/oauth/token', grant_type='refresh_token', client_id='mail',
                         refresh_token=tokens['refresh_token'])
    assert status == 200 and fresh['access_token'] != tokens['access_token']
    page = alice.get('/settings/programs')
    assert 'mail' in page.words and 'IMAP, SMTP' in page.words
    alice.submit('id', form=page.form('id'))
    with pytest.raises(Exception):
        for _ in range(100):
            client.noop()
            time.sleep(0.05)
    with pytest.raises(Exception):
        bearer(shared, alice.address, fresh['access_token'])
    assert 'A program was given access' in alice.get('/settings/log').words


def test_codes_and_tokens_are_not_replayed(shared, alice):
    verifier, code = allow(alice)
    for change in (dict(code_verifier=pair()[0]), dict(client_id='nobody'), dict(redirect_uri=BACK + 'x'),
                   dict(grant_type='password')):
        status, reply = exchange(shared, *allow(alice), **change)
        assert status == 400 and reply['error'], change
    assert exchange(shared, verifier, 'x')[0] == exchange(shared, verifier, '')[0] == 400
    assert exchange(shared, verifier, code)[0] == 200
    status, reply = exchange(shared, verifier, code)
    assert (status, reply['error']) == (400, 'invalid_grant')
    verifier, code = allow(alice)
    tokens = exchange(shared, verifier, code)[1]
    fields = dict(grant_type='refresh_token', client_id='mail', refresh_token=tokens['refresh_token'])
    newer = call(shared, '/oauth/token', **fields)[1]
    assert call(shared, '/oauth/token', **fields)[1]['error'] == 'invalid_grant'
    with pytest.raises(Exception):  # two have it: the whole grant ends
        bearer(shared, alice.address, newer['access_token'])


def test_revocation(shared, alice):
    tokens = exchange(shared, *allow(alice))[1]
    client = bearer(shared, alice.address, tokens['access_token'])
    assert call(shared, '/oauth/revoke', token='nonsense') == (200, {})
    assert call(shared, '/oauth/revoke', token=tokens['refresh_token']) == (200, {})
    with pytest.raises(Exception):
        for _ in range(100):
            client.noop()
            time.sleep(0.05)


@pytest.mark.parametrize('change', [
    dict(redirect_uri='https://evil.example/'), dict(redirect_uri='http://127.0.0.1.evil.example/'),
    dict(redirect_uri='http://127.0.0.1:80@evil.example/'), dict(redirect_uri=''), dict(client_id='nobody'),
    dict(client_id=''), dict(redirect_uri=BACK + '\r\nX-Evil: 1'), dict(state='x' * 5000)],
    ids=lambda change: '-'.join(change))
def test_nothing_is_sent_to_strangers(alice, change):
    page = alice.send('GET', ask(pair()[1], **change))
    assert page.status == 400 and 'location' not in page.headers


def test_mistakes_of_a_known_program_are_told_to_it(alice):
    for change, error in ((dict(response_type='token'), 'unsupported_response_type'), (dict(scope='web'), 'invalid_scope'),
                          (dict(scope=''), 'invalid_scope'), (dict(code_challenge_method='plain'), 'invalid_request'),
                          (dict(code_challenge=''), 'invalid_request')):
        assert back(alice.send('GET', ask(pair()[1], **change)))['error'] == error
    page = alice.get(ask(pair()[1]))
    assert back(alice.submit('do', 'deny', form=page.form('do'), follows=False))['error'] == 'access_denied'


def test_consent_needs_a_session_and_the_form(shared, alice):
    target = ask(pair()[1])
    b = browser.Browser(shared.ports['https'])
    page = b.get(target)
    assert dict(page.form('user').values())['next'] == target
    fields = list(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query)) + [('do', 'allow')]
    assert alice.post('/oauth/authorize', fields, follows=False).status == 403


def test_a_device(shared, alice):
    status, d = call(shared, '/oauth/device', client_id='mail', scope='imap')
    assert status == 200 and d['verification_uri'].endswith('/device')
    poll = dict(grant_type='urn:ietf:params:oauth:grant-type:device_code', client_id='mail', device_code=d['device_code'])
    assert call(shared, '/oauth/token', **poll) == (400, {'error': 'authorization_pending'})
    alice.get('/device')
    page = alice.submit('do', 'find', {'code': 'WRONG'}, form=alice.page.form('code'))
    assert page.status in (403, 404, 422) and 'errors' in page.read.ids
    page = alice.get('/device?user_code=' + d['user_code'])
    page = alice.submit('do', 'find', form=page.form('code'))
    assert 'asks for: IMAP' in page.words
    assert 'Done' in alice.submit('do', 'allow', form=page.form('do')).words
    support.wait_for('tokens', lambda: call(shared, '/oauth/token', **poll)[0] == 200, 30)
    status, reply = call(shared, '/oauth/device', client_id='nobody', scope='imap')
    assert (status, reply['error']) == (400, 'invalid_client')
    assert call(shared, '/oauth/device', client_id='mail', scope='x')[1]['error'] == 'invalid_scope'


def test_discovery(shared):
    b = browser.Browser(shared.ports['https'])
    for path in ('/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'):
        found = json.loads(b.get(path).text)
        assert found['token_endpoint'] == found['issuer'] + '/oauth/token'
        assert found['code_challenge_methods_supported'] == ['S256']
