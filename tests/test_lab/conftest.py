"""Worlds and a server, built once per session."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.lab import LabServer, World, build_world, serve  # noqa: E402


@pytest.fixture(scope="session")
def ultralytics() -> World:
    return build_world("ultralytics-2024-12")


@pytest.fixture(scope="session")
def session_server(ultralytics: World) -> Iterator[LabServer]:
    with serve(ultralytics) as server:
        yield server


@pytest.fixture
def server(session_server: LabServer) -> Iterator[LabServer]:
    """The shared server at ``as_of``, without faults and with an empty request log."""
    session_server.moment = session_server.world.scenario.as_of
    session_server.clear_faults()
    session_server.reset_requests()
    yield session_server
    session_server.clear_faults()


@pytest.fixture
def client(server: LabServer) -> Iterator[httpx.Client]:
    headers = {"Accept": "application/vnd.pypi.simple.v1+json, application/json"}
    with httpx.Client(base_url=server.base, headers=headers, timeout=10, trust_env=False) as made:
        yield made
