"""test_peers.py - mail to and from Postfix and Exim, one instance of each: what was written, who was told of what, and
that TLS and each extension were really used (their logs and headers say so)."""
import email
import json
import re
import smtplib

import pytest

import names as dns_server
import peers
import support
from support import message, wait_for

ALICE = 'alice@posthouse.example'
SETTINGS = '''
courier = { smtp_port = %d; retry = "1s 1s 2s"; lifetime = "1 h"; delay_notice = "1 s"; };
dnssec = { validate = "off"; };
door = { trusted = "127.0.0.1"; greet_wait = "0 s"; greylist = 1000; };
'''

POSTFIX = '''
smtp_bind_address = {address}
transport_maps = inline:{{ {{posthouse.example = smtp:[127.0.0.1]:{ours}}}, {{away@{domain} = retry:4.4.1 away for a while}} }}
virtual_alias_maps = inline:{{ {{gone@{domain} = gone@nowhere.invalid}} }}
default_transport = error:5.1.1 gone for good
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {dir}/mail
virtual_mailbox_limit = 0
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:2101
virtual_gid_maps = static:2101
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_restrictions = check_recipient_access inline:{{ {{nobody@{domain} = 550 5.1.1 nobody of that name}},
 {{busy@{domain} = 451 4.2.1 busy}} }}
smtpd_reject_unlisted_recipient = no
smtpd_discard_ehlo_keywords =
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
delay_warning_time = 1s
'''

EXIM = '''
delay_warning = 1s
begin acl
check_rcpt:
  deny domains = {domain}
    local_parts = nobody
    message = 5.1.1 nobody of that name
  defer domains = {domain}
    local_parts = busy
    message = 4.2.1 busy
  accept
begin routers
ours:
  driver = manualroute
  domains = posthouse.example
  transport = remote
  route_list = * 127.0.0.1::{ours} byname
  self = send
gone:
  driver = redirect
  local_parts = gone
  allow_fail
  data = :fail: gone for good
away:
  driver = redirect
  local_parts = away
  allow_defer
  data = :defer: away for a while
box:
  driver = accept
  transport = box
begin transports
remote:
  driver = smtp
  interface = {address}
  hosts_try_chunking = *
box:
  driver = appendfile
  directory = {dir}/mail/box
  maildir_format
  envelope_to_add
  return_path_add
begin retry
* * F,1h,1s
'''


class World:
    """Ours and theirs."""

    def __init__(self):
        self.names = dns_server.Names()
        self.port = support.free_ports(1)[0]
        self.ours = support.Instance(self.names.settings() + SETTINGS % self.port)
        self.peers = {}
        self.seen = []  # in the inbox, which only grows

    def start(self):
        self.ours.start()
        self.ours.add_accounts([ALICE])
        for kind, address in (peers.Postfix, '127.0.0.31'), (peers.Exim, '127.0.0.32'):
            name = kind.__name__.lower()
            domain, host = name + '.example', 'mx.%s.example' % name
            self.names.names[host] = [address]
            self.names.add(domain, 'MX', '10 %s.' % host)
            self.names.text(domain, 'v=spf1 ip4:%s -all' % address)
            self.names.reverse(address, host)
            peer = self.peers[name] = kind(host, address, self.port)
            peer.domain = domain
            peer.begin((POSTFIX if name == 'postfix' else EXIM).format(
                dir=peer.dir, domain=domain, address=address, ours=self.ours.ports['smtp']))
        return self

    def stop(self):
        for peer in self.peers.values():
            peer.stop()
        self.ours.stop()
        self.ours.remove()
        self.names.close()

    def inbox(self):
        client = self.ours.imap(ALICE)
        count = int(client.select('INBOX', readonly=True)[1][0])
        if count > len(self.seen):
            _, data = client.fetch('%d:*' % (len(self.seen) + 1), '(BODY.PEEK[])')
            self.seen += [item[1] for item in data if isinstance(item, tuple)]
        client.logout()
        return self.seen

    def got(self, subject):
        return peers.find(self.inbox(), subject)

    def told(self, address):
        """What the reports in the inbox say of an address: action -> (its fields, those of the message)."""
        found = {}
        for raw in self.inbox():
            report = email.message_from_bytes(raw)
            if report.get_content_type() != 'multipart/report':
                continue
            about = report.get_payload()[1].get_payload()
            for part in about[1:]:
                if address in part['Final-Recipient'] + (part['Original-Recipient'] or ''):
                    found[part['Action']] = (part, about[0])
        return found


@pytest.fixture(scope='module')
def started():
    made = World()
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def world(started, request):
    failed = request.session.testsfailed
    yield started
    if request.session.testsfailed > failed:
        print(*(peer.log() for peer in started.peers.values()), started.ours.log_tail(200))


BOTH = pytest.mark.parametrize('kind', ['postfix', 'exim'])


def submit(world, recipients, text, options=(), rcpt_options=()):
    with world.ours.submission(ALICE) as client:
        return client.sendmail(ALICE, recipients, text, options, rcpt_options)


def theirs(world, kind):
    """A client of the peer's own."""
    peer = world.peers[kind]
    return smtplib.SMTP(peer.address, peer.port, 'client.example', timeout=60)


def is_empty(world):
    return json.loads(world.ours.tool('--json', 'queue', 'status'))['messages'] == 0


@BOTH
def test_there(world, kind):
    """Ours to theirs: 8 bits, dots, long lines, several recipients of whom some are refused, SMTPUTF8, much text."""
    peer = world.peers[kind]
    body = '.\r\n..\r\n. gr\u00fc\u00dfe\r\n' + 'x' * 990 + '\r\n'
    text = message('eight-' + kind, ALICE, body).replace('\r\n\r\n', '\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; '
                                                         'charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n', 1)
    submit(world, ['%s@%s' % (who, peer.domain) for who in ('a', 'nobody', 'b', 'c')], text.encode(), ['BODY=8BITMIME'])
    submit(world, ['j\u00fcrg@' + peer.domain], message('utf8-gr\u00fc\u00dfe-' + kind, ALICE).encode(), ['SMTPUTF8'])
    large = message('large-' + kind, ALICE, ('0123456789' * 7 + '\r\n') * 150000)
    submit(world, ['large@' + peer.domain], large)
    wait_for('the first', lambda: peer.got('eight-' + kind))
    raw = peer.got('eight-' + kind)
    assert raw.replace(b'\r\n', b'\n').endswith(body.replace('\r\n', '\n').encode())
    assert re.search(rb'with ESMTPS|TLS', raw) and raw.startswith(b'Return-')
    wait_for('the refusal', lambda: world.told('nobody@' + peer.domain))
    told = world.told('nobody@' + peer.domain)['failed'][0]
    assert told['Status'] == '5.1.1' and 'nobody of that name' in told['Diagnostic-Code']
    assert [a for a in ('a@', 'b@', 'c@') if world.told(a + peer.domain)] == []
    wait_for('the second', lambda: peer.got('utf8-gr\u00fc\u00dfe-' + kind))
    assert 'j\u00fcrg@'.encode() in peer.got('utf8-gr\u00fc\u00dfe-' + kind)
    wait_for('the third', lambda: peer.got('large-' + kind), 60)
    assert peer.got('large-' + kind).count(b'0123456789' * 7) == 150000
    # Text came by BDAT, and in TLS.
    used = r'starttls=1 .*bdat=\d' if kind == 'postfix' else r'<= alice.* P=(utf8)?esmtps L[.*]? .* K '
    wait_for('what was used', lambda: re.search(used, peer.log()))
    assert re.search(r'with utf8e?smtps', peer.got('utf8-gr\u00fc\u00dfe-' + kind).decode(), re.I)


@BOTH
def test_back(world, kind):
    """Theirs to ours: the same, and a recipient who is not here."""
    peer = world.peers[kind]
    body = '.\r\n..\r\n. gr\u00fc\u00dfe\r\n'
    sender = 'anna@' + peer.domain
    with theirs(world, kind) as client:
        client.sendmail(sender, [ALICE, 'nobody@posthouse.example'], message('back-' + kind, sender, body).encode(),
                        ['BODY=8BITMIME'])
        client.sendmail(sender, [ALICE], message('back-large-' + kind, sender, ('0123456789' * 7 + '\r\n') * 50000))
        utf8 = 'j\u00fcrg@' + peer.domain
        client.sendmail(utf8, [ALICE], message('back-utf8-\u00fc-' + kind, utf8).encode(), ['SMTPUTF8'])
    wait_for('the first', lambda: world.got('back-' + kind))
    raw = world.got('back-' + kind)
    assert raw.endswith(body.encode()) and b'with ESMTPS' in raw
    assert re.search(rb'spf=pass', raw) and re.search(rb'iprev=pass', raw)
    wait_for('the large one', lambda: world.got('back-large-' + kind), 60)
    assert world.got('back-large-' + kind).count(b'0123456789' * 7) == 50000
    wait_for('the third', lambda: world.got('back-utf8-\u00fc-' + kind))
    assert utf8.encode() in world.got('back-utf8-\u00fc-' + kind)
    bounce = 'Undelivered' if kind == 'postfix' else 'delivery failed'
    wait_for('their bounce', lambda: peer.got(bounce))
    assert b'nobody@posthouse.example' in peer.got(bounce) and b'550' in peer.got(bounce)
    if kind == 'exim':
        assert re.search(r'=> alice@\S+ .* K C="250', peer.log())  # by BDAT; Postfix sends none


@BOTH
def test_their_reports(world, kind):
    """Ours to theirs, and they tell: delivered, failed, delayed; or we do, where they refuse for a while."""
    peer = world.peers[kind]
    address = {who: '%s@%s' % (who, peer.domain) for who in ('well', 'gone', 'away', 'busy')}
    submit(world, [address['well']], message('well-' + kind, ALICE), ['ENVID=id-' + kind, 'RET=HDRS'],
           ['NOTIFY=SUCCESS', 'ORCPT=rfc822;first@' + peer.domain])
    submit(world, [address['gone']], message('gone-' + kind, ALICE), ['RET=HDRS'])
    submit(world, [address['away']], message('away-' + kind, ALICE), (), ['NOTIFY=DELAY'])
    submit(world, [address['busy']], message('busy-' + kind, ALICE))
    for who, action in ('well', 'delivered'), ('gone', 'failed'), ('away', 'delayed'), ('busy', 'delayed'):
        wait_for('a report about ' + who, lambda: action in world.told(address[who]), 30)
        assert list(world.told(address[who])) == [action]
    fields, whole = world.told(address['well'])['delivered']
    assert fields['Original-Recipient'].endswith('first@' + peer.domain)
    assert whole['Original-Envelope-Id'] == 'id-' + kind and peer.host in whole['Reporting-MTA']
    assert peer.host in world.told(address['gone'])['failed'][1]['Reporting-MTA']
    assert peer.host in world.told(address['away'])['delayed'][1]['Reporting-MTA']
    fields, whole = world.told(address['busy'])['delayed']
    assert support.HOST in whole['Reporting-MTA'] and '451' in fields['Diagnostic-Code']
    world.ours.tool('queue', 'drop', 'all')
    wait_for('an empty queue', lambda: is_empty(world))


@BOTH
def test_our_reports(world, kind):
    """Theirs to ours, and we tell that it was delivered, to whom they asked for."""
    peer = world.peers[kind]
    sender = 'asker-%s@%s' % (kind, peer.domain)
    with theirs(world, kind) as client:
        client.sendmail(sender, [ALICE], message('asked-' + kind, sender), ['ENVID=their-' + kind, 'RET=HDRS'],
                        ['NOTIFY=SUCCESS', 'ORCPT=rfc822;first@posthouse.example'])
    wait_for('it', lambda: world.got('asked-' + kind))

    def find():
        found = [m for m in map(email.message_from_bytes, peer.mail()) if m.get_content_type() == 'multipart/report'
                 and sender in (m['To'] or '')]
        return found and found[0]
    wait_for('our report', find)
    about = find().get_payload()[1].get_payload()
    assert about[0]['Original-Envelope-Id'] == 'their-' + kind and support.HOST in about[0]['Reporting-MTA']
    assert about[1]['Action'] == 'delivered' and about[1]['Original-Recipient'] == 'rfc822;first@posthouse.example'
