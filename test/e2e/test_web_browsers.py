"""test_web_browsers.py - the pages in text browsers: w3m and lynx."""
import os
import subprocess

import pytest

import browser
from test_web_mail import deliver

HTML = '<h1 style="color:#a33">Hello</h1><p>in <b>HTML</b></p><img src="https://t.example/x.gif" alt="x">'


@pytest.fixture
def filled(shared, accounts):
    address = accounts[0]
    shared.tool('account', 'role', address, 'operator')
    deliver(shared, address, 'Hello', 'A first line.\n> quoted\nhttps://x.example/\n')
    deliver(shared, address, 'Designed', 'plain hello', html=HTML)
    deliver(shared, address, 'A subject that is so long that it does not fit ' * 4, 'hello',
            files=[('a-file-of-a-name-without-any-place-to-break-it-' * 3 + '.pdf', 'application/pdf', b'x')])
    return address


def w3m(shared, *arguments, home):
    return subprocess.run(['w3m', '-insecure', '-cookie', '-cols', '100', *arguments], capture_output=True, text=True,
                          timeout=60, env=dict(os.environ, HOME=str(home), TERM='dumb'), stdin=subprocess.DEVNULL)


def test_text_browsers_read_mail(shared, filled, tmp_path):
    """A session made by hand is given to w3m and lynx as a cookie; what they print is what one reads."""
    b = browser.Browser(shared.ports['https'])
    page = b.sign_in(filled, shared.passwords[filled])
    base = 'https://localhost:%d' % shared.ports['https']
    link = [a for a in page.read.links if a.count('/') == 4 and a.startswith('/mail/f/')][1]
    cookie = 'Cookie: __Host-session=' + b.cookies['__Host-session']
    text = w3m(shared, '-header', cookie, '-dump', base + '/mail', home=tmp_path).stdout
    assert 'Inbox' in text and 'Designed' in text and 'Clara' in text and 'Search' in text
    text = w3m(shared, '-header', cookie, '-dump', base + link, home=tmp_path).stdout
    assert 'plain hello' in text and 'From' in text and 'Reply' in text
    text = w3m(shared, '-dump', base + '/', home=tmp_path).stdout
    assert 'Your address' in text and 'Password' in text
    settings = tmp_path / 'lynx.cfg'
    settings.write_text('FORCE_SSL_PROMPT:yes\nFORCE_COOKIE_PROMPT:yes\n')
    text = subprocess.run(['lynx', '-dump', '-useragent=Lynx/2.9', '-cfg=%s' % settings, base + '/help/servers'],
                          capture_output=True, text=True, timeout=60, env=dict(os.environ, HOME=str(tmp_path))).stdout
    assert 'Reading mail (IMAP)' in text and str(shared.ports['imaps']) in text
