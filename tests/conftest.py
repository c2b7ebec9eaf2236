"""Shared by all tests: the lab's world of the demonstration, and the installed command."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.command import COMMAND, environment
from tests.lab import LabServer, World, build_world, serve

Forensics = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def lab_world() -> World:
    return build_world("ultralytics-2024-12")


@pytest.fixture(scope="session")
def _lab_server(lab_world: World) -> Iterator[LabServer]:
    with serve(lab_world) as server:
        yield server


@pytest.fixture
def lab(_lab_server: LabServer) -> Iterator[LabServer]:
    """The lab's server at `as_of`, without faults and with an empty request log."""
    _lab_server.moment = _lab_server.world.scenario.as_of
    _lab_server.clear_faults()
    _lab_server.reset_requests()
    yield _lab_server
    _lab_server.clear_faults()


@pytest.fixture
def forensics(tmp_path: Path) -> Forensics:
    """The installed command, as a user runs it: `forensics("timeline", "name", env=…, cwd=…)`."""

    def run(
        *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None, home: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *map(str, arguments)],
            env=environment(home or tmp_path, env),
            cwd=cwd or tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=110,
            check=False,
        )

    return run


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name bytes by their argument: many are made anew in every worker, with the time or a fresh key in them."""
    return argname if isinstance(val, bytes) else None
