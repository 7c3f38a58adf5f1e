"""test_web_overload.py - what browsers are told while there are too many of them: 503, or GOAWAY."""
import contextlib
import struct

import browser
import http_wire
import support

MAX = 16


class Door:
    """What http_wire.Two wants to know of a site."""

    def __init__(self, instance):
        self.secure = instance.ports['https']

    connect = http_wire.Site.connect


def test_too_many_connections():
    with support.Instance('limits = { connections = %d; };' % MAX) as instance, contextlib.ExitStack() as held:
        door = Door(instance)

        def hold():
            sock = held.enter_context(contextlib.closing(door.connect(tls=True)))
            sock.sendall(b'GET /help HTTP/1.1\r\nHost: localhost\r\n\r\n')
            assert http_wire.Reply(sock.makefile('rb')).status == 200
            return sock

        first = [hold() for _ in range(MAX)][0]
        page = browser.Browser(instance.ports['https']).send('GET', '/help')
        assert page.status == 503 and int(page.headers['retry-after']) > 0 and page.headers['connection'] == 'close'
        two = http_wire.Two(door)
        kind, _, stream, payload = two.until(http_wire.GOAWAY)
        assert stream == 0 and struct.unpack('>II', payload[:8]) == (0, 11)  # ENHANCE_YOUR_CALM: nothing was done
        assert two.read() is None
        two.close()
        # who is in is served, and there is room again when one goes
        first.sendall(b'GET /help HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        assert http_wire.Reply(first.makefile('rb')).status == 200
        first.close()
        support.wait_for('room', lambda: browser.Browser(instance.ports['https']).send('GET', '/help').status == 200)
