"""A log searched in pieces by several workers says what one search says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.inside import inside
from tests.lab.pki import Authority
from tests.lab.tiles_http import TilesServer, TilesSite, serve_tiles
from tests.lab.tiles_log import TilesLog, big_log, writer

pytestmark = pytest.mark.slow

SAN = "https://github.com/acme/wanted/.github/workflows/release.yml@refs/tags/v1.2.3"
PLANTED = [17, 30_001, 39_999]


@pytest.fixture(scope="module")
def log() -> tuple[Authority, TilesLog]:
    authority = Authority()
    own = writer(authority, 999, san=SAN)
    planted = {index: own.record(str(index).encode()) for index in PLANTED}
    return authority, big_log(authority, 40_000, planted, writers=4)


@pytest.fixture
def tiles(log: tuple[Authority, TilesLog], tmp_path: Path) -> Iterator[TilesServer]:
    with serve_tiles(TilesSite(log[1]), log[0], tmp_path) as running:
        yield running


def scanned(tmp_path: Path, env: dict[str, str], *words: object, code: int = 0) -> dict[str, Any]:
    done = inside(tmp_path, env, "log", "scan", "--json", "--identity", SAN, *words)
    assert done.returncode == code, done.stderr + done.stdout
    document: dict[str, Any] = json.loads(done.stdout)
    for entry in document["logs"][0]["entries"]:
        entry["evidence"] = []  # answers that nobody keeps have no ids
    return document


def test_pieces_find_and_cover_what_one_search_does(tiles: TilesServer, tmp_path: Path) -> None:
    whole = scanned(tmp_path, tiles.env())
    assert [entry["index"] for entry in whole["logs"][0]["entries"]] == PLANTED
    pieces = scanned(tmp_path, tiles.env(), "--workers", 2)
    assert pieces["logs"][0]["entries"] == whole["logs"][0]["entries"]
    assert pieces["logs"][0]["coverage"] == whole["logs"][0]["coverage"]
    part = scanned(tmp_path, tiles.env(), "--workers", 2, "--from-index", 20_000, "--to-index", 35_000)
    assert [entry["index"] for entry in part["logs"][0]["entries"]] == [30_001]


def test_a_piece_that_was_altered_is_named(tiles: TilesServer, tmp_path: Path) -> None:
    own = tiles.site.log.entries[30_001]
    tiles.site.changes["tile/entries/117"] = lambda data: data.replace(own, bytes(len(own)))
    document = scanned(tmp_path, tiles.env(), "--workers", 2, code=4)
    (log,) = document["logs"]
    assert [entry["index"] for entry in log["entries"]] == [17, 39_999]
    assert [(gap["begin"], gap["end"]) for gap in log["not_proved"]] == [(30_001, 30_002)]
    assert log["coverage"]["complete"] is False
