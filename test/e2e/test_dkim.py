"""test_dkim.py - keys that sign mail: made, listed, replaced, removed."""
import base64
import json
import re

import pytest

import support


@pytest.fixture(scope='module')
def instance():
    with support.Instance() as one:
        yield one


def rows(instance, *words):
    return json.loads(instance.tool('dkim', *words, '--json'))


def test_keys_and_their_records(instance):
    made = rows(instance, 'add', 'Example.COM')
    assert sorted(r['kind'] for r in made) == ['ed25519', 'rsa']
    assert all(r['state'] == 'signs' and r['domain'] == 'example.com' for r in made)
    for row in made:
        assert row['name'] == row['selector'] + '._domainkey.example.com'
        key = base64.b64decode(re.fullmatch(r'v=DKIM1; k=\w+; p=(.+)', row['value']).group(1))
        assert len(key) == 32 if row['kind'] == 'ed25519' else len(key) > 290
    text = instance.tool('dkim', 'list', 'example.com')
    strings = re.findall(r'"([^"]*)"', text)
    assert all(len(s) <= 255 for s in strings)
    assert all(row['value'] in ''.join(strings) for row in made)


def test_rotation_overlaps(instance):
    before = {r['selector'] for r in rows(instance, 'add', 'rotated.example')}
    after = rows(instance, 'rotate', 'rotated.example', '--after', '3')
    states = {r['selector']: r['state'] for r in after}
    assert len(states) == 4 and all(states[s] == 'signs' for s in before)
    new = set(states) - before
    assert all(states[s] == 'next' for s in new)
    instance.tool('clock', str(3 * 86400))
    states = {r['selector']: r['state'] for r in rows(instance, 'list', 'rotated.example')}
    assert all(states[s] == ('former' if s in before else 'signs') for s in states)
    for selector in before:
        instance.tool('dkim', 'remove', 'rotated.example', selector)
    assert {r['selector'] for r in rows(instance, 'list', 'rotated.example')} == new


def test_mistakes(instance):
    rows(instance, 'add', 'once.example')
    for words, said in ((('add', 'once.example'), 'has keys'), (('rotate', 'never.example'), 'no keys'),
                        (('remove', 'never.example'), 'no such key'), (('add', 'x y'), ''),
                        (('rotate', 'once.example', '--after', 'soon'), 'number')):
        done = instance.run('dkim', *words)
        assert done.returncode == 1 and said in done.stderr.decode(), words


def test_keys_are_the_keepers_alone(instance):
    rows(instance, 'add', 'kept.example')
    files = list((instance.dir / 'keeper' / 'keys').glob('dkim-*.pem'))
    assert files and all(f.stat().st_mode & 0o077 == 0 for f in files)
    count = len(files)
    instance.tool('dkim', 'remove', 'kept.example')
    assert len(list((instance.dir / 'keeper' / 'keys').glob('dkim-*.pem'))) == count - 2
    assert rows(instance, 'list', 'kept.example') == []
