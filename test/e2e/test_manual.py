"""test_manual.py - the manual pages tell what the program does: its commands, settings, exit codes."""
import re
import subprocess

import support


def program(*arguments):
    done = subprocess.run([support.BINARY, *arguments], capture_output=True, text=True,
                          env=dict(support.SANITIZERS))
    return done


def page(name):
    return (support.HOME / 'doc' / name).read_text()


def test_settings_stand_in_the_page_as_the_table_has_them():
    assert program('help', 'config', '--mdoc').stdout in page('posthouse.conf.5')


def test_every_command_and_option_has_its_item():
    text = page('posthouse.1')
    usages = re.findall(r'^  (\S.*)$', program('help').stdout, re.M)
    assert len(usages) > 15
    for usage in usages:
        words = re.match(r'[a-z]+( [a-z]+)?', usage).group(0)
        item = re.search(r'^\.It Ic %s\b.*$' % words, text, re.M)
        assert item, words
        for option in re.findall(r'--([a-z]+)', usage):
            assert 'Fl -' + option in text[item.start():item.start() + 1500], usage


def test_exit_codes():
    assert program('version').returncode == 0
    assert program('--version').stdout == program('version').stdout
    assert program().returncode == 2
    assert program('frobnicate').returncode == 2
    assert program('status').returncode == 2  # which instance?
    assert program('--dir', '/nonexistent', 'status').returncode == 1
    assert program('--dir', '/tmp', 'domain', 'add').returncode == 2
    assert program('--dir', '/tmp', 'domain', 'add', 'a', 'b').returncode == 2
    assert program('--dir', '/tmp', 'domain', 'list', '--frob').returncode == 2
    assert program('help', 'frobnicate').returncode == 2
    assert 'too few arguments' in program('--dir', '/tmp', 'domain', 'add').stderr
