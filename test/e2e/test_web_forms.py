"""test_web_forms.py - what every form says to what is wrong in it: each POST row of web.c has rows here."""
import json
import re

import pytest

import browser
import support
from test_web_factors import mails, turn_on
from test_web_mail import deliver, folder, mail_links
from web_routes import routes

ADA, ANNA, PAUL, OTTO = 'ada@example.org', 'anna@example.org', 'paul@example.org', 'otto@example.org'
NASTY = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
LONG = 'x' * 5000
GOOD = 'nine grey herons by the weir'
BAD_KEY = '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}'


class Case:
    """Fields posted by somebody; the status, words of the page, and the field that they stand at."""

    def __init__(self, fields, status, words='', at=None, as_='ada', path=None):
        self.fields, self.status, self.words, self.at, self.who, self.path = fields, status, words, at, as_, path


def nobody(*args, **more):
    return Case(*args, as_='nobody', **more)


def cases(w):
    """Route: what may be wrong."""
    reset = {'code': 'phl-x', 'user': ADA, 'after': GOOD, 'again': GOOD}
    screen = {'do': 'save', 'name': 'x'}
    ask = dict(response_type='code', client_id='mail', redirect_uri='http://127.0.0.1:5/b', scope='imap', state='s',
               code_challenge='E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method='S256', do='allow')
    return {
        '/signin': [
            nobody({}, 422, 'Please type your address.', 'user'),
            nobody({'user': ' ', 'password': 'x'}, 422, 'Please type your address.', 'user'),
            nobody({'user': ADA}, 422, 'Please type your password.', 'password'),
            nobody({'user': ADA, 'password': 'x'}, 403, 'Address or password is wrong.', 'password'),
            nobody({'user': 'nobody@example.org', 'password': 'x'}, 403, 'Address or password is wrong.', 'password'),
            nobody({'user': '@', 'password': 'x'}, 403, 'Address or password is wrong.', 'password'),
            nobody({'user': LONG, 'password': 'x'}, 403, 'Address or password is wrong.', 'password'),
            nobody({'user': ADA, 'password': LONG}, 403, 'Address or password is wrong.', 'password')],
        '/signin/factor': [Case(*c, as_='paul') for c in (
            ({}, 422, 'Please type it in.', 'code'), ({'code': ''}, 422, 'Please type it in.', 'code'),
            ({'code': LONG}, 422, 'Please type it in.', 'code'), ({'code': '000000'}, 403, 'This is not right.', 'code'),
            ({'code': 'phr-0000', 'kind': 'recovery'}, 403, 'This is not right.', 'code'),
            ({'code': '123456', 'kind': 'sms'}, 403, 'This is not right.', 'code'),
            ({'code': w['paul'], 'kind': 'password'}, 403, 'This is not right.', 'code'),
            ({'assertion': '', 'kind': 'key'}, 422, 'Please type it in.', 'code'),
            ({'assertion': BAD_KEY, 'kind': 'key'}, 403, 'This is not right.', 'code'))],
        '/signin/sms': [Case({}, 503, 'No message could be sent', 'code', as_='paul')],
        '/signin/passkey': [
            nobody({}, 400), nobody({'assertion': ''}, 400),
            nobody({'assertion': '{}'}, 403, 'Address or password is wrong.', 'password'),
            nobody({'assertion': BAD_KEY}, 403, 'Address or password is wrong.', 'password'),
            nobody({'assertion': '[' * 5000}, 403, 'Address or password is wrong.', 'password')],
        '/reset': [nobody(f, 422, 'Please type your whole address.', 'user') for f in ({}, {'user': ' '}, {'user': 'nobody'})] + [
            nobody({'user': 'nobody@example.org'}, 200, 'If this address exists'), nobody({'user': '@' + LONG}, 200, 'If this address exists')],
        '/reset/new': [
            nobody(dict(reset, user=''), 422, 'Please type your address.', 'user'),
            nobody(dict(reset, after=''), 422, 'Please type a new password.', 'after'),
            nobody(dict(reset, after=LONG, again=LONG), 422, 'Please type a new password.', 'after'),
            nobody(dict(reset, again='x'), 422, 'This is not the same as above.', 'again'),
            nobody(dict(reset, after='short', again='short'), 422, 'The password', 'after'),
            nobody(reset, 403, 'This is not one of our codes', 'user'),
            nobody(dict(reset, code=w['link']), 403, 'This link is not good, or too old.', 'user'),
            nobody(dict(reset, code=''), 403, 'This is not one of our codes', 'user'),
            nobody(dict(reset, code=LONG), 403, 'This is not one of our codes', 'user'),
            nobody(dict(reset, code=w['link'], kind='key', assertion='{}'), 403, 'This link is not good, or too old.', 'user')],
        '/reset/factor': [
            nobody({'code': 'phl-x'}, 400), nobody({'code': 'phl-x', 'kind': 'totp'}, 400),
            nobody({'code': w['link'], 'kind': 'sms'}, 403, 'This link is not good, or too old.', 'factor'),
            nobody({'code': LONG, 'kind': 'key'}, 403, 'This is not one of our codes', 'factor')],
        '/recovery/cancel': [nobody({'code': c}, 403, 'This link is no longer good') for c in ('', 'x', LONG)],
        '/signout': [Case({'x': 'y'}, 303, as_='anna')],
        '/mail/act': [
            Case({}, 404), Case({'folder': 'zz', 'do': 'read'}, 404), Case({'folder': 'ffff', 'do': 'read'}, 404),
            Case({'folder': w['inbox'], 'uid': '1'}, 400), Case({'folder': w['inbox'], 'uid': '1', 'do': 'x'}, 400),
            Case({'folder': w['inbox'], 'do': 'read'}, 303), Case({'folder': w['inbox'], 'do': 'read', 'uid': 'x'}, 303),
            Case({'folder': w['inbox'], 'do': 'empty'}, 400),
            Case({'folder': w['inbox'], 'do': 'move', 'uid': '1'}, 400), Case({'folder': w['inbox'], 'do': 'move', 'uid': '1', 'to': 'ffff'}, 400)],
        '/mail/f/:folder/:uid/unsubscribe': [
            Case({}, 404, path='/mail/f/ffff/1/unsubscribe'), Case({}, 404, path='/mail/f/%s/99999/unsubscribe' % w['inbox'])],
        '/mail/folders': [
            Case({}, 404), Case({'do': 'create'}, 422, 'A folder cannot have this name.', 'name'),
            Case({'do': 'create', 'name': 'Drafts'}, 422, 'There is a folder of this name already.', 'name'),
            Case({'do': 'create', 'name': LONG}, 422, 'A folder cannot have this name.', 'name'),
            Case({'do': 'create', 'name': 'a//b'}, 422, 'A folder cannot have this name.', 'name'),
            Case({'do': 'rename', 'folder': 'zz', 'name': 'x'}, 404), Case({'do': 'remove', 'folder': w['inbox']}, 400),
            Case({'do': 'rename', 'folder': w['own'], 'name': 'Sent'}, 422, 'There is a folder of this name already.', 'name'),
            Case({'do': 'x', 'folder': w['own']}, 400)],
        '/mail/write': [
            Case({'do': 'send'}, 422, 'Please say who shall get this message.', 'to'),
            Case({'do': 'send', 'to': 'x'}, 422, 'is not a complete address', 'to'),
            Case({'do': 'send', 'cc': 'x@'}, 422, 'is not a complete address', 'cc'),
            Case({'do': 'send', 'bcc': '<'}, 422, '', 'bcc'),
            Case({'do': 'send', 'to': 'gone@example.org'}, 422, 'There is nobody called gone@example.org.', 'to'),
            Case({'do': 'send', 'to': ADA, 'subject': 'x' * 40000}, 422, 'This subject is too long.', 'subject'),
            Case({'do': 'send', 'to': ADA, 'keep': 'ffff-1-1'}, 422, '', 'to'),
            Case({'do': 'send', 'to': ADA, 'later': 'x'}, 422, 'This is no date and time.', 'later'),
            Case({'do': 'send', 'to': ADA, 'later': '2001-01-01T00:00'}, 422, 'This time is past.', 'later'),
            Case({'do': 'save', 'to': 'x' * 40000}, 422, '', 'to')],
        '/mail/later': [
            Case({}, 400), Case({'id': 'zz', 'do': 'undo'}, 400), Case({'id': '1', 'do': 'x'}, 400), Case({'id': 'f' * 16, 'do': 'now'}, 400),
            Case({'id': '1', 'do': 'undo'}, 303), Case({'id': '1', 'do': 'now'}, 303)],
        '/settings/sending': [Case({}, 400), Case({'web': '7', 'programs': '0'}, 400), Case({'web': '0', 'programs': '61'}, 400)],
        '/settings/data': [Case({}, 422, 'Please choose a file.', 'file'), Case({'folder': 'zz'}, 422, 'Please choose a file.', 'file')],
        '/settings/programs': [Case({}, 400), Case({'id': 'zz'}, 400), Case({'id': 'ffff'}, 404)],
        '/oauth/authorize': [
            Case({}, 400), Case(dict(ask, client_id='x'), 400), Case(dict(ask, redirect_uri='http://evil.example/'), 400),
            Case(dict(ask, scope='x'), 303), Case(dict(ask, do='x'), 303), Case(dict(ask, code_challenge=''), 303)],
        '/device': [Case({'do': 'find'}, 422, 'There is no such code', 'code'), Case({'do': 'find', 'code': 'ABCD-EFGH'}, 422, 'There is no such code', 'code'),
                    Case({'do': 'allow', 'code': 'ABCD-EFGH'}, 422, 'There is no such code', 'code'), Case({'code': LONG}, 422, 'There is no such code', 'code')],
        '/oauth/token': [nobody(*c) for c in (
            ({}, 400, 'invalid_client'), ({'client_id': 'x', 'grant_type': 'refresh_token'}, 400, 'invalid_client'),
            ({'client_id': 'mail'}, 400, 'unsupported_grant_type'), ({'client_id': 'mail', 'grant_type': 'password'}, 400, 'unsupported_grant_type'),
            ({'client_id': 'mail', 'grant_type': 'authorization_code'}, 400, 'invalid_grant'),
            ({'client_id': 'mail', 'grant_type': 'refresh_token', 'refresh_token': LONG}, 400, 'invalid_grant'))],
        '/oauth/device': [nobody({}, 400, 'invalid_client'), nobody({'client_id': 'mail', 'scope': 'x'}, 400, 'invalid_scope')],
        '/oauth/revoke': [nobody({}, 200), nobody({'token': 'x'}, 200), nobody({'token': LONG}, 200)],
        '/admin': [
            Case({'password': GOOD}, 422, 'Please give the new address.', 'address'),
            Case({'address': 'x@example.org'}, 422, 'Please give a first password.', 'password'),
            Case({'address': 'x@example.org', 'password': LONG}, 422, 'Please give a first password.', 'password'),
            Case({'address': PAUL, 'password': GOOD}, 422, 'This address is taken.', 'address'),
            Case({'address': 'x', 'password': GOOD}, 422, '', 'address'), Case({'address': 'x@nowhere.example', 'password': GOOD}, 422, 'not known here', 'address'),
            Case({'address': 'x@example.org', 'password': 'short'}, 422, 'The password', 'password'),
            Case({'address': 'x@example.org', 'password': GOOD, 'name': LONG}, 422, '', 'address')],
        '/admin/user/:id': [
            Case({}, 400, path=w['user']), Case({'do': 'save', 'quota': '-1'}, 422, 'whole number', 'quota', path=w['user']),
            Case({'do': 'save', 'quota': '9' * 30}, 422, 'whole number', 'quota', path=w['user']),
            Case({'do': 'save', 'name': LONG}, 422, '', 'name', path=w['user']),
            Case({'do': 'reset'}, 422, 'Please give a new password.', 'password', path=w['user']),
            Case({'do': 'reset', 'password': 'short'}, 422, 'The password', 'password', path=w['user']),
            Case({'do': 'remove', 'repeat': ADA}, 422, 'Type the address to be deleted', 'repeat', path=w['user']),
            Case({'do': 'save'}, 404, path='/admin/user/zz'), Case({'do': 'save'}, 404, path='/admin/user/ffff')],
        '/admin/screen/:domain': [Case(dict(screen, **f), 422, '', at, path='/admin/screen/example.org') for f, at in (
            ({'name': LONG}, 'name'), ({'text': LONG}, 'name'), ({'accent': 'red'}, 'name'), ({'background': '#12'}, 'name'),
            ({'accent': '#ffee00'}, 'accent'), ({'background': '#101010'}, 'background'), ({'foreground': '#eeeeee'}, 'foreground'))] + [
            Case(screen, 404, path='/admin/screen/nowhere.example')],
        '/admin/queue': [
            Case({}, 400), Case({'do': 'x', 'pick': '1.0'}, 400), Case({'do': 'hold'}, 303), Case({'do': 'hold', 'pick': 'x'}, 400),
            Case({'do': 'hold', 'pick': '99999.0'}, 303), Case({'do': 'drop', 'pick': '99999.0'}, 200, 'cannot be undone'),
            Case({'do': 'drop', 'pick': '99999.0', 'sure': 'yes'}, 303), Case({'do': 'retry', 'all': 'yes', 'to': 'x@nowhere.example'}, 303)],
        '/admin/queue/:id': [
            Case({}, 400, path='/admin/queue/1'), Case({'do': 'hold'}, 404, path='/admin/queue/zz'),
            Case({'do': 'drop'}, 404, path='/admin/queue/99999'), Case({'do': 'bounce'}, 404, path='/admin/queue/99999')],
        '/admin/routes': [
            Case({}, 400), Case({'do': 'route'}, 422, 'Please give a domain.', 'pattern'),
            Case({'do': 'route', 'pattern': 'x' * 2000}, 422, '', 'pattern'),
            Case({'do': 'suppress'}, 422, 'Please give an address', 'address'),
            Case({'do': 'unsuppress', 'address': 'x@y.example'}, 422, '', 'address')],
        '/settings/password': [
            Case({'after': GOOD, 'again': GOOD}, 422, 'Please type your present password.', 'before'),
            Case({'before': 'x', 'again': 'x'}, 422, 'Please type a new password.', 'after'),
            Case({'before': 'x', 'after': LONG, 'again': LONG}, 422, 'This password is too long.', 'after'),
            Case({'before': 'x', 'after': GOOD, 'again': 'x'}, 422, 'This is not the same as above.', 'again'),
            Case({'before': 'x', 'after': GOOD, 'again': GOOD}, 403, '', 'before'),
            Case({'before': w['ada'], 'after': 'short', 'again': 'short'}, 422, 'The password', 'after'),
            Case({'before': w['ada'], 'after': ADA, 'again': ADA}, 422, 'The password', 'after')],
        '/settings/factors': [
            Case({}, 400), Case({'do': 'x'}, 400), Case({'do': 'remove'}, 400), Case({'do': 'remove', 'id': 'ffff'}, 422, '', 'add'),
            Case({'do': 'add', 'kind': 'sms'}, 422, 'A number', 'number'), Case({'do': 'add', 'kind': 'sms', 'number': '0791'}, 422, 'A number', 'number'),
            Case({'do': 'add', 'kind': 'recovery'}, 422, '', 'add'), Case({'do': 'add', 'kind': 'password'}, 422, '', 'add'),
            Case({'do': 'confirm', 'kind': 'totp', 'code': '000000'}, 422, 'This took too long', 'code'),
            Case({'do': 'confirm', 'kind': 'sms', 'code': '000000'}, 403, '', 'code'),
            Case({'do': 'confirm', 'kind': 'key', 'assertion': BAD_KEY}, 422, 'This took too long', 'code'), Case({'do': 'codes'}, 409)],
        '/settings/recovery': [
            Case({}, 400), Case({'do': 'x'}, 400), Case({'do': 'set'}, 422, '', 'address'), Case({'do': 'set', 'address': 'x'}, 422, '', 'address'),
            Case({'do': 'set', 'address': ADA}, 422, '', 'address'), Case({'do': 'set', 'address': LONG + '@x.example'}, 422, '', 'address'),
            Case({'do': 'confirm'}, 403, 'This is not one of our codes', 'code'),
            Case({'do': 'confirm', 'code': w['link']}, 403, 'This link is not for this account', 'code')],
        '/settings/confirm': [
            Case({'kind': 'password'}, 422, 'Please type it in.', 'code'), Case({'kind': 'password', 'code': 'x'}, 403, 'This is not right.', 'code'),
            Case({'code': '000000'}, 403, 'This is not right.', 'code')],
        '/settings/apps': [
            Case({}, 400), Case({'do': 'x'}, 400), Case({'do': 'remove'}, 400), Case({'do': 'add', 'scope': 'imap'}, 422, 'give it a name', 'name'),
            Case({'do': 'add', 'name': 'x'}, 422, 'at least one service', 'scope'), Case({'do': 'add', 'name': 'x', 'scope': 'gopher'}, 422, 'at least one service', 'scope'),
            Case({'do': 'remove', 'id': 'ffff'}, 404)],
        '/settings/personalities': [
            Case({}, 400), Case({'do': 'x'}, 400), Case({'do': 'x', 'id': '1'}, 400), Case({'do': 'test'}, 400),
            Case({'do': 'test', 'id': 'ffff'}, 404), Case({'do': 'remove', 'id': 'zz'}, 400),
            Case({'do': 'save', 'address': 'x'}, 422, '', 'address'), Case({'do': 'save', 'address': '@bees.example'}, 422, '', 'address'),
            Case({'do': 'save', 'address': 'x@else.example'}, 422, 'needs the server', 'host'),
            Case({'do': 'save', 'address': 'x@else.example', 'host': 'a b', 'port': '465', 'login': 'x'}, 422, 'full name', 'host'),
            Case({'do': 'save', 'address': PAUL}, 422, 'not your address', 'address'),
            Case({'do': 'save', 'address': 'x@else.example', 'reply_to': 'x@'}, 422, 'not a complete address', 'reply_to'),
            Case({'do': 'save', 'address': 'x@else.example', 'bcc': 'x@'}, 422, 'not a complete address', 'bcc'),
            Case({'do': 'save', 'id': 'ffff', 'address': 'x@else.example', 'host': 'a.example', 'port': '465', 'login': 'x'}, 404)],
        '/settings/bring': [
            Case({}, 400), Case({'do': 'x'}, 400), Case({'do': 'stop'}, 400), Case({'do': 'forget', 'id': 'zz'}, 400), Case({'do': 'x', 'id': '1'}, 400),
            Case({'do': 'stop', 'id': 'ffff'}, 404), Case({'do': 'forget', 'id': 'ffff'}, 404),
            Case({'do': 'start', 'host': 'a b.example', 'port': '993', 'login': 'x', 'password': 'x'}, 422, 'full name', 'host'),
            Case({'do': 'start', 'host': 'localhost', 'port': '993', 'login': 'x', 'password': 'x'}, 422, 'full name', 'host'),
            Case({'do': 'start', 'host': 'a.example', 'port': '65536', 'login': 'x', 'password': 'x'}, 422, 'port is a number', 'port'),
            Case({'do': 'start', 'host': 'a.example', 'port': '993', 'login': LONG, 'password': 'x'}, 422, 'user name', 'login'),
            Case({'do': 'start', 'host': 'a.example', 'port': '993', 'login': 'x'}, 422, 'password is missing', 'password')],
        '/settings/sessions': [Case({}, 400), Case({'session': 'zz'}, 400), Case({'client': 'zz'}, 400), Case({'session': 'ffff'}, 404), Case({'do': 'x'}, 400)],
        '/settings/services': [Case({'scope': 'gopher'}, 303, as_='anna')],
    }


def link_of(made, anna):
    """A code of a mail's link that is good, but for nothing that is tried here."""
    page = anna.get('/settings/recovery')
    anna.submit('do', 'set', {'address': PAUL}, form=page.form('address'))
    return re.search(r'/settings/recovery\?code=(\S+)', mails(made, PAUL, 1)[0]).group(1)


@pytest.fixture(scope='module')
def world():
    with support.Instance('web = { clients = "mail http://127.0.0.1"; };\nsms = { url = "http://sms.example/{number}"; };') as made:
        made.add_accounts([ADA, ANNA, PAUL, OTTO])
        made.tool('account', 'role', ADA, 'operator')
        deliver(made, ADA, 'Hello')
        people = {name: browser.Browser(made.ports['https']) for name in ('ada', 'anna', 'paul', 'nobody')}
        for address in (ADA, ANNA, PAUL):
            people[address.split('@')[0]].sign_in(address, made.passwords[address])
        link = link_of(made, people['anna'])
        turn_on(people['paul'])
        people['paul'] = browser.Browser(made.ports['https'])
        people['paul'].sign_in(PAUL, made.passwords[PAUL])
        people['nobody'].get('/')
        ada = people['ada']
        page = ada.get('/mail/folders')
        page = ada.submit('do', 'create', {'name': 'Own'}, form=page.form('do'))
        made.people = people
        made.tokens = {name: dict(b.page.form('token').values())['token'] for name, b in people.items()}
        made.w = {'link': link, 'ada': made.passwords[ADA], 'paul': made.passwords[PAUL],
                  'inbox': mail_links(ada.get('/mail'))[0].split('/')[3], 'own': folder(page, 'Own').split('/')[3]}
        page = ada.get('/admin')
        made.w['user'] = next(a for a in page.read.links if '/admin/user/' in a and '%s">%s<' % (a, OTTO) in page.text)
        yield made


NO_WORLD = {name: '' for name in ('link', 'ada', 'paul', 'inbox', 'own', 'user')}


def post(world, who, path, fields, follows=False, token=True):
    b = world.people[who]
    values = list(fields.items()) + ([('token', world.tokens[who])] if token else [])
    kept = dict(b.cookies)
    page = b.post(path, values, follows=follows)
    b.cookies = kept
    return page


def test_every_form_has_rows():
    table = cases(NO_WORLD)
    assert set(table) == set(routes('POST'))
    assert all(table.values())


@pytest.mark.parametrize('route', sorted(routes('POST')))
def test_what_is_wrong_is_said(world, route):
    if route == '/signout':
        return  # it has no field; the tests below are about it too
    for case in cases(world.w)[route]:
        page = post(world, case.who, case.path or route, case.fields)
        shown = {k: v[:50] for k, v in case.fields.items()}
        words = page.words if page.is_html else page.text
        assert page.status == case.status, (route, shown, page.status, words[:400])
        assert case.words in words, (route, shown, words[:400])
        assert world.w['ada'] not in page.text
        if not case.at:
            continue
        assert 'errors' in page.read.ids, (route, shown)
        leads = [a[1:] for a in page.read.links if a.startswith('#') and a != '#main']
        assert case.at in leads and set(leads) <= page.read.ids | {'folders'}, (route, shown, leads)


@pytest.mark.parametrize('route', sorted(routes('POST')))
def test_what_no_form_does(world, route):
    """Nobody, no token, too much, what is no text, and markup in every field."""
    flags, first = routes('POST')[route], cases(world.w)[route][0]
    path, who = first.path or route, first.who
    if 'ROW_OPEN' not in flags:
        page = post(world, who, path, first.fields, token=False)
        assert page.status == 403, page.headers.get('location')
    if flags not in ('0', 'ROW_OPEN'):
        page = post(world, 'nobody', path, first.fields)
        assert page.status == 303 and page.headers['location'] == '/'
        if who != 'paul' and 'PENDING' not in flags:
            page = post(world, 'paul', path, first.fields)
            assert page.status == 303 and page.headers['location'] == '/signin/factor'
    if 'ADMIN' in flags:
        assert post(world, 'anna', path, first.fields).status == 404
    b = world.people[who]
    kind = {'Content-Type': 'application/x-www-form-urlencoded'}
    assert b.send('POST', path, b'', dict(kind, **{'Content-Length': str(1 << 30)})).status == 413
    token = 'token=' + world.tokens[who]
    for body in (token + '&user=%ff%fe', token + '&do=%00', token + '&a=%zz'):
        assert b.send('POST', path, body, kind).status in (303, 400, 403, 404, 422), body
    if route == '/signout':
        return
    names = sorted({name for case in cases(world.w)[route] for name in case.fields} - {'do', 'kind', 'folder', 'id'})
    for case in cases(world.w)[route]:
        fields = dict({name: NASTY for name in names}, **{k: v for k, v in case.fields.items() if k in ('do', 'kind', 'folder', 'id')})
        page = post(world, case.who, case.path or route, fields)
        assert '<script>alert' not in page.text and '<img src=x' not in page.text, (route, fields)
        assert 'x-' not in ''.join(page.headers) or '\n' not in str(page.headers)


def test_nothing_of_it_was_done(world):
    assert world.people['ada'].send('GET', '/mail').status == 200
    accounts = {row['address'] for row in json.loads(world.tool('account', 'list', '--json'))}
    assert accounts == {ADA, ANNA, PAUL, OTTO}


def test_what_needs_a_fresh_proof(world):
    """The clock moves on: the session lives, its proof is stale. (The last test here.)"""
    world.tool('clock', '1000')
    stale = [route for route, flags in routes('POST').items() if 'FRESH' in flags]
    assert len(stale) > 5
    for route in stale:
        case = cases(world.w)[route][-1]
        path = case.path or route
        page = post(world, 'ada', path, case.fields)
        assert page.status == 303 and page.headers['location'].startswith('/settings/confirm?next='), route
    page = post(world, 'ada', '/settings/confirm', {'kind': 'password', 'code': world.w['ada'], 'next': '/settings/apps'}, follows=True)
    assert page.status == 200 and page.url == '/settings/apps'
