"""test_proxy.py - who the client is, a load balancer says by a PROXY header, on every port, or a mail proxy by XCLIENT."""
import socket
import struct

import names
import pytest
import support

SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'


def header(source='198.51.100.7', command=1):
    addresses = socket.inet_aton(source) + socket.inet_aton('192.0.2.1') + struct.pack('>HH', 1000, 25)
    return SIGNATURE + bytes([0x20 | command, 0x11]) + struct.pack('>H', len(addresses)) + addresses


@pytest.fixture(scope='module')
def instance():
    dns = names.Names()
    with support.Instance(dns.settings() + 'proxy = { networks = "127.0.8.0/24"; };\n'
                          'xclient = { networks = "127.0.9.0/24"; };\ndoor = { greet_wait = "0"; greylist = 100; };') as i:
        i.add_accounts(['alice@proxy.example'])
        yield i
    dns.close()


def connect(instance, port='smtp', source='127.0.8.1'):
    return socket.create_connection(('127.0.0.1', instance.ports[port]), 20, source_address=(source, 0))


def talk(s, *lines):
    """The replies to lines sent one after the other; the first is the greeting."""
    f, got = s.makefile('rwb'), []
    for line in [b''] + list(lines):
        f.write(line)
        f.flush()
        reply = f.readline()
        while reply[3:4] == b'-':
            reply = f.readline()
        got.append(reply)
    return got


def deliver(s, subject):
    return talk(s, b'EHLO mx.example\r\n', b'MAIL FROM:<a@b.example>\r\n', b'RCPT TO:<alice@proxy.example>\r\n',
                b'DATA\r\n', b'Subject: %s\r\n\r\nhello\r\n.\r\n' % subject)


def test_the_client_is_whom_the_header_names(instance):
    line = b'PROXY TCP4 198.51.100.7 192.0.2.1 1000 25\r\n'
    for pieces in [header()], [header()[i:i + 1] for i in range(len(header()))], [line], [line[:20], line[20:]]:
        with connect(instance) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                s.sendall(piece)
            assert deliver(s, b'proxied')[-1].startswith(b'250')
    imap = instance.imap('alice@proxy.example', 'INBOX')
    assert b'[198.51.100.7]' in imap.fetch('1', '(BODY.PEEK[HEADER])')[1][0][1]
    imap.logout()


def test_before_tls(instance):
    s = connect(instance, 'imaps')
    s.sendall(header('198.51.100.8'))
    with support.tls_context().wrap_socket(s, server_hostname='x') as tls:
        assert tls.recv(100).startswith(b'* OK')


@pytest.mark.parametrize('first', [b'EHLO mx.example\r\n', header(command=2), SIGNATURE + b'\x21\x11\xff\xff',
                                   b'PROXY TCP4 198.51.100.7 192.0.2.1 1 2 3\r\n', b'PROXY TCP4 ' + b'1' * 200])
def test_without_a_header_nobody_comes_in(instance, first):
    with connect(instance) as s:
        s.sendall(first)
        try:
            assert s.recv(100) == b''
        except ConnectionResetError:
            pass


def test_others_need_none_and_cannot_lie(instance):
    with connect(instance, source='127.0.0.1') as s:
        assert s.recv(100).startswith(b'220')
        s.sendall(header())
        assert s.recv(1000).startswith(b'50')
    with connect(instance) as s:
        s.sendall(header(command=0))
        assert s.recv(100).startswith(b'220')


def test_xclient(instance):
    with connect(instance, source='127.0.9.1') as s:
        got = talk(s, b'XCLIENT ADDR=198.51.100.300\r\n', b'XCLIENT COLOUR=red\r\n', b'XCLIENT\r\n', b'EHLO proxy.example\r\n',
                   b'MAIL FROM:<a@b.example>\r\n', b'XCLIENT ADDR=198.51.100.9\r\n', b'RSET\r\n',
                   b'XCLIENT NAME=[UNAVAILABLE] ADDR=198.51.100.9 PORT=99 PROTO=ESMTP LOGIN=alice\r\n',
                   b'XCLIENT HELO=client.example\r\n', b'XCLIENT DESTPORT=25\r\n', b'MAIL FROM:<a@b.example>\r\n',
                   b'RCPT TO:<alice@proxy.example>\r\n', b'DATA\r\n', b'Subject: told\r\n\r\nhello\r\n.\r\n',
                   b'XCLIENT NAME=mx.client.example HELO=[UNAVAILABLE]\r\n', b'MAIL FROM:<a@b.example>\r\n')
        assert got[1:4] == [b'501 5.5.4 Bad ADDR\r\n', b'501 5.5.4 Bad attribute\r\n', b'501 5.5.4 XCLIENT for whom?\r\n']
        assert [line[:3] for line in got] == [b'220', b'501', b'501', b'501', b'250', b'250', b'503', b'250', b'220',
                                              b'220', b'220', b'250', b'250', b'354', b'250', b'220', b'503']
        s.sendall(b'NOOP\r\n')
        assert deliver(s, b'xclient')[-1].startswith(b'250')
    imap = instance.imap('alice@proxy.example', 'INBOX')
    told, named = [part[1] for part in imap.fetch('*:%d' % (int(imap.select()[1][0]) - 1), '(BODY.PEEK[HEADER])')[1] if part != b')']
    assert b'from client.example' in told and b'[198.51.100.9]' in told and b'iprev=permerror' in told
    assert b'from mx.example' in named and b'[198.51.100.9]' in named and b'iprev=pass' in named
    imap.logout()
    log = instance.log_tail(200)
    assert 'peer=198.51.100.9' in log and 'port=99 login=alice' in log and 'to_port=25' in log


def test_xclient_is_not_for_others(instance):
    with connect(instance, source='127.0.0.1') as s:
        f = s.makefile('rwb')
        f.readline()
        s.sendall(b'EHLO mx.example\r\n')
        keywords = [f.readline()]
        while keywords[-1][3:4] == b'-':
            keywords.append(f.readline())
        assert not any(b'XCLIENT' in k for k in keywords)
        s.sendall(b'XCLIENT ADDR=198.51.100.9\r\n')
        assert f.readline().startswith(b'502')
