"""names.py - a DNS server on loopback for tests: what a name has, told by a dictionary."""
import ipaddress
import socket
import struct
import threading

TYPES = {1: 'A', 28: 'AAAA', 16: 'TXT', 257: 'CAA'}


class Names:
    """names: {'mail.example': ['127.0.0.1', '::1']}; a name that is not there does not exist."""

    def __init__(self, names=None):
        self.names = dict(names or {})
        self.asked = []
        self.is_silent = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        self.socket.close()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
                if not self.is_silent:
                    self.socket.sendto(self.answer(query), peer)
            except OSError:
                return

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind, = struct.unpack('>H', query[at + 1:at + 3])
        name = '.'.join(labels).lower()
        question = query[12:at + 5]
        self.asked.append((name, TYPES.get(kind, kind)))
        found = []
        for text in self.names.get(name, []):
            address = ipaddress.ip_address(text)
            if (address.version, kind) in ((4, 1), (6, 28)):
                found.append(b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 0, len(address.packed)) +
                             address.packed)
        rcode = 0 if name in self.names else 3
        return (query[:2] + struct.pack('>HHHHH', 0x8580 | rcode, 1, len(found), 0, 0) + question +
                b''.join(found))
