"""A log of Rekor v2 with 100,000 entries, through the installed command: scanned, altered, swapped, forked, watched."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.big_logs import (
    ALL,
    DIGEST_AT,
    EVERYTHING,
    SIZE,
    SOUGHT,
    UNPARSABLE,
    Planted,
    document,
    indices,
    plant,
    run,
    spans,
)
from tests.command import COMMAND, environment
from tests.lab.tiles_http import TilesServer, TilesSite, serve_tiles
from tests.lab.tiles_log import TilesLog, big_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant()


@pytest.fixture(scope="module")
def log(planted: Planted) -> TilesLog:
    entries = {index: signer.record(what) for index in ALL for signer, what in [planted.of(index)]}
    entries[UNPARSABLE] = b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":"none"}'
    return big_log(planted.authority, SIZE, entries, writers=200)


@pytest.fixture
def server(log: TilesLog, planted: Planted, tmp_path: Path) -> Iterator[TilesServer]:
    with serve_tiles(TilesSite(log), planted.authority, tmp_path) as running:
        yield running


@pytest.mark.parametrize("how", SOUGHT)
def test_what_is_planted_is_found_and_nothing_else(server: TilesServer, tmp_path: Path, how: str) -> None:
    words, wanted = SOUGHT[how]
    found = document(tmp_path, server.env(), "scan", *words)
    assert indices(found) == sorted(wanted)
    assert all(entry["verified"] for entry in found["entries"])


def test_the_coverage_to_the_letter(server: TilesServer, tmp_path: Path) -> None:
    said = run(tmp_path, server.env(), "scan", *EVERYTHING)
    log = server.site.log
    assert f"{log.origin}: 7 entries match\n" in said
    assert (
        f"  covered      indices 0–99999 of shard {log.origin}, no gaps, 1 entry unparsable: 60000, "
        f"hashed to the checkpoint of size 100000, root {log.tree.root().hex()}\n"
    ) in said


def test_an_altered_entry_is_named_and_the_rest_is_searched(server: TilesServer, tmp_path: Path) -> None:
    log = server.site.log
    body = log.entries[65_536]
    for index, change in ((65_536, body.replace(b"0.0.2", b"0.0.3")), (30_000, bytes(len(log.entries[30_000])))):
        true = log.entries[index]
        path = f"tile/entries/{index // 256:03}"
        server.site.changes[path] = lambda data, true=true, change=change: data.replace(true, change)
    found = document(tmp_path, server.env(), "scan", *EVERYTHING, code=4)
    assert spans(found) == [(30_000, 30_001), (65_536, 65_537)]
    assert indices(found) == [index for index in ALL if index != 65_536]
    assert found["coverage"]["ranges"] == [[0, 30_000], [30_001, 65_536], [65_537, SIZE]]
    said = run(tmp_path, server.env(), "scan", *EVERYTHING, code=4)
    assert "6 entries match, of those that could be searched\n" in said
    assert "2 gaps: 30000 (does not hash to the tree), 65536 (does not hash to the tree), 1 entry" in said
    assert "  NOT PROVED   65536: does not hash to the tree\n" in said


def test_a_swapped_tile_or_bundle_is_a_gap(server: TilesServer, tmp_path: Path) -> None:
    log = server.site.log
    server.site.changes = {"tile/1/000": lambda _: log.tile(0, 7), "tile/entries/300": lambda _: log.bundle(301)}
    found = document(tmp_path, server.env(), "scan", *EVERYTHING, code=4)
    assert spans(found) == [(0, 65_536), (76_800, 77_056)]
    assert server.site.asked.count("tile/1/000") == 2, "once, and once more before it is held against the log"
    assert "the tile tile/1/000 does not hash to the tree of 100000" in found["not_proved"][0]["reason"]
    assert indices(found) == [65_536, DIGEST_AT, 99_999]
    server.site.changes = {"tile/0/390": lambda data: data[32:] + data[:32]}  # the right edge holds the root
    said = run(tmp_path, server.env(), "scan", *EVERYTHING, code=4)
    assert f"{log.origin}: nothing was searched\n" in said
    assert "NOT PROVED" in said


def test_a_forked_checkpoint_is_told_by_both_notes(server: TilesServer, tmp_path: Path) -> None:
    log = server.site.log
    fork = log.fork(90_000)
    fork.extend(b"another %d" % number for number in range(5_000))
    note = tmp_path / "shown-to-others.txt"
    note.write_text(fork.checkpoint(), "utf-8")
    found = document(tmp_path, server.env(), "check", "--checkpoint", note, code=4)
    (one,) = found["contradictions"]
    assert one["notes"] == [fork.checkpoint(), log.checkpoint()]
    note.write_text(log.checkpoint(54_321), "utf-8")
    assert document(tmp_path, server.env(), "check", "--checkpoint", note)["consistent"]
    server.site.head = log.checkpoint(SIZE, b"\x07" * 32)  # signed, and of other entries than are served
    found = document(tmp_path, server.env(), "scan", *EVERYTHING, code=4)
    assert found["problem"]["unsound"]
    assert found["checkpoint"]["note"] == server.site.head
    assert found["coverage"] is None


def test_times_are_found_by_halving(server: TilesServer, tmp_path: Path) -> None:
    words = ("--since", "2026-05-05T00:00:00Z", "--until", "2026-05-05T01:00:00Z")
    found = document(tmp_path, server.env(), "scan", *EVERYTHING, *words)
    begin, end = found["coverage"]["asked"]
    assert indices(found) == [40_000]
    assert end - begin < 3_000
    read = {path for path in server.site.asked if path.startswith("tile/entries/")}
    assert len(read) < 40, "of 391"


def test_a_watch_that_is_killed_misses_nothing(server: TilesServer, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    words = ["log", "watch", "--state", state, *EVERYTHING, "--json", "--start-at", 0, "--interval", 0.1]
    slow = server.site.changes  # every tenth bundle takes its time, so that kills fall into the middle
    slow |= {f"tile/entries/{number:03}": lambda data: time.sleep(0.1) or data for number in range(0, 391, 10)}
    seen: list[int] = []
    reached: list[int] = []
    for _ in range(3):
        done = reached[-1] if reached else 0
        running = subprocess.Popen(
            [str(COMMAND), *map(str, words)], env=environment(tmp_path, server.env()), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while next_of(state) <= done and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        lines = running.communicate()[0].splitlines()
        seen += [json.loads(line)["entry"]["index"] for line in lines if line.endswith("}")]
        reached.append(next_of(state))
    assert 0 < reached[0] < reached[1] < reached[2] < SIZE, "each was killed in the middle"
    slow.clear()
    last = run(tmp_path, server.env(), *words[1:], "--once")
    seen += [json.loads(line)["entry"]["index"] for line in last.splitlines()]
    assert sorted(set(seen)) == list(ALL)
    assert next_of(state) == SIZE


def next_of(state: Path) -> int:
    return int(json.loads(state.read_text("utf-8"))["next"]) if state.exists() else 0
