"""style_test.py - what a compiler does not say: banned functions, unfinished work, manual pages."""
import pathlib
import re
import subprocess

import pytest

HOME = pathlib.Path(__file__).resolve().parent.parent
BANNED = ('strcpy strcat strncat sprintf vsprintf strtok strtok_r gets system popen alloca tmpnam '
          'mktemp rand random atoi atol setjmp longjmp getaddrinfo gethostbyname').split()
# A test's numbers come from a seed, so that they can be had again.
IN_TESTS = ('rand', 'random')
CALL = re.compile(r'(?<![\w.>])(%s)\s*\(' % '|'.join(BANNED))
UNFINISHED = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')


def files(*patterns):
    return sorted(p for pattern in patterns for p in HOME.glob(pattern)
                  if p.is_file() and '__pycache__' not in p.parts)


def strip_comments(text):
    """Comments and literals become blanks, line numbers stay."""
    blank = lambda m: re.sub(r'[^\n]', ' ', m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def banned_calls(text):
    return [(text.count('\n', 0, m.start()) + 1, m.group(1))
            for m in CALL.finditer(strip_comments(text))]


def unset_autos(text):
    """AUTO() buffers and arenas that a return may reach before they are set up: garbage is freed."""
    found = []
    for m in re.finditer(r'\n(\t+)struct (?:buf|arena) (\w+) AUTO\(\w+\);', text):
        rest = text[m.end():]
        end = re.search(r'\n%s}' % m.group(1)[1:], rest)
        body = rest[:end.start()] if end else rest
        made = re.search(r'\w+\(&%s\b' % m.group(2), body)
        left = re.search(r'\breturn\b', body)
        if left and (not made or left.start() < made.start()):
            found.append((text.count('\n', 0, m.start()) + 2, m.group(2)))
    return found


def test_what_cleans_itself_up_is_set_up_first():
    found = ['%s:%d: %s' % (p.relative_to(HOME), line, name) for p in files('src/**/*.c')
             for line, name in unset_autos(p.read_text('utf-8'))]
    assert not found


def test_no_banned_function():
    found = ['%s:%d: %s' % (p.relative_to(HOME), line, name)
             for p in files('src/**/*.[ch]')
             for line, name in banned_calls(p.read_text('utf-8'))
             if name not in IN_TESTS or not p.name.endswith('_test.c')]
    assert not found


def test_no_unfinished_work():
    found = []
    for p in files('src/**/*', 'script/**/*', 'doc/**/*', '*.md', 'meson.build'):
        for number, line in enumerate(p.read_text('utf-8', 'replace').split('\n'), 1):
            if UNFINISHED.search(line):
                found.append('%s:%d: %s' % (p.relative_to(HOME), number, line.strip()))
    assert not found


def test_what_it_would_find():
    assert banned_calls('int x;\n\tstrcpy(a, b);\n') == [(2, 'strcpy')]
    assert not banned_calls('/* strcpy(a) */ my_strcpy(a); p->gets(q); "system(1)"')
    assert unset_autos('\n\tstruct buf b AUTO(buf_done);\n\tif (x)\n\t\treturn 1;\n\tbuf_init(&b, 9);\n}')
    assert not unset_autos('\n\tstruct buf b AUTO(buf_done);\n\tbuf_init(&b, 9);\n\treturn 1;\n}')
    assert UNFINISHED.search('/* TODO: later */')


def test_manual_pages_are_there():
    names = {p.name for p in files('doc/*')}
    assert {'posthouse.1', 'posthouse.conf.5'} <= names


def test_manual_pages_are_well_formed():
    for page in files('doc/*.[1-9]'):
        done = subprocess.run(['mandoc', '-Tlint', '-Wwarning', str(page)], capture_output=True,
                              text=True)
        assert done.returncode == 0 and not done.stdout, done.stdout


@pytest.mark.parametrize('path', files('script/*', '.ci/*'), ids=lambda p: p.name)
def test_scripts_parse(path):
    first = path.read_bytes().split(b'\n', 1)[0]
    if not first.startswith(b'#!'):
        return
    if b'python' in first:
        compile(path.read_text('utf-8'), str(path), 'exec')
        return
    shell = 'bash' if b'bash' in first else 'sh'
    done = subprocess.run([shell, '-n', str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
