"""test_dns_check.py - which records a domain lacks, and that the ones printed are right."""
import json
import re

import pytest
import support
from names import Names

DOMAIN = 'checked.example'


@pytest.fixture(scope='module')
def world():
    names = Names({support.HOST: ['192.0.2.25']})
    with support.Instance(names.settings()) as instance:
        yield instance, names
    names.close()


def check(instance, code=None):
    done = instance.run('dns', 'check', DOMAIN, '--json')
    assert done.returncode in ((0, 4) if code is None else (code,)), done
    return json.loads(done.stdout)


def faults(instance):
    return {row['what'] for row in check(instance) if row['state'] != 'ok'}


def states(rows):
    return {(row['what'], row['type']): row['state'] for row in rows}


def test_from_nothing_to_all(world):
    instance, names = world
    found = states(check(instance, 4))
    assert all(found[what] == 'missing' for what in (('MX', 'MX'), ('SPF', 'TXT'), ('DKIM', '-'), ('DMARC', 'TXT')))
    assert found[('SRV', 'SRV')] == found[('MTA-STS', 'TXT')] == 'optional'
    instance.tool('dkim', 'add', DOMAIN)
    instance.tool('certificate', 'make', 'mx', support.HOST)
    support.wait_for('certificate', lambda: 'TLSA' in [row['what'] for row in check(instance, 4)])
    text = instance.run('dns', 'check', DOMAIN).stdout.decode()
    zone = re.sub(r'\(\n([^)]*)\)', lambda m: m.group(1).replace('\n', ' '), text.split('there should be:\n')[1])
    for name, kind, data in re.findall(r'^(\S+)\.\tIN (\S+) (.+)$', zone, re.M):
        names.add(name, kind, data.strip())
    rows = check(instance, 0)
    assert set(states(rows).values()) == {'ok'}, rows
    assert len([row for row in rows if row['what'] == 'DKIM']) == 2


@pytest.mark.parametrize('name, kind, data, what', [
    (DOMAIN, 'MX', '10 mx.elsewhere.example.', 'MX'),
    (DOMAIN, 'TXT', '"v=spf1 ip4:192.0.2.1 -all"', 'SPF'),
    ('_dmarc.' + DOMAIN, 'TXT', '"v=DMARC1; p=none"|"v=DMARC1; p=reject"', 'DMARC'),
    ('_mta-sts.' + DOMAIN, 'TXT', '"v=STSv1"', 'MTA-STS'),
    ('_mta-sts.' + DOMAIN, 'TXT', '"v=STSv1; id=1"', 'MTA-STS'),
    ('_25._tcp.' + support.HOST, 'TLSA', '3 1 1 ' + 64 * '0', 'TLSA'),
    ('_imaps._tcp.' + DOMAIN, 'SRV', '0 1 994 elsewhere.example.', 'SRV'),
    ('autoconfig.' + DOMAIN, 'A', '192.0.2.77', 'autoconfig')])
def test_what_is_wrong(world, name, kind, data, what):
    instance, names = world
    before = {key: list(value) for key, value in names.records.items()}
    names.remove(name)
    names.add(name, kind, *data.split('|'))
    # The domain's other record goes with the one that is replaced. The courier may remember for a moment.
    support.wait_for('fault', lambda: faults(instance) == ({'MX', 'SPF'} if name == DOMAIN else {what}))
    check(instance, 4)
    names.records.clear()
    names.records.update(before)
    support.wait_for('all good', lambda: not faults(instance))


def test_a_key_that_is_not_published(world):
    instance, _ = world
    instance.tool('dkim', 'rotate', DOMAIN)
    rows = [row for row in check(instance, 4) if row['what'] == 'DKIM']
    assert sorted(row['state'] for row in rows) == ['missing', 'missing', 'ok', 'ok']
