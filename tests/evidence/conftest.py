from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.evidence.case import Case
from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.evidence.transport import RecordingTransport, ReplayingTransport
from forensics.model.endpoints import resolve_endpoints
from forensics.model.errors import ForensicsError
from forensics.model.project import parse_project

from .server import World, serving

NOW = datetime(2026, 3, 1, 3, 0, 0, 123456, tzinfo=UTC)
FAST = Limits(per_second=1e9, max_wait_seconds=0.5, read_seconds=0.5, total_seconds=1.0, body_bytes=1_000_000)
Talk = Callable[[Client], Awaitable[Any]]


@pytest.fixture(autouse=True)
def _impatient_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    # A test kills processes, never machines, so only the number of syncs matters, and slow disks are no reason to wait.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="session")
def server() -> Iterator[World]:
    with serving() as running:
        yield running


@pytest.fixture
def world(server: World) -> World:
    server.reset()
    return server


@pytest.fixture
def make_case(tmp_path: Path) -> Callable[..., Case]:
    def make(name: str = "case", **more: Any) -> Case:
        given = {"project": parse_project("pypi:demo"), "endpoints": resolve_endpoints(), "trust_root": b"{}"}
        return Case.create(tmp_path / name, **{**given, "now": NOW, **more})

    return make


@pytest.fixture
def case(make_case: Callable[..., Case]) -> Case:
    return make_case()


def record(case: Case, talk: Talk, limits: Limits = FAST, **more: Any) -> Any:
    """Let *talk* have a client that records into *case*, and return what it returns."""

    async def run() -> Any:
        with case.archive() as archive:
            async with Client(RecordingTransport(open_network(), archive), limits, **more) as client:
                return await talk(client)

    return asyncio.run(run())


def replay(case: Case, talk: Talk, limits: Limits = FAST) -> Any:
    """Let *talk* have a client that only reads *case*."""

    async def run() -> Any:
        with case.reading_archive() as archive:
            async with Client(ReplayingTransport(archive), limits) as client:
                return await talk(client)

    return asyncio.run(run())


def outcome_of(path: str, **more: object) -> Talk:
    """Return a talk that GETs *path* and describes what came of it, so that a live and a replayed run compare."""

    async def talk(client: Client) -> object:
        try:
            return await client.get(path, **more)  # type: ignore[arg-type]
        except ForensicsError as error:
            return type(error), error.what, getattr(error, "evidence", ())

    return talk
