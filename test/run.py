"""run.py - script/test's own part: builds, runs every kind of test, counts."""
import argparse
import concurrent.futures
import ctypes
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

HOME = pathlib.Path(__file__).resolve().parent.parent
JOBS = max(2, os.cpu_count() or 2)
ASAN, TSAN = HOME / 'build-asan', HOME / 'build-tsan'
BUILDS = {
    ASAN: ['-Dfaults=true', '-Dfuzzers=replay', '-Db_sanitize=address,undefined'],
    TSAN: ['-Dfaults=true', '-Db_sanitize=thread'],
}
# End-to-end tests that take minutes.
LONG = {'test_web_pages', 'test_queue', 'test_durability', 'test_web_revocation', 'test_country', 'test_fairness',
        'test_web_keys', 'test_stress', 'test_supervisor', 'test_later', 'test_peers', 'test_outbound_tls',
        'test_acme'}
# Unit tests with threads: these run under the thread sanitizer too.
THREADED = re.compile(r'stress|^(courier_runner|courier_smtp|line|store(?!_fault|_power)|net|pool|crowd|conn|tls|account|keeper_client|client)')
ENVIRONMENT = {
    'ASAN_OPTIONS': 'abort_on_error=1:detect_leaks=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:abort_on_error=1:print_stacktrace=1',
    'TSAN_OPTIONS': 'halt_on_error=1:second_deadlock_stack=1',
}


class Count:
    passed = failed = 0

    def ok(self, n=1):
        self.passed += n

    def fail(self, name, output='', n=1):
        self.failed += n
        print('FAIL %s' % name)
        lines = output.rstrip().split('\n')
        for line in lines[-80:]:
            print('    ' + line)
        sys.stdout.flush()


def say(text):
    print(text)
    sys.stdout.flush()


# ---- building

def compiler():
    return 'ccache gcc' if shutil.which('ccache') else 'gcc'


def command(arguments, **more):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', **more)


def targets(build):
    """What is used of a build: all, or of the thread sanitizer's what THREADED names."""
    if build is ASAN:
        return []
    return ['posthouse'] + [os.path.relpath(c[0], build) for n, c in unit_programs(build)
                            if THREADED.search(n)]


def is_built(build):
    if not (build / 'build.ninja').exists():
        return False
    done = command(['ninja', '-C', str(build), '-n', *targets(build)])
    return done.returncode == 0 and 'no work to do' in done.stdout


def make(build, options):
    if not (build / 'build.ninja').exists():
        done = command(['meson', 'setup', str(build), str(HOME), '-Dbuildtype=debugoptimized',
                        *options], env=dict(os.environ, CC=compiler()))
        if done.returncode:
            return done.stdout
    done = command(['ninja', '-C', str(build), '-j%d' % JOBS, *targets(build)])
    return done.stdout if done.returncode else None


def build_all(lock):
    """Build under the lock alone; keep it shared while the tests run, so that a second run in this
    clone does not exchange the programs under the first one."""
    fcntl.flock(lock, fcntl.LOCK_SH)
    if all(is_built(b) for b in BUILDS):
        return
    fcntl.flock(lock, fcntl.LOCK_EX)
    for build, options in BUILDS.items():
        start = time.monotonic()
        error = make(build, options)
        if error is not None:
            say('\n'.join(error.rstrip().split('\n')[-60:]))
            say('FAIL build of %s' % build.name)
            say('0 passed, 1 failed')
            sys.exit(1)
        say('built %s in %d s' % (build.name, time.monotonic() - start))
    fcntl.flock(lock, fcntl.LOCK_SH)


# ---- programs

def run_program(arguments, environment, directory):
    """Exit status and output; a program that hangs is ended."""
    with tempfile.TemporaryDirectory(prefix='posthouse-unit-', dir=directory) as cwd:
        try:
            done = command(arguments, cwd=cwd, timeout=300, stdin=subprocess.DEVNULL,
                           env=dict(os.environ, **environment, TMPDIR=cwd))
        except subprocess.TimeoutExpired as e:
            output = e.stdout or b''
            if isinstance(output, bytes):
                output = output.decode('utf-8', 'replace')
            return 1, output + '\n(ended after 300 s)'
    return done.returncode, done.stdout


def unit_programs(build):
    out = subprocess.run(['meson', 'introspect', '--tests', str(build)], capture_output=True,
                         check=True).stdout
    return [(t['name'], t['cmd']) for t in json.loads(out)]


def count_unit(count, name, status, output):
    passed = sum(int(n) for n in re.findall(r'\[  PASSED  \] (\d+) test', output))
    failed = len(set(re.findall(r'\[  FAILED  \] (\w+)$', output, re.M)))
    count.ok(passed)
    if failed or status:
        count.fail(name, output, max(1, failed))
    elif not passed:
        count.fail(name, 'no case ran\n' + output)


def run_units(count, wanted, directory):
    work = [(n, c, 'asan') for n, c in unit_programs(ASAN) if wanted('unit/' + n)]
    # Without a fixed layout the thread sanitizer does not start on kernels with much randomness.
    work += [(n, ['setarch', '-R'] + c, 'tsan') for n, c in unit_programs(TSAN)
             if THREADED.search(n) and wanted('unit/' + n)]
    with concurrent.futures.ThreadPoolExecutor(JOBS + 1) as pool:
        results = pool.map(lambda w: run_program(w[1], ENVIRONMENT, directory), work)
        for (name, _, kind), (status, output) in zip(work, results):
            count_unit(count, '%s (%s)' % (name, kind), status, output)


def run_corpora(count, wanted, directory):
    targets = sorted(p for p in (HOME / 'test' / 'fuzz').iterdir() if p.is_dir())
    have = {p.name for p in ASAN.glob('*_fuzz')}
    for name in sorted(have - {t.name for t in targets}):
        if wanted('fuzz/' + name):
            count.fail('fuzz/' + name, 'there is no corpus test/fuzz/' + name)
    for target in targets:
        if not wanted('fuzz/' + target.name):
            continue
        if target.name not in have:
            count.fail('fuzz/' + target.name, 'there is a corpus, but no such target')
            continue
        status, output = run_program([str(ASAN / target.name), str(target)], ENVIRONMENT, directory)
        if status:
            count.fail('fuzz/' + target.name, output)
        else:
            count.ok()


# ---- transcripts and pytest

def follow(arguments, environment):
    """Run with output shown as one text at the end; ended with all its children if we are."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, cwd=HOME, text=True, errors='replace',
                               env=dict(os.environ, **environment))
    output, _ = process.communicate()
    return process.returncode, output


def run_transcripts(count, wanted, environment):
    files = [str(p) for p in sorted((HOME / 'test').glob('*/*.t'))
             if wanted(str(p.relative_to(HOME / 'test')))]
    if not files:
        return
    status, output = follow([sys.executable, '-B', str(HOME / 'test' / 'transcript.py'), *files],
                            environment)
    results = re.findall(r'^(ok|FAIL) (\S+\.t) .*\n((?:  .*\n)*)', output, re.M)
    for result, name, text in results:
        if result == 'ok':
            count.ok()
        else:
            count.fail(name, text)
    if len(results) != len(files) or (status and all(r[0] == 'ok' for r in results)):
        count.fail('transcripts', output)


def run_pytest(count, names, environment, directory, jobs, paths):
    report = pathlib.Path(directory) / ('pytest-%s.xml' % jobs)
    arguments = [sys.executable, '-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-n',
                 str(jobs), '--dist', 'loadfile', '--junitxml', str(report), '-o',
                 'junit_logging=all', *paths]
    if names:
        arguments += ['-k', ' or '.join(names)]
    status, output = follow(arguments, environment)
    if status not in (0, 1, 5) or not report.exists():
        count.fail('pytest', output)
        return
    for case in xml.etree.ElementTree.parse(report).iter('testcase'):
        name = '%s %s' % (case.get('classname', ''), case.get('name'))
        bad = [e for e in case if e.tag in ('failure', 'error')]
        if bad:
            extra = ''.join(e.text or '' for e in case if e.tag in ('system-out', 'system-err'))
            count.fail(name, (extra + '\n' + (bad[0].text or bad[0].get('message', '')))[-12000:])
        else:
            count.ok()
            figures = [line for e in case if e.tag == 'system-out'
                       for line in (e.text or '').split('\n') if line.startswith('figure:')]
            for line in figures:
                say('%s: %s' % (case.get('name'), line[8:]))


def end_to_end():
    """Files of tests; those that take minutes begin, so that none of them is left for the end."""
    files = sorted((HOME / 'test' / 'e2e').glob('test_*.py'))
    return [str(f) for f in sorted(files, key=lambda f: f.stem not in LONG)]


def end_descendants():
    """Nothing of ours stays; orphans have become children of this process."""
    for _ in range(50):
        out = subprocess.run(['ps', '-o', 'pid=', '--ppid', str(os.getpid())],
                             capture_output=True, text=True).stdout.split()
        alive = 0
        for pid in map(int, out):
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                alive += 1
            except (ProcessLookupError, ChildProcessError):
                pass
        if not alive:
            return


def watch_over(work):
    """Do the work in a child, and be the parent of whatever it leaves behind."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        return work()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda n, _: os.kill(child, n))
    pid = status = 0
    while pid != child:
        pid, status = os.wait()
    end_descendants()
    return os.waitstatus_to_exitcode(status) and 1


def main():
    parser = argparse.ArgumentParser(prog='script/test', description='run the tests')
    parser.add_argument('--long', action='store_true', help='durability and fairness at full size')
    parser.add_argument('names', nargs='*', metavar='NAME', help='only tests with this in their name')
    options = parser.parse_args()
    wanted = lambda name: not options.names or any(n in name for n in options.names)
    count = Count()
    start = time.monotonic()
    directory = tempfile.mkdtemp(prefix='posthouse-run-')
    os.chmod(directory, 0o755)
    environment = {'POSTHOUSE_BINARY': str(ASAN / 'posthouse'), 'TMPDIR': directory,
                   'PYTHONDONTWRITEBYTECODE': '1',
                   'POSTHOUSE_TEST_LONG': '1' if options.long else '0'}
    try:
        with open(HOME / '.build.lock.test', 'w') as lock:
            build_all(lock)
            run_units(count, wanted, directory)
            run_corpora(count, wanted, directory)
            say('unit tests and corpora: %d s' % (time.monotonic() - start))
            run_transcripts(count, wanted, environment)
            say('transcripts: %d s' % (time.monotonic() - start))
            run_pytest(count, options.names, environment, directory, JOBS + 1,
                       ['test/floors_test.py', 'test/style_test.py', 'test/replies_test.py', *end_to_end()])
            say('all: %d s' % (time.monotonic() - start))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    say('%d passed, %d failed' % (count.passed, count.failed))
    return 1 if count.failed or not count.passed else 0


if __name__ == '__main__':
    sys.exit(watch_over(main))
