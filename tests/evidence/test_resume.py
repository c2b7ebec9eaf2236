"""A collection that is killed goes on without asking again for what it had."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import forensics
from forensics.evidence.case import Case
from forensics.evidence.manifest import verify_bag

from .conftest import FAST, record, replay
from .server import World

COLLECT = """
import asyncio, sys
from pathlib import Path
from forensics.evidence.case import Case
from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.evidence.transport import RecordingTransport

async def main(path, url):
    with Case.open(Path(path)).archive() as archive:
        async with Client(RecordingTransport(open_network(), archive), Limits(per_second=1e9, concurrency=8)) as client:
            await asyncio.gather(*(client.get(f"{url}/doc/{number}?delay=0.02") for number in range(200)))

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_killed_collection_resumes(world: World, case: Case) -> None:
    root = Path(forensics.__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", COLLECT, str(case.path), world.url], env={**os.environ, "PYTHONPATH": str(root)}
    )
    deadline = time.monotonic() + 30
    while world.asked.total() < 80 and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.1)
    asked = world.asked.copy()
    assert 80 <= asked.total() < 200
    (damage,) = verify_bag(case.path)
    assert damage.unfinished

    kept = {one.url for one in case.observations()}
    urls = [f"{world.url}/doc/{number}?delay=0.02" for number in range(200)]
    assert len(kept) >= asked.total() - 8  # at most what was in flight is lost
    answers = record(case, lambda client: asyncio.gather(*map(client.get, urls)))
    again = world.asked - asked
    assert again.total() == 200 - len(kept)
    assert not {path for path in again if f"{world.url}{path}?delay=0.02" in kept}
    assert [one.json()["number"] for one in answers] == list(range(200))
    assert replay(case, lambda client: asyncio.gather(*map(client.get, urls))) == answers
    case.finish([])
    assert verify_bag(case.path) == []


def test_interrupting_leaves_a_valid_case(world: World, make_case: Callable[..., Case]) -> None:
    case = make_case()

    async def talk(client: object) -> None:
        asking = asyncio.gather(
            *(client.get(f"{world.url}/doc/{number}?delay=0.05") for number in range(100))  # type: ignore[attr-defined]
        )
        while not case.observations():
            await asyncio.sleep(0.01)
        asking.cancel()
        await asking

    with pytest.raises(asyncio.CancelledError):
        record(case, talk, FAST)
    kept = case.observations()
    assert 0 < len(kept) < 100
    assert all(one.status == 200 for one in kept)
