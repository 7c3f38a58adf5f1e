"""test_web_keys.py - security keys and passkeys in Chromium, with its virtual authenticator."""
import re

import browser
import support
from test_web_factors import mails, recovery_address


def test_virtual_authenticator():
    made = support.Instance()
    made.settings = 'web = { public_port = %d; };' % made.ports['https']
    made.configure()
    with made:
        ada, away = 'ada@example.org', 'away@example.org'
        made.add_accounts([ada, away])
        b = browser.Browser(made.ports['https'])
        b.sign_in(ada, made.passwords[ada])
        recovery_address(made, b, away)
        b = browser.Browser(made.ports['https'])
        b.get('/reset')
        b.submit('user', change={'user': ada})
        link = [text for text in mails(made, away, 2) if '/reset/' in text][0]
        url, path = re.search(r'(https://\S+?)(/reset/\S+)', link).groups()
        assert url == 'https://www.%s:%d' % (made.host, made.ports['https'])
        support.run_in_chromium('keys.cjs', url, ada, made.passwords[ada], path)
