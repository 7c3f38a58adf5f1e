"""conftest.py - one instance for a module's tests, with alice and bob."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import support  # noqa: E402


@pytest.fixture(scope='module')
def shared():
    """A running instance; tests take accounts of their own from it by fresh(shared)."""
    with support.Instance() as instance:
        yield instance


@pytest.fixture
def accounts(shared, request):
    """Two fresh accounts on the module's instance."""
    name = request.node.name.replace('_', '-').replace('[', '-').replace(']', '').lower()
    pair = ['%s@%s.example' % (who, name) for who in ('alice', 'bob')]
    shared.add_accounts(pair)
    return pair
