"""test_web_keys.py - security keys and passkeys in Chromium, with its virtual authenticator."""
import shutil
import subprocess

import pytest
import support
from test_web_browsers import WEB


@pytest.mark.skipif(not shutil.which('node'), reason='node is missing')
def test_virtual_authenticator():
    if not (WEB / 'node_modules').is_dir():
        subprocess.run(['npm', 'ci', '--no-audit', '--no-fund'], cwd=WEB, check=True, capture_output=True)
    made = support.Instance()
    made.settings = 'web = { public_port = %d; };' % made.ports['https']
    made.configure()
    with made:
        made.add_accounts(['ada@example.org'])
        done = subprocess.run(
            ['node', 'keys.cjs', 'https://www.%s:%d' % (made.host, made.ports['https']),
             'ada@example.org', made.passwords['ada@example.org']],
            cwd=WEB, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr + made.log_tail()
