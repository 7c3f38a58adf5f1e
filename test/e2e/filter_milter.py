"""filter_milter.py - a milter made with pymilter (libmilter): does what the message's subject says.

Arguments: its socket, as libmilter writes it, and a file to which it writes what it was told, one
JSON object for each message.
"""
import json
import os
import sys
import time

import Milter


class Filter(Milter.Base):
    def connect(self, name, family, address):
        self.told = {'connect': [name, list(address) if address else None], 'rcpt': [], 'headers': [], 'body': 0}
        return Milter.CONTINUE

    def hello(self, name):
        self.told['helo'] = name
        return Milter.CONTINUE

    def envfrom(self, sender, *args):
        self.told['from'] = sender
        self.told['macros'] = {name: self.getsymval(name) for name in
                               ('j', 'i', '{client_addr}', '{client_name}', '{mail_addr}', '{auth_authen}', '{daemon_name}')}
        return Milter.CONTINUE

    def envrcpt(self, recipient, *args):
        self.told['rcpt'].append([recipient, self.getsymval('{rcpt_addr}')])
        return Milter.REJECT if 'refused-rcpt' in recipient else Milter.CONTINUE

    def header(self, name, value):
        self.told['headers'].append([name, value])
        if name == 'Subject':
            self.subject = value
        return Milter.REJECT if value == 'bad header' else Milter.CONTINUE

    def eoh(self):
        return Milter.CONTINUE

    def body(self, piece):
        self.told['body'] += len(piece)
        return Milter.SKIP if self.subject == 'skip' else Milter.CONTINUE

    def eom(self):
        with open(sys.argv[2], 'a') as f:
            f.write(json.dumps(self.told) + '\n')
        return getattr(self, 'do_' + self.subject.replace(' ', '_'), lambda: Milter.CONTINUE)()

    def do_accept(self):
        return Milter.ACCEPT

    def do_reject(self):
        return Milter.REJECT

    def do_tempfail(self):
        return Milter.TEMPFAIL

    def do_discard(self):
        return Milter.DISCARD

    def do_reply(self):
        self.setreply('552', '5.3.4', 'Not this one', 'and not the next')
        return Milter.REJECT

    def do_not_now(self):
        self.setreply('450', '4.2.1', 'Not now')
        return Milter.TEMPFAIL

    def do_change(self):
        self.addheader('X-Added', 'at the end')
        self.addheader('X-Folded', 'one\n\ttwo')
        self.addheader('X-Top', 'on top', 0)
        self.chgheader('X-Old', 1, 'new')
        self.chgheader('X-Gone', 1, '')
        self.chgheader('Received', 1, 'theirs')
        self.addrcpt('<mallory@scan.example>')
        self.delrcpt('<alice@scan.example>')
        return Milter.CONTINUE

    def do_body(self):
        self.replacebody('another\nbody\r\n')
        return Milter.CONTINUE

    def do_quarantine(self):
        self.quarantine('looks odd')
        return Milter.CONTINUE

    def do_slow(self):
        for _ in range(3):
            time.sleep(0.1)
            self.progress()
        return Milter.CONTINUE

    def do_silence(self):
        time.sleep(20)
        return Milter.CONTINUE

    def do_crash(self):
        os._exit(1)


if __name__ == '__main__':
    Milter.factory = Filter
    Milter.set_flags(Milter.ADDHDRS + Milter.CHGHDRS + Milter.CHGBODY + Milter.QUARANTINE + Milter.ADDRCPT + Milter.DELRCPT)
    Milter.runmilter('filter', sys.argv[1], 240)
