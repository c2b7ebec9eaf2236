from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sources.tiny import Tiny, tiny_server


@pytest.fixture(scope="session")
def _tiny_server() -> Iterator[Tiny]:
    with tiny_server() as running:
        yield running


@pytest.fixture
def tiny(_tiny_server: Tiny) -> Tiny:
    """An index with an empty, working advisory service and nothing else."""
    _tiny_server.replies.clear()
    _tiny_server.asked.clear()
    _tiny_server.headers.clear()
    _tiny_server.put("/osv/v1/query", {})
    return _tiny_server
