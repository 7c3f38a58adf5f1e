"""test_insecure.py - what only hosts and listeners do that are named insecure: pages without TLS, and TLS
as it was in 1999; and what no listener does, whatever it is named."""
import imaplib
import re
import smtplib
import socket
import ssl
import subprocess

import pytest

import browser
import support
from support import wait_for

ANN = 'ann@posthouse.example'


@pytest.fixture(scope='module')
def instance():
    one = support.Instance('web = { insecure = true; };\n')
    one.ports.update(zip(('insecure_imaps', 'insecure_submissions'), support.free_ports(2)))
    one.configure()
    with one:
        one.add_accounts([ANN])
        one.tool('domain', 'add', 's.example')
        one.tool('group', 'add', 'them')
        one.tool('domain', 'add', 'c.example')
        one.tool('group', 'domain', 'them', 'c.example')
        yield one


def old_context(version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers('DEFAULT:@SECLEVEL=0')
    context.minimum_version = context.maximum_version = version
    return context


# ---- pages without TLS

def test_pages_without_tls(instance):
    """From the front page to the mail and out again, each page with its warning in red."""
    style = browser.Browser(instance.ports['https']).get('/static/style.css').text
    assert re.search(r'\.insecure\s*{[^}]*color', style)
    for host in ('insecure.' + support.HOST, 'insecure.s.example'):
        b = browser.Browser(instance.ports['http'], host=host, tls=False)
        for path in ('/', '/help', '/help/servers'):
            page = b.get(path)
            assert page.status == 200 and 'class="insecure"' in page.text, path
            assert 'strict-transport-security' not in page.headers
        page = b.sign_in(ANN, instance.passwords[ANN])
        assert page.status == 200 and 'Inbox' in page.words and 'class="insecure"' in page.text
        assert not any(name.startswith('__Host-') for name in b.cookies)
        # what it was given opens nothing elsewhere, nor the other way round
        other = browser.Browser(instance.ports['https'])
        other.cookies = dict(b.cookies)
        assert 'Inbox' not in other.get('/mail').words
    secure = browser.Browser(instance.ports['https'])
    assert 'Inbox' in secure.sign_in(ANN, instance.passwords[ANN]).words
    assert 'class="insecure"' not in secure.page.text
    thief = browser.Browser(instance.ports['http'], host='insecure.' + support.HOST, tls=False)
    thief.cookies = dict(secure.cookies)
    assert 'Inbox' not in thief.get('/mail').words


def test_no_other_name_stays_without_tls(instance):
    for host in (support.HOST, 'www.' + support.HOST, 'm.' + support.HOST, 's.example', 'insecure.c.example',
                 'insecure.evil.example', 'insecure'):
        page = browser.Browser(instance.ports['http'], host=host, tls=False).send('GET', '/')
        assert page.status == 301 and page.headers['location'].startswith('https://'), host
        assert 'evil' not in page.headers['location']
    page = browser.Browser(instance.ports['https'], host='insecure.' + support.HOST).send('GET', '/')
    assert page.status == 301


# ---- old TLS

@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2])
def test_mail_over_old_tls(instance, version):
    old = version != ssl.TLSVersion.TLSv1_2
    context = old_context(version)
    client = smtplib.SMTP_SSL('127.0.0.1', instance.ports['insecure_submissions'], timeout=30, context=context)
    client.login(ANN, instance.passwords[ANN])
    subject = 'by ' + version.name
    client.sendmail(ANN, [ANN], support.message(subject, sender=ANN))
    client.quit()
    client = imaplib.IMAP4_SSL('127.0.0.1', instance.ports['insecure_imaps'], ssl_context=context, timeout=30)
    assert client.sock.version() == version.name.replace('_', '.')
    client.login(ANN, instance.passwords[ANN])
    wait_for('the mail', lambda: subject in support.subjects(client))
    client.logout()
    for port in ('imaps', 'submissions', 'https'):
        with socket.create_connection(('127.0.0.1', instance.ports[port]), 20) as s:
            try:
                context.wrap_socket(s).close()
                assert not old, port
            except ssl.SSLError:
                assert old, port


# ---- the wrong door

@pytest.mark.parametrize('port,names', [('imaps', ['imap']), ('insecure_imaps', ['imap']),
                                        ('submissions', ['smtp', 'esmtp']), ('https', ['h2', 'http/1.1'])])
def test_names_of_protocols(instance, port, names):
    """A browser that somebody leads to a mail port is refused before it can say a word (RFC 7301)."""
    def shake(offered):
        context = support.tls_context()
        if offered:
            context.set_alpn_protocols(offered)
        with socket.create_connection(('127.0.0.1', instance.ports[port]), 20) as s:
            with context.wrap_socket(s) as tls:
                return tls.selected_alpn_protocol()

    assert shake([]) is None
    for name in names:
        assert shake([name]) == name
        assert shake(['x', name]) == name
    for wrong in {'imap', 'smtp', 'http/1.1', 'h2', 'pop3', 'ftp'} - set(names):
        with pytest.raises(ssl.SSLError, match='no application protocol'):
            shake([wrong])


def test_names_after_starttls(tmp_path):
    """The same behind STARTTLS; port 25 takes whoever comes, because a refused sender would go on in clear."""
    port, = support.free_ports(1)
    one = support.Instance()
    one.ports['submission'] = port
    one.configure()
    with one:
        for name, wants in (('submission', False), ('smtp', True)):
            done = subprocess.run(
                ['openssl', 's_client', '-connect', '127.0.0.1:%d' % one.ports[name], '-starttls', 'smtp',
                 '-alpn', 'http/1.1'], input=b'', capture_output=True)
            assert (b'Cipher is (NONE)' not in done.stdout) == wants, name
