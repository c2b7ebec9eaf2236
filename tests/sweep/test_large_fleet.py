"""A sweep of thousands: killed twice and resumed, and the same on a cluster that loses a worker.

`FORENSICS_FLEET=2000` says of how many projects. Takes many minutes, so that it runs where it is asked for.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.scale import Memory
from forensics.sweep.dataset import open_dataset
from forensics.sweep.tables import SCHEMAS
from tests.command import COMMAND, environment
from tests.lab import LabServer, serve
from tests.lab.fleet import Fleet, build_fleet
from tests.sweep.running import FAST, cluster, done

PROJECTS = int(os.environ.get("FORENSICS_FLEET", "0"))
LIMIT = 60 + PROJECTS
"""Seconds that one sweep may take; several times what it does take."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROJECTS < 100, reason="takes minutes: FORENSICS_FLEET=2000, or make fleet"),
    pytest.mark.timeout(5 * LIMIT),
]


@dataclass
class Large:
    """A sweep in the making: what was done and asked in each of its runs, and its memory in MiB after each project."""

    fleet: Fleet
    server: LabServer
    home: Path
    document: dict[str, Any] = field(default_factory=dict)
    runs: list[tuple[set[str], list[str]]] = field(default_factory=list)
    memory: list[tuple[int, float]] = field(default_factory=list)
    seconds: list[tuple[int, float]] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.home / "sweep"

    def line(self, out: Path, *words: str) -> list[str]:
        names = self.home / "names.txt"
        names.write_text("\n".join(self.fleet.names) + "\n", "utf-8")
        return [str(COMMAND), "sweep", str(names), "-o", str(out), *FAST, "--json", *words]

    def run(self, until: int) -> None:
        """Sweep until so many projects are done, then kill; or to the end."""
        before, asked = done(self.out), len(self.server.requests)
        begun, answer = time.monotonic(), self.home / "answer.json"
        with answer.open("wb") as stdout:
            running = subprocess.Popen(
                self.line(self.out), env=self.environment(), cwd=self.home, stdout=stdout, start_new_session=True
            )
            memory = Memory(running.pid)
            while running.poll() is None and time.monotonic() - begun < LIMIT:
                kept = len(done(self.out))
                self.memory.append((kept, memory.look()))
                self.seconds.append((kept, time.monotonic() - begun))
                if kept >= until:
                    break
                time.sleep(0.5)
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        self.runs.append((before, [request.path for request in self.server.requests[asked:]]))
        if until > PROJECTS:
            assert running.returncode == 11
            self.document = json.loads(answer.read_text("utf-8"))

    def environment(self) -> dict[str, str]:
        return environment(self.home, self.server.env())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    fleet = build_fleet(PROJECTS)
    with serve(fleet) as server:
        made = Large(fleet, server, tmp_path_factory.mktemp("large"))
        for until in (PROJECTS // 4, PROJECTS // 2, PROJECTS + 1):
            made.run(until)
        print("\nprojects done, seconds of its run, MiB of command and workers:")
        for (kept, mib), (_, seconds) in list(zip(made.memory, made.seconds, strict=True))[:: max(1, PROJECTS // 50)]:
            print(f"{kept:6} {seconds:8.1f} {mib:8.0f}")
        yield made


def test_everything_planted_is_found_and_joined(large: Large) -> None:
    planted = large.fleet.planted
    found = {
        frozenset(purl.partition("/")[2].partition("@")[0] for purl in campaign["flagged"] + campaign["related"])
        for campaign in large.document["campaigns"]
    }
    assert found == set(planted.campaigns.values())
    bad = planted.alone.union(*planted.campaigns.values())
    assert {row["project"] for row in large.document["flagged"]} == {f"pypi:{name}" for name in bad}
    assert (large.document["judged"], large.document["remaining"]) == (PROJECTS, 0)


def test_nothing_is_asked_again(large: Large) -> None:
    assert [bool(before) for before, _ in large.runs] == [False, True, True]
    for before, asked in large.runs[1:]:
        assert not {name for name in before if any(f"/{name}/" in path for path in asked)}
    # What was in flight at a kill was never answered, or its answer did not reach the disk.
    again = [path for path, times in Counter(path for _, asked in large.runs for path in asked).items() if times > 1]
    in_flight = {name for name in large.fleet.names if any(f"/{name}/" in path for path in again)}
    assert len(in_flight) <= 2 * 2 * (os.cpu_count() or 1)


def test_memory_is_flat(large: Large) -> None:
    early = max(mib for kept, mib in large.memory if kept <= PROJECTS // 4)
    late = max(mib for kept, mib in large.memory)
    assert late < 1.25 * early


def test_a_cluster_that_loses_a_worker_gives_the_same_tables(large: Large, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the optional extra `cluster` is not installed")
    out = tmp_path / "by-dask"
    begun = time.monotonic()
    with cluster(tmp_path, workers=3) as (address, workers):
        line = large.line(out, "--scheduler", address)
        running = subprocess.Popen(line, env=large.environment(), stdout=subprocess.PIPE)
        while len(done(out)) < PROJECTS // 2 and running.poll() is None and time.monotonic() - begun < LIMIT:
            time.sleep(0.5)
        workers[0].kill()
        answer, _ = running.communicate(timeout=2 * LIMIT)
    print(f"\n{PROJECTS} projects on three workers, one lost in the middle: {time.monotonic() - begun:.0f} seconds")
    assert running.returncode == 11
    assert json.loads(answer)["campaigns"] == large.document["campaigns"]
    for name in SCHEMAS:
        mine, theirs = (open_dataset(path).table(name) for path in (large.out, out))
        keys = mine.columns
        assert mine.sort(keys).equals(theirs.sort(keys)), name
