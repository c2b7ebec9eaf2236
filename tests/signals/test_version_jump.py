"""Plausible successors, and others."""

from __future__ import annotations

import pytest

from forensics.model.finding import Family, Severity, Verdict
from forensics.signals.numbering import Numbering
from tests.signals.histories import Judged, day, identity, judged, release, series

ID = "version-jump"


def _then(version: str) -> Judged:
    return judged([*series(8, None), release(version, day(80))])


def test_fires_far_above_the_projects_steps() -> None:
    told = _then("1.0.99")
    hit = told.hit("1.0.99", ID)
    assert (hit.family, hit.severity) == (Family.TIME, Severity.LOW)
    assert hit.observed == "component 3 of its number moves by 92 from 1.0.7"
    assert hit.expected == "a step of at most 10, by 7 earlier steps (largest 1)"
    assert {"o-1.0.99", "o-1.0.7"} <= set(hit.evidence)
    assert told["1.0.99"].verdict is Verdict.NOTABLE


@pytest.mark.parametrize(
    "version",
    [
        "1.0.8",
        "1.0.17",
        "1.1",
        "1.1.0",
        "1.1.0rc1",
        "1.3.2",
        "1.0.7.post1",
        "1.0.7.dev3",
        "1.0.6.post1",
        "1.0.8a1",
        "2.0.0",
        "99.0.0",  # the first of its line
        "1.0.0.5",
    ],
)
def test_plausible_successors(version: str) -> None:
    assert _then(version).silent(version, ID)


@pytest.mark.parametrize("version", ["1.40.0", "1.1.77"])
def test_other_components_count_as_well(version: str) -> None:
    assert _then(version).finding(version, ID) is not None


def test_a_project_that_counts_by_dates_is_known_by_its_steps() -> None:
    dated = [release(f"2025.{100 * (n // 3 + 1) + 9 * (n % 3)}", day(n * 7)) for n in range(9)]
    assert judged([*dated, release("2025.420", day(90))]).silent("2025.420", ID)
    assert judged([*dated, release("2025.9000", day(90))]).finding("2025.9000", ID) is not None


def test_compared_with_the_highest_below_not_with_the_latest() -> None:
    told = judged([*series(8, None), release("1.0.99", day(80)), release("1.0.8", day(90))])
    assert told.silent("1.0.8", ID)
    again = judged([*series(8, None), release("1.0.99", day(80)), release("1.0.100", day(90))])
    assert again.silent("1.0.100", ID)


def test_flagged_releases_are_compared_with_but_teach_nothing() -> None:
    evil = identity(source_repository_identifier="666", name="evil/thing")
    told = judged([*series(8), release("1.0.500", day(80), evil), release("1.0.700", day(90))])
    assert told["1.0.500"].at_publish.flagged
    assert "from 1.0.500" in told.hit("1.0.700", ID).observed


def test_not_checked_on_few_steps_and_other_schemes() -> None:
    few = judged([*series(3, None), release("1.0.99", day(80))]).unchecked("1.0.99", ID)
    assert few is not None
    assert few.reason.startswith("fewer than 5 earlier steps")
    odd = judged([*series(8, None), release("final-really", day(80))]).unchecked("final-really", ID)
    assert odd is not None
    assert "PEP 440" in odd.reason


def test_one_and_one_point_zero_are_one_number() -> None:
    numbering = Numbering()
    numbering.add(release("1.0", day(0)), "1", usual=True)
    assert numbering.step_to("1.0.0", "1") is None
    assert numbering.step_to("0.9", "1") is None
    step = numbering.step_to("1.2", "1")
    assert step is not None
    assert step.sizes == ((1, 2),)
