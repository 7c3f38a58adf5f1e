"""test_web_attacks.py - what others try with the pages: forged forms, planted cookies, other names,
redirects that lead away, headers that do not belong there."""
import itertools
import urllib.parse

import pytest

import browser

PRIMARY = 'www.mail.posthouse.example'  # the instance's host_name is P


@pytest.fixture
def alice(shared, accounts):
    b = browser.Browser(shared.ports['https'])
    b.address = accounts[0]
    assert 'Inbox' in b.sign_in(b.address, shared.passwords[b.address]).words
    return b


def stranger(shared):
    b = browser.Browser(shared.ports['https'])
    b.get('/')
    return b


def is_in(b):
    return b.send('GET', '/mail').status == 200


# ---- forms that are not ours

def test_form_without_its_token(shared, alice):
    other = stranger(shared)
    foreign = other.page.form('user').values()
    token = dict(alice.get('/mail/folders').form('token').values())['token']
    for wrong in ('', 'x', token[:-1] + ('0' if token[-1] != '0' else '1'), dict(foreign)['token'], token * 2):
        page = alice.post('/mail/folders', [('token', wrong), ('do', 'create'), ('name', 'Evil')], follows=False)
        assert page.status == 403 and 'no longer valid' in page.words
    assert alice.post('/mail/folders', [('do', 'create'), ('name', 'Evil')], follows=False).status == 403
    assert 'Evil' not in alice.get('/mail/folders').words
    # a token of before the session is worth nothing in it
    assert alice.post('/signout', [('token', dict(foreign)['token'])], follows=False).status == 403
    assert is_in(alice)


@pytest.mark.parametrize('headers', [
    {'Sec-Fetch-Site': 'cross-site'}, {'Sec-Fetch-Site': 'same-site'}, {'Origin': 'https://evil.example'},
    {'Origin': 'null'}, {'Origin': 'http://localhost'}, {'Origin': 'https://localhost.evil.example'}])
def test_form_from_another_place(alice, headers):
    token = alice.get('/mail/folders').form('token').values()[0]
    page = alice.post('/mail/folders', [token, ('do', 'create'), ('name', 'Evil')], headers=headers, follows=False)
    assert page.status == 403
    good = dict(headers, **{'Sec-Fetch-Site': 'same-origin'}) if 'Origin' not in headers else {
        'Origin': 'https://localhost'}
    page = alice.post('/mail/folders', [token, ('do', 'create'), ('name', 'Good')], headers=good, follows=False)
    assert page.status == 303


def test_signing_in_needs_the_form_too(shared, alice):
    """Otherwise a page elsewhere could sign somebody in to an account that is not theirs."""
    b = browser.Browser(shared.ports['https'])
    fields = [('user', alice.address), ('password', shared.passwords[alice.address])]
    assert b.post('/signin', fields, follows=False).status == 403
    b.get('/')
    assert b.post('/signin', fields + [('token', '0' * 64)], follows=False).status == 403
    assert not [c for c in b.cookies if 'session' in c]


def test_nothing_changes_by_get(alice):
    for path in ('/signout', '/mail/act', '/signin'):
        assert alice.send('GET', path).status == 405
    assert is_in(alice)


# ---- cookies

def test_a_planted_cookie_is_replaced(shared, alice):
    for planted in ('0' * 32, 'x', alice.cookies['__Host-session'][:-1] + '0', '"', 'a' * 5000):
        b = browser.Browser(shared.ports['https'])
        b.cookies['__Host-session'] = planted
        b.sign_in(alice.address, shared.passwords[alice.address])
        assert is_in(b) and b.cookies['__Host-session'] not in (planted, alice.cookies['__Host-session'])
        b.cookies['__Host-session'] = planted
        assert not is_in(b)


def test_cookies_stay_on_this_host(shared, alice):
    b = browser.Browser(shared.ports['https'])
    b.get('/')
    lines = list(b.set_cookies)
    b.submit('user', change={'user': alice.address, 'password': shared.passwords[alice.address]}, follows=False)
    lines += b.set_cookies
    assert len([x for x in lines if x.startswith('__Host-session=')]) == 1
    for line in lines:
        assert line.startswith('__Host-') and 'Domain' not in line
        for word in ('Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax'):
            assert word in line


def test_signed_out_is_out(shared, alice):
    cookie = alice.cookies['__Host-session']
    alice.get('/mail')
    assert 'You are signed out' in alice.submit('token', form=[
        f for f in alice.page.read.forms if f.action == '/signout'][0]).words
    b = browser.Browser(shared.ports['https'])
    b.cookies['__Host-session'] = cookie
    assert not is_in(b)


# ---- where it leads

LEADS_AWAY = [
    'https://evil.example/', '//evil.example', '/\\evil.example', '\\\\evil.example', 'javascript:alert(1)',
    '/a b', '/%0d%0aX: y', '/\r\nX-Evil: 1', 'evil', '\t//evil.example', '/x' * 2000]


def test_next_leads_nowhere_else(shared, accounts):
    for where in LEADS_AWAY:
        b = browser.Browser(shared.ports['https'])
        page = b.send('GET', '/?next=' + urllib.parse.quote(where))
        values = dict(page.form('user').values(), user=accounts[0], password=shared.passwords[accounts[0]])
        assert values['next'] == '/mail', where
        page = b.post('/signin', list(dict(values, next=where).items()), follows=False)
        assert page.status == 303 and 'x-evil' not in page.headers
        assert page.headers['location'] == '/mail', where
        page = b.send('GET', '/?next=' + urllib.parse.quote(where))
        assert page.status == 303 and page.headers['location'] == '/mail', where


def test_domain_that_is_not_ours(shared):
    b = browser.Browser(shared.ports['https'])
    for domain in ('evil.example', '"><script>', 'mail.posthouse.example.evil.example', ''):
        page = b.get('/?domain=' + urllib.parse.quote(domain))
        assert page.status == 200 and 'Sign in to your mail' in page.words
        assert 'evil' not in page.text and 'script' not in {t for t, _ in page.read.tags}


def test_what_is_refused_before_any_page_gets_one(shared):
    for tls in (True, False):
        b = browser.Browser(shared.ports['https' if tls else 'http'], host='www.mail.posthouse.example', tls=tls)
        for path in ('/signin', '/', '/nothing', '/mail/write'):
            page = b.send('POST', path, b'x' * 100, headers={'Content-Length': str(1 << 40)})
            assert page.status in (303, 404, 405, 413), path
        assert b.send('POST', '/signin', b'x' * 100, headers={'Content-Length': str(1 << 40)}).status == 413


# ---- names

def names(shared):
    p, port = 'mail.posthouse.example', shared.ports['https']
    www = 'https://www.%s' % p
    return [
        (False, p, www + '/'), (False, 'www.' + p, www + '/'), (True, p, www + '/'), (True, 'www.' + p, None),
        (False, 's.example', www + '/?domain=s.example'), (False, 'www.s.example', www + '/?domain=s.example'),
        (True, 's.example', www + '/?domain=s.example'), (True, 'www.s.example', www + '/?domain=s.example'),
        (False, 'm.' + p, 'https://m.%s/' % p), (False, 'm.s.example', 'https://m.%s/?domain=s.example' % p),
        (True, 'm.' + p, None), (False, 'ssl.' + p, 'https://ssl.%s/' % p),
        (False, 'ssl.s.example', 'https://ssl.s.example/'), (True, 'ssl.' + p, None), (True, 'ssl.s.example', None),
        (False, 'insecure.' + p, www + '/'), (False, 'insecure.s.example', www + '/?domain=s.example'),
        (False, 'evil.example', www + '/'), (True, 'evil.example', None), (False, '127.0.0.1', www + '/'),
        (True, '[::1]', None), (True, 'www.%s.' % p, None), (True, 'WWW.' + p.upper(), None)]


def test_table_of_names(shared):
    if 's.example' not in shared.domains:
        shared.tool('domain', 'add', 's.example')
        shared.domains.add('s.example')
    for is_tls, host, want in names(shared):
        b = browser.Browser(shared.ports['https' if is_tls else 'http'], host=host, tls=is_tls)
        page = b.send('GET', '/')
        if want is None:
            assert page.status == 200 and 'Sign in' in page.words, (is_tls, host)
        else:
            assert (page.status, page.headers['location']) == (301, want), (is_tls, host)
        assert ('strict-transport-security' in page.headers) == is_tls


def test_no_name_gets_into_a_page(shared):
    b = browser.Browser(shared.ports['https'], host='evil.example')
    for path in ('/', '/help/servers', '/nothing'):
        page = b.send('GET', path, headers={'X-Forwarded-Host': 'evil.example', 'Forwarded': 'host=evil.example'})
        assert 'evil.example' not in page.text


def test_places_for_programs_are_never_redirected(shared):
    for host, is_tls in itertools.product(('mail.posthouse.example', 'evil.example', 's.example', 'mta-sts.s.example'), (False, True)):
        b = browser.Browser(shared.ports['https' if is_tls else 'http'], host=host, tls=is_tls)
        assert b.send('GET', '/.well-known/acme-challenge/xyz').status == 404
        assert b.send('GET', '/.well-known/mta-sts.txt').status == 404
        page = b.send('GET', '/.well-known/autoconfig/mail/config-v1.1.xml')
        assert page.status == 200 and '<socketType>SSL</socketType>' in page.text
        assert str(shared.ports['imaps']) in page.text


def test_security_headers_everywhere(alice):
    for path in ('/', '/mail', '/settings', '/help', '/nothing', '/static/style.css', '/mail/f/zz'):
        page = alice.send('GET', path)
        policy = page.headers['content-security-policy']
        assert "default-src 'none'" in policy and 'unsafe' not in policy, path
        assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
        assert page.headers['x-content-type-options'] == 'nosniff'
        assert page.headers['referrer-policy'] and page.headers['cross-origin-opener-policy']
        assert 'server' not in page.headers
    for path in ('/', '/mail', '/settings'):
        assert 'no-store' in alice.send('GET', path).headers['cache-control']
        assert not {t for t, _ in alice.page.read.tags} & {'script', 'style'} if alice.page.read else True


def test_lengths_tell_nothing(alice):
    """BREACH: what others can make a browser ask for is not compressed, and a form's token is never the same."""
    asked = {'Accept-Encoding': 'gzip', 'Sec-Fetch-Mode': 'navigate'}
    for site, is_small in (('same-origin', True), ('none', True), ('cross-site', False), ('same-site', False), (None, False)):
        for path in ('/mail/search?q=guess', '/settings', '/mail', '/mail/write?to=guess'):
            page = alice.send('GET', path, headers=dict(asked, **({'Sec-Fetch-Site': site} if site else {})))
            assert page.status == 200
            assert (page.headers.get('content-encoding') == 'gzip') == is_small, (site, path)
    tokens = [dict(alice.get('/settings').form('token').values())['token'] for _ in range(5)]
    halves = [half for token in tokens for half in (token[:32], token[32:])]
    assert len(set(halves)) == len(halves)


def test_certificates_to_download(shared):
    b = browser.Browser(shared.ports['https'])
    page = b.get('/help/certificates')
    links = [a for a in page.read.links if a.startswith('/help/certificates/')]
    assert page.status == 200 and links and 'Until' in page.words
    reply = b.get(links[0])
    assert reply.text.startswith('-----BEGIN CERTIFICATE-----') and 'PRIVATE' not in reply.text
    assert reply.headers['content-disposition'].startswith('attachment')
    for path in ('/help/certificates/x/0', links[0] + '9', links[0][:-1] + 'x'):
        assert b.send('GET', path).status == 404
