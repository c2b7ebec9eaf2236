"""Some files attested, some not."""

from __future__ import annotations

from datetime import timedelta

from forensics.model.finding import Severity, Verdict
from forensics.model.release import Release
from tests.signals.histories import (
    UNSEEN,
    USUAL,
    artifact,
    attestation,
    day,
    judged,
    release,
    series,
)

ID = "provenance-partial"


def _partial(version: str, days: float, *, late: timedelta = timedelta(0)) -> Release:
    at = day(days)
    files = [
        artifact(f"{version}.tar.gz", at, [attestation(USUAL, at, f"{version}.tar.gz")]),
        artifact(f"{version}.whl", at + late, []),
    ]
    return release(version, at, files=files)


def test_fires_low_for_a_file_of_the_same_hour() -> None:
    told = judged([*series(4), _partial("1.0.4", 30)])
    hit = told.hit("1.0.4", ID)
    assert hit.severity is Severity.LOW
    assert hit.observed == "1 of its 2 files not attested: 1.0.4.whl"
    assert "all 4 earlier releases" in hit.expected
    assert {"o-file-1.0.4.whl", "o-provenance-1.0.4.whl", "o-attestation-1.0.4.tar.gz"} <= set(hit.evidence)


def test_fires_medium_for_a_file_that_came_later_and_only_with_hindsight() -> None:
    told = judged([*series(4), _partial("1.0.4", 30, late=timedelta(hours=3))])
    hit = told.hit("1.0.4", ID)
    assert hit.severity is Severity.MEDIUM
    assert "1.0.4.whl came 3 h after the attested ones" in hit.observed
    assert not hit.knowable_at_publish
    assert told["1.0.4"].at_publish.rank < Verdict.SUSPICIOUS.rank


def test_a_project_whose_releases_are_always_partial_is_silent() -> None:
    told = judged([_partial(f"1.0.{n}", n * 7) for n in range(5)])
    assert told.silent("1.0.4", ID)


def test_all_or_nothing_is_silent() -> None:
    told = judged([*series(4), *series(1, None, first=4, start=40)])
    assert told.silent("1.0.3", ID)
    assert told.silent("1.0.4", ID)


def test_not_checked_when_one_file_is_unknown_and_without_anything_to_compare_with() -> None:
    at = day(30)
    files = [artifact("a.whl", at, [attestation(USUAL, at, "a")]), artifact("b.whl", at, UNSEEN)]
    assert judged([*series(4), release("1.0.4", at, files=files)]).unchecked("1.0.4", ID) == UNSEEN
    first = judged([_partial("1.0.0", 0)]).unchecked("1.0.0", ID)
    assert first is not None
    assert "no earlier release" in first.reason
    after_unknown = judged([*series(4, UNSEEN), _partial("1.0.4", 30)]).unchecked("1.0.4", ID)
    assert after_unknown is not None
    assert "the provenance of earlier releases" in after_unknown.reason


def test_capped_where_the_line_is_new() -> None:
    hit = judged([*series(4), _partial("2.0.0", 30, late=timedelta(hours=3))]).hit("2.0.0", ID)
    assert hit.severity is Severity.LOW
    assert hit.note
