"""names.py - a DNS server on loopback for tests: what a name has, told by a dictionary.

Signed zones (DNSSEC) are signed as they are asked: sign() makes a key, anchors() writes it into a
file for the setting dnssec.anchors. Names may be silent, late or forged.
"""
import datetime
import ipaddress
import selectors
import socket
import struct
import threading
import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

IN = dns.rdataclass.IN
SOA = 'ns.invalid. hostmaster.invalid. 1 3600 600 86400 60'


def absolute(name):
    return dns.name.from_text(name.lower())


class Zone:
    """A signed zone: its key, and for each name in it the denial of what is not there."""

    def __init__(self, origin):
        self.origin = absolute(origin)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.dnskey = dns.dnssec.make_dnskey(self.key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)

    def sign(self, rrset, forged=False):
        now = datetime.datetime.now(datetime.timezone.utc)
        made = dns.dnssec.sign(rrset, self.key, self.origin, self.dnskey,
                               inception=now - datetime.timedelta(hours=1),
                               expiration=now + datetime.timedelta(days=1))
        if forged:
            made = made.replace(signature=bytes(64))
        return dns.rrset.from_rdata(rrset.name, rrset.ttl, made)


class Names:
    """names: {'mail.example': ['127.0.0.1', '::1']}; a name that is not there does not exist."""

    def __init__(self, names=None, address='127.0.0.1'):
        self.names = dict(names or {})  # addresses; may be changed at any time
        self.records = {}  # (name, type) -> texts
        self.zones = []
        self.asked = []  # (name, type), names in lower case without the last dot
        self.is_silent = False
        self.silent, self.forged = set(), set()  # names; those below too
        self.delay = {}  # name -> seconds
        self.ttl = 0
        self.lock = threading.Lock()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for _ in range(20):
            self.udp.bind((address, 0))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp.bind((address, self.port))
                break
            except OSError:
                self.udp.close()
                self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp.listen(64)
        self.address = address
        self.is_open = True
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.is_open = False
        self.udp.close()
        self.tcp.close()

    def settings(self):
        return 'resolver = "%s:%d";\n' % (self.address, self.port)

    # ---- what there is

    def add(self, name, kind, *texts):
        """add('mail.example', 'MX', '10 mx.example.'): names inside are absolute with their dot."""
        self.records.setdefault((name.lower(), kind), []).extend(texts)

    def text(self, name, *texts):
        """TXT records of any length."""
        for t in texts:
            self.add(name, 'TXT', ' '.join('"%s"' % t[i:i + 200].replace('\\', '\\\\').replace('"', '\\"')
                                           for i in range(0, max(len(t), 1), 200)))

    def reverse(self, address, name):
        self.add(ipaddress.ip_address(address).reverse_pointer, 'PTR', name + '.')

    def remove(self, name, kind=None):
        self.names.pop(name, None)
        for at in [k for k in self.records if k[0] == name.lower() and kind in (None, k[1])]:
            del self.records[at]

    def sign(self, origin):
        self.zones.append(Zone(origin))

    def anchors(self, path):
        with open(path, 'w') as f:
            for zone in self.zones:
                f.write('%s IN DNSKEY %s\n' % (zone.origin, zone.dnskey.to_text()))
        return 'dnssec = { validate = "on"; anchors = "%s"; };\n' % path

    def types_of(self, name):
        """All that a name has: {rdatatype: rrset}."""
        found, text = {}, str(name).rstrip('.')
        for address in self.names.get(text, []):
            kind = 'A' if ipaddress.ip_address(address).version == 4 else 'AAAA'
            found.setdefault(kind, []).append(address)
        for (owner, kind), texts in list(self.records.items()):
            if owner == text:
                found.setdefault(kind, []).extend(texts)
        sets = {}
        for kind, texts in found.items():
            number = dns.rdatatype.from_text(kind)
            sets[number] = dns.rrset.from_text_list(name, self.ttl, IN, number, texts)
        for zone in self.zones:
            if zone.origin == name:
                sets[dns.rdatatype.SOA] = dns.rrset.from_text(name, 0, IN, dns.rdatatype.SOA, SOA)
                sets[dns.rdatatype.DNSKEY] = dns.rrset.from_rdata(name, 0, zone.dnskey)
        return sets

    def zone_of(self, name):
        fits = [z for z in self.zones if name.is_subdomain(z.origin)]
        return max(fits, key=lambda z: len(z.origin), default=None)

    def owners(self, zone):
        """All names of a zone in canonical order, those between included."""
        found = {zone.origin}
        for text in list(self.names) + [n for n, _ in list(self.records)]:
            name = absolute(text)
            while name.is_subdomain(zone.origin):
                found.add(name)
                name = name.parent()
        return sorted(found)

    # ---- answers

    def exists(self, name):
        texts = list(self.names) + [n for n, _ in list(self.records)]
        return any(absolute(t).is_subdomain(name) for t in texts) or any(z.origin == name for z in self.zones)

    def signed(self, section, rrset, zone):
        section.append(rrset)
        if zone:
            section.append(zone.sign(rrset, self.is_in(self.forged, str(rrset.name).rstrip('.'))))

    def deny(self, section, zone, name, exists):
        """The NSEC records that show what is not there (RFC 4035 3.1.3)."""
        owners = self.owners(zone)
        shown = set()
        above = name
        while above not in owners:
            above = above.parent()
        for what in [name] + ([] if exists else [dns.name.from_text('*', above)]):
            before = max(o for o in owners if o <= what) if owners[0] <= what else owners[-1]
            if before in shown:
                continue
            shown.add(before)
            after = owners[(owners.index(before) + 1) % len(owners)]
            kinds = sorted(set(self.types_of(before)) | {dns.rdatatype.NSEC, dns.rdatatype.RRSIG})
            text = '%s %s' % (after, ' '.join(dns.rdatatype.to_text(k) for k in kinds))
            self.signed(section, dns.rrset.from_text(before, 0, IN, dns.rdatatype.NSEC, text), zone)

    def answer(self, query):
        reply = dns.message.make_response(query, recursion_available=True)
        reply.flags |= dns.flags.AA
        name, kind = absolute(str(query.question[0].name)), query.question[0].rdtype
        wants = bool(query.ednsflags & dns.flags.DO)
        for _ in range(8):
            zone = self.zone_of(name) if wants else None
            sets = self.types_of(name)
            if dns.rdatatype.CNAME in sets and kind != dns.rdatatype.CNAME:
                self.signed(reply.answer, sets[dns.rdatatype.CNAME], zone)
                name = sets[dns.rdatatype.CNAME][0].target
                continue
            if kind in sets:
                self.signed(reply.answer, sets[kind], zone)
                return reply
            break
        exists = self.exists(name)
        if not exists:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        origin = zone.origin if zone else name
        self.signed(reply.authority, dns.rrset.from_text(origin, 0, IN, dns.rdatatype.SOA, SOA), zone)
        if zone:
            self.deny(reply.authority, zone, name, exists)
        return reply

    @staticmethod
    def is_in(names, name):
        return any(name == n or name.endswith('.' + n) for n in list(names))

    def take(self, data, send, limit):
        query = dns.message.from_wire(data)
        name = str(query.question[0].name).rstrip('.').lower()
        with self.lock:
            self.asked.append((name, dns.rdatatype.to_text(query.question[0].rdtype)))
        if self.is_silent or self.is_in(self.silent, name):
            return
        wire = self.answer(query).to_wire(max_size=65535)
        if len(wire) > limit:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            wire = short.to_wire()
        if name in self.delay:
            threading.Timer(self.delay[name], send, [wire]).start()
        else:
            send(wire)

    def serve_tcp(self):
        peer, _ = self.tcp.accept()
        with peer:
            peer.settimeout(5)
            length, = struct.unpack('>H', peer.recv(2, socket.MSG_WAITALL))
            self.take(peer.recv(length, socket.MSG_WAITALL),
                      lambda wire: peer.sendall(struct.pack('>H', len(wire)) + wire), 65535)

    def serve(self):
        ready = selectors.DefaultSelector()
        ready.register(self.udp, selectors.EVENT_READ)
        ready.register(self.tcp, selectors.EVENT_READ)
        while self.is_open:
            for key, _ in ready.select():
                try:
                    if key.fileobj is self.tcp:
                        self.serve_tcp()
                    else:
                        data, peer = self.udp.recvfrom(4096)
                        self.take(data, lambda wire, to=peer: self.udp.sendto(wire, to), 1232)
                except OSError:
                    if not self.is_open:
                        return
                except Exception as e:  # a query that we cannot answer is not answered
                    print('names.py: %r' % e)
                    time.sleep(0.01)
