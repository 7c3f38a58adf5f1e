"""receivers.py - mail servers on loopback that take mail, or do whatever else servers do.

Each listens on an address of its own (127.0.0.x) and one port for all, and writes down what it was
given. What it does wrong is told by its options:

    refuse   {'rcpt': '550 5.1.1 no'}: the answer at 'banner', 'ehlo', 'mail', 'rcpt', 'data', 'end';
             a callable is asked with the argument and may say None
    vanish   closes without an answer at one of these; 'text': within the message; 'after': it has
             taken the message and says nothing
    slow     seconds before each answer
    tls      an ssl.SSLContext, or 'broken': the handshake ends in nonsense
    offers   EHLO's keywords
    nonsense bytes instead of the answer at one of these
    drips    its answer at one of these comes byte by byte and never ends
    login    (name, password) that it wants within TLS before MAIL
    logins   the mechanisms for it
    implicit TLS from the first byte on
"""
import base64
import contextlib
import socket
import ssl
import threading
import time

OFFERS = ('PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'SIZE 50000000')


class Message:
    def __init__(self, sender, params, recipients, text, is_tls):
        self.sender, self.params, self.text, self.is_tls = sender, params, text, is_tls
        self.recipients = [r for r, _ in recipients]
        self.recipient_params = dict(recipients)

    def header(self, name):
        for line in self.text.split(b'\r\n\r\n', 1)[0].split(b'\r\n'):
            if line.lower().startswith(name.lower().encode() + b':'):
                return line.split(b':', 1)[1].strip().decode()
        return None


class Session(threading.Thread):
    def __init__(self, receiver, sock):
        super().__init__(daemon=True)
        self.receiver, self.sock, self.buffer = receiver, sock, b''
        self.is_tls = self.is_in = False
        self.sender, self.params, self.recipients, self.chunks = None, '', [], b''

    def run(self):
        with contextlib.suppress(OSError, ssl.SSLError, EOFError, ConnectionError):
            if self.receiver.implicit:
                self.wrap()
            self.answer('banner', '', '220 %s ESMTP' % self.receiver.name)
            while self.command(self.line()):
                pass
        with contextlib.suppress(OSError):
            self.sock.close()

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def line(self):
        while b'\n' not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b'\n', 1)
        assert line.endswith(b'\r'), line
        return line[:-1].decode('utf-8', 'surrogateescape')

    def say(self, text):
        if self.receiver.slow:
            time.sleep(self.receiver.slow)
        self.sock.sendall(text.encode() + b'\r\n')

    def answer(self, stage, argument, good):
        """True if it was the good one."""
        r = self.receiver
        refuse = r.refuse.get(stage)
        if callable(refuse):
            refuse = refuse(argument)
        if r.vanish == stage:
            raise EOFError
        while r.drips == stage:
            self.sock.sendall(b'2')
            time.sleep(0.3)
        if r.nonsense == stage:
            self.sock.sendall(b'\x00\xff nonsense\r\n\r\n250 ok\n')
            return False
        self.say(refuse or good)
        return not refuse

    def command(self, line):
        verb, _, rest = line.partition(' ')
        verb = verb.upper()
        self.receiver.commands.append(line)
        if verb in ('EHLO', 'HELO'):
            offers = [] if verb == 'HELO' else list(self.receiver.offers)
            if self.receiver.tls and not self.is_tls and offers:
                offers.append('STARTTLS')
            if self.receiver.login and self.is_tls:
                offers.append('AUTH ' + ' '.join(self.receiver.logins))
            lines = [self.receiver.name] + offers
            text = '\r\n'.join('250%s%s' % ('-' if i < len(lines) - 1 else ' ', s) for i, s in enumerate(lines))
            self.answer('ehlo' if verb == 'EHLO' else 'helo', rest, text)
        elif verb == 'STARTTLS':
            self.start_tls()
        elif verb == 'AUTH':
            self.log_in(rest)
        elif verb == 'MAIL' and self.receiver.login and not self.is_in:
            self.say('530 5.7.0 log in first')
        elif verb == 'MAIL':
            path, _, self.params = rest.partition('>')
            if self.answer('mail', rest, '250 2.1.0 ok'):
                self.sender, self.recipients, self.chunks = path.split('<', 1)[1], [], b''
        elif verb == 'RCPT':
            path, _, params = rest.partition('>')
            address = path.split('<', 1)[1]
            if self.answer('rcpt', address, '250 2.1.5 ok'):
                self.recipients.append((address, params.strip()))
        elif verb == 'DATA':
            if self.answer('data', '', '354 go'):
                self.take(self.text())
        elif verb == 'BDAT':
            self.chunk(rest)
        elif verb == 'RSET':
            self.sender, self.recipients, self.chunks = None, [], b''
            self.say('250 2.0.0 ok')
        elif verb == 'QUIT':
            self.say('221 2.0.0 bye')
            return False
        else:
            self.say('500 5.5.1 what?')
        return True

    def start_tls(self):
        self.say('220 2.0.0 go')
        if self.receiver.tls == 'broken':
            self.sock.sendall(b'this is no handshake, nor was it ever meant to be one\r\n')
            raise EOFError
        self.wrap()

    def wrap(self):
        self.sock = self.receiver.tls.wrap_socket(self.sock, server_side=True)
        self.is_tls, self.buffer = True, b''

    def log_in(self, rest):
        mechanism, _, initial = rest.partition(' ')
        if mechanism == 'PLAIN':
            given = tuple(base64.b64decode(initial).decode().split('\0')[1:])
        else:
            given = ()
            for prompt in ('User Name', 'Password'):
                self.say('334 ' + base64.b64encode(prompt.encode()).decode())
                given += (base64.b64decode(self.line()).decode(),)
        self.is_in = self.is_tls and mechanism in self.receiver.logins and given == self.receiver.login
        self.say('235 2.7.0 in' if self.is_in else '535 5.7.8 wrong name or password')

    def text(self):
        if self.receiver.vanish == 'text':
            self.more()
            raise EOFError
        lines = []
        while True:
            while b'\r\n' not in self.buffer:
                self.more()
            line, self.buffer = self.buffer.split(b'\r\n', 1)
            assert b'\n' not in line and b'\r' not in line, line
            if line == b'.':
                return b''.join(lines)
            lines.append((line[1:] if line.startswith(b'.') else line) + b'\r\n')

    def chunk(self, rest):
        size, _, last = rest.partition(' ')
        if self.receiver.vanish == 'text':
            raise EOFError
        while len(self.buffer) < int(size):
            self.more()
        self.chunks += self.buffer[:int(size)]
        self.buffer = self.buffer[int(size):]
        if last.upper() == 'LAST':
            self.take(self.chunks)
        else:
            self.say('250 2.0.0 chunk')

    def take(self, text):
        """What was answered with 250 counts as taken, and what was not answered does not."""
        message = Message(self.sender, self.params, self.recipients, text, self.is_tls)
        if self.receiver.vanish == 'after':
            self.receiver.unsure.append(message)
            raise EOFError
        refuse = self.receiver.refuse.get('end')
        if self.receiver.nonsense == 'end':
            self.receiver.unsure.append(message)
        elif not refuse and self.receiver.vanish != 'end':
            with self.receiver.lock:
                self.receiver.messages.append(message)
        self.answer('end', '', '250 2.0.0 taken')


class Receiver:
    def __init__(self, address, port, name='mx.example', **options):
        self.name = name
        self.refuse = options.get('refuse', {})
        self.vanish = options.get('vanish')
        self.nonsense = options.get('nonsense')
        self.drips = options.get('drips')
        self.slow = options.get('slow', 0)
        self.tls = options.get('tls')
        self.offers = options.get('offers', OFFERS)
        self.login, self.logins = options.get('login'), options.get('logins', ['PLAIN', 'LOGIN'])
        self.implicit = options.get('implicit', False)
        self.messages, self.unsure, self.commands = [], [], []
        self.connections = 0
        self.lock = threading.Lock()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.socket.listen(200)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.socket.accept()
                self.connections += 1
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Session(self, sock).start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def got(self, address):
        """The messages that this recipient has."""
        with self.lock:
            return [m for m in self.messages if address in m.recipients]


class Fleet:
    """Receivers by domain, with the records that lead to them."""

    def __init__(self, names, port):
        self.names, self.port, self.receivers = names, port, []
        self.last = 10

    def add(self, domain, **options):
        self.last += 1
        address = '127.0.0.%d' % self.last
        host = 'mx.' + domain
        receiver = Receiver(address, self.port, host, **options)
        self.names.names[host] = [address]
        self.names.add(domain, 'MX', '10 %s.' % host)
        self.receivers.append(receiver)
        return receiver

    def close(self):
        for r in self.receivers:
            r.close()
