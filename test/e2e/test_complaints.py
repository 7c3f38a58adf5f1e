"""test_complaints.py - what others tell of single messages: complaints (ARF), which count only where it is proven that
the message was sent from here, and failures of DMARC, told both ways; what became of the reports that we sent."""
import email
import email.mime.message
import email.mime.multipart
import email.mime.text
import gzip
import json
import re
import smtplib
import ssl
import urllib.error
import urllib.request

import names as dns_server
import pytest
import receivers
import support
from support import wait_for

SETTINGS = '''
door = { trusted = "127.0.0.1"; greylist = 1000; refuse = 1000; tarpit = 1000; greet_wait = "0 s"; };
reports = { failures = true; organisation = "Ours"; };
complaints = { trusted = "fbl.example"; suppress = true; };
sending = { stop = 1000; };
senders = { tag = true; };
dnssec = { validate = "off"; };
'''
LOOP, OTHER, FORGER = '127.1.0.1', '127.1.0.2', '127.1.0.3'
ALICE, BOB = 'alice@our.example', 'bob@our.example'


@pytest.fixture(scope='module')
def world():
    names = dns_server.Names({'mx.fbl.example': [LOOP]})
    fleet = receivers.Fleet(names, support.free_ports(1)[0])
    there, asks = fleet.add('there.example'), fleet.add('asks.example')
    agreed = fleet.add('agreed.example', refuse={'rcpt': lambda a: '550 5.1.1 not here' if a.startswith('gone') else None})
    strange = fleet.add('strange.example')
    for domain, address in (('fbl.example', LOOP), ('other.example', OTHER)):
        names.text(domain, 'v=spf1 ip4:%s -all' % address)
        names.text('_dmarc.' + domain, 'v=DMARC1; p=reject')
    names.text('asks.example', 'v=spf1 ip4:192.0.2.1 -all')
    names.text('_dmarc.asks.example', 'v=DMARC1; p=none; rua=mailto:sums@asks.example; ruf=mailto:each@asks.example,'
               'mailto:gone@agreed.example, mailto:no@strange.example')
    names.text('asks.example._report._dmarc.agreed.example', 'v=DMARC1')
    names.text('_dmarc.quiet.example', 'v=DMARC1; p=none; rua=mailto:sums@asks.example')
    names.text('_dmarc.our.example', 'v=DMARC1; p=none; rua=mailto:dmarc-reports@our.example')
    settings = names.settings() + SETTINGS + 'courier = { smtp_port = %d; retry = "1s"; };\n' % fleet.port
    with support.Instance(settings) as instance:
        instance.add_accounts([ALICE, BOB])
        for row in json.loads(instance.tool('dkim', 'add', 'our.example', '--json')):
            names.text(row['name'], row['value'])
        yield instance, names, there, asks, agreed, strange
    fleet.close()
    names.close()


def bring(instance, data, to, sender, address):
    with smtplib.SMTP('127.0.0.1', instance.ports['smtp'], 'mx.' + sender.split('@')[-1], timeout=90,
                      source_address=(address, 0)) as s:
        s.ehlo()
        assert s.mail(sender)[0] == 250
        code, reply = s.rcpt(to)
        return (code, reply) if code != 250 else s.data(data)


def arf(original, author, fields='', kind='abuse', is_whole=True):
    message = email.mime.multipart.MIMEMultipart('report', **{'report-type': 'feedback-report'})
    message['From'], message['Subject'] = author, 'FW: it'
    message.attach(email.mime.text.MIMEText('This is a complaint.'))
    text = message.as_bytes().replace(b'\n', b'\r\n')
    end = text.rindex(b'--' + message.get_boundary().encode() + b'--')
    boundary = b'--' + message.get_boundary().encode()
    report = ('Feedback-Type: %s\r\nUser-Agent: Loop/1\r\nVersion: 1\r\n%s\r\n' % (kind, fields)).encode()
    part = original if is_whole else original.split(b'\r\n\r\n')[0] + b'\r\n'
    return (text[:end] + boundary + b'\r\nContent-Type: message/feedback-report\r\n\r\n' + report + b'\r\n' + boundary +
            (b'\r\nContent-Type: message/rfc822\r\n\r\n' if is_whole else b'\r\nContent-Type: text/rfc822-headers\r\n\r\n') +
            part + b'\r\n' + boundary + b'--\r\n')


def send(instance, there, subject, to='x@there.example', author=ALICE):
    with instance.submission(author) as s:
        s.sendmail(author, [to], support.message(subject, author))
    wait_for(subject, lambda: any(m.header('Subject') == subject for m in there.messages))
    return next(m for m in there.messages if m.header('Subject') == subject)


def shown(instance, what, *more):
    return json.loads(instance.tool('--json', 'report', what, *more))


def complaints(instance, account=ALICE):
    return json.loads(instance.tool('account', 'sending', 'show', account, '--json'))['complaints']


def test_who_complains_is_believed_only_with_proof(world):
    instance, names, there, *_ = world
    loop, stranger = 'loop@fbl.example', 'nobody@other.example'
    sent = [send(instance, there, 'offer %d' % i) for i in range(4)]
    text = sent[0].text

    def tell(data, sender=loop, address=LOOP, to='complaints@our.example'):
        return bring(instance, data, to, sender, address)[0]
    assert tell(arf(text, loop)) == 250
    assert complaints(instance) == 1
    row = shown(instance, 'complaints')[0]
    assert (row['domain'], row['via'], row['type'], row['proof'], row['account'], row['counts']) == (
        'our.example', 'fbl.example', 'abuse', 'signed', ALICE, True)
    assert row['message'] == sent[0].header('Message-ID').strip('<>') and row['subject'] == 'offer 0'
    # The same once more; the header alone, of another message; who takes it back.
    assert tell(arf(text, loop)) == 250
    assert complaints(instance) == 1
    assert tell(arf(sent[1].text, loop, is_whole=False)) == 250
    assert complaints(instance) == 2
    assert tell(arf(sent[2].text, loop, kind='not-spam')) == 250
    assert complaints(instance) == 2
    # Nothing that somebody can make up counts.
    forged = text.replace(b'offer 0', b'forged!')
    unsigned = re.sub(rb'DKIM-Signature:.*?\r\n(?![ \t])', b'', text, flags=re.S)
    other_id = re.sub(rb'Message-ID: <[^>]*>', b'Message-ID: <x@y>', text, flags=re.I)
    for made_up in (forged, unsigned, other_id, b'From: %s\r\nMessage-ID: <a@b>\r\n\r\nhi\r\n' % ALICE.encode()):
        assert tell(arf(made_up, loop)) == 250
    assert complaints(instance) == 2
    assert len([r for r in shown(instance, 'complaints', 'our.example') if not r['proof']]) == 3, 'two of them are alike'
    # The mark in the envelope's sender proves it, too; one of another week or key does not.
    assert sent[0].sender.startswith('prvs=')
    assert tell(arf(unsigned, loop, 'Original-Mail-From: <%s>\r\n' % sent[0].sender)) == 250
    assert shown(instance, 'complaints')[0]['proof'] == 'marked' and complaints(instance) == 3
    assert tell(arf(unsigned, loop, 'Original-Mail-From: <%s>\r\n' % sent[0].sender.replace('prvs=0', 'prvs=9'))) == 250
    assert not shown(instance, 'complaints')[0]['proof']
    # Strangers together count as one a day, and who is not known not at all.
    for i, (sender, address) in enumerate(((stranger, OTHER), (stranger, OTHER), ('a@fbl.example', FORGER))):
        assert tell(arf(sent[i + 1].text, sender, 'Source-IP: 192.0.2.%d\r\n' % i), sender, address) in (250, 550)
    assert complaints(instance) == 4
    assert tell(arf(text, 'x@nowhere.example'), 'x@nowhere.example', FORGER) == 250
    assert complaints(instance) == 4
    assert complaints(instance, BOB) == 0
    rows = json.loads(instance.tool('trace', ALICE, '--json'))
    assert [r['event'] for r in rows].count('complaint') >= 1, 'and it stands in the message\'s history'


def test_who_complained_is_not_written_to_again(world):
    instance, names, there, *_ = world
    sent = send(instance, there, 'newsletter', 'tired@there.example')
    # A list cannot be made of others' addresses.
    for recipient in ('x2@there.example', 'tired@there.example'):
        data = arf(sent.text, 'l@fbl.example', 'Original-Rcpt-To: <%s>\r\n' % recipient)
        assert bring(instance, data, 'complaints@our.example', 'l@fbl.example', LOOP)[0] == 250
    wait_for('the list', lambda: json.loads(instance.tool('queue', 'suppress', '--json')))
    row, = json.loads(instance.tool('queue', 'suppress', '--json'))
    assert 'alice@our.example tired@there.example' in row.values()
    send(instance, there, 'bob may', 'tired@there.example', BOB)
    with instance.submission(ALICE) as s:
        s.sendmail(ALICE, ['tired@there.example'], support.message('never', ALICE))
    with instance.imap(ALICE) as client:
        wait_for('the bounce', lambda: any('never' in t or 'eliver' in t for t in support.subjects(client)))
    assert not [m for m in there.messages if m.header('Subject') == 'never']


def test_complaints_reach_people_too(world):
    instance, names, there, *_ = world
    sent = send(instance, there, 'to abuse', author=BOB)
    assert complaints(instance, BOB) == 0
    assert bring(instance, arf(sent.text, 'l@fbl.example'), 'abuse@our.example', 'l@fbl.example', LOOP)[0] == 250
    wait_for('the complaint', lambda: complaints(instance, BOB) == 1)
    with instance.imap(ALICE) as client:  # the first account is who is in charge
        assert 'FW: it' in support.subjects(client)
    before = len(shown(instance, 'complaints'))
    assert bring(instance, support.message('words of a person', 'x@fbl.example'), 'abuse@our.example', 'x@fbl.example',
                 LOOP)[0] == 250
    assert bring(instance, support.message('no report', 'x@fbl.example'), 'complaints@our.example', 'x@fbl.example',
                 LOOP)[0] == 550
    assert bring(instance, arf(b'', 'l@fbl.example', kind=''), 'complaints@our.example', 'l@fbl.example', LOOP)[0] == 550
    assert len(shown(instance, 'complaints')) == before


def test_failures_of_ours_are_taken(world):
    instance = world[0]
    fields = ('Auth-Failure: dmarc\r\nIdentity-Alignment: dkim, spf\r\nDelivery-Result: reject\r\nSource-IP: 192.0.2.66\r\n'
              'Reported-Domain: %s\r\nOriginal-Mail-From: <x@evil.example>\r\nIncidents: 7\r\n')
    original = b'From: <boss@our.example>\r\nSubject: Pay\r\nMessage-ID: <1@evil.example>\r\n\r\n'
    for domain, code in (('sub.our.example', 250), ('elsewhere.example', 550)):
        data = arf(original, 'l@fbl.example', fields % domain, 'auth-failure', False)
        assert bring(instance, data, 'dmarc-reports@our.example', 'l@fbl.example', LOOP)[0] == code
    row, = shown(instance, 'failures', 'our.example')
    assert (row['source'], row['author'], row['sender'], row['alignment'], row['result'], row['incidents']) == (
        '192.0.2.66', 'boss@our.example', 'x@evil.example', 'dkim, spf', 'reject', 7)
    assert instance.run('report', 'failures', 'elsewhere.example').returncode != 0


def test_failures_of_others_are_told(world):
    instance, names, there, asks, agreed, strange = world
    forged = ('From: <chief@asks.example>\r\nTo: secret@our.example\r\nCc: hidden@our.example\r\nSubject: urgent\r\n'
              'Message-ID: <f@evil.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nthe body\r\n')
    for i in range(3):
        assert bring(instance, forged, BOB, 'x@evil.example', FORGER)[0] == 250
    assert bring(instance, forged.replace('asks', 'quiet'), BOB, 'x@evil.example', FORGER)[0] == 250
    assert bring(instance, forged, BOB, '', FORGER)[0] == 250
    instance.tool('clock', '120')
    wait_for('the report', lambda: asks.got('each@asks.example'), 60)
    got, = asks.got('each@asks.example')
    message = email.message_from_bytes(got.text)
    assert got.sender == '' and message.get_param('report-type') == 'feedback-report'
    assert message['From'].endswith('<postmaster@our.example>') and b'DKIM-Signature' in got.text
    words, report, header = message.get_payload()
    assert report.get_content_type() == 'message/feedback-report' and header.get_content_type() == 'text/rfc822-headers'
    told = {k.lower(): v for k, v in email.message_from_string(str(report.get_payload()[0] if report.is_multipart()
                                                                   else report.get_payload())).items()}
    assert told['feedback-type'] == 'auth-failure' and told['auth-failure'] == 'dmarc' and told['version'] == '1'
    assert told['identity-alignment'] == 'dkim, spf' and told['source-ip'] == FORGER and told['incidents'] == '3'
    assert told['reported-domain'] == 'asks.example' and told['delivery-result'] == 'delivered'
    assert told['original-mail-from'] == '<x@evil.example>' and 'dmarc=fail' in told['authentication-results']
    text = got.text.decode()
    assert 'Subject: urgent' in text and 'chief@asks.example' in text
    assert 'the body' not in text and 'secret' not in text and 'hidden' not in text and BOB not in text
    assert not strange.messages and not asks.got('sums@asks.example')

    def outcomes():
        return {r['to']: r for r in shown(instance, 'sent')}
    wait_for('what became of them', lambda: outcomes().get('each@asks.example', {}).get('outcome') == 'delivered' and
             outcomes().get('gone@agreed.example', {}).get('outcome') == 'refused', 60)
    assert '5.1.1 not here' in outcomes()['gone@agreed.example']['reply']
    row = outcomes()['each@asks.example']
    assert (row['kind'], row['about'], row['rows']) == ('failure', 'asks.example', 3) and row['reply'].startswith('250')
    # The same again that day is not told, and of many that differ so many as are allowed.
    assert bring(instance, forged, BOB, 'x@evil.example', FORGER)[0] == 250
    for i in range(25):
        assert bring(instance, forged, BOB, 'x@evil%d.example' % i, FORGER)[0] == 250
    instance.tool('clock', '120')
    wait_for('the others', lambda: len(asks.got('each@asks.example')) >= 20, 60)
    wait_for('all of them', lambda: not [r for r in shown(instance, 'sent') if r['outcome'] == 'waiting'], 60)
    assert len(asks.got('each@asks.example')) == 20
    status = json.loads(instance.tool('status', '--json'))['reports']
    assert status == {'from': 'postmaster@our.example', 'signed': True}


TLS = {'organization-name': 'Big', 'contact-info': 'tls@big.example', 'report-id': 'tls-1',
       'date-range': {'start-datetime': '2026-11-21T00:00:00Z', 'end-datetime': '2026-11-21T23:59:59Z'},
       'policies': [{'policy': {'policy-type': 'sts', 'policy-domain': 'our.example', 'policy-string': ['version: STSv1']},
                     'summary': {'total-successful-session-count': 100, 'total-failure-session-count': 3},
                     'failure-details': [{'result-type': 'certificate-expired', 'failed-session-count': 3}]}]}


def test_reports_about_tls_by_https(world):
    instance = world[0]

    def post(body, kind='application/tlsrpt+gzip', domain='our.example', scheme='https'):
        url = '%s://127.0.0.1:%d/tls-reports/%s' % (scheme, instance.ports[scheme], domain)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(url, data=body, headers={'Content-Type': kind}, method='POST')
        try:
            with urllib.request.urlopen(request, timeout=30, **({'context': context} if scheme == 'https' else {})) as r:
                return r.status
        except urllib.error.HTTPError as e:
            return e.code
    report = json.dumps(TLS).encode()
    assert post(gzip.compress(report)) == 201
    assert post(report, 'application/tlsrpt+json; charset=utf-8') == 201, 'it came before, and is kept once'
    for body, kind, domain, code in ((b'hello', 'application/tlsrpt+json', 'our.example', 400),
                                     (b'', 'application/tlsrpt+gzip', 'our.example', 400),
                                     (report, 'text/plain', 'our.example', 415),
                                     (report, 'application/tlsrpt+json', 'elsewhere.example', 404),
                                     (report.replace(b'our.ex', b'not.ex'), 'application/tlsrpt+json', 'our.example', 404),
                                     (gzip.compress(b' ' * 100000000), 'application/tlsrpt+gzip', 'our.example', 413)):
        assert post(body, kind, domain) == code, (body[:30], kind, domain)
    row, = [r for r in shown(instance, 'list') if r['domain'] == 'our.example']
    assert (row['tls_reports'], row['sessions'], row['tls_failed']) == (1, 103, 3)
    assert shown(instance, 'show', 'our.example', '--reports')[0]['via'] == 'https (not proven)'
    wanted = [r for r in json.loads(instance.run('dns', 'check', 'our.example', '--json').stdout) if r['what'] == 'TLSRPT']
    assert wanted[0]['wanted'].startswith('v=TLSRPTv1; rua=mailto:tls-reports@our.example,https://www.%s' % support.HOST)
    assert wanted[0]['wanted'].endswith('/tls-reports/our.example')
