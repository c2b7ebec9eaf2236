"""Release lines, version order and missing numbers."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.versions import PEP440
from forensics.timeline.lines import MAX_GAP, find_gaps, line_of

EVIDENCE = Path(__file__).resolve().parents[3] / "shared" / "evidence"
numbers = st.lists(st.integers(0, 40), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
versions = numbers | st.tuples(numbers, st.sampled_from(["a1", "rc2", ".post1", ".dev3", "+local", ""])).map("".join)


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("8.3.41", "8"),
        ("8", "8"),
        ("0.4.2", "0.4"),
        ("0.0.9", "0.0"),
        ("1!2.3", "1!2"),
        ("1!0.5", "1!0.5"),
        ("8.3.41rc1", "8"),
        ("v8.3.41", "8"),
        ("2004d", "other"),
        ("", "other"),
        ("9" * 5000, "other"),
    ],
)
def test_line_of(version: str, line: str) -> None:
    assert line_of(version) == line


def test_a_mapping_of_the_user_wins_by_whole_parts() -> None:
    mapping = {"8.3": "lts", "9": "next"}
    assert line_of("8.3.1", mapping) == "lts"
    assert line_of("8.3", mapping) == "lts"
    assert line_of("8.30.1", mapping) == "8"
    assert line_of("9.0", mapping) == "next"


@given(st.lists(versions | st.text(max_size=8), max_size=12))
def test_any_names_can_be_put_in_order(names: list[str]) -> None:
    ordered = sorted(names, key=PEP440.key)
    assert sorted(ordered, key=PEP440.key) == ordered
    known = [PEP440.parse(name) for name in ordered]
    assert known == [v for v in known if v is None] + sorted(v for v in known if v is not None)


def test_gaps_lie_between_final_releases_of_one_minor() -> None:
    (gap,) = find_gaps(["8.3.40", "8.3.43", "8.2.1", "8.3.44", "9.0.0"])
    assert (gap.missing, gap.after, gap.before, gap.line) == (("8.3.41", "8.3.42"), "8.3.40", "8.3.43", "8")


@pytest.mark.parametrize(
    "present",
    [
        [],
        ["1.0.0"],
        ["1.0.0", "1.0.1"],
        ["1.0.0", "1.1.2"],
        ["1.0", "1.2"],
        ["1.0.0", f"1.0.{MAX_GAP + 2}"],
        ["1.0.0.0", "1.0.0.4"],
        ["x", "1.0.0"],
    ],
)
def test_no_gap(present: list[str]) -> None:
    assert find_gaps(present) == ()


def test_the_longest_gap_that_counts() -> None:
    (gap,) = find_gaps(["1.0.0", f"1.0.{MAX_GAP + 1}"])
    assert len(gap.missing) == MAX_GAP


def test_a_candidate_does_not_fill_a_gap() -> None:
    (gap,) = find_gaps(["1.0.0", "1.0.1rc1", "1.0.2"])
    assert gap.missing == ("1.0.1",)


@given(st.sets(st.integers(0, 60), min_size=1, max_size=30))
def test_gaps_hold_exactly_the_numbers_that_are_not_there(patches: set[int]) -> None:
    gaps = find_gaps([f"3.1.{n}" for n in patches])
    missing = {int(v.rpartition(".")[2]) for gap in gaps for v in gap.missing}
    assert not missing & patches
    ordered = sorted(patches)
    expected = {n for low, high in pairwise(ordered) if high - low <= MAX_GAP + 1 for n in range(low + 1, high)}
    assert missing == expected


@pytest.mark.evidence
def test_the_real_index_misses_exactly_the_four_bad_releases() -> None:
    path = EVIDENCE / "ultralytics" / "pypi-simple-ultralytics.json"
    if not path.is_file():
        pytest.skip(f"the real answer of the index does not lie beside the checkout ({path.name})")
    listed = json.loads(path.read_text("utf-8"))["versions"]
    between = [v for v in listed if v.startswith("8.3.") and int(v.rpartition(".")[2]) <= 59]
    assert "8.3.0" in between
    assert "8.3.59" in between
    assert [v for gap in find_gaps(between) for v in gap.missing] == ["8.3.41", "8.3.42", "8.3.45", "8.3.46"]


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("1.2", "lts"),
        ("1.2.7", "lts"),
        ("1.2rc1", "lts"),
        ("1.2-beta.3", "lts"),
        ("1.2+build", "lts"),
        ("1.20", "old"),
        ("1.20rc1", "old"),
        ("1.1", "old"),
        ("1!1.2", "1!1"),
        ("12.0", "12"),
    ],
)
@pytest.mark.parametrize("mapping", [{"1": "old", "1.2": "lts"}, {"1.2": "lts", "1": "old"}])
def test_the_longest_prefix_of_a_users_mapping_counts(mapping: dict[str, str], version: str, line: str) -> None:
    assert line_of(version, mapping) == line
