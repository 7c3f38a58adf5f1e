"""test_web_pages.py - every page in Chromium (pages.cjs): scripts off, three screens, axe, the keyboard alone.

Each GET row of web.c is in PAGES, with where it is looked at, or in OTHERS, with what it is instead.
POSTHOUSE_SCREENSHOTS names a folder for pictures.
"""
import json
import os
import re

import pytest

import browser
import support
from test_web_admin import PNG, report
from test_web_factors import turn_on
from test_web_mail import deliver, folder, mail_links
from test_web_oauth import ask, pair as pkce
from web_routes import routes

ADA, ANNA, PAUL = 'ada@example.org', 'anna@bees.example', 'paul@example.org'
HTML = '<h1 style="color:#a33">Hello</h1><p>in <b>HTML</b></p><img src="https://t.example/x.gif" alt="x">'
LONG = 'A subject that is so long that it does not fit ' * 4

OTHERS = {
    '/help/certificates/:name/:part': 'a file', '/screen/:domain/style.css': 'a stylesheet', '/screen/:domain/logo': 'a picture',
    '/static/*path': 'files', '/mail/f/:folder/:uid/source': 'text', '/mail/f/:folder/:uid/html': 'in a frame of another page', '/mail/f/:folder/:uid/part/:part': 'a file',
    '/.well-known/oauth-authorization-server': 'for programs', '/.well-known/openid-configuration': 'for programs',
    '/.well-known/mta-sts.txt': 'for programs', '/.well-known/acme-challenge/*token': 'for programs',
    '/autodiscover/autodiscover.json': 'for programs', '/Autodiscover/Autodiscover.json': 'for programs',
    '/autodiscover/autodiscover.json/v1.0/:address': 'for programs',
    '/help/apple.mobileconfig': 'for programs', '/mail/config-v1.1.xml': 'for programs',
    '/.well-known/autoconfig/mail/config-v1.1.xml': 'for programs', '/settings/data/export': 'a file'}


def one(path, name=None, **more):
    return dict(more, path=path, name=name or path.strip('/').split('?')[0].replace('/', '-') or 'front')


def user(path, name=None, **more):
    return one(path, name, **{'as': 'ada', **more})


def pages(w):
    """Route: where it is looked at. Forms are also looked at with something wrong in them."""
    def wrong(path, name, fill, form='main form'):
        return user(path, name + '-wrong', fill=fill, click=form + ' button')

    return {
        '/': [one('/'), one('/?domain=bees.example', 'screen'),
              one('/', 'front-wrong', fill={'#user': ADA, '#password': 'x'}, click='main form button')],
        '/signin/factor': [one('/signin/factor', **{'as': 'paul'}),
                           one('/signin/factor', 'factor-wrong', fill={'#code': '000000'}, click='main form button.wide', **{'as': 'paul'})],
        '/signin/passkey': [one('/signin/passkey')],
        '/reset': [one('/reset'), one('/reset', 'reset-asked', fill={'#user': 'nobody@example.org'}, click='main form button')],
        '/reset/new': [one('/reset/new?code=x'),
                       one('/reset/new?code=x', 'reset-new-wrong', fill={'#user': ADA, '#after': 'a', '#again': 'b'},
                           click='form[action="/reset/new"] button.wide')],
        '/recovery/cancel': [one('/recovery/cancel?code=x'), one('/recovery/cancel?code=x', 'recovery-cancel-late', click='main form button')],
        '/help': [one('/help'), user('/help', 'help-in')],
        '/help/certificates': [one('/help/certificates')],
        '/help/:topic': [one('/help/' + topic) for topic in ('servers', 'tls', 'clients', 'security', 'search', 'refused', 'status')],
        '/mail': [user('/mail')],
        '/mail/f/:folder': [user(w['folder'], 'mail-folder'), user(w['drafts'], 'mail-empty')],
        '/mail/f/:folder/:uid': [user(link, 'mail-read-%d' % i) for i, link in enumerate(w['links'])] + [
            user(w['links'][1] + '?view=text', 'mail-read-text')],
        '/mail/f/:folder/:uid/trace': [user(w['links'][-1] + '/trace', 'mail-trace'), user(w['sent'] + '/trace', 'mail-trace-sent')],
        '/mail/trace/:number': [user('/mail/trace/0123456789abcdef', 'mail-trace-unknown')],
        '/mail/search': [user('/mail/search?q=hello'), user('/mail/search?q=nowhere', 'mail-search-none'), user('/mail/search?q=+', 'mail-search-bad')],
        '/mail/folders': [user('/mail/folders'), user('/mail/folders', 'mail-folders-wrong', fill={'#name': 'Drafts'}, click='main form.card button')],
        '/mail/write': [user('/mail/write'), user('/mail/write?reply=' + w['ref'], 'mail-reply'),
                        user('/mail/write?forward=' + w['ref'], 'mail-forward'),
                        user('/mail/write', 'mail-write-wrong', fill={'#to': 'nobody'}, click='button[value=send]')],
        '/mail/later': [user('/mail/later')],
        '/settings': [user('/settings')],
        '/settings/sending': [user('/settings/sending')],
        '/settings/data': [user('/settings/data'), user('/settings/data', 'data-wrong', click='form[action="/settings/data"] button')],
        '/settings/password': [user('/settings/password'), wrong('/settings/password', 'password', {'#before': 'x', '#after': 'a', '#again': 'b'})],
        '/settings/factors': [user('/settings/factors'), user('/settings/factors', 'factors-totp', click='button[value=totp]'),
                              user('/settings/factors', 'factors-key', click='button[value=key]'),
                              user('/settings/factors', 'factors-sms', fill={'#number': '+41 79 000 00 00'}, click='.field:has(#number) + button'),
                              user('/settings/factors', 'factors-wrong', fill={'#number': '12'}, click='.field:has(#number) + button'),
                              user('/settings/factors', 'factors-paul', **{'as': 'dora'})],
        '/settings/recovery': [user('/settings/recovery'), wrong('/settings/recovery', 'recovery', {'#address': ADA}, 'form:has(#address)')],
        '/settings/confirm': [user('/settings/confirm'), wrong('/settings/confirm', 'confirm', {'#code': 'x'})],
        '/settings/apps': [user('/settings/apps'), wrong('/settings/apps', 'apps', {'#name': ''}, 'form:has(#name)'),
                           user('/settings/apps', 'apps-made', fill={'#name': 'Phone'}, click='form:has(#name) button')],
        '/settings/personalities': [user('/settings/personalities'),
                                    wrong('/settings/personalities', 'personalities', {'#address': 'x@else.example', '#host': 'a b'},
                                          'form:has(#address)')],
        '/settings/bring': [user('/settings/bring'), user('/settings/bring?id=ffff', 'bring-report'),
                            wrong('/settings/bring', 'bring', {'#host': 'x', '#login': '', '#password': ''}, 'form:has(#host)')],
        '/settings/sessions': [user('/settings/sessions')],
        '/settings/log': [user('/settings/log')],
        '/settings/services': [user('/settings/services')],
        '/settings/programs': [user('/settings/programs')],
        '/oauth/authorize': [user(w['authorize'], 'authorize')],
        '/device': [user('/device'), wrong('/device', 'device', {'#code': 'ABCD-EFGH'})],
        '/admin': [user('/admin'), user('/admin', 'admin-group', **{'as': 'anna'}),
                   user('/admin', 'admin-wrong', fill={'#address': 'x@nowhere.example', '#password': 'y'}, click='main form.card button')],
        '/admin/user/:id': [user(w['user']), user(w['member'], 'admin-member', **{'as': 'anna'})],
        '/admin/reports': [user('/admin/reports'), user('/admin/reports?days=7', 'admin-reports-none', **{'as': 'anna'})],
        '/admin/reports/sent': [user('/admin/reports/sent')],
        '/admin/reports/:domain': [user('/admin/reports/bees.example', 'admin-report'), user('/admin/reports/example.org', 'admin-report-none')],
        '/admin/screen/:domain': [user('/admin/screen/bees.example', 'admin-screen')],
        '/admin/trace': [user('/admin/trace'), user('/admin/trace?what=' + ADA, 'admin-trace-found'),
                         user('/admin/trace?what=nobody', 'admin-trace-wrong'),
                         user('/admin/trace?what=ben@bees.example', 'admin-trace-group', **{'as': 'anna'})],
        '/admin/queue': [user('/admin/queue'), user('/admin/queue?to=@nowhere.example&state=held', 'admin-queue-none'),
                         user('/admin/queue', 'admin-queue-sure', fill={'[name=pick]': True, '[name=all]': True}, click='main button[value=drop]')],
        '/admin/queue/:id': [user('/admin/queue/1', 'admin-queued'),
                             user('/admin/queue/1', 'admin-queued-wrong', click='button[value=drop]')],
        '/admin/routes': [user('/admin/routes'), user('/admin/routes', 'admin-routes-wrong', click='button[value=suppress]')],
    }


@pytest.fixture(scope='module')
def world():
    with support.Instance('web = { clients = "mail http://127.0.0.1"; };\npasswords = { certificates = true; };\nsms = { url = "http://sms.example/{number}"; };') as made:
        made.tool('group', 'add', 'Bees')
        made.tool('group', 'domain', 'Bees', 'bees.example')
        made.domains.add('bees.example')
        made.add_accounts([ADA, ANNA, PAUL, 'dora@example.org', 'ben@bees.example'])
        made.tool('account', 'role', ADA, 'operator')
        made.tool('group', 'admin', 'Bees', ANNA)
        deliver(made, ADA, 'Hello', 'A first line.\n> quoted\nhttps://x.example/\n')
        deliver(made, ADA, 'Designed', 'plain hello', html=HTML)
        deliver(made, ADA, LONG, 'hello', files=[('a-file-of-a-name-without-any-place-to-break-it-' * 3 + '.pdf', 'application/pdf', b'x')])
        report(made, 'bees.example')
        made.tool('queue', 'route', 'nowhere.example', '[127.0.0.1]:9')
        made.tool('queue', 'suppress', 'gone@elsewhere.example', '550 5.1.1 This person has left')
        with made.submission(ADA) as s:
            waits = support.message('waits', sender=ADA)
            s.sendmail(ADA, ['somebody@nowhere.example'], waits)
        with made.imap(ADA) as client:
            client.append('Sent', None, None, waits.encode())
        yield made


def sign_in(made, address):
    b = browser.Browser(made.ports['https'])
    b.address, b.password = address, made.passwords[address]
    b.sign_in(address, b.password)
    return b


def plan_of(made):
    people = {address.split('@')[0]: sign_in(made, address) for address in (ADA, ANNA, PAUL, 'dora@example.org')}
    for name in ('paul', 'dora'):
        turn_on(people[name])
    people['paul'] = sign_in(made, PAUL)  # who stands before the second factor
    ada = people['ada']
    page = ada.get('/settings/apps')
    ada.submit('do', 'add', {'name': 'Thunderbird at work', 'scope': ['imap']}, form=page.form('name'), drop=('scope',))
    page = ada.get('/admin/screen/bees.example')
    ada.submit('do', 'save', {'name': 'The Bees', 'text': 'Welcome home,\nall of you.', 'accent': '#7a4b00'},
               files=[('logo', 'l.png', 'image/png', PNG)], form=page.form('accent'))
    page = ada.get('/mail')
    links = mail_links(page)
    w = {'links': links, 'ref': links[1].replace('/mail/f/', '').replace('/', '-'), 'folder': links[0].rsplit('/', 1)[0],
         'drafts': folder(page, 'Drafts'), 'sent': mail_links(ada.get(folder(page, 'Sent')))[0], 'authorize': ask(pkce()[1])}
    for who, name, address in ((ada, 'user', PAUL), (people['anna'], 'member', 'ben@bees.example')):
        page = who.get('/admin')
        w[name] = next(a for a in page.read.links if '/admin/user/' in a and '%s">%s<' % (a, address) in page.text)
    return {'url': 'https://localhost:%d' % made.ports['https'], 'user': ADA, 'password': made.passwords[ADA],
            'cookies': {name: b.cookies['__Host-session'] for name, b in people.items()},
            'pages': [p for of in pages(w).values() for p in of] + [one('/nothing', 'not-found'), user('/nothing', 'not-found-in')]}


def test_every_row_is_looked_at():
    w = {'links': ['', ''], 'folder': '', 'drafts': '', 'ref': '', 'authorize': '', 'user': '', 'member': '', 'sent': ''}
    assert set(routes('GET')) == set(pages(w)) | set(OTHERS)


def test_links_of_notices_lead_to_pages():
    for path in (support.HOME / 'src' / 'notice' / 'text').glob('*/*.txt'):
        for link in re.findall(r'{{home}}(/[^ \n?]*)', path.read_text()):
            assert link in routes('GET'), path


def test_chromium(world, tmp_path):
    plan = tmp_path / 'plan.json'
    plan.write_text(json.dumps(plan_of(world)))
    support.run_in_chromium('pages.cjs', str(plan), *[folder for folder in [os.environ.get('POSTHOUSE_SCREENSHOTS')] if folder])
