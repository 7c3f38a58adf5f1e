"""test_queue.py - mail for elsewhere: what the courier does with servers of every kind."""
import collections
import contextlib
import email
import json
import os
import pwd
import random
import signal
import smtplib
import sqlite3
import ssl
import subprocess
import threading
import time

import pytest

import names as dns_server
import receivers
import support
from support import message, subjects, wait_for

ALICE, BOB = 'alice@posthouse.example', 'bob@posthouse.example'
COURIER = ('courier = { smtp_port = %d; retry = "1s 1s 2s"; patience = "3 s"; connect = "2 s"; %s };\n'
           'dnssec = { validate = "off"; };\n')


@contextlib.contextmanager
def sending(more='lifetime = "4 s"; delay_notice = 0;', **options):
    """An instance with a fleet of receivers that its courier finds."""
    names = dns_server.Names()
    fleet = receivers.Fleet(names, support.free_ports(1)[0])
    instance = support.Instance(names.settings() + COURIER % (fleet.port, more), **options)
    try:
        with instance:
            instance.add_accounts([ALICE, BOB])
            yield instance, fleet, names
    finally:
        fleet.close()
        names.close()


def queued(instance, *arguments):
    return json.loads(instance.tool('--json', 'queue', 'list', *arguments))


def is_empty(instance):
    return json.loads(instance.tool('--json', 'queue', 'status'))['messages'] == 0


def submit(instance, recipients, subject, sender=ALICE, body='hello\r\n', options=(), rcpt_options=()):
    with instance.submission(sender) as client:
        client.sendmail(sender, recipients, message(subject, sender, body), options, rcpt_options)


def reports(instance, address=ALICE):
    """The delivery reports in a mailbox, parsed."""
    client = instance.imap(address, 'INBOX')
    _, data = client.fetch('1:*', '(BODY.PEEK[])') if subjects(client) else (None, [])
    client.logout()
    found = [email.message_from_bytes(item[1]) for item in data if isinstance(item, tuple)]
    return [m for m in found if m.get_content_type() == 'multipart/report']


def fields(report):
    """Per recipient: its fields."""
    status = report.get_payload()[1].get_payload()
    return [dict(part.items()) for part in status[1:]]


def test_accepted_with_everything_offered():
    with sending() as (instance, fleet, names):
        r = fleet.add('good.example', offers=receivers.OFFERS + ('CHUNKING',))
        plain = fleet.add('plain.example', offers=())
        body = '.\r\n..dots\r\n.\r\n' + 'x' * 900 + '\r\n'
        submit(instance, ['a@good.example', 'b@good.example', 'c@plain.example'], 'hi', body=body,
               options=['RET=HDRS', 'ENVID=my+2Bid'], rcpt_options=['NOTIFY=FAILURE'])
        wait_for('both', lambda: r.got('a@good.example') and plain.got('c@plain.example'))
        got = r.got('a@good.example')[0]
        assert got.recipients == ['a@good.example', 'b@good.example'] and got.sender == ALICE
        assert 'RET=HDRS' in got.params and 'ENVID=my+2Bid' in got.params and 'SIZE=' in got.params
        assert got.recipient_params['a@good.example'] == 'NOTIFY=FAILURE'
        assert got.text.endswith(body.encode()) and b'Return-Path' not in got.text
        assert plain.got('c@plain.example')[0].text.endswith(body.encode())
        assert plain.got('c@plain.example')[0].params == ''
        wait_for('an empty queue', lambda: is_empty(instance))
        assert not reports(instance)


def by_domain(instance):
    """What reports say, by the domain that they are about; each of one recipient."""
    return {f['Final-Recipient'].split('@')[1]: (f, r) for r in reports(instance) for f in fields(r)}


def test_refused_at_each_stage():
    stages = {'%s%s' % (stage, more): dict(refuse={stage: '550 5.7.1 we do not like it'}, **options)
              for stage in ('mail', 'rcpt', 'data', 'end')
              for more, options in (('', {}), ('-one-by-one', {'offers': ()}))}
    stages['chunk'] = {'refuse': {'end': '550 5.7.1 we do not like it'}, 'offers': ('CHUNKING',)}
    with sending() as (instance, fleet, names):
        for name, options in stages.items():
            fleet.add(name + '.example', **options)
        for name in stages:
            submit(instance, ['a@%s.example' % name], 'refused ' + name)
        wait_for('all reports', lambda: len(reports(instance)) == len(stages))
        for domain, (told, report) in by_domain(instance).items():
            assert told['Action'] == 'failed' and told['Status'] == '5.7.1'
            assert told['Diagnostic-Code'] == 'smtp; 550 5.7.1 we do not like it'
            assert told['Remote-MTA'] == 'dns; mx.' + domain
            assert 'refused ' + domain.split('.')[0] in report.get_payload()[2].get_payload()
        assert set(by_domain(instance)) == {name + '.example' for name in stages}
        wait_for('an empty queue', lambda: is_empty(instance))
        assert len(reports(instance)) == len(stages)


def test_one_of_several_is_refused():
    with sending() as (instance, fleet, names):
        r = fleet.add('half.example', refuse={'rcpt': lambda a: '550 5.1.1 nobody' if a[0] == 'b' else None},
                      offers=receivers.OFFERS + ('CHUNKING',))
        submit(instance, ['a@half.example', 'c@half.example', 'b@half.example'], 'half')
        wait_for('a report', lambda: reports(instance))
        assert [f['Final-Recipient'] for f in fields(reports(instance)[0])] == ['rfc822; b@half.example']
        assert r.got('a@half.example')[0].recipients == ['a@half.example', 'c@half.example']
        wait_for('an empty queue', lambda: is_empty(instance))


def test_greylisting_is_waited_for():
    with sending() as (instance, fleet, names):
        seen = []

        def grey(address):
            seen.append(address)
            return '451 4.7.1 come back later' if len(seen) < 3 else None
        r = fleet.add('grey.example', refuse={'rcpt': grey})
        submit(instance, ['a@grey.example'], 'grey')
        wait_for('it', lambda: r.got('a@grey.example'))
        assert len(seen) == 3
        wait_for('an empty queue', lambda: is_empty(instance))
        assert not reports(instance)


BAD_WAYS = {
    'banner': {'vanish': 'banner'}, 'ehlo': {'vanish': 'ehlo'}, 'mail': {'vanish': 'mail'}, 'rcpt': {'vanish': 'rcpt'},
    'data': {'vanish': 'data'}, 'text': {'vanish': 'text'}, 'end': {'vanish': 'end'},
    'chunk': {'vanish': 'text', 'offers': ('CHUNKING',)}, 'nonsense': {'nonsense': 'banner'},
    'nonsense-ehlo': {'nonsense': 'ehlo'}, 'nonsense-rcpt': {'nonsense': 'rcpt'}, 'nonsense-end': {'nonsense': 'end'},
    'late': {'slow': 5}, 'drips': {'drips': 'mail'}, 'busy': {'refuse': {'banner': '421 4.3.2 not now'}},
    'no': {'refuse': {'banner': '554 5.3.2 no mail here'}}, 'after': {'vanish': 'after'},
}


def test_what_does_not_work_is_told_when_time_is_up():
    with sending() as (instance, fleet, names):
        bad = {way: fleet.add(way + '.example', **options) for way, options in BAD_WAYS.items()}
        good, slow = fleet.add('good.example'), fleet.add('slow.example', slow=1, offers=())
        for way in bad:
            submit(instance, ['a@%s.example' % way, 'b@good.example'], way)
        submit(instance, ['c@slow.example'], 'slow')
        # One by one, each answer within our patience: seven seconds, longer than all others have.
        wait_for('the slow one', lambda: slow.got('c@slow.example'))
        wait_for('the other ones', lambda: len(good.got('b@good.example')) == len(bad))
        wait_for('all reports', lambda: len(reports(instance)) == len(bad), 60)
        told = by_domain(instance)
        assert set(told) == {way + '.example' for way in bad}
        for domain, (field, _) in told.items():
            assert field['Action'] == 'failed' and field['Status'].startswith('5.'), domain
        for way, r in bad.items():
            assert r.connections > 1 and not r.messages, way
            assert bool(r.unsure) == (way in ('after', 'nonsense-end')), way
        wait_for('an empty queue', lambda: is_empty(instance))
        assert len(reports(instance)) == len(bad) and len(slow.messages) == 1
        # What may have been taken without an answer is counted, and said in its history.
        status = json.loads(instance.tool('--json', 'queue', 'status'))
        assert status['unsure'] >= sum(len(r.unsure) for r in bad.values()) and status['deferred'] > status['unsure']
        assert 'may have been taken' in instance.tool('trace', 'a@after.example')
        assert 'may have been taken' not in instance.tool('trace', 'a@rcpt.example')


def test_the_next_host_takes_it():
    with sending() as (instance, fleet, names):
        fleet.add('bad.example', refuse={'banner': '421 4.3.2 not now'})
        good = fleet.add('second.example')
        names.add('bad.example', 'MX', '20 mx.second.example.')
        names.add('dead.example', 'MX', '10 mx.nobody.example.')
        names.add('dead.example', 'MX', '20 mx.second.example.')
        names.names['mx.nobody.example'] = ['127.0.0.250']
        # One of two addresses is dead.
        names.names['two.example'] = ['127.0.0.250', names.names['mx.second.example'][0]]
        submit(instance, ['a@bad.example', 'b@dead.example', 'c@two.example'], 'fallback')
        for address in ('a@bad.example', 'b@dead.example', 'c@two.example'):
            wait_for(address, lambda: good.got(address))
        wait_for('an empty queue', lambda: is_empty(instance))


def test_nowhere_to_go():
    where = {'nothing': ({}, '5.1.2'), 'null': ({'MX': '0 .'}, '5.1.10'), 'dead': ({'MX': '10 nothing.else.'}, '5.4.4'),
             'us': ({'MX': '10 %s.' % support.HOST}, '5.4.6'), 'text': ({'TXT': '"no mail"'}, '5.4.4')}
    with sending() as (instance, fleet, names):
        for name, (records, _) in where.items():
            for kind, text in records.items():
                names.add(name + '.example', kind, text)
            submit(instance, ['a@%s.example' % name], 'nowhere')
        wait_for('reports', lambda: len(reports(instance)) == len(where))
        assert {d: field['Status'] for d, (field, _) in by_domain(instance).items()} == {
            name + '.example': status for name, (_, status) in where.items()}


def certificate(tmp_path, name):
    key, cert = tmp_path / 'key.pem', tmp_path / 'cert.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                    '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=' + name,
                    '-addext', 'subjectAltName=DNS:' + name], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


POLICIES = ('no-policy-found', 'sts', 'tlsa')
RESULTS = ('', 'starttls-not-supported', 'certificate-host-mismatch', 'certificate-expired', 'certificate-not-trusted',
           'validation-failure', 'tlsa-invalid', 'dnssec-invalid', 'sts-policy-fetch-error', 'sts-policy-invalid',
           'sts-webpki-invalid')


def in_tls_db(instance, query):
    with contextlib.closing(sqlite3.connect('file:%s?mode=ro' % (instance.dir / 'courier' / 'tls.db'), uri=True)) as db:
        return db.execute(query).fetchall()


def tls_results(instance):
    """(domain, type of policy, sessions that were good, that were not)"""
    return [(d, POLICIES[t], good, failed) for d, t, good, failed in in_tls_db(
        instance, 'SELECT domain, type, good, failed FROM policy ORDER BY domain')]


def tls_failures(instance):
    return [(d, RESULTS[result], mx, reason) for d, result, mx, reason in in_tls_db(
        instance, 'SELECT domain, result, mx_host, reason FROM failure JOIN policy ON policy = id ORDER BY domain')]


def test_tls_is_taken_and_done_without(tmp_path):
    with sending() as (instance, fleet, names):
        safe = fleet.add('safe.example', tls=certificate(tmp_path, 'else.example'))
        broken = fleet.add('broken.example', tls='broken')
        submit(instance, ['a@safe.example', 'b@broken.example'], 'tls')
        wait_for('both', lambda: safe.got('a@safe.example') and broken.got('b@broken.example'))
        assert safe.got('a@safe.example')[0].is_tls
        assert not broken.got('b@broken.example')[0].is_tls
        wait_for('what is counted', lambda: tls_results(instance) == [
            ('broken.example', 'no-policy-found', 0, 1), ('safe.example', 'no-policy-found', 1, 0)])
        assert [f[:2] for f in tls_failures(instance)] == [('broken.example', 'validation-failure')]


def test_what_a_server_cannot_take():
    with sending() as (instance, fleet, names):
        small = fleet.add('small.example', offers=('SIZE 100',))
        seven = fleet.add('seven.example', offers=('PIPELINING', 'SIZE'))
        chunks = fleet.add('chunks.example', offers=('CHUNKING',))
        submit(instance, ['a@small.example'], 'big')
        long = 'gr\u00fc\u00dfe = \r\n.\r\n' * 60000  # of several chunks, longer when it is made ASCII
        takes_all = fleet.add('binary.example', offers=('8BITMIME', 'CHUNKING', 'BINARYMIME'))
        binary = ('From: <%s>\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n' % ALICE).encode() + bytes(range(256))
        signed = ('From: <%s>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\n'
                  '\u00fc\r\n--s\r\n\r\nsignature\r\n--s--\r\n') % ALICE
        with instance.submission(ALICE) as client:
            client.sendmail(ALICE, ['b@seven.example', 'b@chunks.example'],
                            message('eight', ALICE, long).encode(), ['BODY=8BITMIME'])
            client.sendmail(ALICE, ['c@seven.example'], signed.encode(), ['BODY=8BITMIME'])
            client.mail(ALICE, ['BODY=BINARYMIME'])
            client.rcpt('d@binary.example')
            client.send(b'BDAT %d LAST\r\n' % len(binary) + binary)
            assert client.getreply()[0] == 250
        wait_for('d@binary.example', lambda: takes_all.got('d@binary.example'))
        got = email.message_from_bytes(takes_all.messages[0].text)
        assert got['Content-Transfer-Encoding'] == 'base64' and got.get_payload(decode=True) == bytes(range(256))
        assert 'BODY' not in takes_all.messages[0].params or 'BODY=8BITMIME' in takes_all.messages[0].params
        wait_for('two reports', lambda: len(reports(instance)) == 2)
        assert sorted(fields(r)[0]['Status'] for r in reports(instance)) == ['5.3.4', '5.6.3']
        assert not small.messages
        for receiver, address in (seven, 'b@seven.example'), (chunks, 'b@chunks.example'):
            wait_for(address, lambda r=receiver, a=address: r.got(a))
            got = email.message_from_bytes(receiver.messages[0].text)
            assert got['Content-Transfer-Encoding'] == 'quoted-printable' and receiver.messages[0].text.isascii()
            assert got.get_payload(decode=True) == long.encode() and receiver.messages[0].params == ''
        assert len(seven.messages) == len(chunks.messages) == 1


def test_success_is_told_where_it_is_asked_for():
    with sending() as (instance, fleet, names):
        fleet.add('knows.example')
        fleet.add('plain.example', offers=())
        submit(instance, ['a@knows.example', 'b@plain.example'], 'tell', rcpt_options=['NOTIFY=SUCCESS'])
        wait_for('a report', lambda: reports(instance))
        told = fields(reports(instance)[0])
        # The first server knows DSN: telling is its business.
        assert [(f['Final-Recipient'], f['Action']) for f in told] == [('rfc822; b@plain.example', 'relayed')]


def test_delay_is_told():
    with sending('lifetime = "1 h"; delay_notice = "2 s";') as (instance, fleet, names):
        r = fleet.add('slow.example', refuse={'mail': '451 4.3.0 later'})
        submit(instance, ['a@slow.example'], 'delayed')
        wait_for('a report', lambda: reports(instance))
        told = fields(reports(instance)[0])[0]
        assert told['Action'] == 'delayed' and told['Status'] == '4.3.0' and told['Will-Retry-Until']
        r.refuse = {}
        wait_for('it', lambda: r.got('a@slow.example'))
        assert len(reports(instance)) == 1


def test_bounces_of_strangers_and_of_nobody():
    """An alias leads elsewhere: its bounce goes to the stranger; a bounce of a bounce to nobody."""
    with sending() as (instance, fleet, names):
        fleet.add('bad.example', refuse={'rcpt': '550 5.1.1 nobody'})
        home = fleet.add('stranger.example')
        instance.tool('alias', 'add', 'away@posthouse.example', 'x@bad.example')
        with instance.smtp() as client:
            client.sendmail('s@stranger.example', ['away@posthouse.example'], message('one'))
            client.sendmail('', ['away@posthouse.example'], message('two'))
        wait_for('the bounce', lambda: home.got('s@stranger.example'))
        bounce = home.got('s@stranger.example')[0]
        assert bounce.sender == '' and b'away@posthouse.example' in bounce.text
        assert b'x@bad.example' not in bounce.text.split(b'text/rfc822-headers')[0]
        wait_for('an empty queue', lambda: is_empty(instance))
        assert len(home.messages) == 1


def test_the_operator_manages_the_queue():
    with sending('lifetime = "1 h"; delay_notice = 0;') as (instance, fleet, names):
        r = fleet.add('slow.example', refuse={'mail': '451 4.3.0 later'})
        other = fleet.add('other.example')
        submit(instance, ['a@slow.example', 'b@slow.example'], 'managed')
        submit(instance, ['c@slow.example'], 'second')
        wait_for('attempts', lambda: len(queued(instance)) == 3 and all(e['attempts'] for e in queued(instance)))
        first = queued(instance)[0]
        shown = instance.tool('queue', 'show', str(first['id']))
        assert 'managed' in shown and '451 4.3.0 later' in shown and 'mx.slow.example' in shown
        assert 'changed 2' in instance.tool('queue', 'hold', str(first['id']))
        assert {e['state'] for e in queued(instance, '--state', 'held')} == {'held'}
        r.refuse = {}
        wait_for('the second', lambda: r.got('c@slow.example'))
        assert not r.got('a@slow.example')
        instance.tool('queue', 'drop', 'b@slow.example')
        # A route takes what is queued along.
        instance.tool('queue', 'route', 'slow.example', '[%s]' % names.names['mx.other.example'][0])
        assert 'slow.example' in instance.tool('queue', 'route')
        instance.tool('queue', 'release', '@slow.example')
        wait_for('it', lambda: other.got('a@slow.example'))
        assert other.messages[0].recipients == ['a@slow.example']
        instance.tool('queue', 'route', 'slow.example', '')
        instance.tool('queue', 'suppress', 'd@slow.example', '550 5.1.1 gone')
        submit(instance, ['d@slow.example'], 'suppressed')
        wait_for('a report', lambda: reports(instance))
        assert fields(reports(instance)[0])[0]['Diagnostic-Code'] == 'smtp; 550 5.1.1 gone'
        instance.tool('queue', 'suppress', '--remove', 'd@slow.example')
        submit(instance, ['d@slow.example'], 'again')
        wait_for('it', lambda: r.got('d@slow.example'))
        assert instance.run('queue', 'suppress', '--remove', 'd@slow.example').returncode == 1
        assert instance.run('queue', 'show', '999').returncode == 1
        assert instance.run('queue', 'drop').returncode == 2


def test_smarthost():
    names = dns_server.Names()
    fleet = receivers.Fleet(names, support.free_ports(1)[0])
    relay = fleet.add('relay.example')
    settings = names.settings() + COURIER % (fleet.port, 'smarthost = "[mx.relay.example]";')
    with support.Instance(settings) as instance:
        instance.add_accounts([ALICE])
        submit(instance, ['a@one.example', 'b@two.example'], 'smart')
        wait_for('both', lambda: relay.got('a@one.example') and relay.got('b@two.example'))
        assert relay.messages[0].recipients == ['a@one.example', 'b@two.example']
    fleet.close()
    names.close()


def test_connections_are_used_again_and_bounded():
    with sending('per_destination = 3;') as (instance, fleet, names):
        open_at = []
        r = fleet.add('many.example', refuse={'banner': lambda _: None if open_at else '421 4.3.2 not yet'})
        n = 60
        with instance.submission(ALICE) as client:
            for i in range(n):
                client.sendmail(ALICE, ['a%d@many.example' % i], message('m%d' % i, ALICE))
        open_at.append(r.connections)
        instance.tool('queue', 'retry', 'all')
        wait_for('all', lambda: len(r.messages) == n)
        assert len({m.recipients[0] for m in r.messages}) == n
        assert r.connections - open_at[0] <= n // 2, r.connections


class Sender(threading.Thread):
    """Submits one message after the other, each to several; knows which were accepted."""

    def __init__(self, instance, domains, name):
        super().__init__()
        self.instance, self.domains, self.name_of = instance, domains, name
        self.accepted, self.open, self.is_over = [], [], False

    def run(self):
        n = 0
        while not self.is_over:
            try:
                with self.instance.submission(ALICE) as client:
                    while not self.is_over:
                        n += 1
                        to = ['%s-%d@%s' % (self.name_of, n, d) for d in self.domains]
                        self.open.append(to)
                        client.sendmail(ALICE, to, message('%s-%d' % (self.name_of, n), ALICE))
                        self.accepted.append(self.open.pop())
            except (OSError, smtplib.SMTPException):
                time.sleep(0.05)


def told_of(instance):
    """Recipient -> how many reports say that it failed."""
    count = collections.Counter()
    for report in reports(instance):
        for f in fields(report):
            count[f['Final-Recipient'].split('; ')[1]] += 1
    return count


def test_kill_at_random_moments():
    """The courier dies again and again; each accepted recipient has its mail, or its sender a report.
    Two copies only of what a server had taken when the courier died before it heard so."""
    chance = random.Random(int(os.environ.get('POSTHOUSE_TEST_SEED', '0')) or None)
    rounds = 100 if support.LONG else 12
    # A third of what it sends is refused: elsewhere that is called a spammer.
    with sending('lifetime = "1 h"; delay_notice = 0; }; sending = { stop = 0;') as (instance, fleet, names):
        good = fleet.add('good.example')
        seen = set()

        def once(address):
            if chance.random() < 0.3 and address not in seen:
                seen.add(address)
                return '451 4.7.1 come back'
            return None
        grey = fleet.add('grey.example', refuse={'rcpt': once})
        fleet.add('bad.example', refuse={'rcpt': '550 5.1.1 nobody'})
        senders = [Sender(instance, ['good.example', 'grey.example', 'bad.example'], 's%d' % i) for i in range(3)]
        for s in senders:
            s.start()
        for n in range(rounds):
            victim = instance.pid('courier')
            time.sleep(chance.uniform(0.05, 1.0))
            os.kill(victim, signal.SIGKILL)
            # The supervisor grows patient with one that dies often: from time to time all is new.
            if n % 4 == 3:
                instance.kill()
                instance.start()
            wait_for('a new courier', lambda: victim not in instance.pids('courier') and instance.pids('courier'), 60)
        for s in senders:
            s.is_over = True
        for s in senders:
            s.join()
        accepted = [a for s in senders for a in s.accepted]
        maybe = {r for s in senders for a in s.open for r in a}
        assert len(accepted) > rounds
        instance.tool('queue', 'retry', 'all')
        wait_for('an empty queue', lambda: is_empty(instance), 120)
        copies = collections.Counter(r for rec in (good, grey) for m in rec.messages for r in m.recipients)
        told = collections.Counter()

        def all_told():
            told.clear()
            told.update(told_of(instance))
            return all(told[a[2]] for a in accepted)
        wait_for('all reports', all_told, 60)
        for a in accepted:
            assert copies[a[0]] >= 1 and copies[a[1]] >= 1, a
            assert told[a[2]] == 1, (a, told[a[2]])
            assert not told[a[0]] and not told[a[1]], a
        assert not set(copies) - {r for a in accepted for r in a} - maybe
        twice = sum(n - 1 for n in copies.values())
        print('figure: %d rounds, %d accepted messages, %d copies too many' % (rounds, len(accepted), twice))
        # At most what was under way on each connection when it died.
        assert twice <= rounds * 2 * 20


def test_full_disk_of_the_courier():
    """From the n-th write on there is no room: submission is told, and what was accepted is delivered afterwards; two
    copies only of what was sent and could not be written down as sent."""
    with sending('lifetime = "1 h"; delay_notice = 0;') as (instance, fleet, names):
        r = fleet.add('good.example')
        accepted = []
        for writes in 20, 100:  # a start has its own, fewer
            instance.stop()
            instance.start(env={'POSTHOUSE_FAULT': 'courier:write:%d:full' % writes})
            with instance.submission(ALICE) as client:
                with pytest.raises(smtplib.SMTPResponseException) as refused:
                    for n in range(100):
                        to = 'a%d-%d@good.example' % (writes, n)
                        client.sendmail(ALICE, [to], message('full', ALICE))
                        accepted.append(to)
            assert refused.value.smtp_code in (451, 452)
        instance.stop()
        instance.start()
        wait_for('all', lambda: all(r.got(to) for to in accepted), 60)
        wait_for('an empty queue', lambda: is_empty(instance), 60)
        copies = collections.Counter(to for m in r.messages for to in m.recipients)
        print('figure: %d accepted, %d copies too many' % (len(accepted), sum(copies.values()) - len(copies)))
        assert len(accepted) > 5
        submit(instance, ['after@good.example'], 'after')
        wait_for('mail to go on', lambda: r.got('after@good.example'))


def test_letters_of_an_older_version_follow():
    """What stands in mail/queue.db, as it was before the courier had a queue, is sent."""
    with sending() as (instance, fleet, names):
        r = fleet.add('good.example')
        instance.stop()
        with contextlib.closing(sqlite3.connect(instance.dir / 'mail' / 'queue.db')) as db:
            db.executescript('''
                PRAGMA page_size = 4096; PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal;
                CREATE TABLE letter(id INTEGER PRIMARY KEY, delivery INTEGER NOT NULL UNIQUE,
                submitter INTEGER NOT NULL, sender TEXT NOT NULL, envid TEXT NOT NULL, ret INTEGER NOT NULL,
                flags INTEGER NOT NULL, accepted_s INTEGER NOT NULL, received_s INTEGER NOT NULL,
                own_bytes INTEGER NOT NULL, size INTEGER NOT NULL);
                CREATE TABLE target(letter INTEGER NOT NULL, number INTEGER NOT NULL, account INTEGER NOT NULL,
                address TEXT NOT NULL, recipient TEXT NOT NULL, orcpt TEXT NOT NULL, notify INTEGER NOT NULL,
                PRIMARY KEY(letter, number)) WITHOUT ROWID;
                CREATE TABLE chunk(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
                PRAGMA user_version = 1;''')
            text = b'Subject: old\r\n\r\nfrom before\r\n'
            for n in (1, 2):
                db.execute('INSERT INTO letter VALUES(?, ?, 0, ?, "", 0, 0, ?, ?, 0, ?)',
                           (n, 1000 + n, ALICE, time.time(), time.time(), len(text)))
                to = 'a%d@good.example' % n
                db.execute('INSERT INTO target VALUES(?, 0, 0, ?, ?, "", 0)', (n, to, to))
                db.execute('INSERT INTO chunk VALUES(?, ?)', (n << 20, text))
            db.commit()
        if os.geteuid() == 0:
            user = pwd.getpwnam('posthouse-server')
            for f in (instance.dir / 'mail').glob('queue.db*'):
                os.chown(f, user.pw_uid, user.pw_gid)
        instance.start()
        wait_for('both', lambda: r.got('a1@good.example') and r.got('a2@good.example'))
        assert r.messages[0].text == text
        wait_for('the old file to go', lambda: not (instance.dir / 'mail' / 'queue.db').exists())


def test_trace_tells_each_attempt():
    """[beyond.2]: from submission to the other host's last word, found by sender and recipient."""
    with sending() as (instance, fleet, names):
        fleet.add('good.example')
        fleet.add('bad.example', refuse={'rcpt': '550 5.1.1 nobody of that name'})
        submit(instance, ['a@good.example', 'b@bad.example'], 'traced')
        wait_for('a report', lambda: reports(instance))

        def trace():
            return json.loads(instance.tool('trace', 'a@good.example', '--json'))

        wait_for('all of it', lambda: {'delivered', 'failed'} <= {row['event'] for row in trace()})
        rows = trace()
        assert len({row['message'] for row in rows}) == 1
        assert [row['event'] for row in rows[:2]] == ['received', 'queued']
        told = {row['event']: row['what'] for row in rows}
        assert 'to=a@good.example' in told['delivered'] and 'mx.good.example' in told['delivered']
        assert 'nobody of that name' in told['failed']
        assert json.loads(instance.tool('trace', rows[0]['message'], '--json')) == rows
        os.kill(instance.pid('courier'), signal.SIGSTOP)
        try:
            assert 'incomplete' in instance.tool('trace', rows[0]['message'])
        finally:
            os.kill(instance.pid('courier'), signal.SIGCONT)
