"""test_web_keys.py - security keys and passkeys in Chromium, with its virtual authenticator."""
import support


def test_virtual_authenticator():
    made = support.Instance()
    made.settings = 'web = { public_port = %d; };' % made.ports['https']
    made.configure()
    with made:
        made.add_accounts(['ada@example.org'])
        support.run_in_chromium('keys.cjs', 'https://www.%s:%d' % (made.host, made.ports['https']),
                                'ada@example.org', made.passwords['ada@example.org'])
