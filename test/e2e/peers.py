"""peers.py - Postfix, Exim and Dovecot as they come with Debian, each an instance of its own.

Two mail servers cannot be installed side by side, and installing one would take the place of the machine's own: so
script/bootstrap only unpacks them (build-peers), and here they run from there, in a temporary folder, on addresses of
loopback. Both want to be root, and each wants a user that its package would have made. Who is not root becomes it in
a user namespace; names of users are told by nss_wrapper.
"""
import contextlib
import email.parser
import email.policy
import imaplib
import io
import os
import pathlib
import signal
import smtplib
import subprocess
import tarfile
import tempfile
import time

import support

UNPACKED = support.HOME / 'build-peers'
LIBRARIES = UNPACKED / 'usr' / 'lib' / 'postfix'
PASSWD = ('root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n'
          'postfix:x:2101:2101::/:/bin/false\nDebian-exim:x:2103:2103::/:/bin/false\ndovecot:x:2105:2105::/:/bin/false\n')
GROUP = 'root:x:0:\nnogroup:x:65534:\npostfix:x:2101:\npostdrop:x:2102:\nDebian-exim:x:2103:\ndovecot:x:2105:\n'
POSTFIX_USER, POSTDROP, EXIM_USER, DOVECOT_USER = 2101, 2102, 2103, 2105
CERTIFICATE = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']


def find(mail, subject):
    """The first whose subject has this in it."""
    parser = email.parser.BytesHeaderParser(policy=email.policy.SMTPUTF8)
    return next((raw for raw in mail if subject in (parser.parsebytes(raw)['Subject'] or '')), None)


class Peer:
    """host: its name; dir: all that it has."""

    def __init__(self, host, address, port):
        self.host, self.address, self.port = host, address, port
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='posthouse-%s-' % type(self).__name__.lower()))
        self.dir.chmod(0o755)
        self.process = None
        (self.dir / 'passwd').write_text(PASSWD)
        (self.dir / 'group').write_text(GROUP)
        self.certificate()
        self.env = ['PATH=' + os.environ['PATH'], 'LD_PRELOAD=libnss_wrapper.so',
                    'NSS_WRAPPER_PASSWD=%s' % (self.dir / 'passwd'), 'NSS_WRAPPER_GROUP=%s' % (self.dir / 'group'),
                    'LD_LIBRARY_PATH=%s' % LIBRARIES]

    def certificate(self):
        subprocess.run([*CERTIFICATE, '-keyout', self.dir / 'key.pem', '-out', self.dir / 'cert.pem', '-subj',
                        '/CN=' + self.host, '-addext', 'subjectAltName=DNS:' + self.host], check=True,
                       capture_output=True)
        (self.dir / 'key.pem').chmod(0o644)

    def command(self, *words):
        prefix = [] if os.geteuid() == 0 else ['unshare', '--user', '--map-root-user', '--map-auto']
        return [*prefix, 'env', '-i', *self.env, *map(str, words)]

    def run(self, *words, stdin=b''):
        done = subprocess.run(self.command(*words), input=stdin, capture_output=True, timeout=60)
        assert done.returncode == 0, '%s: %s%s' % (words, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode('utf-8', 'replace')

    def make(self, *folders, owner=0, group=0, mode=0o755):
        """Folders that belong to a user of the peer's."""
        for folder in folders:
            self.run('install', '-d', '-o', str(owner), '-g', str(group), '-m', '%o' % mode, self.dir / folder)

    def start(self, *words):
        with open(self.dir / 'out', 'wb') as out:
            self.process = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, start_new_session=True)
        support.wait_for('%s to listen' % type(self).__name__, self.is_ready, 30)

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError):
            smtplib.SMTP(self.address, self.port, timeout=10).quit()
            return True
        return False

    def log(self):
        return self.run('sh', '-c', 'cd %s && cat out log log/* 2>/dev/null || true' % self.dir)

    def mail(self):
        """All that was delivered here."""
        packed = subprocess.run(self.command('tar', '-cC', self.dir / 'mail', '.'), capture_output=True, timeout=60)
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
            return [tar.extractfile(f).read() for f in tar.getmembers() if f.isfile() and '/new/' in f.name]

    def got(self, subject):
        return find(self.mail(), subject)

    def stop(self):
        if self.process:
            pids = [self.process.pid, *support.children(self.process.pid)]
            for number in signal.SIGTERM, signal.SIGKILL:
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, number)
                time.sleep(0.2)
            self.process.wait()
        subprocess.run(self.command('rm', '-rf', str(self.dir)), check=False)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log())
        self.stop()


POSTFIX_MAIN = '''
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = {unpacked}/usr/sbin
daemon_directory = {unpacked}/usr/lib/postfix/sbin
shlib_directory = {unpacked}/usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
import_environment = MAIL_CONFIG MAIL_LOGTAG POSTLOG_SERVICE POSTLOG_HOSTNAME LANG=C LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
 LD_LIBRARY_PATH
export_environment = MAIL_CONFIG MAIL_LOGTAG POSTLOG_SERVICE POSTLOG_HOSTNAME LANG=C LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
 LD_LIBRARY_PATH
myhostname = {host}
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file = {dir}/log
maillog_file_prefixes = /
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
smtpd_tls_security_level = may
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtpd_tls_received_header = yes
smtputf8_enable = yes
message_size_limit = 60000000
'''

POSTFIX_MASTER = '''
{address}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
'''


class Postfix(Peer):
    def begin(self, settings):
        """settings: further lines of main.cf."""
        names = {'dir': self.dir, 'unpacked': UNPACKED, 'host': self.host, 'address': self.address, 'port': self.port}
        (self.dir / 'etc').mkdir()
        (self.dir / 'etc' / 'main.cf').write_text(POSTFIX_MAIN.format(**names) + settings)
        (self.dir / 'etc' / 'master.cf').write_text(POSTFIX_MASTER.format(**names))
        self.make('queue', 'queue/pid')
        self.make('data', 'mail', *('queue/' + n for n in (
            'incoming', 'active', 'deferred', 'defer', 'bounce', 'trace', 'hold', 'corrupt', 'flush', 'saved',
            'private')), owner=POSTFIX_USER, mode=0o700)
        self.make('queue/maildrop', owner=POSTFIX_USER, group=POSTDROP, mode=0o1730)
        self.make('queue/public', owner=POSTFIX_USER, group=POSTDROP, mode=0o710)
        self.start(UNPACKED / 'usr/lib/postfix/sbin/master', '-c', self.dir / 'etc')
        return self


EXIM = '''
primary_hostname = {host}
spool_directory = {dir}/spool
log_file_path = {dir}/log/%s
pid_file_path = {dir}/exim.pid
exim_path = {unpacked}/usr/sbin/exim4
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP : LD_LIBRARY_PATH
add_environment = PATH=/usr/bin:/bin
deliver_drop_privilege = true
never_users =
local_interfaces = {address}
daemon_smtp_ports = {port}
tls_certificate = {dir}/cert.pem
tls_privatekey = {dir}/key.pem
tls_advertise_hosts = *
chunking_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
pipelining_advertise_hosts = *
accept_8bitmime = true
message_size_limit = 60M
smtp_accept_max = 0
host_lookup =
rfc1413_hosts =
dns_dnssec_ok = 0
log_selector = +tls_cipher +smtp_protocol_error +pipelining +dnssec
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
{settings}
'''


class Exim(Peer):
    def begin(self, settings):
        """settings: the rest of the configuration."""
        names = {'dir': self.dir, 'unpacked': UNPACKED, 'host': self.host, 'address': self.address, 'port': self.port,
                 'settings': settings}
        (self.dir / 'conf').write_text(EXIM.format(**names))
        self.make('spool', 'log', 'mail', owner=EXIM_USER, group=EXIM_USER)
        self.start(UNPACKED / 'usr/sbin/exim4', '-C', self.dir / 'conf', '-bdf', '-q2s')
        return self



DOVECOT = '''
base_dir = {dir}/run
libexec_dir = {unpacked}/usr/lib/dovecot
mail_plugin_dir = {unpacked}/usr/lib/dovecot/modules
login_plugin_dir = {unpacked}/usr/lib/dovecot/modules/login
log_path = {dir}/out
protocols = imap
listen = {address}
ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
default_login_user = dovecot
default_internal_user = dovecot
default_internal_group = dovecot
mail_location = maildir:{dir}/mail/%u
mail_max_userip_connections = 100
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={dir}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls}
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  {namespace}
}}
'''


class Dovecot(Peer):
    """IMAP only: TLS at once at `port`, STARTTLS at `starttls`; whoever comes has this password and a mailbox."""

    def begin(self, starttls, password, namespace=''):
        names = {'dir': self.dir, 'unpacked': UNPACKED, 'address': self.address, 'port': self.port,
                 'starttls': starttls, 'password': password, 'user': DOVECOT_USER, 'namespace': namespace}
        self.password = password
        self.env[-1] = 'LD_LIBRARY_PATH=%s' % (UNPACKED / 'usr' / 'lib' / 'dovecot')
        (self.dir / 'conf').write_text(DOVECOT.format(**names))
        self.make('run')
        self.make('mail', 'home', owner=DOVECOT_USER, group=DOVECOT_USER)
        self.start(UNPACKED / 'usr/sbin/dovecot', '-F', '-c', self.dir / 'conf')
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self.imap('nobody').logout()
            return True
        return False

    def imap(self, user, password=None):
        client = imaplib.IMAP4_SSL(self.address, self.port, ssl_context=support.tls_context(), timeout=30)
        client.login(user, password or self.password)
        return client
