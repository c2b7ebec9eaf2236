"""What a search of Rekor v1 says of entries that are not as the log signed them, and of the checkpoints they bring."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from forensics.evidence.client import Limits
from forensics.sources import rekor_views
from forensics.sources.rekor_range import patient
from tests.cli.inside import inside
from tests.lab.lying_rekor import altered, forked, other_log, wrong_body
from tests.lab.monitored import monitored
from tests.lab.pki import Authority
from tests.lab.rekor import OFFSET, RekorLog
from tests.lab.rekor_site import RekorServer, RekorSite, big_rekor, serve_rekor
from tests.lab.tiles_log import START

SIZE = 300
WHO = "project-1/"
"""The second of three writers: his are the entries 100 to 199."""


class Growing(RekorSite):
    """A log that shows one entry more each time that it is looked at."""

    @property
    def log_size(self) -> int:
        self._shown = min(self._shown + 1, SIZE)
        return self._shown

    @log_size.setter
    def log_size(self, size: int) -> None:
        self._shown = size


@pytest.fixture(scope="module")
def made() -> tuple[Authority, RekorLog]:
    authority = Authority()
    return authority, big_rekor(authority, SIZE, {}, writers=3)


@pytest.fixture
def server(made: tuple[Authority, RekorLog], tmp_path: Path) -> Iterator[RekorServer]:
    with serve_rekor(RekorSite(made[1], SIZE), made[0], tmp_path) as running:
        yield running


def scan(home: Path, server: RekorServer, begin: int, last: int, *, code: int = 0) -> dict[str, Any]:
    words = ("--log", "v1", "--from-index", OFFSET + begin, "--to-index", OFFSET + last, "--identity-regex", WHO)
    done = inside(home, server.env(), "log", "scan", "--json", *words)
    assert done.returncode == code, done.stderr + done.stdout
    (log,) = json.loads(done.stdout)["logs"]
    return dict(log)


def not_proved(log: dict[str, Any]) -> list[tuple[int, int]]:
    return [(gap["begin"] - OFFSET, gap["end"] - OFFSET) for gap in log["not_proved"]]


def forked_at(log: RekorLog, at: int, size: int) -> RekorLog:
    fork = log.fork(at)
    for entry in log.entries[at:size]:
        fork.append(entry.body + b" ", START.fromtimestamp(entry.integrated, START.tzinfo), ())
    return fork


def test_a_fork_of_another_size_is_shown_by_both_notes(server: RekorServer, tmp_path: Path) -> None:
    log = server.site.log
    fork = forked_at(log, 180, 290)
    with forked(log, fork, 190):
        found = scan(tmp_path, server, 150, 250, code=4)
        text = inside(tmp_path, server.env(), "log", "scan", "--log", "v1", "--from-index", OFFSET + 150,
                      "--to-index", OFFSET + 250, "--identity-regex", WHO).stdout  # fmt: skip
    (one,) = found["contradictions"]
    assert one["kind"] == "proof that fails"
    assert one["notes"] == [fork.checkpoint(290), log.checkpoint(SIZE)]
    assert not_proved(found) == [(190, 251)]
    assert found["coverage"]["ranges"] == [[OFFSET + 150, OFFSET + 190]]
    assert [entry["index"] - OFFSET for entry in found["entries"]] == list(range(150, 200)), "evidence of the fork"
    assert all(line in text for note in one["notes"] for line in note.splitlines())


def test_a_log_that_grows_meanwhile_is_one_history(
    server: RekorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: tuple[Authority, RekorLog]
) -> None:
    with serve_rekor(Growing(made[1], 200), made[0], tmp_path) as growing:
        found = scan(tmp_path, growing, 150, 179)
        assert found["coverage"]["complete"]
        assert not found["notes"]
        monkeypatch.setattr(rekor_views, "MAX_PROOFS", 2)
        growing.site.log_size = 200
        found = scan(tmp_path, growing, 150, 179)
    assert "29 of the checkpoints" in found["notes"][0]
    assert "2 proofs are the limit" in found["notes"][0]


def test_what_is_wrong_once_is_asked_again_and_said(server: RekorServer, tmp_path: Path) -> None:
    served: list[int] = []

    def once(data: dict[str, Any]) -> None:
        served.append(1)
        if len(served) == 1:
            wrong_body(data)

    with altered(server.site.log, server.site.log.entries[120], once):
        found = scan(tmp_path, server, 100, 199)
    assert found["coverage"]["complete"]
    assert len(found["entries"]) == 100
    assert found["notes"] == [
        f"{OFFSET + 120} came with other content first (its proof does not lead to the signed root); asked again, "
        "it is proved"
    ]


def test_an_index_that_was_changed_is_another_entry(server: RekorServer, tmp_path: Path) -> None:
    entry = server.site.log.entries[120]
    with altered(server.site.log, entry, lambda data: data.update(logIndex=OFFSET + 7)):
        found = scan(tmp_path, server, 100, 199, code=4)
    assert not_proved(found) == [(120, 121)]
    assert found["not_proved"][0]["reason"] == "the log returned another entry in its place"
    with altered(server.site.log, entry, other_log):  # the proof holds; whose promise it is, the record says
        assert scan(tmp_path, server, 100, 199)["coverage"]["complete"]


def test_only_a_log_elsewhere_is_spared() -> None:
    limits = Limits(per_second=100)
    assert patient(limits, "https://rekor.example", 1000).per_second == 2
    assert patient(limits, "http://127.0.0.1:9", 1000).per_second > 1000
    assert patient(limits, "https://rekor.example", 1_000_000).requests_per_host > 200_000


def test_rekor_monitors_lines_carry_the_logs_ids_and_one_line_for_each_value(
    server: RekorServer, tmp_path: Path
) -> None:
    """As rekor-monitor itself prints them: `make real-monitor` compares."""
    log = server.site.log
    words = ("--log", "v1", "--from-index", OFFSET + 150, "--to-index", OFFSET + 150, "--format", "rekor-monitor")
    done = inside(tmp_path, server.env(), "log", "scan", *words, "--identity-regex", WHO, "--identity-regex", "project")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == second
    assert f" {OFFSET + 150} {log.entries[150].entry_id}" in first
    assert len(log.entries[150].entry_id) == 80


class _Crowd:
    """Counts how many requests are being answered at once; each takes a while."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner, self.now, self.most = inner, 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.03)
            await self.inner(scope, receive, send)
        finally:
            self.now -= 1


@pytest.mark.parametrize("concurrency", [1, 6])
def test_as_many_questions_are_under_way_as_the_option_says(
    made: tuple[Authority, RekorLog], tmp_path: Path, concurrency: int
) -> None:
    crowds: list[_Crowd] = []

    def crowded(inner: ASGIApp) -> ASGIApp:
        crowds.append(_Crowd(inner))
        return crowds[0]

    with monitored(tmp_path, made[0], made[1], crowded) as served:
        words = ("--log", "v1", "--from-index", OFFSET, "--to-index", OFFSET + 299, "--identity-regex", WHO)
        done = inside(tmp_path, served.env, "log", "scan", "--concurrency", concurrency, *words)
    assert done.returncode == 0, done.stderr
    assert crowds[0].most == concurrency
