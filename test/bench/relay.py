"""relay.py - mail for elsewhere: how fast it is taken into the queue, and how fast it leaves, here and in Postfix.

Used by script/bench. Both servers listen with TLS on loopback, keep their queue in a temporary folder on the same disk,
and bring mail for d0.bench.test, d1... to a sink of ours (sink.c) that has an address for each. Filling and emptying
are measured apart: while a queue is filled nothing can leave it.
"""
import base64
import contextlib
import glob
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(HOME, "test", "e2e"))
import names as dns_server  # noqa: E402
import peers  # noqa: E402
import support  # noqa: E402

USERS = 64
FLUSHES = "syscalls:sys_enter_fdatasync,syscalls:sys_enter_fsync"


def address_of(domain):
    return "127.%d.%d.1" % (1 + domain // 250, domain % 250)


def wait_for(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("waited too long for " + what)
        time.sleep(0.02)


class Ours:
    name = "posthouse"
    user, password = "u%05d@bench.example", "secret"

    def __init__(self, build, sink_port, domains, more=""):
        self.binary, self.sink_port = os.path.join(build, "posthouse"), sink_port
        self.dir = tempfile.mkdtemp(prefix="posthouse-bench-")
        ports = support.free_ports(2)
        self.port = ports[0]
        self.imaps = ports[1]
        with open(os.path.join(self.dir, "posthouse.conf"), "w") as f:
            f.write(self.configure('host_name = "bench.example"; resolver = "127.0.0.1:9"; log = { level = "warn"; };\n'
                    'dnssec = { validate = "off"; };\n'
                    'listen = { submissions = "127.0.0.1:%d"; imaps = "127.0.0.1:%d"; smtp = ""; lmtp = ""; https = "";'
                    ' http = ""; };\ncourier = { delay_notice = 0; retry = "1h"; };\n%s\n' % (*ports, more)))
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.start()
        self.tool("domain", "add", "bench.example")
        path = os.path.join(self.dir, "accounts.tsv")
        with open(path, "w") as f:
            f.writelines("u%05d@bench.example\tsecret\n" % n for n in range(USERS))
        self.tool("account", "import", "--fast", path)
        self.tool("level", "set", "standard", "sends_hour=1000000000", "sends_day=1000000000")
        self.quit()
        with contextlib.closing(sqlite3.connect(os.path.join(self.dir, "courier", "queue.db"))) as db:
            db.executemany("INSERT INTO route VALUES(?, ?)", (
                ("d%d.bench.test" % n, "[%s]:%d" % (address_of(n), sink_port)) for n in range(domains)))
            db.commit()
        self.start()

    def configure(self, text):
        return text

    def start(self):
        self.process = subprocess.Popen([self.binary, "--dir", self.dir, "serve"], stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        wait_for("the server", lambda: subprocess.run([self.binary, "--dir", self.dir, "queue", "suppress"],
                                                      capture_output=True).returncode == 0)

    def tool(self, *words):
        done = subprocess.run([self.binary, "--dir", self.dir, *words], capture_output=True, text=True)
        if done.returncode:
            sys.exit("%s: %s%s" % (words, done.stdout, done.stderr))
        return done.stdout

    def hold(self):
        """Nobody listens where mail goes to, and after the first try nobody tries."""

    def release(self):
        self.tool("queue", "retry", "all")

    def queue_files(self):
        return glob.glob(os.path.join(self.dir, "courier", "queue.db*"))

    def courier(self):
        return next(p for p, title in support.children(self.pid).items() if title.startswith("posthouse: courier"))

    def queued(self):
        return json.loads(self.tool("--json", "queue", "status"))["messages"]

    def quit(self):
        self.process.terminate()
        self.process.wait()

    def stop(self):
        self.quit()
        self.log.close()
        subprocess.run(["rm", "-rf", self.dir], check=True)


POSTFIX = """
in_flow_delay = 0
transport_maps = regexp:{dir}/transport
smtpd_tls_wrappermode = yes
smtp_tls_security_level = none
smtpd_tls_security_level = encrypt
smtpd_client_connection_count_limit = 0
"""


class Postfix:
    name = "postfix"
    user, password = "u%05d@bench.example", ""

    def __init__(self, _, sink_port, domains):
        self.port = support.free_ports(1)[0]
        self.peer = peers.Postfix("bench.example", "127.0.0.1", self.port)
        self.peer.is_ready = lambda: "daemon started" in self.peer.log()
        self.dir = str(self.peer.dir)
        with open(os.path.join(self.dir, "transport"), "w") as f:
            f.writelines("/@d%d\\.bench\\.test$/ smtp:[%s]:%d\n" % (n, address_of(n), sink_port) for n in range(domains))
        self.peer.begin(POSTFIX.format(dir=self.dir))
        self.pid = self.peer.process.pid

    def hold(self):
        """Its queue manager stands still: mail stays where it comes in."""
        wait_for("the queue manager", self.manager)
        os.kill(self.manager(), signal.SIGSTOP)

    def manager(self):
        return next((p for p, title in support.children(self.pid).items() if title.startswith("qmgr")), None)

    def release(self):
        os.kill(self.manager(), signal.SIGCONT)

    def queue_files(self):
        return glob.glob(os.path.join(self.dir, "queue", "*", "**"), recursive=True)

    def stop(self):
        self.peer.stop()


# ---- what is measured


def cpu_s(pid):
    ticks = 0
    for p in [pid, *support.children(pid)]:
        with contextlib.suppress(OSError), open("/proc/%d/stat" % p) as f:
            ticks += sum(map(int, f.read().rsplit(")", 1)[1].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def flushes(server, result, count):
    """perf counts them in all processes of the server, those to come included."""
    pids = ",".join(map(str, [server.pid, *support.children(server.pid)]))
    perf = subprocess.Popen(["perf", "stat", "-x,", "-e", FLUSHES, "-p", pids], stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)
    yield
    perf.send_signal(signal.SIGINT)
    said = perf.communicate()[1]
    numbers = [line.split(",")[0] for line in said.splitlines() if "sys_enter_f" in line]
    if all(n.isdigit() for n in numbers) and numbers:
        result["flushes_each"] = round(sum(map(int, numbers)) / count, 3)


def submit(build, server, conns, count, domains=1, rcpts=1, small=False):
    out = subprocess.run([os.path.join(build, "load"), "--submissions", str(server.port), "--user", server.user,
                          "--password", server.password, "--pid", str(server.pid), "--conns", str(conns), "--users",
                          str(USERS), "--count", str(count), "--domains", str(domains), "--rcpts", str(rcpts),
                          *(["--small"] if small else []), "submit"], capture_output=True, text=True)
    if out.returncode:
        sys.exit("%s: %s" % (server.name, out.stderr))
    result = json.loads(out.stdout)
    result.pop("workload")
    return result


def bytes_on_disk(server):
    return sum(os.lstat(f).st_blocks * 512 for f in server.queue_files() if os.path.isfile(f))


def accept(build, make, conns, count):
    """Messages into the queue."""
    server = make(build, support.free_ports(1)[0], 1)
    result = {}
    try:
        server.hold()
        submit(build, server, conns, 2 * conns)
        before = bytes_on_disk(server)
        with flushes(server, result, count):
            result.update(submit(build, server, conns, count))
        result["disk_bytes_each"] = (bytes_on_disk(server) - before) / count
    finally:
        server.stop()
    return result


def deliver(build, make, domains, count):
    """The queue's messages to so many destinations: by the sink's clock."""
    port = support.free_ports(1)[0]
    server = make(build, port, domains)
    result = {}
    try:
        server.hold()
        submit(build, server, 16, count, domains, small=True)
        sink = subprocess.Popen([os.path.join(build, "sink"), str(port), str(count), "60"], stdout=subprocess.PIPE,
                                text=True)
        time.sleep(0.2)
        before = cpu_s(server.pid)
        with flushes(server, result, count):
            server.release()
            said = json.loads(sink.communicate()[0])
        if said["recipients"] < count:
            sys.exit("%s: only %d of %d came" % (server.name, said["recipients"], count))
        result.update(messages_per_s=count / said["seconds"], connections=said["connections"],
                      server_cpu_s_per_1000=(cpu_s(server.pid) - before) / count * 1000)
    finally:
        server.stop()
    return result


# ---- a million that cannot leave

AWAY = 1000  # destinations that nobody listens for


def fill_away(server, count):
    """Straight into the file: messages of half a kilobyte for AWAY destinations, put off for an hour."""
    now = int(time.time())
    with contextlib.closing(sqlite3.connect(os.path.join(server.dir, "courier", "queue.db"))) as db:
        first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM message").fetchone()[0]
        db.executemany("INSERT INTO route VALUES(?, ?)",
                       (("away%d.bench.test" % n, "[%s]:9" % address_of(1000 + n)) for n in range(AWAY)))
        db.executemany("INSERT INTO destination(id, name) VALUES(?, ?)",
                       ((1000000 + n, "[%s]:9" % address_of(1000 + n)) for n in range(AWAY)))
        span = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d) " % count
        db.execute(span + "INSERT INTO message(id, delivery, submitter, origin, priority, flags, sender, envid, ret,"
                   " accepted_s, expires_s, by_s, size) SELECT %d + i, i + 1, 1, 0, 1, 0, 'u00000@bench.example', '', 0,"
                   " %d, %d, 0, 512 FROM n" % (first, now - 7200, now + 400000))
        db.execute(span + "INSERT INTO recipient(message, number, destination, priority, due_s, state, attempts, notify,"
                   " address, recipient, orcpt, reply, host) SELECT %d + i, 0, 1000000 + i %% %d, 1, %d + i %% 600, 0, 3, 0,"
                   " 'r' || i || '@away' || (i %% %d) || '.bench.test', '', '', '4.4.1 no connection: refused', '' FROM n"
                   % (first, AWAY, now + 3600, AWAY))
        db.execute(span + "INSERT INTO chunk(id, bytes) SELECT (%d + i) << 20, zeroblob(512) FROM n" % first)
        db.commit()


def memory_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def timed(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start


def through(build, server, port, count, result, name):
    """New mail, from submission to the sink: the rate of both together."""
    sink = subprocess.Popen([os.path.join(build, "sink"), str(port), str(count), "60"], stdout=subprocess.PIPE, text=True)
    time.sleep(0.2)
    start = time.monotonic()
    before = cpu_s(server.pid)
    took = submit(build, server, 16, count, 10, small=True)
    said = json.loads(sink.communicate()[0])
    if said["recipients"] < count:
        sys.exit("only %d of %d came" % (said["recipients"], count))
    result[name + "_messages_per_s"] = count / (time.monotonic() - start)
    result[name + "_p99_ms"] = took["p99_ms"]
    result[name + "_server_cpu_s_per_1000"] = (cpu_s(server.pid) - before) / count * 1000


def million(build, make, count, new=2000):
    """New mail beside so many that wait, and while all of those are tried and put off again."""
    port = support.free_ports(1)[0]
    server = make(build, port, 10)
    result = {}
    try:
        through(build, server, port, new, result, "alone")
        server.quit()
        result["fill_s"] = timed(lambda: fill_away(server, count))
        result["disk_bytes_each"] = bytes_on_disk(server) / count
        result["start_s"] = timed(server.start)
        result["courier_memory_kib"] = memory_kib(server.courier())
        result["status_s"] = timed(server.queued)
        through(build, server, port, new, result, "beside")
        server.tool("queue", "retry", "all")
        through(build, server, port, new, result, "retrying")
        result["courier_memory_retrying_kib"] = memory_kib(server.courier())
    finally:
        server.stop()
    return result


# ---- strangers at port 25

CHECKED = """
door = { trusted = "%s"; lists = "ip/bl.example/5 domain/dbl.example/12"; greylist = 1000; refuse = 1000; tarpit = 1000;
 greet_wait = "0 s"; per_address = 0; per_network = 0; per_sender = 0; };
"""


class Checked(Ours):
    """An instance that looks at who comes to its port 25, or trusts them."""

    def __init__(self, build, resolver, is_trusting):
        self.smtp = support.free_ports(1)[0]
        self.resolver = resolver
        super().__init__(build, 9, 0, CHECKED % ("127.0.0.1" if is_trusting else "192.0.2.1"))

    def configure(self, text):
        text = text.replace('smtp = ""', 'smtp = "127.0.0.1:%d"' % self.smtp)
        return text.replace('resolver = "127.0.0.1:9";', self.resolver)


def signed_message(names):
    """Of one who has everything: SPF, two DKIM signatures, a chain of ARC, DMARC, a name for its address."""
    import dkim
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                            serialization.NoEncryption())
    public = base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER,
                                                            serialization.PublicFormat.SubjectPublicKeyInfo)).decode()
    for selector in "one", "two":
        names.text(selector + "._domainkey.there.example", "v=DKIM1; k=rsa; p=" + public)
    names.text("there.example", "v=spf1 include:_spf.there.example -all")
    names.text("_spf.there.example", "v=spf1 ip4:127.0.0.1 -all")
    names.text("_dmarc.there.example", "v=DMARC1; p=reject")
    names.reverse("127.0.0.1", "mx.there.example")
    names.names["mx.there.example"] = ["127.0.0.1"]
    text = (b"From: Anna <anna@there.example>\r\nTo: <u00000@bench.example>\r\nSubject: Checked\r\n"
            b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@there.example>\r\nAuthentication-Results:"
            b" mx.there.example; arc=none\r\n\r\n" + b"Some words that make up a line of text, as mail has it.\r\n" * 180)
    for selector in b"one", b"two":
        text = dkim.sign(text, selector, b"there.example", pem) + text
    seal = dkim.arc_sign(text, b"one", b"there.example", pem, b"mx.there.example")
    return b"".join(seal) + text


def checks(build, count):
    """What it costs to look at a stranger's message, with the DNS's answers at hand."""
    names = dns_server.Names()
    names.ttl = 3600
    text = signed_message(names)
    result = {}
    try:
        for name, is_trusting in ("trusted", True), ("checked", False):
            server = Checked(build, names.settings(), is_trusting)
            try:
                message = os.path.join(server.dir, "message")
                with open(message, "wb") as f:
                    f.write(text.replace(b"\r\n", b"\n"))
                source = [str(peers.UNPACKED / "usr/sbin/smtp-source"), "-d", "-F", message, "-f", "anna@there.example",
                          "-t", "u00000@bench.example", "-M", "mx.there.example", "-s", "8"]
                env = dict(os.environ, LD_LIBRARY_PATH=str(peers.LIBRARIES))
                subprocess.run([*source, "-m", "50", "127.0.0.1:%d" % server.smtp], env=env, check=True)
                asked, before, start = len(names.asked), cpu_s(server.pid), time.monotonic()
                subprocess.run([*source, "-m", str(count), "127.0.0.1:%d" % server.smtp], env=env, check=True)
                result[name + "_messages_per_s"] = count / (time.monotonic() - start)
                result[name + "_cpu_us_each"] = (cpu_s(server.pid) - before) / count * 1e6
                result[name + "_questions_each"] = (len(names.asked) - asked) / count
                result[name + "_results"] = first_results(server)
            finally:
                server.stop()
    finally:
        names.close()
    return result


def first_results(server):
    """What the last message's results say: method=result."""
    import imaplib
    client = imaplib.IMAP4_SSL("127.0.0.1", server.imaps, ssl_context=support.tls_context())
    client.login("u00000@bench.example", "secret")
    client.select("INBOX")
    text = client.fetch("*", "(BODY.PEEK[HEADER.FIELDS (Authentication-Results)])")[1][0][1].decode()
    client.logout()
    return " ".join(re.findall(r"\b(?:spf|dkim|dmarc|arc|iprev)=\w+", text.split("mx.there.example;")[0]))
