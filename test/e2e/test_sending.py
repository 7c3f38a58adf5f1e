"""test_sending.py - an account that turns into a spammer is stopped; its mail waits, and it is let go on."""
import email
import email.policy
import json
import re
import smtplib

import browser
import names as dns_server
import pytest
import receivers
import support
from support import message, subjects, wait_for

THIEF, GOOD = ('%s@posthouse.example' % who for who in ('thief', 'good'))
OWNER = 'owner@far.example'
SETTINGS = ('courier = { smtp_port = %d; retry = "1s"; patience = "3 s"; connect = "2 s"; };\n'
            'service = { operator = "ops@far.example"; };\ndnssec = { validate = "off"; };\n')


@pytest.fixture(scope='module')
def world():
    names = dns_server.Names()
    fleet = receivers.Fleet(names, support.free_ports(1)[0])
    try:
        with support.Instance(names.settings() + SETTINGS % fleet.port) as instance:
            instance.add_accounts([THIEF, GOOD])
            far = fleet.add('far.example')
            fleet.add('picky.example', refuse={'rcpt': lambda a: {
                'n': '550 5.1.1 no such user', 's': '550 5.7.1 blocked as spam'}.get(a[0])})
            slow = fleet.add('slow.example', refuse={'rcpt': '451 4.3.0 later'})
            yield instance, far, slow
    finally:
        fleet.close()
        names.close()


def show(instance, address):
    return json.loads(instance.tool('--json', 'account', 'sending', 'show', address))


def send(instance, sender, recipients, subject='hello'):
    with instance.submission(sender) as client:
        client.sendmail(sender, recipients, message(subject, sender))


def queued(instance, state):
    return json.loads(instance.tool('--json', 'queue', 'list', '--state', state))


def told(far, address):
    """What was sent to the address, parsed, oldest first."""
    return [email.message_from_bytes(m.text, policy=email.policy.default) for m in far.got(address)]


def set_recovery_address(instance, far, user, address):
    """In the pages; the link comes to the address itself."""
    b = browser.Browser(instance.ports['https'])
    assert b.sign_in(user, instance.passwords[user]).status == 200
    b.submit('do', 'set', {'address': address}, form=b.get('/settings/recovery').form('address'))
    wait_for('a link', lambda: told(far, address))
    text = told(far, address)[-1].get_body(('plain',)).get_content()
    page = b.get(re.search(r'(/settings/recovery[?]code=\S+)', text).group(1))
    assert 'In use' in b.submit('do', 'confirm', form=page.form('code')).words


def test_the_whole_way(world):
    instance, far, slow = world
    set_recovery_address(instance, far, THIEF, OWNER)
    send(instance, THIEF, ['later@slow.example'], 'on its way')
    wait_for('it is in the queue', lambda: queued(instance, 'waiting'))
    assert not show(instance, THIEF)['stopped']
    # Some do not exist, more refuse it as spam: not one sign alone, though for a new account one might do.
    send(instance, THIEF, ['nobody%d@picky.example' % i for i in range(20)] +
         ['someone%d@picky.example' % i for i in range(20)])
    wait_for('a stop', lambda: show(instance, THIEF)['stopped'])
    state = show(instance, THIEF)
    assert state['unknown'] == 20 and state['refused'] == 20 and 'spam=60' in state['why']
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        send(instance, THIEF, ['x@far.example'])
    assert refused.value.smtp_code == 550 and b'5.7.1' in refused.value.smtp_error
    assert b'/help/security#stopped' in refused.value.smtp_error
    # What was on its way is held, and nothing is lost.
    wait_for('a hold', lambda: [r['address'] for r in queued(instance, 'held')] == ['later@slow.example'])
    slow.refuse.clear()
    # Receiving and reading go on; the owner and the operator are told, and the others send.
    with instance.smtp() as client:
        client.sendmail('friend@elsewhere.example', [THIEF], message('from a friend'))
    wait_for('a friend', lambda: 'from a friend' in subjects(instance.imap(THIEF)))
    wait_for('a notice', lambda: any('was stopped' in s for s in subjects(instance.imap(THIEF))))
    wait_for('the operator', lambda: far.got('ops@far.example'))
    # Whoever sends by the account may read its mailbox: its owner is told elsewhere, too.
    wait_for('the owner', lambda: any('was stopped' in m['Subject'] for m in told(far, OWNER)))
    notices = [m for m in told(far, OWNER) if 'was stopped' in m['Subject']]
    assert len(notices) == 1 and notices[0]['To'] == OWNER and THIEF in notices[0].get_body(('plain',)).get_content()
    notice = email.message_from_bytes(far.got('ops@far.example')[0].text)
    assert THIEF in notice['Subject'] and far.got('ops@far.example')[0].sender == ''
    send(instance, GOOD, ['y@far.example'], 'good')
    wait_for('good mail', lambda: far.got('y@far.example'))
    # It outlives a restart of the server, and of the courier.
    instance.stop()
    instance.start()
    assert show(instance, THIEF)['stopped']
    assert len(queued(instance, 'held')) == 1 and not slow.messages
    with pytest.raises(smtplib.SMTPResponseException):
        send(instance, THIEF, ['x@far.example'])
    # An operator looks, and lets it go on: what was held goes out, what was counted is forgotten.
    assert instance.run('account', 'sending', 'stop', THIEF).returncode != 0
    assert 'may send' in instance.tool('account', 'sending', 'allow', THIEF)
    assert show(instance, THIEF)['refused'] == 0
    wait_for('a release', lambda: slow.got('later@slow.example'))
    send(instance, THIEF, ['z@far.example'], 'again')
    wait_for('it sends', lambda: far.got('z@far.example'))


def test_by_hand_and_by_complaints(world):
    instance, far, _ = world
    assert 'stopped: by an operator' in instance.tool('account', 'sending', 'stop', GOOD)
    with pytest.raises(smtplib.SMTPResponseException):
        send(instance, GOOD, ['x@far.example'])
    # Mail among our own accounts is sending, too.
    with pytest.raises(smtplib.SMTPResponseException):
        send(instance, GOOD, [THIEF])
    instance.tool('account', 'sending', 'allow', GOOD)
    for _ in range(10):
        instance.tool('account', 'sending', 'complaint', GOOD)
    state = show(instance, GOOD)
    assert state['signs'] == 'complaint=40' and not state['stopped']
    assert 'recovery-address' not in instance.log_tail(2000)  # it could be asked for, though there is none
    instance.tool('level', 'set', 'strict', 'stop_points=40')
    instance.tool('account', 'level', GOOD, 'strict')
    instance.tool('account', 'sending', 'complaint', GOOD)
    assert show(instance, GOOD)['stopped']
