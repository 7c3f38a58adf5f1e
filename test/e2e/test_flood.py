"""test_flood.py - hundreds of sign-up mails made to hide one that matters [acct.13], as its owner meets them."""
import email
import email.policy
import re

import pytest

import browser
import support
from support import wait_for

ANN, BOB = 'ann@posthouse.example', 'bob@posthouse.example'
FORMS = ['Please confirm your subscription', 'Welcome to the "Knitting" mailing list', 'Bestätigen Sie Ihre Anmeldung',
         'Confirmez votre inscription', 'Activate your account', 'Thank you for signing up',
         'Confirma tu suscripción', '[A Blog] Login Details', 'Your newsletter', 'Подтвердите регистрацию']


def forms(n, first=0):
    for i in range(first, first + n):
        message = email.message.EmailMessage(email.policy.SMTP)
        message['From'] = 'The List <no-reply@list%d.example>' % i
        message['Subject'] = FORMS[i % len(FORMS)]
        message['List-Unsubscribe'] = '<https://list%d.example/u>' % i
        message.set_content('Click here: https://list%d.example/confirm\n' % i)
        yield message.as_bytes()


@pytest.fixture(scope='module')
def instance():
    with support.Instance() as one:
        one.add_accounts([ANN, BOB])
        one.tool('account', 'set', BOB, 'language=de')
        yield one


def send(instance, address, messages):
    client = instance.smtp()
    for message in messages:
        client.sendmail('bounces@list.example', [address], message)
    client.quit()


def flagged(client):
    return {n.decode() for n in client.search(None, 'FLAGGED')[1][0].split()}


def test_flood(instance):
    send(instance, ANN, [support.message('dinner?').encode()] + list(forms(9)))
    client = instance.imap(ANN)
    assert len(support.subjects(client)) == 10
    send(instance, ANN, list(forms(40, 9)) + [support.message('Your order 4711 is on its way').encode()])
    b = browser.Browser(instance.ports['https'])
    b.sign_in(ANN, instance.passwords[ANN])
    b.get('/settings/password')
    new = 'knots and needles'
    b.submit('before', change={'before': instance.passwords[ANN], 'after': new, 'again': new})
    instance.passwords[ANN] = new
    client = instance.imap(ANN)

    def inbox():
        client.noop()
        return support.subjects(client)

    wait_for('the notices', lambda: len(inbox()) == 4)
    found = inbox()
    assert found[0] == 'dinner?' and 'Your order 4711 is on its way' in found
    assert any('look what they hide' in s for s in found) and any('assword' in s for s in found)
    assert flagged(client) == {'2', '3', '4'}
    assert len(support.subjects(client, '"Sign-up mail"')) == 49
    assert b'"Sign-up mail"' in b'\n'.join(client.lsub()[1])
    number = 1 + next(i for i, s in enumerate(found) if 'hide' in s)
    client.select('INBOX')
    raw = client.fetch(str(number), '(BODY.PEEK[])')[1][0][1]
    text = email.message_from_bytes(raw, policy=email.policy.default).get_body(('plain',)).get_content()
    assert '"Sign-up mail"' in text and '/settings/log' in text
    instance.check()


def test_in_their_language(instance):
    send(instance, BOB, forms(12))
    client = instance.imap(BOB)
    wait_for('the notice', lambda: client.noop() and len(support.subjects(client)) == 1)
    assert len(support.subjects(client, 'Anmelde-Mails')) == 12


def test_links_of_all_notices_lead_somewhere(instance):
    b = browser.Browser(instance.ports['https'])
    b.sign_in(ANN, instance.passwords[ANN])
    links = {link for path in (support.HOME / 'src' / 'notice' / 'text').glob('*/*.txt')
             for link in re.findall(r'{{home}}(/[^ {\n]*)', path.read_text())}
    assert links
    for link in links:
        assert b.get(link).status == 200, link
