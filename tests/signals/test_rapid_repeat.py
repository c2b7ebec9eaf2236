"""Right after the release before it in its line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from forensics.model.finding import Family, Severity, Verdict
from tests.signals.histories import START, UNSEEN, Judged, day, identity, judged, release, series

ID = "rapid-repeat"


def _after(gap: timedelta, every: float = 7) -> Judged:
    past = series(8, None, every=every)
    assert past[-1].published
    return judged([*past, release("1.0.8", past[-1].published + gap)])


def test_fires_below_half_an_hour() -> None:
    told = _after(timedelta(minutes=13))
    hit = told.hit("1.0.8", ID)
    assert (hit.family, hit.severity) == (Family.TIME, Severity.LOW)
    assert hit.observed == "published 13 min after 1.0.7"
    assert {"o-1.0.8", "o-1.0.7"} <= set(hit.evidence)
    assert told["1.0.8"].verdict is Verdict.NOTABLE
    assert told.silent("1.0.7", ID)  # it belongs to the later of the pair


def test_a_slow_project_is_measured_by_its_own_gaps_up_to_a_day() -> None:
    assert _after(timedelta(hours=20)).hit("1.0.8", ID).expected.startswith("at least 1 d between releases")
    assert _after(timedelta(hours=24)).silent("1.0.8", ID)


@pytest.mark.parametrize("minutes", [30, 45])
def test_a_quick_project_is_not_alarmed_above_half_an_hour(minutes: int) -> None:
    assert _after(timedelta(minutes=minutes), every=1 / 48).silent("1.0.8", ID)


def test_flagged_releases_count_as_the_one_before() -> None:
    evil = identity(source_repository_identifier="666", name="evil/thing")
    told = judged([*series(8), release("1.0.8", day(60), evil), release("1.0.9", day(60) + timedelta(minutes=9))])
    assert told["1.0.8"].verdict.flagged
    assert told.hit("1.0.9", ID).observed == "published 9 min after 1.0.8"


def test_another_line_is_no_repeat() -> None:
    told = judged([*series(8, None), release("2.0.0", day(49) + timedelta(minutes=3))])
    assert told.silent("2.0.0", ID)


def test_not_checked_with_few_gaps_or_without_times() -> None:
    told = judged([release("1.0.0", START), release("1.0.1", START + timedelta(minutes=3))])
    unchecked = told.unchecked("1.0.1", ID)
    assert unchecked is not None
    assert unchecked.reason.startswith("fewer than 5 earlier gaps")
    assert told.silent("1.0.0", ID)
    assert judged([*series(6, None), release("1.0.9", None, UNSEEN)]).unchecked("1.0.9", ID) is not None
