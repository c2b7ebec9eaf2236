"""A log of Rekor v1 with 100,000 entries, ten at a time, through the installed command: scanned, altered, forked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.big_logs import (
    ALL,
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
from tests.lab.lying_rekor import altered, forked, swapped, wrong_body
from tests.lab.rekor import OFFSET, RekorLog, hashedrekord_body
from tests.lab.rekor_site import RekorServer, RekorSite, big_rekor, serve_rekor
from tests.lab.tiles_log import START

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RANGE = ("--log", "v1", "--from-index", OFFSET, "--to-index", OFFSET + SIZE - 1)
SHARD = "rekor.lab.example (global indices)"


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant()


@pytest.fixture(scope="module")
def log(planted: Planted) -> RekorLog:
    entries = {
        index: hashedrekord_body(hashlib.sha256(what).hexdigest(), signer.signer.sign(what), signer.signer.pem)
        for index in ALL
        for signer, what in [planted.of(index)]
    }
    entries[UNPARSABLE] = b'{"apiVersion":"0.0.1","kind":"hashedrekord","spec":"none"}'
    return big_rekor(planted.authority, SIZE, entries, writers=200)


@pytest.fixture
def server(log: RekorLog, planted: Planted, tmp_path: Path) -> Iterator[RekorServer]:
    with serve_rekor(RekorSite(log, SIZE), planted.authority, tmp_path) as running:
        yield running


def test_what_is_planted_is_found_and_the_coverage_to_the_letter(server: RekorServer, tmp_path: Path) -> None:
    said = run(tmp_path, server.env(), "scan", *EVERYTHING, *RANGE)
    found = [int(line.split()[1]) - OFFSET for line in said.splitlines() if line.startswith("entry ")]
    assert found == list(ALL)
    assert "rekor.lab.example: 7 entries match\n" in said
    assert (
        f"  covered      indices {OFFSET}–{OFFSET + SIZE - 1} of shard {SHARD}, no gaps, "
        f"1 entry unparsable: {OFFSET + UNPARSABLE}, each entry hashed to a signed checkpoint\n"
    ) in said


@pytest.mark.parametrize("how", SOUGHT)
def test_each_way_of_looking(server: RekorServer, tmp_path: Path, how: str) -> None:
    words, wanted = SOUGHT[how]
    one = wanted[-1]  # and two thousand entries before it: the scan above reads all of them
    part = ("--log", "v1", "--from-index", OFFSET + one - 2000, "--to-index", OFFSET + one)
    found = document(tmp_path, server.env(), "scan", *words, *part)
    assert [index - OFFSET for index in indices(found)] == [one]


def test_altered_and_swapped_entries_on_a_fork_are_named(server: RekorServer, tmp_path: Path) -> None:
    log = server.site.log
    fork = log.fork(99_500)
    for entry in log.entries[99_500:]:
        fork.append(entry.body + b" ", START.fromtimestamp(entry.integrated, START.tzinfo), ())
    with (
        altered(log, log.entries[255], wrong_body),
        altered(log, log.entries[30_000], lambda data: data.update(body="?")),
        swapped(log, log.entries[65_536], log.entries[70_000]),
        forked(log, fork, 99_500),
    ):
        found = document(tmp_path, server.env(), "scan", *EVERYTHING, *RANGE, code=4)
    lost = [255, 30_000, 65_536]
    assert [(begin - OFFSET, end - OFFSET) for begin, end in spans(found)] == [
        *((index, index + 1) for index in lost), (99_500, SIZE)
    ]  # fmt: skip
    reasons = [gap["reason"] for gap in found["not_proved"]]
    assert reasons[0] == "its proof does not lead to the signed root"
    assert reasons[1].startswith("it cannot be read")
    assert reasons[2] == "the log returned another entry in its place"
    assert "not of the history" in reasons[3]
    # What the fork holds is evidence of it, so it is shown.
    assert [index - OFFSET for index in indices(found)] == [index for index in ALL if index not in lost]
    assert found["coverage"]["entries"] == 99_500 - len(lost)
    (one,) = found["contradictions"]
    assert one["kind"] == "split view"
    assert sorted(one["notes"]) == sorted([log.checkpoint(SIZE), fork.checkpoint(SIZE)])


def test_times_are_found_by_halving(server: RekorServer, tmp_path: Path) -> None:
    words = ("--log", "v1", "--since", "2026-05-05T00:00:00Z", "--until", "2026-05-05T01:00:00Z")
    found = document(tmp_path, server.env(), "scan", *EVERYTHING, *words)
    assert [index - OFFSET for index in indices(found)] == [40_000]
    begin, end = found["coverage"]["asked"]
    assert (begin - OFFSET, end - OFFSET) == (40_000, 40_417)  # ten days are 100,000 entries, an hour 417
    assert "by integrated time, signed by the log" in found["range"]
    assert int(found["range"].split("; ")[1].split()[0]) < 60
