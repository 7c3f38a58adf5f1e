"""test_reports.py - aggregate reports: of mail that strangers brought, told to its authors' domains; and what others
tell of ours, taken and shown. Reports are read here by Python's own gzip, XML and JSON."""
import email
import email.mime.application
import email.mime.multipart
import gzip
import http.server
import io
import json
import smtplib
import ssl
import subprocess
import threading
import time
import zipfile
from xml.etree import ElementTree

import dkim
import names as dns_server
import pytest
import receivers
import support
from support import wait_for

SETTINGS = '''
door = { trusted = "127.0.0.1"; greylist = 1000; refuse = 1000; tarpit = 1000; greet_wait = "0 s"; };
reports = { from = "reports@our.example"; organisation = "Our & Sons"; contact = "https://our.example/mail"; };
dnssec = { validate = "off"; };
'''
HOME, OTHER = '127.1.0.1', '127.1.0.2'
NS = '{urn:ietf:params:xml:ns:dmarc-2.0}'


class Collector(http.server.ThreadingHTTPServer):
    """Takes reports by HTTPS; `statuses` are its next answers, then 201."""

    def __init__(self, folder):
        key, cert = folder / 'key.pem', folder / 'cert.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                        '-keyout', key, '-out', cert, '-days', '20', '-subj', '/CN=tls.there.example', '-addext',
                        'subjectAltName=DNS:tls.there.example'], check=True, capture_output=True)
        super().__init__(('127.0.0.1', 0), Taking)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.file, self.seen, self.statuses = cert, [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Taking(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        status = self.server.statuses.pop(0) if self.server.statuses else 201
        self.server.seen.append((status, self.path, self.headers['Content-Type'], body))
        self.send_response(status)
        self.send_header('Content-Length', '0')
        self.end_headers()


@pytest.fixture(scope='module')
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp('https')
    for part in (folder, *folder.parents[:2]):
        part.chmod(0o755)  # the courier reads the certificate, as a user of its own
    collector = Collector(folder)
    yield collector
    collector.shutdown()


@pytest.fixture(scope='module')
def world(web):
    names = dns_server.Names({'mx.there.example': [HOME], 'tls.there.example': ['127.0.0.1']})
    fleet = receivers.Fleet(names, support.free_ports(1)[0])
    there, collector, strange = (fleet.add(d) for d in ('there.example', 'collector.example', 'strange.example'))
    names.text('there.example', 'v=spf1 ip4:%s -all' % HOME)
    names.text('_dmarc.there.example', 'v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@there.example!1m,'
               'mailto:all@collector.example, mailto:small@collector.example!1, mailto:no@strange.example')
    names.text('there.example._report._dmarc.collector.example', 'v=DMARC1')
    names.text('_dmarc.silent.example', 'v=DMARC1; p=none')
    names.text('_dmarc.our.example', 'v=DMARC1; p=reject; np=reject; t=y; rua=mailto:dmarc-reports@our.example')
    names.text('_smtp._tls.there.example', 'v=TLSRPTv1;rua=mailto:t@collector.example,https://tls.there.example:%d/r'
               % web.server_address[1])
    settings = names.settings() + SETTINGS + 'courier = { smtp_port = %d; private = true; ca_file = "%s"; };\n' % (fleet.port, web.file)
    with support.Instance(settings) as instance:
        instance.add_accounts(['alice@our.example', 'bob@our.example'])
        for row in json.loads(instance.tool('dkim', 'add', 'our.example', '--json')):
            names.text(row['name'], row['value'])
        yield instance, names, there, collector, strange
    fleet.close()
    names.close()


def bring(instance, text, address=HOME, sender='anna@there.example', to=('bob@our.example',)):
    with smtplib.SMTP('127.0.0.1', instance.ports['smtp'], 'mx.there.example', timeout=90,
                      source_address=(address, 0)) as s:
        s.ehlo()
        assert s.mail(sender)[0] == 250
        for recipient in to:
            assert s.rcpt(recipient)[0] == 250
        code, reply = s.data(text)
    return code, reply.decode()


def text(author, subject='hi'):
    return ('From: <%s>\r\nTo: bob@our.example\r\nSubject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n'
            '\r\nhello\r\n' % (author, subject)).encode()


def shown(instance, *arguments):
    return json.loads(instance.tool('--json', 'report', *arguments))


def unpack(message):
    """Name and contents of a report's file."""
    part = next(p for p in message.walk() if p.get_content_type() == 'application/gzip')
    return part.get_filename(), gzip.decompress(part.get_payload(decode=True))


def rows(feedback):
    """What a report says: (source, from, envelope, disposition, dkim, spf, SPF itself, reason) -> messages."""
    found = {}
    for record in feedback.iter(NS + 'record'):
        def get(path):
            node = record.find('/'.join(NS + p for p in path.split('/')))
            return node.text if node is not None else None
        key = (get('row/source_ip'), get('identifiers/header_from'), get('identifiers/envelope_from'),
               get('row/policy_evaluated/disposition'), get('row/policy_evaluated/dkim'),
               get('row/policy_evaluated/spf'), get('auth_results/spf/result'),
               get('row/policy_evaluated/reason/type'))
        found[key] = found.get(key, 0) + int(get('row/count'))
    return found


def test_what_was_seen_is_told(world, monkeypatch):
    instance, names, there, collector, strange = world
    for _ in range(3):
        assert bring(instance, text('anna@there.example'))[0] == 250
    for _ in range(2):
        assert bring(instance, text('anna@there.example'), OTHER, 'x@elsewhere.example')[0] == 550
    assert bring(instance, text('anna@sub.there.example'), OTHER, 'x@elsewhere.example')[0] == 250
    assert bring(instance, text('anna@silent.example'))[0] == 250
    signed = b'DKIM-Signature: v=1; a=rsa-sha256; d=there.example; s=<&"x; h=from; bh=YQ==; b=YQ==\r\n'
    assert bring(instance, signed + text('anna@there.example'), OTHER, 'x@elsewhere.example')[0] == 550
    assert bring(instance, text('boss@our.example'), OTHER, 'x@elsewhere.example')[0] == 250
    with instance.submission('alice@our.example') as s:
        s.sendmail('alice@our.example', ['anna@there.example', 'x@strange.example'], text('alice@our.example'))
    wait_for('mail of ours', lambda: there.got('anna@there.example') and strange.got('x@strange.example'))
    began = time.time() // 86400 * 86400
    instance.tool('clock', str(86400 + 5 * 3600))
    wait_for('the report', lambda: there.got('d@there.example') and collector.got('all@collector.example'), 60)

    got = there.got('d@there.example')[0]
    assert got.sender == '' and got.recipients == ['d@there.example']
    monkeypatch.setattr(dkim.time, 'time', lambda: began + 3 * 86400)  # signed on the clock that was moved
    assert dkim.verify(got.text, dnsfunc=lambda name, timeout=5: names.records[
        (name.decode().rstrip('.'), 'TXT')][0].replace('" "', '').strip('"').encode())
    monkeypatch.undo()
    message = email.message_from_bytes(got.text)
    words = ' '.join(message['Subject'].split())
    assert words.startswith('Report Domain: there.example Submitter: %s Report-ID: <' % support.HOST)
    assert message['From'].endswith('<reports@our.example>') and message['Auto-Submitted'] == 'auto-generated'
    name, xml = unpack(message)
    assert name.startswith('%s!there.example!%d!%d!' % (support.HOST, began, began + 86399))
    assert name.endswith('.xml.gz') and xml == unpack(email.message_from_bytes(
        collector.got('all@collector.example')[0].text))[1]
    feedback = ElementTree.fromstring(xml)
    assert feedback.find(NS + 'report_metadata/' + NS + 'org_name').text == 'Our & Sons'
    policy = {node.tag[len(NS):]: node.text for node in feedback.find(NS + 'policy_published')}
    assert policy == {'domain': 'there.example', 'p': 'reject', 'sp': 'quarantine', 'adkim': 'r', 'aspf': 'r',
                      'testing': 'n', 'discovery_method': 'treewalk'}
    found = rows(feedback)
    assert found[(HOME, 'there.example', 'there.example', 'pass', 'fail', 'pass', 'pass', None)] == 3
    assert found[(OTHER, 'there.example', 'elsewhere.example', 'reject', 'fail', 'fail', 'none', None)] == 3
    assert '<&"x' in [n.text for n in feedback.iter(NS + 'selector')]
    assert found[(OTHER, 'sub.there.example', 'elsewhere.example', 'quarantine', 'fail', 'fail', 'none', None)] == 1
    assert not collector.got('small@collector.example') and not strange.got('no@strange.example')
    assert ('there.example._report._dmarc.strange.example', 'TXT') in names.asked


def test_how_tls_went_is_told(world, web):
    instance, names, there, collector, strange = world
    web.statuses.append(503)
    wait_for('the report', lambda: collector.got('t@collector.example') and len(web.seen) >= 1, 60)
    instance.tool('clock', '3600')  # the one that found the server busy is tried again
    wait_for('the report by HTTPS', lambda: web.seen[-1][0] == 201, 60)
    message = email.message_from_bytes(collector.got('t@collector.example')[0].text)
    assert message.get_content_type() == 'multipart/report' and message.get_param('report-type') == 'tlsrpt'
    assert message['TLS-Report-Domain'] == 'there.example' and message['TLS-Report-Submitter'] == support.HOST
    assert [p.get_content_type() for p in message.get_payload()] == ['text/plain', 'application/tlsrpt+gzip']
    file = message.get_payload()[1]
    assert file.get_filename().startswith(support.HOST + '!there.example!') and file.get_filename().endswith('.json.gz')
    told = json.loads(gzip.decompress(file.get_payload(decode=True)))
    assert told['organization-name'] == 'Our & Sons' and told['contact-info'] == 'https://our.example/mail'
    assert told['date-range']['start-datetime'].endswith('T00:00:00Z')
    policy, = told['policies']
    assert policy['policy'] == {'policy-type': 'no-policy-found', 'policy-domain': 'there.example'}
    assert policy['summary'] == {'total-successful-session-count': 0, 'total-failure-session-count': 1}
    failure, = policy['failure-details']
    assert (failure['result-type'], failure['receiving-mx-hostname']) == ('starttls-not-supported', 'mx.there.example')
    status, path, kind, body = web.seen[-1]
    assert (path, kind) == ('/r', 'application/tlsrpt+gzip') and json.loads(gzip.decompress(body)) == told
    assert len(collector.got('t@collector.example')) == 1, 'tried again, sent once'
    assert len(strange.messages) == 1, 'who does not ask is told nothing'


def test_forged_mail_of_our_own_domain_is_shown(world):
    instance = world[0]
    wait_for('our own report', lambda: shown(instance, 'list'), 60)
    assert shown(instance, 'list')[0] == {
        'domain': 'our.example', 'reports': 1, 'messages': 1, 'passed': 0, 'failed': 1, 'tls_reports': 0,
        'sessions': 0, 'tls_failed': 0}
    row, = shown(instance, 'show', 'our.example')
    assert (row['source'], row['failed'], row['author']) == (OTHER, 1, 'our.example')
    assert row['note'] == 'policy_test_mode'


# ---- what others tell ----

FEEDBACK = '''<?xml version="1.0" encoding="UTF-8" ?>
<feedback><report_metadata><org_name>big.example</org_name><email>noreply@big.example</email>
<report_id>%s</report_id><date_range><begin>%d</begin><end>%d</end></date_range></report_metadata>
<policy_published><domain>%s</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><pct>100</pct></policy_published>
<record><row><source_ip>192.0.2.7</source_ip><count>12</count><policy_evaluated><disposition>none</disposition>
<dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>our.example</header_from>
</identifiers><auth_results><dkim><domain>our.example</domain><selector>s1</selector><result>pass</result></dkim>
<spf><domain>list.example</domain><result>pass</result></spf></auth_results></record></feedback>'''
TLS = {'organization-name': 'Big', 'contact-info': 'tls@big.example', 'report-id': 'tls-1',
       'date-range': {'start-datetime': '%s', 'end-datetime': '%s'},
       'policies': [{'policy': {'policy-type': 'sts', 'policy-domain': 'our.example', 'policy-string': ['version: STSv1']},
                     'summary': {'total-successful-session-count': 100, 'total-failure-session-count': 3},
                     'failure-details': [{'result-type': 'certificate-expired', 'sending-mta-ip': '192.0.2.9',
                                          'receiving-mx-hostname': support.HOST, 'failed-session-count': 3}]}]}


def mail(data, subtype='gzip', author='noreply@big.example'):
    message = email.mime.multipart.MIMEMultipart()
    message['From'], message['Subject'] = author, 'Report Domain: our.example'
    message.attach(email.mime.application.MIMEApplication(data, subtype))
    return message.as_bytes().replace(b'\n', b'\r\n')


def zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
        z.writestr('../../report.xml', data)
    return out.getvalue()


def now(instance):
    return time.time() + 86400 + 6 * 3600


def test_reports_of_others_are_taken(world):
    instance = world[0]
    end = now(instance)
    xml = [(FEEDBACK % ('id-%d' % i, end - 86400, end, 'sub.our.example' if i else 'our.example')).encode()
           for i in range(3)]
    stamps = [time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(t)) for t in (end - 86400, end)]
    tls = (json.dumps(TLS) % tuple(stamps)).encode()
    to = ['dmarc-reports@our.example']
    instance.tool('alias', 'add', '@our.example', 'alice@our.example')
    for data, subtype in ((gzip.compress(xml[0]), 'gzip'), (zipped(xml[1]), 'zip'), (xml[2], 'xml'),
                          (gzip.compress(xml[0]), 'gzip')):  # the last came before: it is kept once
        assert bring(instance, mail(data, subtype), to=to)[0] == 250
    assert bring(instance, mail(gzip.compress(tls), 'tlsrpt+gzip'), to=['tls-reports@our.example']) == (250, '2.6.0 The report is taken')
    listed = shown(instance, 'list', 'our.example')[0]
    assert (listed['reports'], listed['messages'], listed['passed']) == (4, 37, 36)
    assert (listed['tls_reports'], listed['sessions'], listed['tls_failed']) == (1, 103, 3)
    row = shown(instance, 'show', 'our.example')[0]
    assert (row['source'], row['passed'], row['signed'], row['envelope']) == ('192.0.2.7', 36, 'our.example',
                                                                              'list.example')
    failed = shown(instance, 'show', 'our.example', '--tls')[0]
    assert (failed['result'], failed['sessions'], failed['host']) == ('certificate-expired', 3, support.HOST)
    assert len(shown(instance, 'show', 'our.example', '--reports')) == 5
    assert instance.run('report', 'show', 'elsewhere.example').returncode != 0


def test_what_is_no_report_is_refused(world):
    instance = world[0]
    to = ['dmarc-reports@our.example']
    end = now(instance)
    bomb = b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "aaaaaaaaaa">%s]><feedback>&j;</feedback>' % b''.join(
        b'<!ENTITY %c "%s">' % (98 + i, b'&%c;' % (97 + i) * 10) for i in range(9))
    for data in (b'hello', b'', gzip.compress(b'no report'), gzip.compress(b'<' + b' ' * 200000000),
                 gzip.compress(b'{"policies": []}'), zipped(b'<feedback/>'), gzip.compress(bomb), b'PK\3\4broken',
                 gzip.compress((FEEDBACK % ('x', end - 86400, end, 'elsewhere.example')).encode())):
        began = time.monotonic()
        code, reply = bring(instance, mail(data), to=to)
        assert code == 550, (data[:40], code, reply)
        assert time.monotonic() - began < 20
    with smtplib.SMTP('127.0.0.1', instance.ports['smtp'], 'mx.there.example', timeout=90) as s:
        s.ehlo()
        assert s.mail('a@there.example')[0] == 250
        assert s.rcpt('dmarc-reports@our.example')[0] == 250
        assert s.rcpt('bob@our.example')[0] == 452, 'one reply cannot be right for both'
        assert s.rcpt('DMARC-Reports@elsewhere.example')[0] == 550
    assert shown(instance, 'list', 'our.example')[0]['reports'] == 4


def test_an_address_of_that_name_goes_before(world):
    instance = world[0]
    instance.tool('alias', 'add', 'tls-reports@our.example', 'bob@our.example')
    assert bring(instance, text('anna@there.example', 'for bob'), to=['tls-reports@our.example'])[0] == 250
    with instance.imap('bob@our.example', 'INBOX') as client:
        assert client.search(None, 'SUBJECT', '"for bob"')[1] != [b'']
