"""test_cases.py - recovery cases at the command line, and what the people concerned are told."""
import json
import os
import re
import time

import pytest
import support
from support import wait_for
from test_keys import Keeper, add_totp, sign_in, verbs

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the socket is the server's")
DAY, CONFLICT = 86400, 7


@pytest.fixture(scope='module')
def instance():
    with support.Instance() as made:
        made.add_accounts(['ada@example.org', 'one@example.org', 'two@example.org'])
        yield made


@pytest.fixture(scope='module')
def staff(instance):
    """Operators, and codes on paper that each step takes one of."""
    codes = {}
    for address in 'one@example.org', 'two@example.org':
        instance.tool('account', 'role', address, 'operator')
        cookie, _ = sign_in(instance, address)
        _, codes[address] = add_totp(instance, cookie, time.time())
    return codes


def step(instance, staff, who, *arguments, exit=0):
    done = instance.run('case', *arguments, '--as', who, '--json', stdin=staff[who].pop() + '\n')
    assert done.returncode == exit, done
    return json.loads(done.stdout)


def notices(instance, address, subject):
    client = instance.imap(address, 'INBOX')
    found = client.search(None, 'SUBJECT', '"%s"' % subject)[1][0].split()
    texts = [client.fetch(n, 'BODY.PEEK[1]')[1][0][1].decode() for n in found]
    client.logout()
    return texts


def test_a_case_from_its_beginning_to_its_end(instance, staff):
    ada, one, two = 'ada@example.org', 'one@example.org', 'two@example.org'
    case = str(step(instance, staff, one, 'open', ada, 'telephoned')['case'])
    wait_for('the first notice', lambda: notices(instance, ada, 'asks for access'))
    step(instance, staff, one, 'evidence', case, 'identity', 'passport seen')
    step(instance, staff, one, 'evidence', case, 'identity', 'again', exit=1)
    step(instance, staff, two, 'evidence', case, 'phone', 'called back')
    done = step(instance, staff, two, 'evidence', case, 'payment', 'knows the invoice')
    assert done['state'] == 'waiting' and done['points'] == 100
    step(instance, staff, one, 'close', case, 'too early', exit=1)
    listed = json.loads(instance.tool('case', 'list', '--json'))
    assert [(c['account'], c['state'], c['opener']) for c in listed] == [(ada, 'waiting', one)]
    instance.tool('clock', str(4 * DAY))
    link = step(instance, staff, one, 'close', case, 'done')['link']
    assert re.fullmatch(r'/reset/new\?code=phl(-[0-9a-z]{4}){7}', link)
    wait_for('all notices', lambda: len(notices(instance, ada, 'asks for access')) == 3)
    steps = json.loads(instance.tool('case', 'show', case, '--json'))
    assert [(s['staff'], s['kind']) for s in steps] == [
        (one, 'opened'), (one, 'identity'), (two, 'phone'), (two, 'payment'), (one, 'granted')]
    numbers, _ = verbs()
    keeper = Keeper(instance)
    word = link.split('=')[-1]
    new = ('three snails, one wall', 0, '', '127.0.0.1')
    assert keeper.ask(numbers['FRAME_RESET_END'], word, ada, *new)[0] == 0
    assert keeper.ask(numbers['FRAME_RESET_END'], word, ada, *new)[0] != 0
    instance.passwords[ada] = new[0]
    instance.imap(ada).logout()


def test_who_reads_a_notice_stops_it(instance, staff):
    ada, one = 'ada@example.org', 'one@example.org'
    before = len(notices(instance, ada, 'asks for access'))
    case = str(step(instance, staff, one, 'open', ada, 'mailed')['case'])
    wait_for('the notice', lambda: len(notices(instance, ada, 'asks for access')) > before)
    text = notices(instance, ada, 'asks for access')[-1].replace('=\r\n', '').replace('=3D', '=')
    stop = re.search(r'/recovery/cancel\?code=(phl[-0-9a-z]+)', text).group(1)
    numbers, _ = verbs()
    assert Keeper(instance).ask(numbers['FRAME_RECOVERY_CANCEL'], stop)[0] == 0
    step(instance, staff, one, 'evidence', case, 'phone', 'too late', exit=1)
    assert json.loads(instance.tool('case', 'list', '--json')) == []
    listed = json.loads(instance.tool('case', 'list', '--all', '--json'))
    assert [c['state'] for c in listed] == ['granted', 'stopped']


def test_strangers_open_no_case(instance, staff):
    for who, word in (('ada@example.org', '000000'), ('one@example.org', '000000'),
                      ('nobody@example.org', '000000'), ('one@example.org', '')):
        done = instance.run('case', 'open', 'two@example.org', 'x', '--as', who, stdin=word + '\n')
        assert done.returncode == 1, done
    assert instance.run('case', 'open', 'two@example.org', 'x', stdin='000000\n').returncode == 1
    assert json.loads(instance.tool('case', 'list', '--json')) == []


def test_a_reset_without_the_factor_is_flagged(instance, staff):
    one = 'one@example.org'
    numbers, _ = verbs()
    keeper = Keeper(instance)
    case = str(step(instance, staff, 'two@example.org', 'open', one, 'lost the password')['case'])
    for kind in 'person', 'identity', 'phone':
        step(instance, staff, 'two@example.org', 'evidence', case, kind, 'seen')
    instance.tool('clock', str(8 * DAY))
    link = step(instance, staff, 'two@example.org', 'close', case, 'done')['link'].split('=')[-1]
    assert instance.tool('case', 'flags', '--json').strip() == '[]'
    asked = (link, one, 'a wall of seven snails', 0, '', '192.0.2.7')
    assert keeper.ask(numbers['FRAME_RESET_END'], *asked)[0] == CONFLICT
    assert [(f['account'], f['peer']) for f in json.loads(instance.tool('case', 'flags', '--json'))
            ] == [(one, '192.0.2.7')]
