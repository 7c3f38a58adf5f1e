"""floors_test.py - a room includes only rooms on floors below it.

The order stands in the top meson.build. Rooms that must not know each other although one comes
first are listed here.
"""
import pathlib
import re

HOME = pathlib.Path(__file__).resolve().parent.parent
SRC = HOME / 'src'
STRANGERS = [('wire/mime', 'wire/imap', 'wire/smtp', 'wire/sasl', 'wire/http', 'wire/dns', 'wire/milter'), ('wire', 'db'), ('wire', 'net'),
             ('db', 'net'),
             ('imap', 'smtp')]


def rooms():
    text = (HOME / 'meson.build').read_text()
    listed = re.search(r'foreach room : \[(.*?)\]', text, re.S).group(1)
    return re.findall(r"'([^']+)'", listed)


def room_of(path, known):
    """The room that a file or an include belongs to; None for the top (main.c)."""
    fits = [r for r in known if str(path).startswith(r + '/')]
    return max(fits, key=len, default=None)


def is_in(room, group):
    return room == group or room.startswith(group + '/')


def violations(files, known):
    found = []
    for path, text in files:
        room = room_of(path, known)
        for number, line in enumerate(text.split('\n'), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m or room is None:
                continue
            other = room_of(m.group(1), known)
            at = '%s:%d: ' % (path, number)
            if other is None:
                found.append(at + 'includes "%s", which is in no room' % m.group(1))
            elif known.index(other) > known.index(room):
                found.append(at + '%s includes %s above it' % (room, other))
            for group in STRANGERS:
                mine = [g for g in group if is_in(room, g)]
                theirs = [g for g in group if is_in(other or '', g)]
                if mine and theirs and mine != theirs:
                    found.append(at + '%s and %s must not know each other' % (room, other))
    return found


def sources():
    return [(p.relative_to(SRC), p.read_text('utf-8')) for p in sorted(SRC.rglob('*.[ch]'))]


def test_each_include_goes_down():
    assert not violations(sources(), rooms())


def test_each_file_is_in_a_room():
    known = rooms()
    stray = [str(p) for p, _ in sources() if room_of(p, known) is None and str(p) != 'main.c']
    assert not stray


def test_what_it_would_find():
    known = ['base', 'wire/mime', 'wire/imap', 'db', 'net', 'store', 'imap', 'smtp']
    bad = [('base/a.c', '#include "db/db.h"'), ('wire/imap/a.c', '#include "wire/mime/mime.h"'),
           ('net/a.c', '#include "db/db.h"'), ('smtp/a.h', '#include "imap/imap.h"'),
           ('db/a.c', '#include "../base/buf.h"'), ('net/a.c', '#include "wire/imap/lex.h"')]
    good = [('store/a.c', '#include "net/pool.h"\n#include "store/b.h"'), ('main.c', '#include "x.h"')]
    for path, text in bad:
        assert violations([(path, text)], known), path
    assert not violations(good, known)
