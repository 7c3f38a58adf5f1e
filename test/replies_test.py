"""replies_test.py - each reply of the SMTP server stands in a transcript or an end to end test, in its own words."""
import pathlib
import re

import pytest

HOME = pathlib.Path(__file__).resolve().parent.parent
SOURCES = [p for room in ('smtp', 'door', 'wire/smtp') for p in sorted((HOME / 'src' / room).glob('*.c'))
           if not re.search('_(test|fuzz)$', p.stem) and p.name not in ('answer.c', 'settings.c', 'turns.c')] + [HOME / 'src/mail' / name for name in ('limits.c', 'submit.c')]
STRING = r'"((?:[^"\\\\]|\\\\.)*)"'
# A row of the table of replies; a text that is said for such a row; an error whose text becomes one.
FORMS = (r'\[SMTP_SAY_\w+\] = \{\d+, (?:NULL|"[^"]*"), ((?:\s*%s)+)\}',
         r'smtp_session_(?:reply|fail|refuse)\(\s*c, [^";]*?((?:%s\s*)+)\)',
         r'refuse\(\s*cmd, err, [^";]*?((?:%s\s*)+)',
         r'door_say\([^";]*?((?:%s\s*)+)',
         r'(?:over|why|reason_out), [^";]*?((?:%s\s*)+)',
         r'err_set\(\s*err, ERR_(?:SYNTAX|TOOBIG|DENIED|BUSY), [^";]*?((?:%s\s*)+)')
# What always has a better text, and what cannot be brought about from outside, or not quickly: memory of one command,
# a full disk, hours of waiting, a keeper that is away (submission_test.c), our own mistakes.
ELSEWHERE = {
    'ESMTP ready', 'Hello', '', 'Message stored', 'Chunk received', 'Unknown parameter', 'Address needs SMTPUTF8',
    'Bad sender address', 'Bad recipient address', 'Syntax error', 'Your service level does not allow this',
    'You have sent too much, try again later', 'Refused', 'address needs too much memory', 'Parameter too long',
    'control byte in local part', 'Bad XDELIVERY', 'Cannot check passwords right now, try again later',
    'Not enough storage, try again later', 'Service is closing, try again later', 'Timeout, closing connection',
    'Too busy, try again later', 'Start TLS first', 'The address in From is not yours', 'Mailbox takes no mail',
    'Please try again later',
}


def texts(source):
    code = re.sub(r'/\*.*?\*/', '', source.read_text(), flags=re.S)
    for form in FORMS:
        for found in re.finditer(form % STRING, code):
            yield ''.join(re.findall(STRING, found.group(1))).replace('\\\\"', '"')


def is_tested(text, tests):
    """What is filled in may be anything; the words around it stand together in one line."""
    pieces = [re.escape(p) for p in re.split(r'%[-.*0-9]*(?:ll|z)?[a-zA-Z]', text)]
    return re.search('[^\\n]*'.join(pieces), tests) is not None


@pytest.mark.parametrize('source', SOURCES, ids=lambda p: p.name)
def test_every_reply_is_said_by_a_test(source):
    tests = '\n'.join(p.read_text() for pattern in ('*/*.t', 'e2e/*.py') for p in sorted((HOME / 'test').glob(pattern)))
    missing = sorted({t for t in texts(source) if t not in ELSEWHERE and not is_tested(t, tests)})
    assert not missing
