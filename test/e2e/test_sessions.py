"""test_sessions.py - sessions that must end because their account has gone."""
from support import wait_for


def test_delete_ends_sessions_of_the_old_server_too(shared, accounts):
    """During an upgrade two servers run: the new one is told, the old one's clients have to go."""
    alice, bob = accounts
    client, other = shared.imap(alice, 'INBOX'), shared.imap(bob, 'INBOX')
    client.send(b'i IDLE\r\n')
    assert client.readline().startswith(b'+')
    old = shared.pid('server')
    shared.tool('upgrade')
    wait_for('a second server', lambda: [p for p in shared.pids('server') if p != old])
    wait_for('the new one to listen', shared.is_ready)
    assert old in shared.pids('server')
    shared.tool('account', 'delete', alice)
    assert client.readline().startswith(b'* BYE')
    assert client.readline() == b''
    assert other.noop()[0] == 'OK'
