"""Ranges, axis, charts and the blocks to copy."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.text import HIDDEN, defang_text, visible
from forensics.report import charts
from forensics.report.affected import blocks
from forensics.report.axis import ticks
from forensics.report.clean import linkable
from forensics.report.view import _anchors, key_times, ranges
from forensics.report.words import offset

from . import documents, made_releases

ORDER = [f"8.3.{n}" for n in range(10, 49)]


@pytest.mark.parametrize(
    ("versions", "text"),
    [
        ([], ""),
        (["8.3.12"], "8.3.12"),
        (["8.3.12", "8.3.13"], "8.3.12, 8.3.13"),
        (ORDER[:31], "8.3.10 to 8.3.40 (31 releases)"),
        ([*ORDER[:3], "8.3.43", "project"], "8.3.10 to 8.3.12 (3 releases), 8.3.43, project"),
    ],
)
def test_ranges_follow_the_order_of_the_document(versions: list[str], text: str) -> None:
    assert ranges(versions, ORDER) == text


@given(start=st.datetimes(timezones=st.just(UTC)), seconds=st.integers(1, 10**10))
def test_an_axis_has_a_few_ticks_inside_its_window(start: datetime, seconds: int) -> None:
    try:
        end = start + timedelta(seconds=seconds)
    except OverflowError:
        return
    found = ticks(start, end, lambda at: (at - start).total_seconds())
    assert len(found) <= 9 or seconds > 40 * 365 * 86400
    assert all(0 <= tick.x <= seconds for tick in found)


def test_an_overview_shows_the_wave_and_its_neighbours() -> None:
    doc = documents.compromised()
    picture = charts.overview(doc)
    assert picture is not None
    labels = {mark.label for mark in picture.marks}
    assert {"8.3.40", "8.3.41", "8.3.47"} <= labels
    assert "8.3.10" not in {event["version"] for event in picture.events}
    assert len(picture.bands) == 4
    assert [band.label for band in picture.bands][:2] == ["8.3.41 · 12 h 24 min", "8.3.42 · 1 h"]


def test_labels_of_one_lane_do_not_cover_each_other() -> None:
    doc = documents.compromised()
    for _, picture in charts.wave_charts(doc):
        spans: dict[float, list[tuple[float, float]]] = {}
        for mark in picture.marks:
            if mark.label:
                width = len(mark.label) * 6.1
                left = mark.label_x - width if mark.anchor == "end" else mark.label_x
                spans.setdefault(mark.y, []).append((left, left + width))
        for row in spans.values():
            row.sort()
            assert all(a[1] <= b[0] for a, b in pairwise(row))


def test_a_strip_of_many_releases_keeps_the_worst_of_each_cell() -> None:
    cells = charts.strip(documents.large(2_000))
    assert len(cells) == 300
    assert any(cell.css == "v-likely-compromised" for cell in cells)


def test_times_count_from_publication_and_from_the_first_report() -> None:
    rows = key_times(documents.compromised())
    removed = next(row for row in rows if row.event["what"] == "removed")
    at = datetime.fromisoformat(removed.event["at"])
    assert offset(at, removed.from_publish) == "+12 h 24 min"
    assert offset(at, removed.from_known) == "0"


@pytest.mark.parametrize(
    ("at", "words"),
    [("20:50:43.100", "−17 s"), ("20:50:43.900", "−17 s"), ("20:51:00.700", "0"), ("20:51:01.000", "+1 s")],
)
def test_a_distance_is_that_of_the_times_as_they_are_shown(at: str, words: str) -> None:
    origin = datetime.fromisoformat("2024-12-04T20:51:00.200Z")
    assert offset(datetime.fromisoformat(f"2024-12-04T{at}Z"), origin) == words


def test_the_lockfile_search_finds_flagged_versions_only(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "requirements.txt").write_text(
        "ultralytics==8.3.41 ; python_version > '3'\nother==8.3.42\nultralytics[x]==8.3.41\n"
    )
    (tmp_path / "poetry.lock").write_text('[[package]]\nname = "ultralytics"\nversion = "8.3.46"\n')
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "ultralytics"\nversion = "8.3.410"\n')
    (tmp_path / "constraints.txt").write_text("ultralytics==8.3.40\nultralytics-thop==8.3.41\n")
    command = next(block.text for block in blocks(documents.compromised()) if block.id == "lockfiles")
    found = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert sorted(re.findall(r"8\.3\.\d+", found)) == ["8.3.41", "8.3.41", "8.3.46"]


def test_the_lockfile_search_knows_npm(tmp_path: Path) -> None:
    doc = documents.compromised()
    doc["project"] |= {"ecosystem": "npm", "name": "@scope/thing"}
    (tmp_path / "package-lock.json").write_text('"node_modules/@scope/thing": {\n  "version": "8.3.41",\n')
    (tmp_path / "yarn.lock").write_text('"@scope/thing@^8.0.0":\n  version "8.3.42"\n\nother@^8:\n  version "8.3.45"\n')
    (tmp_path / "pnpm-lock.yaml").write_text("  '@scope/thing@8.3.40':\n  /@scope/thing@8.3.46:\n")
    command = next(block.text for block in blocks(doc) if block.id == "lockfiles")
    found = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert sorted(re.findall(r"8\.3\.\d+", found)) == ["8.3.41", "8.3.42", "8.3.46"]


def test_visible_covers_every_invisible_category() -> None:
    for number in range(0x110000):
        char = chr(number)
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"} and char != " ":
            assert HIDDEN.match(char), f"U+{number:04X}"
    assert visible("plain é 漢字 עברית") == "plain é 漢字 עברית"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://evil.example/a.b", "hxxps://evil[.]example/a.b"),
        ("HTTP://Evil.example", "HxxP://Evil[.]example".replace("HxxP", "HxxP")),
        ("https://github.com/a", "https://github.com/a"),
        ("https://github.com@evil.example/", "hxxps://github[.]com@evil[.]example/"),
        ("https://github.com:443/a", "https://github.com:443/a"),
        ("ftp://evil.example", "ftp[:]//evil[.]example"),
    ],
)
def test_a_url_is_defanged(url: str, shown: str) -> None:
    assert defang_text(url, {"github.com"}) == shown


def test_defang_in_prose_leaves_the_rest_alone() -> None:
    text = "see https://evil.example, www.evil.example and pkg:pypi/x@1.0 at https://github.com/x"
    assert defang_text(text, {"github.com"}) == (
        "see hxxps://evil[.]example, www[.]evil.example and pkg:pypi/x@1.0 at https://github.com/x"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com\\@evil.example",
        "https://github.com/a b",
        "https://github.com/x.whl",
        "https://github.com/ü",
        "//github.com/",
        "https://github.com.evil.example/",
        None,
    ],
)
def test_what_must_not_be_a_link(url: str | None) -> None:
    assert not linkable(url, frozenset({"github.com"}))


def test_no_version_is_the_anchor_of_another_release_or_of_a_part_of_one() -> None:
    versions = ["1.0.0", "1.0.0-f1", "1.0.0-h", "1.0.0-inside", "n1", "1.0.0-beta", "a b"]
    anchors = _anchors([made_releases.release(version, None, datetime(2026, 1, 1, tzinfo=UTC)) for version in versions])
    taken = {f"{anchor}-{part}" for anchor in anchors.values() for part in ("h", "inside", "changed", "rest", "f1")}
    assert len(set(anchors.values())) == len(versions)
    assert not taken & set(anchors.values())
    assert anchors["1.0.0-beta"] == "release-1.0.0-beta"
